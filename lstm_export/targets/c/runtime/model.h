#ifndef model_H /* in the name's own case, unlike the macros */
#define model_H
#ifdef MODEL_INPUT_SIZE
#error "the macros of another model begin with MODEL_, too: export one of both with another --name"
#endif

#include <stddef.h>

#include "choices.h"

#define MODEL_INPUT_SIZE 1
#define MODEL_OUTPUT_SIZE 1
#define MODEL_STATE_SIZE 2 /* floats that are carried from step to step */
#if MODEL_WINDOWS
#define MODEL_WINDOW_STEPS 4 /* samples in a window, as the model was trained on */
#define MODEL_WINDOW_LEAST 4 /* samples in the shortest window that it was trained on */
#endif

#if MODEL_LAST_STEPS
#define MODEL_LEAST_STEPS 1 /* of a sequence that has an answer; y stays as it is for a shorter one */
#endif

#ifdef __cplusplus
extern "C" {
#endif

#if MODEL_STREAMS
/* What is carried from step to step. */
typedef struct {
    float values[MODEL_STATE_SIZE];
    unsigned turn;
} model_state;

/* The state before the first step. */
void model_reset(model_state *state);

/* One time step: x [MODEL_INPUT_SIZE] -> y [MODEL_OUTPUT_SIZE], the answer to all steps since the
   last reset. */
#if MODEL_WINDOWS
/* An endless stream: the model was trained on windows of MODEL_WINDOW_STEPS samples, each from the
   initial state, and was never shown how it answers to more. model_window_push answers as in
   training. */
#endif
void model_step(model_state *state, const float *x, float *y);

#endif
/* Floats of scratch memory that a call of model_run (batch = 1) or model_run_batch needs. */
size_t model_scratch_floats(size_t batch, size_t seq);

#if MODEL_EVERY_STEP
/* A whole sequence from the initial state: x [seq][MODEL_INPUT_SIZE] -> y [seq][MODEL_OUTPUT_SIZE];
   seq at least 1. */
#else
/* A whole sequence from the initial state: x [seq][MODEL_INPUT_SIZE] -> y [MODEL_OUTPUT_SIZE]; seq
   at least 1. */
#endif
void model_run(const float *x, size_t seq, float *y, float *scratch);

/* Many sequences: x [batch][seq][MODEL_INPUT_SIZE] -> y [batch] times what model_run gives. */
void model_run_batch(const float *x, size_t batch, size_t seq, float *y, float *scratch);

#if MODEL_WINDOWS
/* The last samples, MODEL_WINDOW_STEPS at most, oldest first. */
typedef struct {
    float samples[MODEL_WINDOW_STEPS * MODEL_INPUT_SIZE];
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
#if MODEL_STREAMS
/* Adds the sample x [MODEL_INPUT_SIZE] and writes to y what model_run answers to the samples in the
   window. Returns how many these are, or 0 while there are fewer than MODEL_WINDOW_LEAST: there is
   no answer yet, and y stays as it is. Takes the time of as many steps. */
unsigned model_window_push(model_window *window, const float *x, float *y);
#else
/* Adds the sample x [MODEL_INPUT_SIZE] and writes to y what model_run answers to the samples in the
   window. Returns how many these are, or 0 while there are fewer than MODEL_WINDOW_LEAST: there is
   no answer yet, and y stays as it is. Takes the time of model_run, and
   model_scratch_floats(1, MODEL_WINDOW_STEPS) floats of scratch. */
unsigned model_window_push(model_window *window, const float *x, float *y, float *scratch);
#endif

#endif
#if MODEL_SELF_TEST
/* 0 if the model computes here what it must, within float rounding; otherwise the number of the
   vector that failed. */
int model_self_test(void);

#endif
#ifdef __cplusplus
}
#endif

#endif
