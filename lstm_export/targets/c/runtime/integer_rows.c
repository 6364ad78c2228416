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
/* A kernel takes all registers: a build that keeps some for a debugger, and Linux on an Arm, have
   the plain loops. */
#if defined(__GNUC__) && defined(__OPTIMIZE__) && !defined(__ARM_BIG_ENDIAN)
#if defined(__AVX2__)
#define MODEL_KERNEL_AVX2
#include <immintrin.h>
#elif defined(__ARM_FEATURE_SIMD32) && defined(__thumb2__) && __ARM_ARCH_PROFILE == 'M'
#define MODEL_KERNEL_SMLAD
#elif defined(__thumb__) && !defined(__thumb2__)
#define MODEL_KERNEL_THUMB
#endif
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

/* A word of values [MODEL_IN_WORD], split for products; and the product of a row's word with them,
   added to sum. */
#if MODEL_BITS == 8
typedef struct {
    int32_t v0, v1, v2, v3;
} model_values_of_word;

MODEL_INLINE void model_split(const int16_t *v, model_values_of_word *split)
{
    split->v0 = v[0];
    split->v1 = v[1];
    split->v2 = v[2];
    split->v3 = v[3];
}

MODEL_INLINE int32_t model_dot(const model_weight *w, const model_values_of_word *v, int32_t sum)
{
    return sum + w[0] * v->v0 + w[2] * v->v1 + w[1] * v->v2 + w[3] * v->v3;
}
#else
typedef struct {
    int32_t v0, v1;
} model_values_of_word;

MODEL_INLINE void model_split(const int16_t *v, model_values_of_word *split)
{
    split->v0 = v[0];
    split->v1 = v[1];
}

MODEL_INLINE int32_t model_dot(const model_weight *w, const model_values_of_word *v, int32_t sum)
{
    return sum + w[0] * v->v0 + w[1] * v->v1;
}
#endif

#if defined(MODEL_KERNEL_THUMB)
/* Words of four rows times words of values until the weights are at `end`: a word of each is loaded
   at once and split, and sums are kept where only additions reach. */
#if MODEL_BITS == 8
#define MODEL_ROW_OF_WORD(sum)                                                        \
    "ldmia %[w]!, {%[t]}\n\tsxtb %[u], %[t]\n\tmuls %[u], %[x0], %[u]\n\tadd " sum    \
    ", %[u]\n\tlsls %[u], %[t], #8\n\tasrs %[u], %[u], #24\n\tmuls %[u], %[x1], %[u]\n\t" \
    "add " sum ", %[u]\n\tlsls %[u], %[t], #16\n\tasrs %[u], %[u], #24\n\t"           \
    "muls %[u], %[x2], %[u]\n\tadd " sum ", %[u]\n\tasrs %[t], %[t], #24\n\t"         \
    "muls %[t], %[x3], %[t]\n\tadd " sum ", %[t]\n\t"
#define MODEL_VALUES_OF_WORD                                                       \
    "mov %[t], %[v]\n\tldmia %[t]!, {%[x1]}\n\tldmia %[t]!, {%[x3]}\n\tmov %[v], %[t]\n\t"     \
    "sxth %[x0], %[x1]\n\tasrs %[x1], %[x1], #16\n\t"                                      \
    "sxth %[x2], %[x3]\n\tasrs %[x3], %[x3], #16\n\t"
#else
#define MODEL_ROW_OF_WORD(sum)                                                              \
    "ldmia %[w]!, {%[t]}\n\tsxth %[u], %[t]\n\tasrs %[t], %[t], #16\n\t"                   \
    "muls %[u], %[x0], %[u]\n\tmuls %[t], %[x1], %[t]\n\tadd " sum ", %[u]\n\tadd " sum    \
    ", %[t]\n\t"
#define MODEL_VALUES_OF_WORD                                                             \
    "ldmia %[v]!, {%[x1]}\n\tsxth %[x0], %[x1]\n\tasrs %[x1], %[x1], #16\n\t"
#endif
#define MODEL_TO_TOTAL(sum, at, shift)                                                       \
    "mov %[u], " sum "\n\tasrs %[u], %[u], #" shift "\n\tldr %[x0], [%[t], #" at "]\n\t"      \
    "adds %[x0], %[x0], %[u]\n\tstr %[x0], [%[t], #" at "]\n\t"
