/* The stages that take several values, and the one that picks columns. None of them is inlined: a
   compiler that contracts a * b + c would join the product of one stage with the sum of the next in
   a step, and not in a pass. */
#ifndef MODEL_JOINS_H
#define MODEL_JOINS_H

#include "vectors.h"

#if MODEL_JOIN_ADD || MODEL_JOIN_SUBTRACT || MODEL_JOIN_MULTIPLY || MODEL_JOIN_DIVIDE
/* x [step][n] and y [step][n] -> out [step][n], which may be either of them; n counts lanes. From
   one step to the next it is x_gap floats, n, or 0 for a row that goes to every step. */
#define MODEL_JOIN(name, operator)                                                               \
    MODEL_NOINLINE void model_##name(const float *x, size_t x_gap, const float *y, size_t y_gap, \
                                     float *out, size_t steps, size_t n)                         \
    {                                                                                            \
        size_t t, k;                                                                             \
        for (t = 0; t < steps; t++, x += x_gap, y += y_gap, out += n) {                          \
            for (k = 0; k < n; k++) {                                                            \
                out[k] = x[k] operator y[k];                                                     \
            }                                                                                    \
        }                                                                                        \
    }
#endif

#if MODEL_JOIN_ADD
MODEL_JOIN(add, +)
#endif
#if MODEL_JOIN_SUBTRACT
MODEL_JOIN(subtract, -)
#endif
#if MODEL_JOIN_MULTIPLY
MODEL_JOIN(multiply, *)
#endif
#if MODEL_JOIN_DIVIDE
MODEL_JOIN(divide, /)
#endif

#if MODEL_JOIN_CONCAT
/* x [step][nx] into the columns of y [step][ny] that begin at y; both count lanes, and x_gap is as
   above. */
MODEL_NOINLINE void model_concat(const float *x, size_t x_gap, size_t nx, float *y, size_t ny,
                                 size_t steps)
{
    size_t t;
    for (t = 0; t < steps; t++, x += x_gap, y += ny) {
        model_copy(y, x, nx);
    }
}
#endif

#if MODEL_SLICE
/* Columns of x [step][nx][lane] -> y [step][count][lane], in the order of `features`. */
MODEL_NOINLINE void model_columns(const unsigned *features, size_t count, const float *x, size_t nx,
                                  float *y, size_t steps, size_t lanes)
{
    size_t t, k;
    for (t = 0; t < steps; t++, x += nx * lanes) {
        for (k = 0; k < count; k++, y += lanes) {
            model_copy(y, x + MODEL_READ(features + k) * lanes, lanes);
        }
    }
}
#endif

#endif
