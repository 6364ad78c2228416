/* Written by lstm-export VERSION: DESCRIPTION

   All values are float. x is [IN_SIZE] a step, in the model's own units; y is Y_SHAPE. Memory is the caller's; nothing
   here allocates or keeps any, so calls with different memory may run at the same time. */
#ifndef MACRO_H
#define MACRO_H

#include <stddef.h>

#define MACRO_INPUT_SIZE IN_SIZE
#define MACRO_OUTPUT_SIZE OUT_SIZE
#define MACRO_STATE_SIZE STATE_FLOATS /* floats that are carried from step to step */

#ifdef __cplusplus
extern "C" {
#endif

//@if step
/* What is carried from step to step. */
typedef struct {
    float values[MACRO_STATE_SIZE];
    unsigned turn;
} NAME_state;

/* The state before the first step. */
void NAME_reset(NAME_state *state);

/* One time step: x [MACRO_INPUT_SIZE] -> y [MACRO_OUTPUT_SIZE], the answer to all steps since the last reset. */
void NAME_step(NAME_state *state, const float *x, float *y);

//@end
/* Floats of scratch memory that a call of NAME_run (batch = 1) or NAME_run_batch needs. */
size_t NAME_scratch_floats(size_t batch, size_t seq);

/* A whole sequence from the initial state: x [seq][MACRO_INPUT_SIZE] -> y Y_SHAPE; seq at least 1. */
void NAME_run(const float *x, size_t seq, float *y, float *scratch);

/* Many sequences: x [batch][seq][MACRO_INPUT_SIZE] -> y [batch]Y_SHAPE. */
void NAME_run_batch(const float *x, size_t batch, size_t seq, float *y, float *scratch);

//@if self_test
/* 0 if the model computes here what it must, within float rounding; otherwise the number of the vector that failed. */
int NAME_self_test(void);

//@end
#ifdef __cplusplus
}
#endif

#endif
