/* Rows of whole weights times int16 values. A chunk of 16 products (of a layer; 4 of a linear stage
   or a projection) is summed exactly in int32, in whatever order (the writer bounds the weights for
   it), then shifted right and added to the row's total; so every kernel gives the same bits.

   Weights lie in words of 32 bits, a word a row: [word of columns][row][column]. `>>` of a negative
   number shifts the sign in, as every compiler does. */
#ifndef MODEL_INTEGER_ROWS_H
#define MODEL_INTEGER_ROWS_H

#include "integer.h"

/* Functions of this file alone; a model need not use each of them. */
#ifdef __GNUC__
#define MODEL_STATIC static __attribute__((unused))
#define MODEL_INLINE static inline __attribute__((unused, always_inline))
#define MODEL_NOINLINE static __attribute__((noinline, unused))
#define MODEL_ALIGNED __attribute__((aligned(4)))
#define MODEL_NO_LIBRARY_CALL \
    __asm__ volatile("") /* a copying loop stays a loop and becomes no memcpy */
#else
#define MODEL_STATIC static
#define MODEL_INLINE static inline
#define MODEL_NOINLINE static
#define MODEL_ALIGNED
#define MODEL_NO_LIBRARY_CALL
#endif

#if MODEL_BITS == 8
typedef int8_t model_weight; /* in a word the columns 0, 2, 1, 3 */
#define MODEL_IN_WORD 4
#define MODEL_CHUNK_SHIFT 2
#else
typedef int16_t model_weight;
#define MODEL_IN_WORD 2
#define MODEL_CHUNK_SHIFT 8
#endif
#define MODEL_CHUNK_WORDS (16 / MODEL_IN_WORD)
#define MODEL_WORDS(columns) (((columns) + MODEL_IN_WORD - 1) / MODEL_IN_WORD)
#define MODEL_PADDED(columns) (MODEL_WORDS(columns) * MODEL_IN_WORD)

/* Copies n values behind each other and fills the last word up with zeros. */
MODEL_STATIC int16_t *model_gather(const int16_t *values, size_t n, int16_t *out)
{
    size_t k;
    for (k = 0; k < n; k++) {
        *out++ = *values++;
        MODEL_NO_LIBRARY_CALL;
    }
    for (; k % MODEL_IN_WORD; k++) {
        *out++ = 0;
    }
    return out;
}

/* The product of a row's word at w and the values v [MODEL_IN_WORD], added to sum. */
MODEL_INLINE int32_t model_dot(const model_weight *w, const int16_t *v, int32_t sum)
{
#if MODEL_BITS == 8
    return sum + (int32_t)w[0] * v[0] + (int32_t)w[2] * v[1] + (int32_t)w[1] * v[2] +
           (int32_t)w[3] * v[3];
#else
    return sum + (int32_t)w[0] * v[0] + (int32_t)w[1] * v[1];
#endif
}

/* Four rows times the values v of `words` words, shifted and added to sums [4]; the weights behind
   them. */
MODEL_NOINLINE const model_weight *model_rows4(const model_weight *w, const int16_t *v,
                                               size_t words, const uint8_t *shifts, int32_t *sums)
{
    int32_t total0 = 0, total1 = 0, total2 = 0, total3 = 0;
    while (words > 0) {
        const size_t left = words < MODEL_CHUNK_WORDS ? words : MODEL_CHUNK_WORDS;
        const model_weight *end = w + left * 4 * MODEL_IN_WORD;
        int32_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
        words -= left;
        do {
            sum0 = model_dot(w, v, sum0);
            sum1 = model_dot(w + MODEL_IN_WORD, v, sum1);
            sum2 = model_dot(w + 2 * MODEL_IN_WORD, v, sum2);
            sum3 = model_dot(w + 3 * MODEL_IN_WORD, v, sum3);
            w += 4 * MODEL_IN_WORD;
            v += MODEL_IN_WORD;
        } while (w != end);
        total0 += sum0 >> MODEL_CHUNK_SHIFT;
        total1 += sum1 >> MODEL_CHUNK_SHIFT;
        total2 += sum2 >> MODEL_CHUNK_SHIFT;
        total3 += sum3 >> MODEL_CHUNK_SHIFT;
    }
    sums[0] += total0 >> shifts[0];
    sums[1] += total1 >> shifts[1];
    sums[2] += total2 >> shifts[2];
    sums[3] += total3 >> shifts[3];
    return w;
}

#if MODEL_GRU
/* The same for three rows. */
MODEL_NOINLINE const model_weight *model_rows3(const model_weight *w, const int16_t *v,
                                               size_t words, const uint8_t *shifts, int32_t *sums)
{
    int32_t total0 = 0, total1 = 0, total2 = 0;
    while (words > 0) {
        const size_t left = words < MODEL_CHUNK_WORDS ? words : MODEL_CHUNK_WORDS;
        const model_weight *end = w + left * 3 * MODEL_IN_WORD;
        int32_t sum0 = 0, sum1 = 0, sum2 = 0;
        words -= left;
        do {
            sum0 = model_dot(w, v, sum0);
            sum1 = model_dot(w + MODEL_IN_WORD, v, sum1);
            sum2 = model_dot(w + 2 * MODEL_IN_WORD, v, sum2);
            w += 3 * MODEL_IN_WORD;
            v += MODEL_IN_WORD;
        } while (w != end);
        total0 += sum0 >> MODEL_CHUNK_SHIFT;
        total1 += sum1 >> MODEL_CHUNK_SHIFT;
        total2 += sum2 >> MODEL_CHUNK_SHIFT;
    }
    sums[0] += total0 >> shifts[0];
    sums[1] += total1 >> shifts[1];
    sums[2] += total2 >> shifts[2];
    return w;
}
#endif

#if MODEL_LINEAR || MODEL_PROJECTION
/* All rows of a matrix, one by one, in chunks of 4 products: v, words of it -> out [rows], over
   biases. */
MODEL_STATIC void model_rows(const model_weight *w, const uint8_t *shifts, size_t rows,
                             const int16_t *v, size_t words, int32_t *out)
{
    for (; rows > 0; rows--) {
        int32_t total = 0;
        size_t k;
        for (k = 0; k < words; k += 4 / MODEL_IN_WORD) {
            int32_t sum = model_dot(w, v + k * MODEL_IN_WORD, 0);
            w += MODEL_IN_WORD;
#if MODEL_BITS > 8
            if (k + 1 < words) {
                sum = model_dot(w, v + (k + 1) * MODEL_IN_WORD, sum);
                w += MODEL_IN_WORD;
            }
#endif
            total += sum >> MODEL_CHUNK_SHIFT;
        }
        *out++ += total >> *shifts++;
    }
}
#endif

#endif
