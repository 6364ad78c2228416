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

#if defined(MODEL_RUNS_BLOCKS)
/* Sequences side by side, 1 or MODEL_SHARING: x [sequence][seq][MODEL_INPUT_SIZE], block by block. */
MODEL_STATIC void model_run_blocks(model_state *states, size_t sequences, const int16_t *x,
                                   size_t seq, int32_t *y)
{
    model_block block = {0, sequences, sizeof(model_state) / sizeof(int32_t)};
    int16_t samples[MODEL_SAMPLES * MODEL_INPUT_SIZE];
#if MODEL_EVERY_STEP
    int32_t answers[MODEL_SAMPLES * MODEL_OUTPUT_SIZE];
    size_t k;
#else
    int32_t *const answers = y; /* to the steps so far */
#endif
    size_t t, s;
    for (s = 0; s < sequences; s++) {
        model_reset(states + s);
    }
    for (t = 0; t < seq; t += block.steps) {
        const size_t most = MODEL_SAMPLES / sequences;
        block.steps = seq - t < most ? seq - t : most;
        for (s = 0; s < block.steps * sequences; s++) { /* [step][sequence] */
            const size_t place = s % sequences * seq + t + s / sequences;
            model_copy(x + place * MODEL_INPUT_SIZE, samples + s * MODEL_INPUT_SIZE,
                       MODEL_INPUT_SIZE);
        }
        model_chain_block(states, &block, samples, answers);
#if MODEL_EVERY_STEP
        for (s = 0; s < block.steps * sequences; s++) {
            const size_t place = s % sequences * seq + t + s / sequences;
            for (k = 0; k < MODEL_OUTPUT_SIZE; k++) {
                y[place * MODEL_OUTPUT_SIZE + k] = answers[s * MODEL_OUTPUT_SIZE + k];
            }
        }
#endif
    }
}

void model_run_q(model_state *state, const int16_t *x, size_t seq, int32_t *y)
{
    model_run_blocks(state, 1, x, seq, y);
}
#else
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
#endif

#ifdef MODEL_BATCHES
void model_run_batch_q(const int16_t *x, size_t batch, size_t seq, int32_t *y)
{
#if MODEL_EVERY_STEP
    const size_t answers = seq * MODEL_OUTPUT_SIZE;
#else
    const size_t answers = MODEL_OUTPUT_SIZE;
#endif
#if defined(MODEL_RUNS_BLOCKS)
    model_state states[MODEL_SHARING];
    for (; batch >= MODEL_SHARING; batch -= MODEL_SHARING) {
        model_run_blocks(states, MODEL_SHARING, x, seq, y);
        x += MODEL_SHARING * seq * MODEL_INPUT_SIZE;
        y += MODEL_SHARING * answers;
    }
#else
    model_state states[1];
#endif
    for (; batch > 0; batch--) {
        model_run_q(states, x, seq, y);
        x += seq * MODEL_INPUT_SIZE;
        y += answers;
    }
}
#endif
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
