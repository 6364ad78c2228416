#ifndef MODEL_H
#define MODEL_H

#include <stddef.h>

#include "choices.h"

#define MODEL_INPUT_SIZE 1
#define MODEL_OUTPUT_SIZE 1
#define MODEL_STATE_SIZE 2 /* floats that are carried from step to step */

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

#if MODEL_SELF_TEST
/* 0 if the model computes here what it must, within float rounding; otherwise the number of the
   vector that failed. */
int model_self_test(void);

#endif
#ifdef __cplusplus
}
#endif

#endif
