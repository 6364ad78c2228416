/* Words of rows times words of values on x86-64 with AVX-512 and VNNI: the gates of 16 units. A sample is
   the values of a step, in words. */
#ifndef MODEL_INTEGER_AVX512_DOTS_H
#define MODEL_INTEGER_AVX512_DOTS_H

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
#endif
#endif

#endif
