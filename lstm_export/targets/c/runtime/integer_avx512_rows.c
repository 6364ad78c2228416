/* Rows of weights times values on x86-64 with AVX-512 and VNNI: the gates of 16 units, for one sample,
   or for MODEL_SHARING that share each load of a weight. */
#ifndef MODEL_INTEGER_AVX512_ROWS_H
#define MODEL_INTEGER_AVX512_ROWS_H

#include "integer_avx512_dots.c"

#if MODEL_LSTM || MODEL_GRU
#if defined(MODEL_KERNEL_AVX512)
/* Samples that share loads: their totals fill 16 registers. */
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
/* A chunk's sum, added to a total. */
#define MODEL_ADD_CHUNK(total, sum) \
    total = MODEL_ADD(total, _mm512_srai_epi32(sum, MODEL_CHUNK_SHIFT))

/* Two gates: rows, or sums of a sample. */
typedef struct {
    __m512i first, second;
} model_two_gates;

MODEL_INLINE model_two_gates model_two_dots(model_two_gates sums, model_two_gates rows, int32_t word)
{
    const __m512i v = _mm512_set1_epi32(word);
    MODEL_DOT(sums.first, v, rows.first);
    MODEL_DOT(sums.second, v, rows.second);
    return sums;
}

/* A chunk of two gates, whose rows begin at w, for MODEL_SHARING samples -> sums [sample]. The sums of
   four gates would leave no registers to the totals. */
MODEL_INLINE void model_two_rows(const __m512i *w, const int32_t *v, size_t words,
                                 model_two_gates *sums)
{
    const model_two_gates none = {_mm512_setzero_si512(), _mm512_setzero_si512()};
    model_two_gates a = none, b = none, c = none, d = none;
    for (; words > 0; words--) {
        model_two_gates rows = {w[0], w[1]};
        __asm__("" : "+v"(rows.first), "+v"(rows.second)); /* loaded once */
        a = model_two_dots(a, rows, v[0]);
        b = model_two_dots(b, rows, v[MODEL_SAMPLE]);
        c = model_two_dots(c, rows, v[2 * MODEL_SAMPLE]);
        d = model_two_dots(d, rows, v[3 * MODEL_SAMPLE]);
        w += 4;
        v++;
        MODEL_OPAQUE(words); /* no copy of the loop for each word */
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
}

/* The next chunk for MODEL_SHARING samples. */
MODEL_INLINE void model_take_shared(model_rows_of_16 *t, size_t words)
{
    model_two_gates sums[MODEL_SHARING];
    model_two_rows(t->w, t->v, words, sums);
    MODEL_ADD_CHUNK(t->a.i, sums[0].first);
    MODEL_ADD_CHUNK(t->a.f, sums[0].second);
    MODEL_ADD_CHUNK(t->b.i, sums[1].first);
    MODEL_ADD_CHUNK(t->b.f, sums[1].second);
    MODEL_ADD_CHUNK(t->c.i, sums[2].first);
    MODEL_ADD_CHUNK(t->c.f, sums[2].second);
    MODEL_ADD_CHUNK(t->d.i, sums[3].first);
    MODEL_ADD_CHUNK(t->d.f, sums[3].second);
    model_two_rows(t->w + 2, t->v, words, sums);
    MODEL_ADD_CHUNK(t->a.g, sums[0].first);
    MODEL_ADD_CHUNK(t->a.o, sums[0].second);
    MODEL_ADD_CHUNK(t->b.g, sums[1].first);
    MODEL_ADD_CHUNK(t->b.o, sums[1].second);
    MODEL_ADD_CHUNK(t->c.g, sums[2].first);
    MODEL_ADD_CHUNK(t->c.o, sums[2].second);
    MODEL_ADD_CHUNK(t->d.g, sums[3].first);
    MODEL_ADD_CHUNK(t->d.o, sums[3].second);
}

/* The same for a single one. */
MODEL_INLINE void model_take_chunk(model_rows_of_16 *t, size_t words)
{
    const __m512i *w = t->w;
    const int32_t *v = t->v;
    model_gates sums = model_none();
    for (; words > 0; words--) {
        sums = model_dots(sums, model_row_words(w), *v++);
        w += 4;
        MODEL_OPAQUE(words);
    }
    MODEL_ADD_CHUNK(t->a.i, sums.i);
    MODEL_ADD_CHUNK(t->a.f, sums.f);
    MODEL_ADD_CHUNK(t->a.g, sums.g);
    MODEL_ADD_CHUNK(t->a.o, sums.o);
}

/* The next strip, a chunk, for samples, 1 or MODEL_SHARING. */
MODEL_INLINE void model_take_strip(model_rows_of_16 *t, size_t samples)
{
    const size_t words = t->words < MODEL_STRIP ? t->words : MODEL_STRIP;
    if (samples > 1) {
        model_take_shared(t, words);
    } else {
        model_take_chunk(t, words);
    }
    t->w += 4 * words;
    t->v += words;
    t->words -= words;
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
