/* The sequences of model_self_test in whole numbers. An example: the writer puts the model's own in its place. */
#ifndef MODEL_INTEGER_GOLDEN_H
#define MODEL_INTEGER_GOLDEN_H

#include "integer_rows.c"

#define MODEL_TEST_COUNT 6
#define MODEL_TEST_LONGEST 12

MODEL_STATIC const unsigned model_test_steps[] = {1, 12, 12, 5, 5, 4};
MODEL_STATIC const int16_t model_test_x[] = {
    -2194, -2229, -1296, 1686, 4270, -526, 5597, -2725, 1440, 3701, 385, -3045, -3775, 23165, -32767, -32767,
    -32767, -32767, 32767, 32767, 32767, -32767, 32767, -32767, 32767, 0, 0, 0, 0, 0, 12288, 12288,
    12288, -12288, 12288, 32767, -32768, -32768, 32767,
};
MODEL_STATIC const int32_t model_test_y[] = {
    -219840, -218176, -154240, 70720, 739520, 404096, 1161600, 423680, 596032, 987136, 640640, 285248, 139840, 1548224, 262656, 262528,
    262528, 262464, 1958464, 2110656, 2154880, 262912, 2101504, 262912, 2085568, -265664, -35328, 77504, 149504, 193792, 1167872, 1866304,
    2088448, 362432, 2055552, 1680448, 262656, 262592, 1993984,
};

#endif
