/* An LSTM on x86-64 with AVX-512 and VNNI: 16 units side by side, for a sample, or for four at once,
   which share the loads of the weights: four steps of a sequence for the part of x, and a step of four
   sequences for that of h. A sample is the values of a step, in words. */
#ifndef MODEL_INTEGER_AVX512_H
#define MODEL_INTEGER_AVX512_H

#include "integer_avx512_gates.c"
#include "integer_avx512_layout.c"
#include "integer_sizes.h"

#if MODEL_LSTM
#if defined(MODEL_KERNEL_AVX512)
/* Samples of a block: what is known of them lies on the stack. */
#define MODEL_SAMPLES (MODEL_UNITS > 256 || MODEL_GATHERED > 1024 ? 4 : 16)
#define MODEL_SAMPLE (MODEL_GATHERED / 2 + 8) /* int32 that a sample takes at most */
#define MODEL_IN_VALUES (MODEL_IN_WORD / 2) /* int32 that a word of values takes */

/* A layer as it lies in lanes. */
typedef struct {
    const model_16_units *constants;
    const __m512i *weights_x, *weights_h;
    size_t words_x, words_h, units;
    unsigned up;
} model_lanes_of_layer;

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

MODEL_INLINE model_gates model_none(void)
{
    const __m512i zero = _mm512_setzero_si512();
    const model_gates none = {zero, zero, zero, zero};
    return none;
}

MODEL_INLINE model_gates model_shifted(model_gates sums, model_gates shift)
{
    sums.i = _mm512_srav_epi32(sums.i, shift.i);
    sums.f = _mm512_srav_epi32(sums.f, shift.f);
    sums.g = _mm512_srav_epi32(sums.g, shift.g);
    sums.o = _mm512_srav_epi32(sums.o, shift.o);
    return sums;
}

MODEL_INLINE model_gates model_added(model_gates a, model_gates b)
{
    a.i = MODEL_ADD(a.i, b.i);
    a.f = MODEL_ADD(a.f, b.f);
    a.g = MODEL_ADD(a.g, b.g);
    a.o = MODEL_ADD(a.o, b.o);
    return a;
}

/* A word of the rows of 16 units, loaded once for several multiply-adds. */
MODEL_INLINE model_gates model_row_words(const __m512i *w)
{
    model_gates rows = {w[0], w[1], w[2], w[3]};
    __asm__("" : "+v"(rows.i), "+v"(rows.f), "+v"(rows.g), "+v"(rows.o));
    return rows;
}

#if MODEL_BITS == 8
#define MODEL_PIECE 8 /* words of four samples between two parts of an update */

/* What the rows of 16 units have summed up. */
typedef struct {
    model_gates low;
    model_gates high; /* counts 2^8 times as much */
} model_totals_16;

MODEL_INLINE model_totals_16 model_begun(model_gates start)
{
    const __m512i zero = _mm512_setzero_si512();
    const model_totals_16 totals = {start, {zero, zero, zero, zero}};
    return totals;
}

MODEL_INLINE model_gates model_bytes_added(model_gates sums, model_gates rows, int32_t bytes)
{
    const __m512i v = _mm512_set1_epi32(bytes);
    sums.i = _mm512_dpbusd_epi32(sums.i, v, rows.i);
    sums.f = _mm512_dpbusd_epi32(sums.f, v, rows.f);
    sums.g = _mm512_dpbusd_epi32(sums.g, v, rows.g);
    sums.o = _mm512_dpbusd_epi32(sums.o, v, rows.o);
    return sums;
}

/* A word of the rows of 16 units. */
MODEL_INLINE model_totals_16 model_take_word(model_totals_16 t, model_gates rows, const int32_t *v)
{
    t.low = model_bytes_added(t.low, rows, v[0]);
    t.high = model_bytes_added(t.high, rows, v[1]);
    return t;
}

/* Words of the rows of 16 units. */
MODEL_INLINE model_totals_16 model_take(model_totals_16 t, const __m512i *w, const int32_t *v,
                                        size_t words)
{
    for (; words > 0; words--) {
        t = model_take_word(t, model_row_words(w), v);
        w += 4;
        v += 2;
    }
    return t;
}

MODEL_INLINE model_gates model_ended(model_totals_16 t)
{
    t.high.i = _mm512_slli_epi32(t.high.i, 8);
    t.high.f = _mm512_slli_epi32(t.high.f, 8);
    t.high.g = _mm512_slli_epi32(t.high.g, 8);
    t.high.o = _mm512_slli_epi32(t.high.o, 8);
    return model_added(t.low, t.high);
}

