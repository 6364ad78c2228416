/* Sequences with the answers of the definition, which must come out bit for bit. */
#ifndef MODEL_INTEGER_SELF_TEST_H
#define MODEL_INTEGER_SELF_TEST_H

#include "integer_api.c"
#include "integer_golden.h"

#if MODEL_SELF_TEST
#if MODEL_EVERY_STEP
#define MODEL_ANSWERS(steps) (steps)
#else
#define MODEL_ANSWERS(steps) 1
#endif

/* n values out of where constants lie. */
MODEL_STATIC void model_fetch(const int16_t *constants, int16_t *out, size_t n)
{
    for (; n > 0; n--, constants++) {
        *out++ = (int16_t)MODEL_READ(constants);
        MODEL_NO_LIBRARY_CALL;
    }
}

#if MODEL_STREAMS
MODEL_STATIC void model_keep(const model_state *from, model_state *to)
{
    size_t k;
    for (k = 0; k < MODEL_WIDE_SIZE; k++) {
        to->wide[k] = from->wide[k];
        MODEL_NO_LIBRARY_CALL;
    }
    model_copy(from->narrow, to->narrow, MODEL_NARROW_SIZE);
}

/* A sequence step by step from the initial state. Half-way the state is kept aside, other steps are
   taken, and it is put back. */
MODEL_STATIC void model_test_run(const int16_t *x, size_t steps, int32_t *y)
{
    model_state state, kept;
    int16_t sample[MODEL_INPUT_SIZE];
    size_t t;
    model_fetch(x, sample, MODEL_INPUT_SIZE);
    model_reset(&state);
    for (t = 0; t < steps; t++) {
        if (t == steps / 2) {
            int32_t other[MODEL_OUTPUT_SIZE];
            model_keep(&state, &kept);
            model_step_q(&state, sample, other);
            model_reset(&state);
            model_step_q(&state, sample, other);
            model_keep(&kept, &state);
        }
        model_fetch(x + t * MODEL_INPUT_SIZE, sample, MODEL_INPUT_SIZE);
        model_step_q(&state, sample,
                     y + (MODEL_ANSWERS(steps) > 1 ? t : 0) * MODEL_OUTPUT_SIZE);
    }
}
#else
MODEL_STATIC void model_test_run(const int16_t *x, size_t steps, int32_t *y)
{
    int32_t scratch[MODEL_WIDE_SIZE + MODEL_NARROW_SIZE +
                    MODEL_TEST_LONGEST * (MODEL_WIDE_WIDTH + MODEL_NARROW_WIDTH) + 1];
    int16_t samples[MODEL_TEST_LONGEST * MODEL_INPUT_SIZE];
    model_fetch(x, samples, steps * MODEL_INPUT_SIZE);
    model_run_q(samples, steps, y, scratch);
}
#endif

int model_self_test(void)
{
    const int16_t *x = model_test_x;
    const int32_t *expected = model_test_y;
    int sequence;
    for (sequence = 0; sequence < MODEL_TEST_COUNT; sequence++) {
        const size_t steps = MODEL_READ(model_test_steps + sequence);
        int32_t y[MODEL_ANSWERS(MODEL_TEST_LONGEST) * MODEL_OUTPUT_SIZE];
        size_t k;
        model_test_run(x, steps, y);
        for (k = 0; k < MODEL_ANSWERS(steps) * MODEL_OUTPUT_SIZE; k++) {
            if (y[k] != MODEL_READ(expected)) {
                return sequence + 1;
            }
            expected++;
        }
        x += steps * MODEL_INPUT_SIZE;
    }
    return 0;
}
#endif

#endif
