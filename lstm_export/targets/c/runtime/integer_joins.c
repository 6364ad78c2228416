/* Stages that take several values, pick columns, or pool steps. Narrow values are int16, wide ones
   int32, [step][feature]; a stride is what lies from one step of a value to the next, 0 for a row that
   goes to every step. */
#ifndef MODEL_INTEGER_JOINS_H
#define MODEL_INTEGER_JOINS_H

#include "integer_blocks.c"

#if MODEL_SLICE || MODEL_JOIN_CONCAT
/* Columns of v, the first n where `features` is 0, into n columns of out. */
MODEL_STATIC void model_columns(const uint16_t *features, size_t n, const int16_t *v, size_t stride,
                                int16_t *out, size_t out_stride, size_t steps)
{
    size_t k;
    for (; steps > 0; steps--) {
        for (k = 0; k < n; k++) {
            out[k] = v[features ? (size_t)MODEL_READ(features + k) : k];
            MODEL_NO_LIBRARY_CALL;
        }
        v += stride;
        out += out_stride;
    }
}

/* The same, wide. */
MODEL_STATIC void model_columns_wide(const uint16_t *features, size_t n, const int32_t *v,
                                     size_t stride, int32_t *out, size_t out_stride, size_t steps)
{
    size_t k;
    for (; steps > 0; steps--) {
        for (k = 0; k < n; k++) {
            out[k] = v[features ? (size_t)MODEL_READ(features + k) : k];
            MODEL_NO_LIBRARY_CALL;
        }
        v += stride;
        out += out_stride;
    }
}
#endif

#if MODEL_ALIGN
/* Times 2^shift, rounded to the nearest, within -limit to limit. */
MODEL_INLINE int32_t model_aligned(int32_t value, int shift, int32_t limit)
{
    const int32_t end = ((int32_t)1 << 30) - 1;
    const unsigned up = shift > 0 ? (unsigned)shift : 0;
    const unsigned down = shift < 0 ? (unsigned)-shift : 0;
    const int32_t most = limit >> up;
    value = value < end ? value : end;
    value = value > -end ? value : -end;
    value = (value + (int32_t)(((uint32_t)1 << down) >> 1)) >> down;
    value = value < most ? value : most;
    value = value > -most ? value : -most;
    return value * ((int32_t)1 << up);
}

MODEL_STATIC void model_align(const int8_t *shifts, int32_t limit, const int32_t *v, int32_t *out,
                              size_t steps, size_t width)
{
    size_t k;
    for (; steps > 0; steps--) {
        for (k = 0; k < width; k++) {
            *out++ = model_aligned(*v++, MODEL_READ(shifts + k), limit);
        }
    }
}

MODEL_STATIC void model_align_narrow(const int8_t *shifts, int32_t limit, const int16_t *v,
                                     int32_t *out, size_t steps, size_t width)
{
    size_t k;
    for (; steps > 0; steps--) {
        for (k = 0; k < width; k++) {
            *out++ = model_aligned(*v++, MODEL_READ(shifts + k), limit);
        }
    }
}
#endif

#if MODEL_OFFSET
/* Feature by feature, from one count of zero to another. */
MODEL_STATIC void model_offset(const int32_t *offsets, const int32_t *v, int32_t *out, size_t steps,
                               size_t width)
{
    size_t k;
    for (; steps > 0; steps--) {
        for (k = 0; k < width; k++) {
            *out++ = *v++ + MODEL_READ(offsets + k);
        }
    }
}
#endif

#if MODEL_JOIN_ADD || MODEL_JOIN_SUBTRACT || MODEL_JOIN_MULTIPLY || MODEL_JOIN_DIVIDE
/* A function of two values, feature by feature: `of` takes a[k] and b[k]. */
#define MODEL_JOINED(name, narrow_or_wide, of)                                             \
    MODEL_STATIC void name(const narrow_or_wide *a, size_t stride_a, const narrow_or_wide *b, \
                           size_t stride_b, int32_t *out, size_t steps, size_t width)      \
    {                                                                                      \
        size_t k;                                                                          \
        for (; steps > 0; steps--) {                                                       \
            for (k = 0; k < width; k++) {                                                  \
                *out++ = of;                                                               \
            }                                                                              \
            a += stride_a;                                                                 \
            b += stride_b;                                                                 \
        }                                                                                  \
    }
