/* 16 units of an LSTM side by side, on x86-64 with AVX-512 and VNNI: the rows of four units at once,
   four times, then all gates. */
#ifndef MODEL_INTEGER_AVX512_H
#define MODEL_INTEGER_AVX512_H

#include "integer_gates.c"

#if MODEL_LSTM
#if defined(MODEL_KERNEL_AVX512)
#define MODEL_ADD(a, b) _mm512_add_epi32(a, b)

/* Where the next words of four units' rows lie. */
typedef struct {
    const model_weight *w[4];
} model_four_units;

MODEL_INLINE void model_no_sums(__m512i *sums)
{
    unsigned k;
    for (k = 0; k < 4; k++) {
        sums[k] = _mm512_setzero_si512();
    }
}

#if MODEL_BITS == 8
/* Two words of every row, lanes [word][row][half of the word's columns]. */
MODEL_INLINE void model_take_words(model_four_units *units, __m512i *sums, const int16_t *v,
                                   size_t words)
{
    const __m512i twice = _mm512_setr_epi64(0, 0, 0, 0, 1, 1, 1, 1);
    const __mmask8 some = (__mmask8)(words < 2 ? 0x0F : 0xFF);
    __m128i x = _mm_maskz_loadu_epi32((__mmask8)(some & 0x0F) >> (words < 2 ? 2 : 0), v);
    __m512i values;
    unsigned k;
    x = _mm_shufflehi_epi16(_mm_shufflelo_epi16(x, 0xD8), 0xD8); /* columns 0, 2, 1, 3 of a word */
    values = _mm512_permutexvar_epi64(twice, _mm512_castsi128_si512(x));
    for (k = 0; k < 4; k++) {
        const __m256i rows = _mm256_maskz_loadu_epi32(some, units->w[k]);
        sums[k] = _mm512_dpwssd_epi32(sums[k], _mm512_cvtepi8_epi16(rows), values);
        units->w[k] += words * 4 * MODEL_IN_WORD;
    }
}
#else
/* Four words of every row, lanes [word][row]. */
MODEL_INLINE void model_take_words(model_four_units *units, __m512i *sums, const int16_t *v,
                                   size_t words)
{
    const __m512i each = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    const __mmask16 some = (__mmask16)(0xFFFF >> (16 - 4 * words));
    const __m128i x = _mm_maskz_loadu_epi32((__mmask8)(0x0F >> (4 - words)), v);
    const __m512i values = _mm512_permutexvar_epi32(each, _mm512_castsi128_si512(x));
    unsigned k;
    for (k = 0; k < 4; k++) {
        const __m512i rows = _mm512_maskz_loadu_epi32(some, units->w[k]);
        sums[k] = _mm512_dpwssd_epi32(sums[k], rows, values);
        units->w[k] += words * 4 * MODEL_IN_WORD;
    }
}
#endif

/* Upper halves beside lower halves, added to lower halves beside upper halves. */
MODEL_INLINE __m512i model_halves(__m512i a, __m512i b)
{
    return MODEL_ADD(_mm512_mask_blend_epi32(0xFF00, a, b), _mm512_shuffle_i64x2(a, b, 0x4E));
}

/* Sums of each row, lanes [unit][row]. */
MODEL_INLINE __m512i model_folded(const __m512i *sums)
{
    const __m512i even_units = model_halves(sums[0], sums[2]);
    const __m512i odd_units = model_halves(sums[1], sums[3]);
#if MODEL_BITS == 8
    const __m512i order = _mm512_setr_epi32(0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15);
    const __m512 a = _mm512_castsi512_ps(even_units), b = _mm512_castsi512_ps(odd_units);
    const __m512i first = _mm512_castps_si512(_mm512_shuffle_ps(a, b, 0x88));
    const __m512i second = _mm512_castps_si512(_mm512_shuffle_ps(a, b, 0xDD));
    return _mm512_permutexvar_epi32(order, MODEL_ADD(first, second));
#else
    const __m512i others =
        _mm512_setr_epi32(4, 5, 6, 7, 16, 17, 18, 19, 12, 13, 14, 15, 24, 25, 26, 27);
    return MODEL_ADD(_mm512_mask_blend_epi32(0xF0F0, even_units, odd_units),
                     _mm512_permutex2var_epi32(even_units, others, odd_units));
#endif
}

