/* The gates of 16 units of an LSTM or a GRU side by side, on x86-64 with AVX-512: tanh, sigmoid, and
   the new state. */
#ifndef MODEL_INTEGER_AVX512_GATES_H
#define MODEL_INTEGER_AVX512_GATES_H

#include "integer_avx512_rows.c"
#include "integer_gates.c"

#if MODEL_LSTM || MODEL_GRU
#if defined(MODEL_KERNEL_AVX512)
/* Both ends of two pieces of the table, whose numbers are the halves of `pieces`. Each is a load: an
   instruction that gathers takes longer. */
MODEL_INLINE __m128i model_two_pieces(int64_t pieces)
{
    const int32_t *const first = model_tanh_table + (uint32_t)pieces;
    const int32_t *const second = model_tanh_table + ((uint64_t)pieces >> 32);
    const __m128i ends = _mm_loadl_epi64((const __m128i *)(const void *)first);
    const __m128 both = _mm_loadh_pi(_mm_castsi128_ps(ends), (const __m64 *)(const void *)second);
    return _mm_castps_si128(both);
}

/* The same of eight, with a pause. */
MODEL_INLINE __m512i model_eight_pieces(__m256i p, model_rows_of_16 *rows, size_t samples)
{
    const __m128i p_low = _mm256_castsi256_si128(p), p_high = _mm256_extracti128_si256(p, 1);
    __m256i low, high;
    low = _mm256_set_m128i(model_two_pieces(_mm_extract_epi64(p_low, 1)),
                           model_two_pieces(_mm_cvtsi128_si64(p_low)));
    model_meanwhile(rows, samples);
    high = _mm256_set_m128i(model_two_pieces(_mm_extract_epi64(p_high, 1)),
                            model_two_pieces(_mm_cvtsi128_si64(p_high)));
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

/* As model_tanh_at, of places; three pauses. */
MODEL_INLINE __m512i model_tanh_at_16(__m512i place, model_rows_of_16 *rows, size_t samples)
{
    const __m512i even =
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i odd = MODEL_ADD(even, _mm512_set1_epi32(1));
    const __m512i piece = _mm512_srli_epi32(place, 14);
    const __m512i fraction = _mm512_and_si512(place, _mm512_set1_epi32(16383));
    __m512i first, second, low, rise;
    first = model_eight_pieces(_mm512_castsi512_si256(piece), rows, samples);
    model_meanwhile(rows, samples);
    second = model_eight_pieces(_mm512_extracti64x4_epi64(piece, 1), rows, samples);
    low = _mm512_permutex2var_epi32(first, even, second);
    rise = _mm512_sub_epi32(_mm512_permutex2var_epi32(first, odd, second), low);
    return MODEL_ADD(low, _mm512_srai_epi32(_mm512_mullo_epi32(rise, fraction), 14));
}

/* As model_place. */
MODEL_INLINE __m512i model_place_16(__m512i sum, unsigned up, unsigned down)
{
#if MODEL_SUMS_UP
    const __m512i limit = _mm512_set1_epi32(MODEL_SUM_LIMIT >> up);
    const __m128i shift = _mm_cvtsi32_si128((int)up);
    sum = _mm512_srai_epi32(sum, down);
    sum = _mm512_min_epi32(sum, _mm512_sub_epi32(limit, _mm512_set1_epi32(1)));
    sum = _mm512_max_epi32(sum, _mm512_sub_epi32(_mm512_setzero_si512(), limit));
    sum = _mm512_sll_epi32(sum, shift);
    return MODEL_ADD(sum, _mm512_set1_epi32(MODEL_SUM_LIMIT));
#else
    const __m512i place = MODEL_ADD(_mm512_srai_epi32(sum, down), _mm512_set1_epi32(MODEL_SUM_LIMIT));
    (void)up;
    return _mm512_max_epi32(_mm512_min_epi32(place, _mm512_set1_epi32((1 << 24) - 1)),
                            _mm512_setzero_si512());
#endif
}

/* As model_sigmoid; three pauses. */
MODEL_INLINE __m512i model_sigmoid_16(__m512i sum, unsigned up, model_rows_of_16 *rows, size_t samples)
{
    const __m512i tanh = model_tanh_at_16(model_place_16(sum, up, 1), rows, samples);
    return MODEL_ADD(_mm512_srai_epi32(tanh, 7), _mm512_set1_epi32(32768));
}

/* As model_times; a gate takes the lower half of a lane. */
MODEL_INLINE __m512i model_times_16(__m512i gate, __m512i wide)
{
    const __m512i high = _mm512_mullo_epi32(gate, _mm512_srai_epi32(wide, 16));
    return MODEL_ADD(high, _mm512_mulhi_epu16(gate, wide));
}

MODEL_INLINE __m512i model_within_16(__m512i values, int limit)
{
    values = _mm512_min_epi32(values, _mm512_set1_epi32(limit));
    return _mm512_max_epi32(values, _mm512_set1_epi32(-limit));
}

/* 16 units on the way to their new state. */
typedef struct {
    model_gates gates; /* their sums */
    int32_t *wide; /* c, or of a GRU h, Q7.24 */
    int16_t *out;
    size_t count; /* of them */
} model_update_of_16;

#if MODEL_LSTM
/* Their new state, and in MODEL_PAUSES pauses what is due of the rows of others. */
MODEL_INLINE void model_update_lstm(const model_update_of_16 *u, unsigned up, model_rows_of_16 *rows,
                                    size_t samples)
{
    const __m512i half = _mm512_set1_epi32(64);
    const __m512i most = _mm512_set1_epi32((1 << 30) - 1), least = _mm512_set1_epi32(-(1 << 30));
    const __mmask16 live = (__mmask16)(0xFFFF >> (16 - u->count));
    __m512i value, c;
    value = model_tanh_at_16(model_place_16(u->gates.g, up, 0), rows, samples);
    value = _mm512_slli_epi32(_mm512_sub_epi32(value, half), 2);
    c = model_times_16(model_sigmoid_16(u->gates.i, up, rows, samples), value);
    value = model_sigmoid_16(u->gates.f, up, rows, samples);
    c = MODEL_ADD(c, model_times_16(value, _mm512_maskz_loadu_epi32(live, u->wide)));
    c = _mm512_max_epi32(_mm512_min_epi32(c, most), least);
    _mm512_mask_storeu_epi32(u->wide, live, c);
    model_meanwhile(rows, samples);
    value = model_tanh_at_16(model_place_16(c, 0, 4), rows, samples);
    value = _mm512_sub_epi32(value, half);
    value = model_times_16(model_sigmoid_16(u->gates.o, up, rows, samples), value);
    value = _mm512_srai_epi32(MODEL_ADD(value, half), 7);
    _mm512_mask_cvtepi32_storeu_epi16(u->out, live, value);
}
#endif

#if MODEL_GRU
/* The same of a GRU, whose pauses are 9: what is due in the others is left to the end of the rows. */
MODEL_INLINE void model_update_gru(const model_update_of_16 *u, unsigned up, model_rows_of_16 *rows,
                                   size_t samples)
{
    const __mmask16 live = (__mmask16)(0xFFFF >> (16 - u->count));
    __m512i n, wide, h;
    n = model_sigmoid_16(u->gates.i, up, rows, samples);
    n = MODEL_ADD(u->gates.g, model_times_16(n, u->gates.o));
    n = model_tanh_at_16(model_place_16(n, up, 0), rows, samples);
    n = _mm512_slli_epi32(_mm512_sub_epi32(n, _mm512_set1_epi32(64)), 2);
    wide = _mm512_sub_epi32(_mm512_maskz_loadu_epi32(live, u->wide), n);
    wide = MODEL_ADD(n, model_times_16(model_sigmoid_16(u->gates.f, up, rows, samples), wide));
    _mm512_mask_storeu_epi32(u->wide, live, wide);
    h = model_within_16(wide, 1 << 30);
    h = _mm512_srai_epi32(MODEL_ADD(h, _mm512_set1_epi32(256)), 9);
    _mm512_mask_cvtepi32_storeu_epi16(u->out, live, model_within_16(h, 32767));
}
#endif
#endif
#endif

#endif