#endif

#if MODEL_JOIN_ADD
MODEL_JOINED(model_add, int32_t, a[k] + b[k])
#endif

#if MODEL_JOIN_SUBTRACT
MODEL_JOINED(model_subtract, int32_t, a[k] - b[k])
#endif

#if MODEL_JOIN_MULTIPLY
MODEL_JOINED(model_multiply, int16_t, (int32_t)a[k] * b[k])
#endif

#if MODEL_JOIN_DIVIDE
/* a * 2^15 / b, to the nearest; 0 divides as 1 does. */
MODEL_INLINE int32_t model_quotient(int32_t a, int32_t b)
{
    const uint32_t size_a = (uint32_t)(a < 0 ? -a : a);
    const uint32_t size_b = b == 0 ? 1u : (uint32_t)(b < 0 ? -b : b);
    const int32_t size = (int32_t)(((size_a << 15) + (size_b >> 1)) / size_b);
    return (a < 0) != (b < 0) ? -size : size;
}

MODEL_JOINED(model_divide, int16_t, model_quotient(a[k], b[k]))
#endif

#if MODEL_POOL_MEAN
/* The mean of all steps so far, to the nearest. Carried are the sums [width] and the count of steps:
   65,535 at most, as far as a sum goes; later steps are left out. */
MODEL_STATIC void model_pool_mean(const int16_t *v, int32_t *sums, int16_t *out, size_t steps,
                                  size_t width)
{
    size_t k;
    uint32_t count;
    for (; steps > 0 && sums[width] < 65535; steps--) {
        for (k = 0; k < width; k++) {
            sums[k] += *v++;
        }
        sums[width]++;
    }
    count = (uint32_t)sums[width];
    for (k = 0; k < width; k++) {
        const uint32_t raised = (uint32_t)sums[k] + (count << 15) + count / 2; /* of v + 32768 */
        out[k] = (int16_t)((int32_t)(raised / count) - 32768);
    }
}
#endif

#if MODEL_POOL_SUM || MODEL_POOL_CORRECTED_MEAN
/* The sums of all steps so far; they are carried, and behind them the count of steps, as of a mean. */
MODEL_STATIC void model_pool_sum(const int16_t *v, int32_t *sums, size_t steps, size_t width)
{
    size_t k;
    for (; steps > 0 && sums[width] < 65535; steps--) {
        for (k = 0; k < width; k++) {
            sums[k] += *v++;
        }
        sums[width]++;
    }
}
#endif

#if MODEL_POOL_CORRECTED_MEAN
/* The sums divided by one step less than there are, to the nearest; by 1 after the first. */
MODEL_STATIC void model_pool_corrected_mean(const int16_t *v, int32_t *sums, int32_t *out,
                                            size_t steps, size_t width)
{
    size_t k;
    uint32_t divisor;
    model_pool_sum(v, sums, steps, width);
    divisor = sums[width] > 1 ? (uint32_t)sums[width] - 1 : 1;
    for (k = 0; k < width; k++) {
        const uint32_t size = (uint32_t)(sums[k] < 0 ? -sums[k] : sums[k]);
        const int32_t mean = (int32_t)((size + divisor / 2) / divisor);
        out[k] = sums[k] < 0 ? -mean : mean;
    }
}
#endif

#if MODEL_POOL_MAX
/* The largest values of all steps so far; they are carried. */
MODEL_STATIC void model_pool_max(const int16_t *v, int16_t *largest, size_t steps, size_t width)
{
    size_t k;
    for (; steps > 0; steps--) {
        for (k = 0; k < width; k++, v++) {
            largest[k] = *v > largest[k] ? *v : largest[k];
        }
    }
}
#endif

#if MODEL_POOL_FIRST
/* The first step; it is carried, and whether there was one. */
MODEL_STATIC void model_pool_first(const int16_t *v, int16_t *first, int32_t *count, size_t steps,
                                   size_t width)
{
    if (*count == 0 && steps > 0) {
        model_copy(v, first, width);
        *count = 1;
    }
}
#endif

#endif
