/* 16 units of an LSTM side by side, on x86-64 with AVX-512 and VNNI. When a program is loaded, the
   constants of a layer are laid out a second time, a gate of 16 units in the lanes of a vector, so
   that no sum is taken over lanes. */
#ifndef MODEL_INTEGER_AVX512_H
#define MODEL_INTEGER_AVX512_H

#include "integer_gates.c"

#if MODEL_LSTM
#if defined(MODEL_KERNEL_AVX512)
#define MODEL_ADD(a, b) _mm512_add_epi32(a, b)
#define MODEL_IN_VALUES (MODEL_IN_WORD / 2) /* int32 that a word of values takes */

/* Constants of 16 units, by gate, zeros beyond the last unit. Behind them lie their weights:
   [word][gate], a word of each unit. */
typedef struct {
    __m512i bias[4];
    __m512i shift_x[4];
    __m512i shift_h[4];
    __m512i start_x[4]; /* what sums begin with */
    __m512i start_h[4];
} model_16_units;

#define MODEL_LANES_OF_CONSTANTS (sizeof(model_16_units) / sizeof(__m512i))

/* Vectors that the constants of a layer take. */
#define MODEL_LANES_SIZE(input_size, state_size, units) \
    (((units) + 15) / 16 *                              \
     (MODEL_LANES_OF_CONSTANTS + 4 * (MODEL_WORDS(input_size) + MODEL_WORDS(state_size))))

/* The constants of a layer as integer_layers.c describes them. */
typedef struct {
    const model_weight *weights;
    const int32_t *biases;
    const uint8_t *shifts;
    size_t words_x, words_h, units;
} model_rows_of_units;

#if MODEL_BITS == 8
/* What the sum of a row begins with: int8 weights meet values that are 2^15 too large. */
MODEL_STATIC int32_t model_start_of_sum(const model_weight *w, size_t words)
{
    uint32_t start = 0;
    size_t word, k;
    for (word = 0; word < words; word++) {
        for (k = 0; k < MODEL_IN_WORD; k++) {
            start -= (uint32_t)(int32_t)w[word * 4 * MODEL_IN_WORD + k] << 15;
        }
    }
    return (int32_t)start;
}
#endif

/* Constants of a gate of 16 units. */
MODEL_STATIC void model_write_gate(const model_rows_of_units *rows, size_t first, size_t gate,
                                   model_16_units *out)
{
    int32_t lanes[5][16] = {{0}};
#if MODEL_BITS == 8
    const model_weight *w;
#endif
    size_t k;
    for (k = 0; k < 16 && first + k < rows->units; k++) {
        const size_t unit = first + k;
        lanes[0][k] = rows->biases[4 * unit + gate];
        lanes[1][k] = rows->shifts[8 * unit + gate];
        lanes[2][k] = rows->shifts[8 * unit + gate + 4];
#if MODEL_BITS == 8
        w = rows->weights + (unit * (rows->words_x + rows->words_h) * 4 + gate) * MODEL_IN_WORD;
        lanes[3][k] = model_start_of_sum(w, rows->words_x);
        lanes[4][k] = model_start_of_sum(w + rows->words_x * 4 * MODEL_IN_WORD, rows->words_h);
#endif
    }
    out->bias[gate] = _mm512_loadu_si512(lanes[0]);
    out->shift_x[gate] = _mm512_loadu_si512(lanes[1]);
    out->shift_h[gate] = _mm512_loadu_si512(lanes[2]);
    out->start_x[gate] = _mm512_loadu_si512(lanes[3]);
    out->start_h[gate] = _mm512_loadu_si512(lanes[4]);
}

/* A word of a gate of 16 units. */
MODEL_STATIC __m512i model_lanes_of_word(const model_rows_of_units *rows, size_t first, size_t word,
                                         size_t gate)
{
    const size_t words = rows->words_x + rows->words_h;
    model_weight lanes[16][MODEL_IN_WORD] = {{0}};
    size_t lane, k;
    for (lane = 0; lane < 16 && first + lane < rows->units; lane++) {
        const size_t place = ((first + lane) * words + word) * 4 + gate;
        for (k = 0; k < MODEL_IN_WORD; k++) {
            lanes[lane][k] = rows->weights[place * MODEL_IN_WORD + k];
        }
    }
    return _mm512_loadu_si512(lanes);
}

