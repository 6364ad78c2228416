/* Rows of weights times values on x86-64 with AVX-512 and VNNI: the gates of 16 units, for one sample,
   or for MODEL_SHARING that share each load of a weight. A sample is the values of a step, in words. */
#ifndef MODEL_INTEGER_AVX512_ROWS_H
#define MODEL_INTEGER_AVX512_ROWS_H

#include "integer_avx512_layout.c"
#include "integer_sizes.h"

#if MODEL_LSTM || MODEL_GRU
#if defined(MODEL_KERNEL_AVX512)
#define MODEL_SAMPLE (MODEL_GATHERED / 2 + 8) /* int32 that a sample takes at most */
#define MODEL_IN_VALUES (MODEL_IN_WORD / 2) /* int32 that a word of values takes */
#define MODEL_ADD(a, b) _mm512_add_epi32(a, b)

/* n values -> words as weights meet them; for int8 weights each in two: the low bytes of its values,
   2^15 more, and the high bytes. */
MODEL_INLINE void model_words(const int16_t *values, size_t n, int32_t *out)
{
#if MODEL_BITS == 8
    const __m256i bytes = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 4, 2, 6, 1, 5, 3, 7, 8, 12, 10, 14, 9, 13, 11, 15));
#endif
    size_t k;
    for (k = 0; k < n; k += 16) {
        const __mmask16 some = (__mmask16)(n - k < 16 ? 0xFFFF >> (16 - (n - k)) : 0xFFFF);
        __m256i words = _mm256_maskz_loadu_epi16(some, values + k);
#if MODEL_BITS == 8
        words = _mm256_shuffle_epi8(_mm256_xor_si256(words, _mm256_set1_epi16(-32768)), bytes);
#endif
        _mm256_storeu_si256((__m256i *)(void *)(out + k / 2), words);
    }
}

MODEL_INLINE model_gates model_added(model_gates a, model_gates b)
{
    a.i = MODEL_ADD(a.i, b.i);
    a.f = MODEL_ADD(a.f, b.f);
    a.g = MODEL_ADD(a.g, b.g);
    a.o = MODEL_ADD(a.o, b.o);
    return a;
}

/* A shift of 16 lanes. */
MODEL_INLINE __m512i model_shift(__m512i sum, const uint8_t *shift)
{
    const __m128i bytes = _mm_load_si128((const __m128i *)(const void *)shift);
    return _mm512_srav_epi32(sum, _mm512_cvtepu8_epi32(bytes));
}

MODEL_INLINE model_gates model_shifted(model_gates sums, const uint8_t (*shift)[16])
{
    sums.i = model_shift(sums.i, shift[0]);
    sums.f = model_shift(sums.f, shift[1]);
    sums.g = model_shift(sums.g, shift[2]);
    sums.o = model_shift(sums.o, shift[3]);
    return sums;
}

MODEL_INLINE model_gates model_none(void)
{
    const __m512i zero = _mm512_setzero_si512();
    const model_gates none = {zero, zero, zero, zero};
    return none;
}

/* A constant of each gate of 16 units. */
MODEL_INLINE model_gates model_gates_at(const int32_t (*constants)[16])
{
    model_gates gates;
    gates.i = _mm512_load_si512(constants[0]);
    gates.f = _mm512_load_si512(constants[1]);
    gates.g = _mm512_load_si512(constants[2]);
    gates.o = _mm512_load_si512(constants[3]);
    return gates;
}

/* What sums of a part begin with. */
MODEL_INLINE model_gates model_start_of(const model_16_units *units, size_t part)
{
#if MODEL_BITS == 8
    return model_gates_at(units->start[part]);
#else
    (void)units, (void)part;
    return model_none();
#endif
}

/* A word of values times a word of a row, added to its sum in place: compilers copy the sum to and fro
   where an intrinsic says so. */
#if MODEL_BITS == 8
#define MODEL_DOT(sum, v, row) __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(v), "v"(row))
#else
#define MODEL_DOT(sum, v, row) __asm__("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(v), "v"(row))
#endif

/* A word of values times a word of each gate's rows, added to sums. */
MODEL_INLINE model_gates model_dots(model_gates sums, model_gates rows, int32_t word)
{
    const __m512i v = _mm512_set1_epi32(word);
    MODEL_DOT(sums.i, v, rows.i);
    MODEL_DOT(sums.f, v, rows.f);
    MODEL_DOT(sums.g, v, rows.g);
    MODEL_DOT(sums.o, v, rows.o);
    return sums;
}

/* A word of the rows of 16 units, loaded once for several multiply-adds. */
MODEL_INLINE model_gates model_row_words(const __m512i *w)
{
    model_gates rows = {w[0], w[1], w[2], w[3]};
    __asm__("" : "+v"(rows.i), "+v"(rows.f), "+v"(rows.g), "+v"(rows.o));
    return rows;
}

/* Samples that share loads: their sums fill 16 registers. */
#if MODEL_BITS == 8
#define MODEL_SHARING 2
#define MODEL_STRIP 1 /* words that are multiplied at once */

/* What the rows of 16 units have summed up for a sample. */
typedef struct {
    model_gates low;
    model_gates high; /* counts 2^8 times as much */
} model_total;
#else
#define MODEL_SHARING 4
#define MODEL_STRIP MODEL_CHUNK_WORDS

typedef model_gates model_total;
#endif

#define MODEL_PAUSES 16 /* of an update */

