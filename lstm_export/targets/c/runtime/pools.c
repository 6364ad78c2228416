/* The stages that make one row of all steps so far: x [step][n][lane]. What they carry lies in the
   state. Nothing is inlined, for the reason told in joins.c. */
#ifndef MODEL_POOLS_H
#define MODEL_POOLS_H

#include "vectors.h"

#if MODEL_POOL_MEAN || MODEL_POOL_SUM || MODEL_POOL_CORRECTED_MEAN
/* The sum over more than a million steps would lose digits: what each addition leaves out is added
   to the next (W. Kahan, Further remarks on reducing truncation errors, 1965). */
MODEL_INLINE void model_add_to(float *sum, float *excess, float x)
{
    const float term = x - *excess, total = *sum + term;
    *excess = (total - *sum) - term;
    *sum = total;
}
#endif

#if MODEL_POOL_MEAN
/* The mean -> y [n][lane]. `sums` [n + 1][lane] are those of the features and the count of steps,
   another [n + 1][lane] what they are too large by. */
MODEL_NOINLINE void model_pool_mean(const float *x, float *sums, float *y, size_t steps, size_t n,
                                    size_t lanes)
{
    const size_t all = n * lanes;
    float *counts = sums + all, *excess = counts + lanes;
    size_t t, k, l;
    for (t = 0; t < steps; t++, x += all) {
        for (k = 0; k < all; k++) {
            model_add_to(sums + k, excess + k, x[k]);
        }
        for (k = 0; k < lanes; k++) {
            model_add_to(counts + k, excess + all + k, 1.0f);
        }
    }
    for (k = 0; k < n; k++, sums += lanes, y += lanes) {
        for (l = 0; l < lanes; l++) {
            y[l] = sums[l] / counts[l];
        }
    }
}
#endif

#if MODEL_POOL_SUM || MODEL_POOL_CORRECTED_MEAN
/* The sum, kept [n][lane]; after it what it is too large by. */
MODEL_NOINLINE void model_pool_sum(const float *x, float *sums, size_t steps, size_t n,
                                   size_t lanes)
{
    const size_t all = n * lanes;
    size_t t, k;
    for (t = 0; t < steps; t++, x += all) {
        for (k = 0; k < all; k++) {
            model_add_to(sums + k, sums + all + k, x[k]);
        }
    }
}
#endif

#if MODEL_POOL_CORRECTED_MEAN
/* The sum of all steps of a sequence by one less than there are -> y [n][lane]. */
MODEL_NOINLINE void model_pool_corrected_mean(const float *x, float *sums, float *y, size_t steps,
                                              size_t n, size_t lanes)
{
    const float divisor = (float)(steps - 1);
    size_t k;
    model_pool_sum(x, sums, steps, n, lanes);
    for (k = 0; k < n * lanes; k++) {
        y[k] = sums[k] / divisor;
    }
}
#endif

#if MODEL_POOL_FIRST || MODEL_POOL_MAX
/* The first step, kept [n][lane]; after it a float a lane that is not 0 once it is there. */
MODEL_NOINLINE void model_pool_first(const float *x, float *kept, size_t steps, size_t n,
                                     size_t lanes)
{
    float *is_kept = kept + n * lanes;
    size_t l;
    if (*is_kept == 0.0f) {
        model_copy(kept, x, n * lanes);
        for (l = 0; l < lanes; l++) {
            is_kept[l] = 1.0f;
        }
    }
    (void)steps;
}
#endif

#if MODEL_POOL_MAX
/* The largest values, kept the same way; NaN stays. */
MODEL_NOINLINE void model_pool_max(const float *x, float *kept, size_t steps, size_t n,
                                   size_t lanes)
{
    size_t t, k;
    model_pool_first(x, kept, steps, n, lanes);
    for (t = 0; t < steps; t++, x += n * lanes) {
        for (k = 0; k < n * lanes; k++) {
            kept[k] = x[k] > kept[k] || x[k] != x[k] ? x[k] : kept[k];
        }
    }
}
#endif

#endif