/* All constants of a layer -> out [MODEL_LANES_SIZE]. */
MODEL_STATIC void model_write_lanes(const model_rows_of_units *rows, __m512i *out)
{
    size_t first, word, gate;
    for (first = 0; first < rows->units; first += 16) {
        for (gate = 0; gate < 4; gate++) {
            model_write_gate(rows, first, gate, (model_16_units *)out);
        }
        out += MODEL_LANES_OF_CONSTANTS;
        for (word = 0; word < rows->words_x + rows->words_h; word++) {
            for (gate = 0; gate < 4; gate++) {
                *out++ = model_lanes_of_word(rows, first, word, gate);
            }
        }
    }
}

/* n values -> words as weights meet them; for int8 weights each in two: the low bytes of its values,
   2^15 more, and the high bytes. */
MODEL_INLINE int32_t *model_words(const int16_t *values, size_t n, int32_t *out)
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
    return out;
}

/* Sums of the gates of 16 units. */
typedef struct {
    __m512i i, f, g, o;
} model_gates;

MODEL_INLINE model_gates model_shifted(model_gates sums, const __m512i *shift)
{
    sums.i = _mm512_srav_epi32(sums.i, shift[0]);
    sums.f = _mm512_srav_epi32(sums.f, shift[1]);
    sums.g = _mm512_srav_epi32(sums.g, shift[2]);
    sums.o = _mm512_srav_epi32(sums.o, shift[3]);
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

#if MODEL_BITS == 8
/* Rows that are loaded once for two multiply-adds. */
MODEL_INLINE __m512i model_row_words(const __m512i *w)
{
    __m512i rows = *w;
    __asm__("" : "+v"(rows));
    return rows;
}

/* What the rows of 16 units have summed up. */
typedef struct {
    model_gates low;
    model_gates high; /* counts 2^8 times as much */
} model_totals_16;

MODEL_INLINE model_totals_16 model_begun(const __m512i *start)
{
    const __m512i zero = _mm512_setzero_si512();
    const model_totals_16 totals = {{start[0], start[1], start[2], start[3]},
                                    {zero, zero, zero, zero}};
    return totals;
}

/* A word of the rows of 16 units. */
MODEL_INLINE model_totals_16 model_take_word(model_totals_16 t, const __m512i *w, const int32_t *v)
{
    const __m512i v_low = _mm512_set1_epi32(v[0]);
    const __m512i v_high = _mm512_set1_epi32(v[1]);
    __m512i rows = model_row_words(w);
    t.low.i = _mm512_dpbusd_epi32(t.low.i, v_low, rows);
    t.high.i = _mm512_dpbusd_epi32(t.high.i, v_high, rows);
    rows = model_row_words(w + 1);
    t.low.f = _mm512_dpbusd_epi32(t.low.f, v_low, rows);
    t.high.f = _mm512_dpbusd_epi32(t.high.f, v_high, rows);
    rows = model_row_words(w + 2);
    t.low.g = _mm512_dpbusd_epi32(t.low.g, v_low, rows);
    t.high.g = _mm512_dpbusd_epi32(t.high.g, v_high, rows);
    rows = model_row_words(w + 3);
    t.low.o = _mm512_dpbusd_epi32(t.low.o, v_low, rows);
    t.high.o = _mm512_dpbusd_epi32(t.high.o, v_high, rows);
    return t;
}

/* Words of the rows of 16 units. */
MODEL_INLINE model_totals_16 model_take(model_totals_16 t, const __m512i *w, const int32_t *v,
                                        size_t words)
{
    for (; words >= 2; words -= 2) {
        t = model_take_word(t, w, v);
        t = model_take_word(t, w + 4, v + 2);
        w += 8;
        v += 4;
    }
    return words > 0 ? model_take_word(t, w, v) : t;
}

MODEL_INLINE model_gates model_ended(model_totals_16 t)
{
    t.high.i = _mm512_slli_epi32(t.high.i, 8);
    t.high.f = _mm512_slli_epi32(t.high.f, 8);
    t.high.g = _mm512_slli_epi32(t.high.g, 8);
    t.high.o = _mm512_slli_epi32(t.high.o, 8);
    return model_added(t.low, t.high);
}
#else
typedef model_gates model_totals_16;

MODEL_INLINE model_totals_16 model_begun(const __m512i *start)
{
    const __m512i zero = _mm512_setzero_si512();
    const model_totals_16 totals = {zero, zero, zero, zero};
    (void)start;
    return totals;
}

/* Words of the rows of 16 units, chunk by chunk. */
MODEL_INLINE model_totals_16 model_take(model_totals_16 t, const __m512i *w, const int32_t *v,
                                        size_t words)
{
    const __m512i zero = _mm512_setzero_si512();
    while (words > 0) {
        size_t left = words < MODEL_CHUNK_WORDS ? words : MODEL_CHUNK_WORDS;
        model_gates sums = {zero, zero, zero, zero};
        words -= left;
        for (; left > 0; left--) {
            const __m512i value = _mm512_set1_epi32(*v++);
            sums.i = _mm512_dpwssd_epi32(sums.i, value, w[0]);
            sums.f = _mm512_dpwssd_epi32(sums.f, value, w[1]);
            sums.g = _mm512_dpwssd_epi32(sums.g, value, w[2]);
            sums.o = _mm512_dpwssd_epi32(sums.o, value, w[3]);
            w += 4;
        }
        t.i = MODEL_ADD(t.i, _mm512_srai_epi32(sums.i, MODEL_CHUNK_SHIFT));
        t.f = MODEL_ADD(t.f, _mm512_srai_epi32(sums.f, MODEL_CHUNK_SHIFT));
        t.g = MODEL_ADD(t.g, _mm512_srai_epi32(sums.g, MODEL_CHUNK_SHIFT));
        t.o = MODEL_ADD(t.o, _mm512_srai_epi32(sums.o, MODEL_CHUNK_SHIFT));
    }
    return t;
}

MODEL_INLINE model_gates model_ended(model_totals_16 t)
{
    return t;
}
#endif

/* As model_tanh_at, of places. */
MODEL_INLINE __m512i model_tanh_at_16(__m512i place)
{
    const __m512i even =
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i piece = _mm512_srli_epi32(place, 14);
    const __m512i first = /* both ends of eight pieces */
        _mm512_i32gather_epi64(_mm512_castsi512_si256(piece), model_tanh_table, 4);
    const __m512i second =
        _mm512_i32gather_epi64(_mm512_extracti64x4_epi64(piece, 1), model_tanh_table, 4);
    const __m512i low = _mm512_permutex2var_epi32(first, even, second);
    const __m512i odd = MODEL_ADD(even, _mm512_set1_epi32(1));
    const __m512i high = _mm512_permutex2var_epi32(first, odd, second);
    const __m512i fraction = _mm512_and_si512(place, _mm512_set1_epi32(16383));
    const __m512i rise = _mm512_mullo_epi32(_mm512_sub_epi32(high, low), fraction);
    return MODEL_ADD(low, _mm512_srai_epi32(rise, 14));
}

/* As model_place. */
MODEL_INLINE __m512i model_place_16(__m512i sum, unsigned up, unsigned down)
{
    const __m512i limit = _mm512_set1_epi32(MODEL_SUM_LIMIT >> up);
    sum = _mm512_sra_epi32(sum, _mm_cvtsi32_si128((int)down));
    sum = _mm512_min_epi32(sum, _mm512_sub_epi32(limit, _mm512_set1_epi32(1)));
    sum = _mm512_max_epi32(sum, _mm512_sub_epi32(_mm512_setzero_si512(), limit));
    sum = _mm512_sll_epi32(sum, _mm_cvtsi32_si128((int)up));
    return MODEL_ADD(sum, _mm512_set1_epi32(MODEL_SUM_LIMIT));
}

/* As model_sigmoid. */
MODEL_INLINE __m512i model_sigmoid_16(__m512i sum, unsigned up)
{
    const __m512i tanh = _mm512_srai_epi32(model_tanh_at_16(model_place_16(sum, up, 1)), 7);
    return MODEL_ADD(tanh, _mm512_set1_epi32(32768));
}

/* As model_times. */
MODEL_INLINE __m512i model_times_16(__m512i gate, __m512i wide)
{
    const __m512i low = _mm512_and_si512(wide, _mm512_set1_epi32(0xFFFF));
    const __m512i high = _mm512_mullo_epi32(gate, _mm512_srai_epi32(wide, 16));
    return MODEL_ADD(high, _mm512_srli_epi32(_mm512_mullo_epi32(gate, low), 16));
}

/* 16 units on the way to their new state. */
typedef struct {
    model_gates gates;
    __m512i cell;
    int32_t *c;
    int16_t *out;
    size_t count; /* of them, 0 for none */
} model_update_of_16;

/* Their update in four parts, between which the rows of the next 16 are multiplied: so a processor
   does both at once. */
MODEL_INLINE void model_update_part(model_update_of_16 *u, unsigned part, unsigned up)
{
    const __m512i half = _mm512_set1_epi32(64);
    const __m512i most = _mm512_set1_epi32((1 << 30) - 1), least = _mm512_set1_epi32(-(1 << 30));
    const __mmask16 live = (__mmask16)(0xFFFF >> (16 - u->count));
    __m512i value;
    switch (part) {
    case 0:
        value = _mm512_sub_epi32(model_tanh_at_16(model_place_16(u->gates.g, up, 0)), half);
        u->cell = model_times_16(model_sigmoid_16(u->gates.i, up), _mm512_slli_epi32(value, 2));
        break;
    case 1:
        value = _mm512_maskz_loadu_epi32(live, u->c);
        value = MODEL_ADD(u->cell, model_times_16(model_sigmoid_16(u->gates.f, up), value));
        u->cell = _mm512_max_epi32(_mm512_min_epi32(value, most), least);
        _mm512_mask_storeu_epi32(u->c, live, u->cell);
        break;
    case 2:
        u->gates.o = model_sigmoid_16(u->gates.o, up);
        break;
    default:
        value = _mm512_sub_epi32(model_tanh_at_16(model_place_16(u->cell, 0, 4)), half);
        value = model_times_16(u->gates.o, value);
        value = _mm512_srai_epi32(MODEL_ADD(value, half), 7);
        _mm512_mask_cvtepi32_storeu_epi16(u->out, live, value);
    }
}

/* What the step of a layer works on. */
typedef struct {
    const __m512i *lanes;
    const int32_t *x, *h; /* words of values */
    size_t words_x, words_h;
    size_t units;
    unsigned up;
} model_all_units;

/* All units of a layer: over c [units], h of it -> out [units]. */
MODEL_NOINLINE void model_lstm_units(const model_all_units *layer, int32_t *c, int16_t *out)
{
    const size_t quarter = layer->words_h / 4 / 8 * 8;
    const __m512i zero = _mm512_setzero_si512();
    const __m512i *w = layer->lanes;
    model_update_of_16 before = {{zero, zero, zero, zero}, zero, c, out, 0};
    size_t first;
    unsigned part;
    for (first = 0; first < layer->units; first += 16) {
        const size_t left = layer->units - first;
        const model_16_units *const units = (const model_16_units *)w;
        const int32_t *v = layer->h;
        model_gates gates, sums = {units->bias[0], units->bias[1], units->bias[2], units->bias[3]};
        model_totals_16 totals;
        w += MODEL_LANES_OF_CONSTANTS;
        gates = model_ended(model_take(model_begun(units->start_x), w, layer->x, layer->words_x));
        sums = model_added(sums, model_shifted(gates, units->shift_x));
        w += 4 * layer->words_x;
        totals = model_begun(units->start_h);
        for (part = 0; part < 4; part++) {
            const size_t words = part < 3 ? quarter : layer->words_h - 3 * quarter;
            totals = model_take(totals, w, v, words);
            w += 4 * words;
            v += MODEL_IN_VALUES * words;
            if (before.count) {
                model_update_part(&before, part, layer->up);
            }
        }
        sums = model_added(sums, model_shifted(model_ended(totals), units->shift_h));
        before.gates = sums;
        before.c = c + first;
        before.out = out + first;
        before.count = left < 16 ? left : 16;
    }
    for (part = 0; part < 4; part++) {
        model_update_part(&before, part, layer->up);
    }
}
#endif
#endif

#endif
