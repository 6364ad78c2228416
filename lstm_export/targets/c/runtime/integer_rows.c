/* Rows of whole weights times int16 values. A chunk of products is summed exactly in int32, in
   whatever order (the writer bounds the weights for it), then shifted right and added to the row's
   total; so every kernel gives the same bits. A chunk of a layer is 16 products, or 512 where weights
   are int8; of a linear stage or a projection it is 4. */
#ifndef MODEL_INTEGER_ROWS_H
#define MODEL_INTEGER_ROWS_H

#include "integer_words.c"
#include "integer_avx.c"
#include "integer_helium.c"
#include "integer_neon.c"
#include "integer_smlad.c"
#include "integer_thumb.c"
#include "integer_wasm.c"

#ifndef MODEL_HAS_TOTALS
#ifndef MODEL_HAS_PART
/* Four rows times `words` words of values -> totals [4]; the weights behind them. */
MODEL_INLINE const model_weight *model_part(const model_weight *w, const int16_t *v, size_t words,
                                              int32_t *totals)
{
    const model_weight *const last = w + words * 4 * MODEL_IN_WORD;
    totals[0] = 0;
    totals[1] = 0;
    totals[2] = 0;
    totals[3] = 0;
    while (w != last) {
        const model_weight *const end = MODEL_CHUNK_END(w, last);
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

/* Four rows times words of x and of h, which lie one behind the other -> totals [x, h][row]; the
   weights behind them. */
MODEL_INLINE const model_weight *model_totals(const model_weight *w, const int16_t *v,
                                              size_t words_x, size_t words_h, int32_t *totals)
{
    w = model_part(w, v, words_x, totals);
    return model_part(w, v + words_x * MODEL_IN_WORD, words_h, totals + 4);
}
#endif

#if MODEL_SPLIT_WEIGHTS
/* Where weights go on that are read up to w. An AVR's compiler takes no array above 32 kB: there the
   chain says behind which rows a second array follows. */
#if defined(__AVR__)
MODEL_STATIC const model_weight *model_following(const model_weight *w);
#else
MODEL_INLINE const model_weight *model_following(const model_weight *w)
{
    return w;
}
#endif
#endif

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
    sums[0] += total0 >> MODEL_READ(shifts);
    sums[1] += total1 >> MODEL_READ(shifts + 1);
    sums[2] += total2 >> MODEL_READ(shifts + 2);
    return w;
}
#endif

#if MODEL_LINEAR || MODEL_PROJECTION || MODEL_RNN
/* All rows of a matrix, one by one, in chunks of 4 products: v, words of it -> out [rows], over
   biases. */
MODEL_STATIC void model_rows(const model_weight *w, const uint8_t *shifts, size_t rows,
                             const int16_t *v, size_t words, int32_t *out)
{
    for (; rows > 0; rows--) {
        int32_t total = 0;
        size_t k = 0;
#if defined(MODEL_KERNEL_AVX2)
        k = words - words % (16 / MODEL_IN_WORD);
        total = model_row(w, v, k);
        w += k * MODEL_IN_WORD;
#endif
        for (; k < words; k += 4 / MODEL_IN_WORD) {
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
        *out++ += total >> MODEL_READ(shifts);
        shifts++;
#if MODEL_SPLIT_WEIGHTS
        w = model_following(w);
#endif
    }
}
#endif

#endif