#define MODEL_ROWS_OF_WORD                                                                  \
    MODEL_ROW_OF_WORD("%[a]") MODEL_ROW_OF_WORD("%[b]") MODEL_ROW_OF_WORD("%[c]")            \
    MODEL_ROW_OF_WORD("%[d]")
#if MODEL_BITS == 8
#define MODEL_THUMB_CHUNK                                                                   \
    do {                                                                                    \
        int32_t t, u, x0, x1, x2, x3;                                                       \
        __asm__ volatile(".syntax unified\n1:\t" MODEL_VALUES_OF_WORD MODEL_ROWS_OF_WORD     \
                         "cmp %[w], %[end]\n\tbne 1b"                                       \
                         : [w] "+l"(w), [v] "+h"(v), [a] "+h"(a), [b] "+h"(b), [c] "+h"(c), \
                           [d] "+h"(d), [t] "=&l"(t), [u] "=&l"(u), [x0] "=&l"(x0),         \
                           [x1] "=&l"(x1), [x2] "=&l"(x2), [x3] "=&l"(x3)                   \
                         : [end] "r"(end)                                                   \
                         : "cc", "memory");                                                 \
        totals[0] += a >> MODEL_CHUNK_SHIFT;                                                \
        totals[1] += b >> MODEL_CHUNK_SHIFT;                                                \
        totals[2] += c >> MODEL_CHUNK_SHIFT;                                                \
        totals[3] += d >> MODEL_CHUNK_SHIFT;                                                \
    } while (0)
#else
#define MODEL_THUMB_CHUNK                                                                   \
    do {                                                                                    \
        int32_t t, u, x0, x1;                                                               \
        __asm__ volatile(".syntax unified\n1:\t" MODEL_VALUES_OF_WORD MODEL_ROWS_OF_WORD     \
                         "cmp %[w], %[end]\n\tbne 1b\n\tmov %[t], %[totals]\n\t"            \
                         MODEL_TO_TOTAL("%[a]", "0", "8") MODEL_TO_TOTAL("%[b]", "4", "8")  \
                         MODEL_TO_TOTAL("%[c]", "8", "8") MODEL_TO_TOTAL("%[d]", "12", "8") \
                         : [w] "+l"(w), [v] "+l"(v), [a] "+h"(a), [b] "+h"(b), [c] "+h"(c), \
                           [d] "+h"(d), [t] "=&l"(t), [u] "=&l"(u), [x0] "=&l"(x0),         \
                           [x1] "=&l"(x1)                                                   \
                         : [end] "r"(end), [totals] "r"(totals)                             \
                         : "cc", "memory");                                                 \
    } while (0)
#endif
#endif

#if defined(MODEL_KERNEL_AVX2)
/* Sums of a chunk, [row]: pairs of products of 8 or 16 weights at once. */
MODEL_INLINE __m128i model_chunk(const model_weight *w, const model_weight *end, const int16_t *v)
{
    __m256i sums = _mm256_setzero_si256();
#if MODEL_BITS == 8
    for (; w != end; w += 16, v += 4) {
        const __m128i words = _mm_loadl_epi64((const __m128i *)(const void *)v);
        const __m256i values = _mm256_broadcastq_epi64(_mm_shufflelo_epi16(words, 0xD8));
        const __m128i rows = _mm_loadu_si128((const __m128i *)(const void *)w);
        sums = _mm256_add_epi32(sums, _mm256_madd_epi16(_mm256_cvtepi8_epi16(rows), values));
    }
    sums = _mm256_permute4x64_epi64(_mm256_hadd_epi32(sums, sums), 0x08);
    return _mm256_castsi256_si128(sums);
#else
    const __m256i both = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
    __m128i folded;
    for (; end - w >= 16; w += 16, v += 4) {
        const __m128i words = _mm_loadl_epi64((const __m128i *)(const void *)v);
        const __m256i values = _mm256_permutevar8x32_epi32(_mm256_castsi128_si256(words), both);
        const __m256i rows = _mm256_loadu_si256((const __m256i *)(const void *)w);
        sums = _mm256_add_epi32(sums, _mm256_madd_epi16(rows, values));
    }
    folded = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    if (w != end) {
        const uint32_t pair = (uint16_t)v[0] | (uint32_t)(uint16_t)v[1] << 16;
        const __m128i rows = _mm_loadu_si128((const __m128i *)(const void *)w);
        folded = _mm_add_epi32(folded, _mm_madd_epi16(rows, _mm_set1_epi32((int32_t)pair)));
    }
    return folded;
#endif
}

