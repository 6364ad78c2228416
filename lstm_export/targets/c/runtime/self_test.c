/* Golden vectors: inputs that look for trouble, the answers of a float64 evaluation, and how far
   float rounding may lead from them. */
#ifndef MODEL_SELF_TEST_H
#define MODEL_SELF_TEST_H

#include "api.c"
#include "golden.h"

#if MODEL_SELF_TEST
MODEL_STATIC void model_read_floats(float *to, const float *from, size_t n)
{
    for (; n > 0; n--, to++, from++) {
        *to = MODEL_READ(from);
        MODEL_NO_LIBRARY_CALL;
    }
}

int model_self_test(void)
{
    const float *x = model_test_x, *expected = model_test_y, *bound = model_test_bounds;
    size_t vector, k;
    for (vector = 0; vector < MODEL_TEST_COUNT; vector++) {
        const size_t steps = MODEL_READ(model_test_steps + vector), answers = MODEL_ANSWERS(steps);
        float y[MODEL_ANSWERS(MODEL_TEST_LONGEST) * MODEL_OUTPUT_SIZE];
#if MODEL_STREAMS
        model_state state;
        size_t t;
        model_reset(&state);
        for (t = 0; t < steps; t++) {
            float x_t[MODEL_INPUT_SIZE];
            model_read_floats(x_t, x + t * MODEL_INPUT_SIZE, MODEL_INPUT_SIZE);
            model_step(&state, x_t, y + (t < answers ? t : 0) * MODEL_OUTPUT_SIZE);
        }
#else
        float scratch[MODEL_STATE_SIZE + MODEL_HIDDEN_WIDTH + MODEL_DECODED_FLOATS +
                      MODEL_TEST_LONGEST * (MODEL_BUFFER_WIDTH + MODEL_ROW(MODEL_LAYER_SUMS))];
        float inputs[MODEL_TEST_LONGEST * MODEL_INPUT_SIZE];
        model_read_floats(inputs, x, steps * MODEL_INPUT_SIZE);
        model_run(inputs, steps, y, scratch);
#endif
        x += steps * MODEL_INPUT_SIZE;
        for (k = 0; k < answers * MODEL_OUTPUT_SIZE; k++, expected++, bound++) {
            const float right = MODEL_READ(expected);
            const float error = y[k] < right ? right - y[k] : y[k] - right;
            if (!(error <= MODEL_READ(bound))) { /* NaN, too */
                return (int)vector + 1;
            }
        }
    }
    return 0;
}
#endif

#endif
