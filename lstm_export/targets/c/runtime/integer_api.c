/* The functions of integer.h, around the chain that the writer makes. */
#ifndef MODEL_INTEGER_API_H
#define MODEL_INTEGER_API_H

#include "integer_chain.h"

#if MODEL_FAR
#if defined(__AVR__)
#error "an AVR reads 64 kB of flash; these constants are larger: export int8 weights or a smaller model"
#endif
#endif

/* The state before the first step. */
MODEL_STATIC void model_start(int32_t *wide, int16_t *narrow)
{
    size_t k;
    for (k = 0; k < MODEL_WIDE_SIZE; k++) {
#if MODEL_INITIAL_STATE
        wide[k] = MODEL_READ(model_initial_wide + k);
#else
        wide[k] = 0;
#endif
        MODEL_NO_LIBRARY_CALL;
    }
    for (k = 0; k < MODEL_NARROW_SIZE; k++) {
#if MODEL_INITIAL_STATE
        narrow[k] = MODEL_READ(model_initial_narrow + k);
#else
        narrow[k] = 0;
#endif
        MODEL_NO_LIBRARY_CALL;
    }
}

#if MODEL_STREAMS
void model_reset(model_state *self)
{
    model_start(self->wide, self->narrow);
}

void model_step_q(model_state *self, const int16_t *x, int32_t *y)
{
    model_chain(self->wide, self->narrow, x, y);
}

void model_run_q(model_state *state, const int16_t *x, size_t seq, int32_t *y)
{
    size_t t;
    model_reset(state);
    for (t = 0; t < seq; t++) {
        model_step_q(state, x + t * MODEL_INPUT_SIZE, y);
#if MODEL_EVERY_STEP
        y += MODEL_OUTPUT_SIZE;
#endif
    }
}
#else
size_t model_scratch_words(size_t seq)
{
    const size_t halves = MODEL_NARROW_SIZE + seq * MODEL_NARROW_WIDTH;
    return MODEL_WIDE_SIZE + seq * MODEL_WIDE_WIDTH + (halves + 1) / 2;
}

void model_run_q(const int16_t *x, size_t seq, int32_t *y, int32_t *scratch)
{
    int16_t *narrow = (int16_t *)(scratch + MODEL_WIDE_SIZE + seq * MODEL_WIDE_WIDTH);
#if MODEL_LAST_STEPS
    if (seq < MODEL_LEAST_STEPS) {
        return;
    }
#endif
    model_start(scratch, narrow);
    model_chain(scratch, narrow, x, seq, y, scratch + MODEL_WIDE_SIZE, narrow + MODEL_NARROW_SIZE);
}
#endif

#if MODEL_FLOATS
void model_counts(const float *x, int16_t *counts)
{
    size_t k;
    for (k = 0; k < MODEL_INPUT_SIZE; k++) {
        float count = (x[k] - model_zeros[k]) / model_units[k];
        count = count < 32767.0f ? count : 32767.0f; /* NaN, too */
        count = count > -32767.0f ? count : -32767.0f;
        counts[k] = (int16_t)(count < 0.0f ? count - 0.5f : count + 0.5f);
    }
}

void model_values(const int32_t *answers, size_t n, float *values)
{
    size_t k;
    for (k = 0; k < n; k++) {
        values[k] = (float)answers[k] * model_unit;
    }
}
#endif

#endif
