/* Times the generated C with vectors of four, as WebAssembly has them: {"step": us, "sequence": us}, the least of 40 rounds as
   wasm_steps.mjs takes them. */
#define _POSIX_C_SOURCE 199309L
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "model.h"

enum { INPUTS = MODEL_INPUT_SIZE, OUTPUTS = MODEL_OUTPUT_SIZE, SEQ = 100, ROUNDS = 40, STEPS = 300, SEQUENCES = 5 };

static double microseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec * 1e-3;
}

int main(void)
{
    static float x[SEQ * INPUTS], y[SEQ * OUTPUTS];
    static model_state state;
    float *scratch = malloc(model_scratch_floats(1, SEQ) * sizeof *scratch);
    double step = INFINITY, sequence = INFINITY;
    int round, k;
    if (scratch == NULL) {
        return 1;
    }
    for (k = 0; k < SEQ * INPUTS; k++) {
        x[k] = sinf((float)k);
    }
    model_reset(&state);
    for (round = 0; round < ROUNDS; round++) {
        double start = microseconds();
        for (k = 0; k < STEPS; k++) {
            model_step(&state, x, y);
        }
        step = fmin(step, (microseconds() - start) / STEPS);
        start = microseconds();
        for (k = 0; k < SEQUENCES; k++) {
            model_run(x, SEQ, y, scratch);
        }
        sequence = fmin(sequence, (microseconds() - start) / SEQUENCES);
    }
    printf("{\"step\": %.3f, \"sequence\": %.3f}\n", step, sequence);
    free(scratch);
    return 0;
}