/* Rows on their way, strip by strip. */
typedef struct {
    const __m512i *w;
    const int32_t *v; /* [samples][MODEL_SAMPLE] */
    size_t words; /* to come */
    size_t strips, pauses, due; /* so many strips in so many pauses of updates */
    model_total a, b, c, d; /* of each sample; in registers, therefore by name */
} model_rows_of_16;

MODEL_INLINE model_total model_begun(model_gates start)
{
#if MODEL_BITS == 8
    const model_total total = {start, model_none()};
    return total;
#else
    return start;
#endif
}

MODEL_INLINE model_gates model_ended(model_total t)
{
#if MODEL_BITS == 8
    t.high.i = _mm512_slli_epi32(t.high.i, 8);
    t.high.f = _mm512_slli_epi32(t.high.f, 8);
    t.high.g = _mm512_slli_epi32(t.high.g, 8);
    t.high.o = _mm512_slli_epi32(t.high.o, 8);
    return model_added(t.low, t.high);
#else
    return t;
#endif
}

/* Rows at w times v, from `start` on, to be multiplied in the pauses of so many updates. */
MODEL_INLINE model_rows_of_16 model_begin_rows(const __m512i *w, const int32_t *v, size_t words,
                                               model_gates start, size_t updates)
{
    model_rows_of_16 rows;
    rows.w = w;
    rows.v = v;
    rows.words = words;
    rows.strips = (words + MODEL_STRIP - 1) / MODEL_STRIP;
    rows.pauses = MODEL_PAUSES * updates;
    rows.due = 0;
    rows.a = model_begun(start);
    rows.b = rows.a;
    rows.c = rows.a;
    rows.d = rows.a;
    return rows;
}

#if MODEL_BITS == 8
MODEL_INLINE model_total model_both_dots(model_total t, model_gates rows, const int32_t *v)
{
    t.low = model_dots(t.low, rows, v[0]);
    t.high = model_dots(t.high, rows, v[1]);
    return t;
}

/* The next strip for samples, 1 or MODEL_SHARING. */
MODEL_INLINE void model_take_strip(model_rows_of_16 *t, size_t samples)
{
    const model_gates rows = model_row_words(t->w);
    t->a = model_both_dots(t->a, rows, t->v);
    if (samples > 1) {
        t->b = model_both_dots(t->b, rows, t->v + MODEL_SAMPLE);
    }
    t->w += 4;
    t->v += MODEL_IN_VALUES;
    t->words--;
}
#else
MODEL_INLINE model_gates model_chunk_added(model_gates total, model_gates sums)
{
    total.i = MODEL_ADD(total.i, _mm512_srai_epi32(sums.i, MODEL_CHUNK_SHIFT));
    total.f = MODEL_ADD(total.f, _mm512_srai_epi32(sums.f, MODEL_CHUNK_SHIFT));
    total.g = MODEL_ADD(total.g, _mm512_srai_epi32(sums.g, MODEL_CHUNK_SHIFT));
    total.o = MODEL_ADD(total.o, _mm512_srai_epi32(sums.o, MODEL_CHUNK_SHIFT));
    return total;
}

/* The next strip, a chunk, for samples, 1 or MODEL_SHARING. */
MODEL_INLINE void model_take_strip(model_rows_of_16 *t, size_t samples)
{
    model_gates a = model_none(), b = a, c = a, d = a;
    size_t words = t->words < MODEL_STRIP ? t->words : MODEL_STRIP;
    t->words -= words;
    for (; words > 0; words--) {
        const model_gates rows = model_row_words(t->w);
        a = model_dots(a, rows, t->v[0]);
        if (samples > 1) {
            b = model_dots(b, rows, t->v[MODEL_SAMPLE]);
            c = model_dots(c, rows, t->v[2 * MODEL_SAMPLE]);
            d = model_dots(d, rows, t->v[3 * MODEL_SAMPLE]);
        }
        t->w += 4;
        t->v++;
        MODEL_OPAQUE(words); /* no copy of the loop for each word */
    }
    t->a = model_chunk_added(t->a, a);
    if (samples > 1) {
        t->b = model_chunk_added(t->b, b);
        t->c = model_chunk_added(t->c, c);
        t->d = model_chunk_added(t->d, d);
    }
}
#endif

/* What is due in a pause of an update. A processor looks ahead only so far: what it is to do at once has
   to lie close together. */
MODEL_INLINE void model_meanwhile(model_rows_of_16 *t, size_t samples)
{
    for (t->due += t->strips; t->due >= t->pauses; t->due -= t->pauses) {
        model_take_strip(t, samples);
    }
}

/* The strips that are left; then each total, shifted, is added to sums [samples], `stride` apart, and
   goes to out [samples]. */
MODEL_INLINE void model_end_rows(model_rows_of_16 *t, size_t samples, const uint8_t (*shift)[16],
                                 const model_gates *sums, size_t stride, model_gates *out)
{
    while (t->words > 0) {
        model_take_strip(t, samples);
    }
    out[0] = model_added(sums[0], model_shifted(model_ended(t->a), shift));
    if (samples > 1) {
        out[1] = model_added(sums[stride], model_shifted(model_ended(t->b), shift));
    }
    if (samples > 2) {
        out[2] = model_added(sums[2 * stride], model_shifted(model_ended(t->c), shift));
        out[3] = model_added(sums[3 * stride], model_shifted(model_ended(t->d), shift));
    }
}
#endif
#endif

#endif