/* The rows of four units times `words` words of values, chunk by chunk: lanes [unit][row]. */
MODEL_INLINE __m512i model_totals_of_units(model_four_units *units, const int16_t *v, size_t words)
{
    __m512i sums[4];
#if MODEL_BITS == 8
    __m512i more[4]; /* a multiply-add takes some cycles: two at a time */
    unsigned k;
    model_no_sums(sums);
    model_no_sums(more);
    for (; words >= 4; words -= 4) {
        model_take_words(units, sums, v, 2);
        model_take_words(units, more, v + 2 * MODEL_IN_WORD, 2);
        v += 4 * MODEL_IN_WORD;
    }
    if (words >= 2) {
        model_take_words(units, sums, v, 2);
        v += 2 * MODEL_IN_WORD;
        words -= 2;
    }
    if (words > 0) {
        model_take_words(units, more, v, 1);
    }
    for (k = 0; k < 4; k++) {
        sums[k] = MODEL_ADD(sums[k], more[k]);
    }
    return model_folded(sums);
#else
    __m512i totals = _mm512_setzero_si512();
    for (; words >= MODEL_CHUNK_WORDS; words -= MODEL_CHUNK_WORDS) {
        model_no_sums(sums);
        model_take_words(units, sums, v, 4);
        model_take_words(units, sums, v + 4 * MODEL_IN_WORD, 4);
        v += MODEL_CHUNK_WORDS * MODEL_IN_WORD;
        totals = MODEL_ADD(totals, _mm512_srai_epi32(model_folded(sums), MODEL_CHUNK_SHIFT));
    }
    model_no_sums(sums);
    if (words >= 4) {
        model_take_words(units, sums, v, 4);
        v += 4 * MODEL_IN_WORD;
        words -= 4;
    }
    if (words > 0) {
        model_take_words(units, sums, v, words);
    }
    return MODEL_ADD(totals, _mm512_srai_epi32(model_folded(sums), MODEL_CHUNK_SHIFT));
#endif
}

