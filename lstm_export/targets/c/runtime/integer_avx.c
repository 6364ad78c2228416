/* Rows of whole weights on x86-64. */
#ifndef MODEL_INTEGER_AVX_H
#define MODEL_INTEGER_AVX_H

#include "integer_words.c"

#if defined(MODEL_KERNEL_AVX2)
#define MODEL_HAS_PART
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
MODEL_INLINE const model_weight *model_part(const model_weight *w, const int16_t *v, size_t words,
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

#if MODEL_LINEAR || MODEL_PROJECTION || MODEL_RNN
/* One row times `words` words of values, 16 values or a multiple, in chunks of 4 products, or, of int8, as
   a whole. */
MODEL_INLINE int32_t model_row(const model_weight *w, const int16_t *v, size_t words)
{
    const model_weight *const end = w + words * MODEL_IN_WORD;
    __m256i sums = _mm256_setzero_si256();
    __m128i folded;
    for (; w != end; w += 16, v += 16) {
        __m256i values = _mm256_loadu_si256((const __m256i *)(const void *)v);
#if MODEL_BITS == 8
        const __m128i rows = _mm_loadu_si128((const __m128i *)(const void *)w);
        values = _mm256_shufflehi_epi16(_mm256_shufflelo_epi16(values, 0xD8), 0xD8);
        sums = _mm256_add_epi32(sums, _mm256_madd_epi16(_mm256_cvtepi8_epi16(rows), values));
#else
        const __m256i rows = _mm256_loadu_si256((const __m256i *)(const void *)w);
        __m256i chunks = _mm256_madd_epi16(rows, values); /* each from two neighbours */
        chunks = _mm256_add_epi32(chunks, _mm256_srli_epi64(chunks, 32));
        sums = _mm256_add_epi32(sums, _mm256_srai_epi32(chunks, MODEL_CHUNK_SHIFT));
#endif
    }
    folded = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    folded = _mm_add_epi32(folded, _mm_unpackhi_epi64(folded, folded));
#if MODEL_BITS == 8
    folded = _mm_add_epi32(folded, _mm_shuffle_epi32(folded, 1));
#endif
    return _mm_cvtsi128_si32(folded);
}
#endif
#endif

#endif