/* Four rows times `words` words of values, chunk by chunk -> totals [4]; the weights behind them. */
MODEL_INLINE const model_weight *model_totals(const model_weight *w, const int16_t *v, size_t words,
                                              int32_t *totals)
{
    const ptrdiff_t chunk = MODEL_CHUNK_WORDS * 4 * MODEL_IN_WORD;
    const model_weight *const last = w + words * 4 * MODEL_IN_WORD;
    __m128i total = _mm_setzero_si128();
    while (w != last) {
        const model_weight *const end = last - w > chunk ? w + chunk : last;
        total = _mm_add_epi32(total, _mm_srai_epi32(model_chunk(w, end, v), MODEL_CHUNK_SHIFT));
        w = end;
        v += MODEL_CHUNK_WORDS * MODEL_IN_WORD;
    }
    _mm_storeu_si128((__m128i *)(void *)totals, total);
    return w;
}
#elif defined(MODEL_KERNEL_SMLAD)
/* The words of four rows times a word of values. */
#if MODEL_BITS == 8
#define MODEL_TWO_ROWS(of_first, one_sum, other_sum)                                       \
    "ldrd r6, r8, [%[w]], #8\n\tsxtb16 r9, r6\n\tsxtb16 r6, r6, ror #8\n\t" of_first(       \
        one_sum, "r9") "smlad " one_sum ", r6, r5, " one_sum                                \
                       "\n\tsxtb16 r9, r8\n\tsxtb16 r8, r8, ror #8\n\t" of_first(other_sum, \
                                                                                 "r9")     \
        "smlad " other_sum ", r8, r5, " other_sum "\n\t"
#define MODEL_PRODUCTS(of_first)                                                            \
    "ldrd r4, r5, [%[v]], #8\n\t" MODEL_TWO_ROWS(of_first, "%[a]", "%[b]")                  \
        MODEL_TWO_ROWS(of_first, "%[c]", "%[d]")
#define MODEL_CLOBBERED "r4", "r5", "r6", "r8", "r9", "memory"
#define MODEL_TOTALS "asr #2"
#define MODEL_LATER MODEL_PRODUCTS(MODEL_ADDED) MODEL_PRODUCTS(MODEL_ADDED) MODEL_PRODUCTS(MODEL_ADDED)
#else
#define MODEL_PRODUCTS(of_first)                                      \
    "ldr r4, [%[v]], #4\n\tldmia %[w]!, {r5, r6, r8, r9}\n\t"       \
    of_first("%[a]", "r5") of_first("%[b]", "r6") of_first("%[c]", "r8") of_first("%[d]", "r9")
#define MODEL_CLOBBERED "r4", "r5", "r6", "r8", "r9", "memory"
#define MODEL_TOTALS "asr #8"
#define MODEL_LATER                                                                     \
    MODEL_PRODUCTS(MODEL_ADDED) MODEL_PRODUCTS(MODEL_ADDED) MODEL_PRODUCTS(MODEL_ADDED)   \
    MODEL_PRODUCTS(MODEL_ADDED) MODEL_PRODUCTS(MODEL_ADDED) MODEL_PRODUCTS(MODEL_ADDED)   \
    MODEL_PRODUCTS(MODEL_ADDED)
#endif
#define MODEL_FIRST(sum, word) "smuad " sum ", " word ", r4\n\t"
#define MODEL_ADDED(sum, word) "smlad " sum ", " word ", r4, " sum "\n\t"
#define MODEL_INTO_TOTALS                                                              \
    "ldmia %[totals], {r4, r5, r6, r8}\n\tadd r4, r4, %[a], " MODEL_TOTALS             \
    "\n\tadd r5, r5, %[b], " MODEL_TOTALS "\n\tadd r6, r6, %[c], " MODEL_TOTALS        \
    "\n\tadd r8, r8, %[d], " MODEL_TOTALS "\n\tstmia %[totals], {r4, r5, r6, r8}"