/* Words of two samples, added to totals [2]. */
MODEL_INLINE void model_take_two(model_gates *totals, const __m512i *w, const int32_t *v,
                                 size_t words)
{
    model_totals_16 first = model_begun(totals[0]), second = model_begun(totals[1]);
    for (; words > 0; words--) {
        const model_gates rows = model_row_words(w);
        first = model_take_word(first, rows, v);
        second = model_take_word(second, rows, v + MODEL_SAMPLE);
        w += 4;
        v += 2;
    }
    totals[0] = model_ended(first);
    totals[1] = model_ended(second);
}

/* Words of four samples, MODEL_PIECE at most, added to totals [4]. */
MODEL_INLINE void model_take_piece(model_gates *totals, const __m512i *w, const int32_t *v,
                                   size_t words)
{
    model_take_two(totals, w, v, words);
    model_take_two(totals + 2, w, v + 2 * MODEL_SAMPLE, words);
}
#else
#define MODEL_PIECE MODEL_CHUNK_WORDS

typedef model_gates model_totals_16;

MODEL_INLINE model_totals_16 model_begun(model_gates start)
{
    return start;
}

MODEL_INLINE model_gates model_take_word(model_gates sums, model_gates rows, const int32_t *v)
{
    const __m512i pair = _mm512_set1_epi32(*v);
    sums.i = _mm512_dpwssd_epi32(sums.i, pair, rows.i);
    sums.f = _mm512_dpwssd_epi32(sums.f, pair, rows.f);
    sums.g = _mm512_dpwssd_epi32(sums.g, pair, rows.g);
    sums.o = _mm512_dpwssd_epi32(sums.o, pair, rows.o);
    return sums;
}

MODEL_INLINE model_gates model_chunk_added(model_gates totals, model_gates sums)
{
    totals.i = MODEL_ADD(totals.i, _mm512_srai_epi32(sums.i, MODEL_CHUNK_SHIFT));
    totals.f = MODEL_ADD(totals.f, _mm512_srai_epi32(sums.f, MODEL_CHUNK_SHIFT));
    totals.g = MODEL_ADD(totals.g, _mm512_srai_epi32(sums.g, MODEL_CHUNK_SHIFT));
    totals.o = MODEL_ADD(totals.o, _mm512_srai_epi32(sums.o, MODEL_CHUNK_SHIFT));
    return totals;
}

/* Words of the rows of 16 units, chunk by chunk. */
MODEL_INLINE model_totals_16 model_take(model_totals_16 t, const __m512i *w, const int32_t *v,
                                        size_t words)
{
    while (words > 0) {
        size_t left = words < MODEL_CHUNK_WORDS ? words : MODEL_CHUNK_WORDS;
        model_gates sums = model_none();
        words -= left;
        for (; left > 0; left--) {
            const model_gates rows = {w[0], w[1], w[2], w[3]};
            sums = model_take_word(sums, rows, v);
            w += 4;
            v++;
        }
        t = model_chunk_added(t, sums);
    }
    return t;
}

MODEL_INLINE model_gates model_ended(model_totals_16 t)
{
    return t;
}

/* A chunk of four samples, added to totals [4]. */
MODEL_INLINE void model_take_piece(model_gates *totals, const __m512i *w, const int32_t *v,
                                   size_t words)
{
    model_gates a = model_none(), b = a, c = a, d = a;
    for (; words > 0; words--) {
        const model_gates rows = model_row_words(w);
        a = model_take_word(a, rows, v);
        b = model_take_word(b, rows, v + MODEL_SAMPLE);
        c = model_take_word(c, rows, v + 2 * MODEL_SAMPLE);
        d = model_take_word(d, rows, v + 3 * MODEL_SAMPLE);
        w += 4;
        v++;
    }
    totals[0] = model_chunk_added(totals[0], a);
    totals[1] = model_chunk_added(totals[1], b);
    totals[2] = model_chunk_added(totals[2], c);
    totals[3] = model_chunk_added(totals[3], d);
}
#endif

/* What the biases and x make of the sums of 16 units, for four samples. */
MODEL_NOINLINE void model_x_of_4(const model_lanes_of_layer *layer, size_t group, const int32_t *v,
                                 model_gates *sums)
{
    const model_16_units *const units = layer->constants + group;
    const __m512i *w = layer->weights_x + 4 * layer->words_x * group;
    const size_t groups = MODEL_GROUPS(layer->units);
    const model_gates start = units->start_x;
    model_gates totals[4] = {start, start, start, start};
    size_t left, k;
    for (left = layer->words_x; left > 0;) {
        const size_t words = left < MODEL_PIECE ? left : MODEL_PIECE;
        model_take_piece(totals, w, v, words);
        w += 4 * words;
        v += MODEL_IN_VALUES * words;
        left -= words;
    }
    for (k = 0; k < 4; k++) {
        sums[k * groups] = model_added(units->bias, model_shifted(totals[k], units->shift_x));
    }
}