/* As model_tanh_at, of places. */
MODEL_INLINE __m512i model_tanh_at_16(__m512i place)
{
    const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
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

/* What the step of a layer works on, all units of it. */
typedef struct {
    const model_weight *w;
    const int32_t *bias;   /* [unit][row] */
    const uint8_t *shifts; /* [unit][x, h][row] */
    const int16_t *v;      /* x and h, one behind the other */
    size_t words_x, words_h;
    unsigned up;
} model_all_units;

/* Sums of the gates of `count` of four units, lanes [unit][row]. */
MODEL_INLINE __m512i model_sums_of_units(const model_all_units *layer, size_t first, size_t count)
{
    const size_t stride = (layer->words_x + layer->words_h) * 4 * MODEL_IN_WORD;
    const __mmask16 lanes = (__mmask16)(0xFFFF >> (16 - 4 * count));
    const __m256i shifts =
        _mm256_maskz_loadu_epi64((__mmask8)(0x0F >> (4 - count)), layer->shifts + 8 * first);
    const __m512i shifts_x = _mm512_cvtepu8_epi32(_mm256_cvtepi64_epi32(shifts));
    const __m512i shifts_h =
        _mm512_cvtepu8_epi32(_mm256_cvtepi64_epi32(_mm256_srli_epi64(shifts, 32)));
    const int16_t *const v_h = layer->v + layer->words_x * MODEL_IN_WORD;
    model_four_units units;
    __m512i sums = _mm512_maskz_loadu_epi32(lanes, layer->bias + 4 * first);
    unsigned k;
    for (k = 0; k < 4; k++) { /* beyond the last: the last once more */
        units.w[k] = layer->w + stride * (first + (k < count ? k : count - 1));
    }
    sums = MODEL_ADD(
        sums, _mm512_srav_epi32(model_totals_of_units(&units, layer->v, layer->words_x), shifts_x));
    return MODEL_ADD(
        sums, _mm512_srav_epi32(model_totals_of_units(&units, v_h, layer->words_h), shifts_h));
}

/* The gates of 16 units, from lanes [unit][row] of four times four: lane 4 * a + b is unit
   a + 4 * b. */
MODEL_INLINE void model_gates_apart(const __m512i *sums, __m512i *gates)
{
    const __m512i ab_low = _mm512_unpacklo_epi32(sums[0], sums[1]);
    const __m512i ab_high = _mm512_unpackhi_epi32(sums[0], sums[1]);
    const __m512i cd_low = _mm512_unpacklo_epi32(sums[2], sums[3]);
    const __m512i cd_high = _mm512_unpackhi_epi32(sums[2], sums[3]);
    gates[0] = _mm512_unpacklo_epi64(ab_low, cd_low);
    gates[1] = _mm512_unpackhi_epi64(ab_low, cd_low);
    gates[2] = _mm512_unpacklo_epi64(ab_high, cd_high);
    gates[3] = _mm512_unpackhi_epi64(ab_high, cd_high);
}

/* c and h of `count` units, 16 at most, from their gates. */
MODEL_INLINE void model_update_16(const __m512i *gates, unsigned up, int32_t *c, int16_t *out,
                                  size_t count)
{
    const __m512i turned = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512i half = _mm512_set1_epi32(64);
    const __m512i most = _mm512_set1_epi32((1 << 30) - 1), least = _mm512_set1_epi32(-(1 << 30));
    const __mmask16 live = (__mmask16)(0xFFFF >> (16 - count));
    __m512i cell = _mm512_permutexvar_epi32(turned, _mm512_maskz_loadu_epi32(live, c));
    __m512i new_cell = _mm512_sub_epi32(model_tanh_at_16(model_place_16(gates[2], up, 0)), half);
    __m512i h;
    cell = MODEL_ADD(model_times_16(model_sigmoid_16(gates[1], up), cell),
                     model_times_16(model_sigmoid_16(gates[0], up), _mm512_slli_epi32(new_cell, 2)));
    cell = _mm512_max_epi32(_mm512_min_epi32(cell, most), least);
    h = _mm512_sub_epi32(model_tanh_at_16(model_place_16(cell, 0, 4)), half);
    h = model_times_16(model_sigmoid_16(gates[3], up), h);
    h = _mm512_srai_epi32(MODEL_ADD(h, half), 7);
    _mm512_mask_storeu_epi32(c, live, _mm512_permutexvar_epi32(turned, cell));
    _mm512_mask_cvtepi32_storeu_epi16(out, live, _mm512_permutexvar_epi32(turned, h));
}

/* All units of a layer: over c [units], h of it -> out [units]. */
MODEL_NOINLINE void model_lstm_units(const model_all_units *layer, int32_t *c, int16_t *out,
                                     size_t units)
{
    size_t first;
    for (first = 0; first < units; first += 16) {
        const size_t count = units - first < 16 ? units - first : 16;
        __m512i sums[4], gates[4];
        size_t k;
        for (k = 0; k < 4; k++) {
            const size_t left = count > 4 * k ? count - 4 * k : 0;
            sums[k] = _mm512_setzero_si512();
            if (left > 0) {
                sums[k] = model_sums_of_units(layer, first + 4 * k, left < 4 ? left : 4);
            }
        }
        model_gates_apart(sums, gates);
        model_update_16(gates, layer->up, c + first, out + first, count);
    }
}
#endif
#endif

#endif