#define MODEL_TAKE(text)                                                                     \
    __asm__ volatile(text                                                                    \
                     : [w] "+r"(w), [v] "+r"(v), [a] "+r"(a), [b] "+r"(b), [c] "+r"(c),       \
                       [d] "+r"(d)                                                           \
                     : [totals] "r"(totals)                                                  \
                     : MODEL_CLOBBERED)

/* Four rows times `words` words of values, chunk by chunk -> totals [4]; the weights behind them. */
MODEL_INLINE const model_weight *model_totals(const model_weight *w, const int16_t *v, size_t words,
                                              int32_t *totals)
{
    int32_t a = 0, b = 0, c = 0, d = 0;
    for (; words >= MODEL_CHUNK_WORDS; words -= MODEL_CHUNK_WORDS) {
        MODEL_TAKE(MODEL_PRODUCTS(MODEL_FIRST) MODEL_LATER MODEL_INTO_TOTALS);
    }
    if (words > 0) {
        MODEL_TAKE(MODEL_PRODUCTS(MODEL_FIRST));
        for (; words > 1; words--) {
            MODEL_TAKE(MODEL_PRODUCTS(MODEL_ADDED));
        }
        MODEL_TAKE(MODEL_INTO_TOTALS);
    }
    return w;
}
#else
MODEL_INLINE const model_weight *model_totals(const model_weight *w, const int16_t *v, size_t words,
                                              int32_t *totals)
{
    const ptrdiff_t chunk = MODEL_CHUNK_WORDS * 4 * MODEL_IN_WORD;
    const model_weight *const last = w + words * 4 * MODEL_IN_WORD;
    while (w != last) {
        const model_weight *const end = last - w > chunk ? w + chunk : last;
        int32_t a = 0, b = 0, c = 0, d = 0;
#if defined(MODEL_KERNEL_THUMB)
        MODEL_THUMB_CHUNK;
#else
        do {
            model_values_of_word split;
            model_split(v, &split);
            a = model_dot(w, &split, a);
            b = model_dot(w + MODEL_IN_WORD, &split, b);
            c = model_dot(w + 2 * MODEL_IN_WORD, &split, c);
            d = model_dot(w + 3 * MODEL_IN_WORD, &split, d);
            w += 4 * MODEL_IN_WORD;
            v += MODEL_IN_WORD;
        } while (w != end);
        totals[0] += a >> MODEL_CHUNK_SHIFT;
        totals[1] += b >> MODEL_CHUNK_SHIFT;
        totals[2] += c >> MODEL_CHUNK_SHIFT;
        totals[3] += d >> MODEL_CHUNK_SHIFT;
#endif
    }
    return w;
}
#endif

/* Four rows times the values v, which come in parts of words, ended by a part of none: each part is
   shifted by its own shifts and added to sums [4]. The weights behind them. */
MODEL_INLINE const model_weight *model_rows4(const model_weight *w, const int16_t *v,
                                               const uint16_t *parts, const uint8_t *shifts,
                                               int32_t *sums)
{
    for (; *parts > 0; parts++) {
        int32_t totals[4];
        totals[0] = 0;
        totals[1] = 0;
        totals[2] = 0;
        totals[3] = 0;
        w = model_totals(w, v, *parts, totals);
        v += (size_t)*parts * MODEL_IN_WORD;
        sums[0] += totals[0] >> shifts[0];
        sums[1] += totals[1] >> shifts[1];
        sums[2] += totals[2] >> shifts[2];
        sums[3] += totals[3] >> shifts[3];
        shifts += 4;
    }
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
            model_values_of_word split;
            model_split(v, &split);
            sum0 = model_dot(w, &split, sum0);
            sum1 = model_dot(w + MODEL_IN_WORD, &split, sum1);
            sum2 = model_dot(w + 2 * MODEL_IN_WORD, &split, sum2);
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
            model_values_of_word split;
            int32_t sum;
            model_split(v + k * MODEL_IN_WORD, &split);
            sum = model_dot(w, &split, 0);
            w += MODEL_IN_WORD;
#if MODEL_BITS > 8
            if (k + 1 < words) {
                model_split(v + (k + 1) * MODEL_IN_WORD, &split);
                sum = model_dot(w, &split, sum);
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
