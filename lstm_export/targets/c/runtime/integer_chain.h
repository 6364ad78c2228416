/* The chain of a model in whole numbers. An example: the writer puts the model's own in its place. */
#ifndef MODEL_INTEGER_CHAIN_H
#define MODEL_INTEGER_CHAIN_H

#include "integer_joins.c"

/* unit by unit the rows i, f, g, o for x, then those for h */
static const int16_t model_layer_0[16] MODEL_FLASH MODEL_ALIGNED = {
    16384, 0, -16384, 0, 24576, 0, 16384, 0, 16384, 0, 16384, 0, -16384, 0, 16384, 0,
};

/* its biases */
static const int32_t model_layer_0_biases[4] MODEL_FLASH MODEL_ALIGNED = {
    0, 262144, 0, 0,
};

/* shifts of its rows */
static const uint8_t model_layer_0_shifts[8] MODEL_FLASH MODEL_ALIGNED = {
    1, 2, 1, 0, 6, 4, 4, 5,
};

MODEL_LANES(model_layer_0_lanes, 4, model_layer_0, model_layer_0_biases, model_layer_0_shifts, 1, 1, 1)
static const model_layer model_layer_0_2 = {
    model_layer_0, model_layer_0_biases, model_layer_0_shifts, 1, 1, 1, 2, 0, 0, 0,
    MODEL_WITH_LANES(model_layer_0_lanes, 4)
};

/* weights of a linear stage, 1 rows */
static const int16_t model_linear_2[2] MODEL_FLASH MODEL_ALIGNED = {
    16384, 0,
};

/* shifts of its rows */
static const uint8_t model_linear_shifts[1] MODEL_FLASH MODEL_ALIGNED = {
    0,
};

/* its biases */
static const int32_t model_linear_biases[1] MODEL_FLASH MODEL_ALIGNED = {
    262144,
};

MODEL_STATIC const int32_t model_initial_wide[1] MODEL_FLASH = {
    -8388608,
};

MODEL_STATIC const int16_t model_initial_narrow[1] MODEL_FLASH = {
    16384,
};

MODEL_STATIC const float model_units[1] = {
    0.000244140625f,
};
MODEL_STATIC const float model_zeros[1] = {
    0.0f,
};
MODEL_STATIC const float model_unit = 9.53674316e-07f;

/* One step: x -> y, over the state. */
MODEL_STATIC void model_chain(int32_t *wide, int16_t *narrow, const int16_t *x, int32_t *y)
{
    model_lstm(&model_layer_0_2, x, narrow + 0, wide + 0);
    model_linear(model_linear_2, model_linear_shifts, model_linear_biases, narrow + 0, y, 1, 1, 1);
}

#if defined(MODEL_KERNEL_AVX512)
/* A block: x [step][sequence] -> y [sequence], or of every step, over the states. */
MODEL_STATIC void model_chain_block(model_state *states, const model_block *block, const int16_t *x, int32_t *y)
{
    const size_t samples = block->steps * block->sequences;
    int32_t *const wide = states->wide;
    int16_t *const narrow = states->narrow;
    int16_t a[MODEL_SAMPLES * 1];
    model_layer_block(&model_layer_0_2, x, narrow + 0, wide + 0, a, block);
    model_linear(model_linear_2, model_linear_shifts, model_linear_biases, a, y, samples, 1, 1);
}

#endif

#endif
