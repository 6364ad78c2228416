#ifndef model_H /* in the name's own case, unlike the macros */
#define model_H
#ifdef MODEL_INPUT_SIZE
#error "the macros of another model begin with MODEL_, too: export one of both with another --name"
#endif

#include <stddef.h>
#include <stdint.h>

#define MODEL_INTEGER 1 /* this interface takes whole numbers */

#include "choices.h"

#define MODEL_INPUT_SIZE 1
#define MODEL_OUTPUT_SIZE 1
#define MODEL_ANSWER_BITS 20 /* an answer is its count / 2^MODEL_ANSWER_BITS */
#define MODEL_WIDE_SIZE 1 /* of the state: c of an LSTM, h of a GRU */
#define MODEL_NARROW_SIZE 1 /* of the state: h */
#if MODEL_LAST_STEPS
#define MODEL_LEAST_STEPS 1 /* of a sequence that has an answer; y stays as it is for a shorter one */
#endif
#if MODEL_WINDOWS
#define MODEL_WINDOW_STEPS 4 /* samples in a window, as the model was trained on */
#define MODEL_WINDOW_LEAST 4 /* samples in the shortest window that it was trained on */
#endif

#ifdef __cplusplus
extern "C" {
#endif

#if MODEL_STREAMS
/* What is carried from step to step. */
typedef struct {
    int32_t wide[MODEL_WIDE_SIZE];
    int16_t narrow[MODEL_NARROW_SIZE];
} model_state;

/* The state before the first step. */
void model_reset(model_state *state);

/* One time step: x [MODEL_INPUT_SIZE] -> y [MODEL_OUTPUT_SIZE], the answer to all steps since the
   last reset. */
#if MODEL_WINDOWS
/* An endless stream: the model was trained on windows of MODEL_WINDOW_STEPS samples, each from the
   initial state, and was never shown how it answers to more. model_window_push_q answers as in
   training. */
#endif
void model_step_q(model_state *state, const int16_t *x, int32_t *y);

#if MODEL_EVERY_STEP
/* A whole sequence from the initial state, which `state` need not hold: x [seq][MODEL_INPUT_SIZE] ->
   y [seq][MODEL_OUTPUT_SIZE]; seq at least 1. */
#else
/* A whole sequence from the initial state, which `state` need not hold: x [seq][MODEL_INPUT_SIZE] ->
   y [MODEL_OUTPUT_SIZE]; seq at least 1. */
#endif
void model_run_q(model_state *state, const int16_t *x, size_t seq, int32_t *y);

#ifdef MODEL_BATCHES /* of a host: a board has no room for it */
/* Many sequences: x [batch][seq][MODEL_INPUT_SIZE] -> y [batch] times what model_run_q gives. */
void model_run_batch_q(const int16_t *x, size_t batch, size_t seq, int32_t *y);

#endif
#else
/* Words of scratch memory that a call of model_run_q needs. */
size_t model_scratch_words(size_t seq);

#if MODEL_EVERY_STEP
/* A whole sequence: x [seq][MODEL_INPUT_SIZE] -> y [seq][MODEL_OUTPUT_SIZE]; seq at least 1. */
#else
/* A whole sequence: x [seq][MODEL_INPUT_SIZE] -> y [MODEL_OUTPUT_SIZE]; seq at least 1. */
#endif
void model_run_q(const int16_t *x, size_t seq, int32_t *y, int32_t *scratch);

#endif
#if MODEL_WINDOWS
/* The last samples, MODEL_WINDOW_STEPS at most, oldest first. */
typedef struct {
    int16_t samples[MODEL_WINDOW_STEPS * MODEL_INPUT_SIZE];
    unsigned count;
#if MODEL_STREAMS
    model_state state;
#endif
} model_window;

/* No samples yet. */
void model_window_reset(model_window *window);

#if MODEL_EVERY_STEP
/* y [MODEL_WINDOW_STEPS][MODEL_OUTPUT_SIZE]: every push answers to every sample in the window. */
#endif
/* Adds the sample x [MODEL_INPUT_SIZE] and writes to y what model_run_q answers to the samples in
   the window. Returns how many these are, or 0 while there are fewer than MODEL_WINDOW_LEAST: there
   is no answer yet, and y stays as it is. Takes the time of as many steps. */
#if MODEL_STREAMS
unsigned model_window_push_q(model_window *window, const int16_t *x, int32_t *y);
#else
unsigned model_window_push_q(model_window *window, const int16_t *x, int32_t *y, int32_t *scratch);
#endif

#endif
#if MODEL_FLOATS
/* Values in the model's own units as counts, to the nearest, and answers as values: the only floats
   here. x [MODEL_INPUT_SIZE] -> counts [MODEL_INPUT_SIZE]; a value that does not fit is cut, NaN to the
   largest count. */
void model_counts(const float *x, int16_t *counts);

/* answers [n] -> values [n]. */
void model_values(const int32_t *answers, size_t n, float *values);

#endif
#if MODEL_SELF_TEST
/* 0 if the model computes here what it must, bit for bit, step by step, after resets and from a
   state that was kept; otherwise the number of the sequence that failed. */
int model_self_test(void);

#endif
#ifdef __cplusplus
}
#endif

#endif