/* The same for a sample. */
MODEL_INLINE void model_x_of_1(const model_lanes_of_layer *layer, size_t group, const int32_t *v,
                               model_gates *sums)
{
    const model_16_units *const units = layer->constants + group;
    const __m512i *w = layer->weights_x + 4 * layer->words_x * group;
    const model_gates totals =
        model_ended(model_take(model_begun(units->start_x), w, v, layer->words_x));
    *sums = model_added(units->bias, model_shifted(totals, units->shift_x));
}

/* What the biases and x make of the sums of all units: x [samples][input_size] ->
   sums [sample][16 units]. */
MODEL_NOINLINE void model_x_of_all(const model_lanes_of_layer *layer, const int16_t *x, size_t input_size,
                                 size_t samples, model_gates *sums)
{
    int32_t v[MODEL_SAMPLES * MODEL_SAMPLE] MODEL_ALIGNED;
    const size_t groups = MODEL_GROUPS(layer->units), by_4 = samples - samples % 4;
    size_t sample, group;
    for (sample = 0; sample < samples; sample++) {
        model_words(x + sample * input_size, input_size, v + sample * MODEL_SAMPLE);
    }
    for (group = 0; group < groups; group++) {
        for (sample = 0; sample < by_4; sample += 4) {
            model_x_of_4(layer, group, v + sample * MODEL_SAMPLE, sums + sample * groups + group);
        }
        for (; sample < samples; sample++) {
            model_x_of_1(layer, group, v + sample * MODEL_SAMPLE, sums + sample * groups + group);
        }
    }
}

/* A step of all units: h in words, over c [units]; sums [16 units] of x -> out [units]. The update of 16
   units is made between the multiply-adds of the next. */
MODEL_NOINLINE void model_step_of_1(const model_lanes_of_layer *layer, const model_gates *sums,
                                   const int32_t *h, int32_t *c, int16_t *out, int is_backwards)
{
    const size_t quarter = layer->words_h / 4 / 8 * 8;
    const size_t groups = MODEL_GROUPS(layer->units);
    model_update_of_16 before = {model_none(), _mm512_setzero_si512(), c, out, 0};
    size_t k;
    unsigned part;
    for (k = 0; k < groups; k++) {
        const size_t group = is_backwards ? groups - 1 - k : k;
        const size_t left = layer->units - 16 * group;
        const model_16_units *const units = layer->constants + group;
        const __m512i *w = layer->weights_h + 4 * layer->words_h * group;
        const int32_t *v = h;
        model_totals_16 totals = model_begun(units->start_h);
        for (part = 0; part < 4; part++) {
            const size_t words = part < 3 ? quarter : layer->words_h - 3 * quarter;
            totals = model_take(totals, w, v, words);
            w += 4 * words;
            v += MODEL_IN_VALUES * words;
            if (before.count) {
                model_update_part(&before, part, layer->up);
            }
        }
        before.gates =
            model_added(sums[group], model_shifted(model_ended(totals), units->shift_h));
        before.c = c + 16 * group;
        before.out = out + 16 * group;
        before.count = left < 16 ? left : 16;
    }
    for (part = 0; part < 4; part++) {
        model_update_part(&before, part, layer->up);
    }
}

#if MODEL_BITS == 16
/* The same of four samples: h [4][MODEL_SAMPLE], c `stride` apart, sums [4][16 units] -> out [4][units]. */
MODEL_NOINLINE void model_step_of_4(const model_lanes_of_layer *layer, const model_gates *sums,
                                   const int32_t *h, int32_t *c, size_t stride, int16_t *out)
{
    const size_t groups = MODEL_GROUPS(layer->units), words_h = layer->words_h;
    model_update_of_16 before[4];
    size_t group, word, k;
    size_t part = 16;
    for (group = 0; group < groups; group++) {
        const size_t left = layer->units - 16 * group;
        const model_16_units *const units = layer->constants + group;
        const __m512i *w = layer->weights_h + 4 * words_h * group;
        const model_gates start = units->start_h;
        model_gates totals[4] = {start, start, start, start};
        for (word = 0; word < words_h; word += MODEL_PIECE) {
            const size_t words = words_h - word < MODEL_PIECE ? words_h - word : MODEL_PIECE;
            model_take_piece(totals, w + 4 * word, h + MODEL_IN_VALUES * word, words);
            for (; part < 16 && part * words_h < 16 * (word + words); part++) {
                model_update_part(before + part / 4, (unsigned)part % 4, layer->up);
            }
        }
        for (k = 0; k < 4; k++) {
            before[k].gates = model_added(sums[k * groups + group],
                                          model_shifted(totals[k], units->shift_h));
            before[k].c = c + k * stride + 16 * group;
            before[k].out = out + k * layer->units + 16 * group;
            before[k].count = left < 16 ? left : 16;
        }
        part = 0;
    }
    for (; part < 16; part++) {
        model_update_part(before + part / 4, (unsigned)part % 4, layer->up);
    }
}
#endif
#endif
#endif

#endif
