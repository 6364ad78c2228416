/* Rows of whole weights in vectors of 128 bits, on a 64-bit Arm. */
#ifndef MODEL_INTEGER_NEON_H
#define MODEL_INTEGER_NEON_H

#include "integer_words.c"

#if defined(MODEL_KERNEL_NEON)
#define MODEL_HAS_PART

#if MODEL_BITS == 8
/* Words of four rows until the weights are at `end` -> the sum of each row. */
MODEL_INLINE int32x4_t model_chunk(const model_weight *w, const model_weight *end, const int16_t *v)
{
    int32x4_t a = vdupq_n_s32(0), b = a, c = a, d = a; /* four columns of a row each */
    for (; w != end; w += 16, v += 4) {
        const int16x4_t values = vld1_s16(v);
        const int16x4_t x = vzip1_s16(values, vext_s16(values, values, 2)); /* as in a word */
        const int8x16_t rows = vld1q_s8(w);
        const int16x8_t ab = vmovl_s8(vget_low_s8(rows));
        const int16x8_t cd = vmovl_high_s8(rows);
        a = vmlal_s16(a, vget_low_s16(ab), x);
        b = vmlal_s16(b, vget_high_s16(ab), x);
        c = vmlal_s16(c, vget_low_s16(cd), x);
        d = vmlal_s16(d, vget_high_s16(cd), x);
    }
    return vpaddq_s32(vpaddq_s32(a, b), vpaddq_s32(c, d));
}
#else
/* Words of four rows until the weights are at `end` -> the sum of each row, shifted. */
MODEL_INLINE int32x4_t model_chunk(const model_weight *w, const model_weight *end, const int16_t *v)
{
    int32x4_t ab = vdupq_n_s32(0), cd = ab; /* two columns of two rows each */
    for (; w != end; w += 8, v += 2) {
        const int32x4_t pairs = vld1q_dup_s32((const int32_t *)(const void *)v);
        const int16x8_t x = vreinterpretq_s16_s32(pairs);
        const int16x8_t rows = vld1q_s16(w);
        ab = vmlal_s16(ab, vget_low_s16(rows), vget_low_s16(x));
        cd = vmlal_high_s16(cd, rows, x);
    }
    return vshrq_n_s32(vpaddq_s32(ab, cd), MODEL_CHUNK_SHIFT);
}
#endif

/* Four rows times `words` words of values, 1 at least -> totals [4]; the weights behind them. */
MODEL_INLINE const model_weight *model_part(const model_weight *w, const int16_t *v, size_t words,
                                            int32_t *totals)
{
    const model_weight *const last = w + words * 4 * MODEL_IN_WORD;
    int32x4_t total = vdupq_n_s32(0);
    do {
        const model_weight *const end = MODEL_CHUNK_END(w, last);
        total = vaddq_s32(total, model_chunk(w, end, v));
        w = end;
        v += MODEL_CHUNK_WORDS * MODEL_IN_WORD;
    } while (w != last);
    vst1q_s32(totals, total);
    return w;
}
#endif

#endif
