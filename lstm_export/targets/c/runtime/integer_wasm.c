/* Rows of whole weights in vectors of 128 bits, in WebAssembly. */
#ifndef MODEL_INTEGER_WASM_H
#define MODEL_INTEGER_WASM_H

#include "integer_words.c"

#if defined(MODEL_KERNEL_WASM)
#define MODEL_HAS_PART

#if MODEL_BITS == 8
/* Words of four rows until the weights are at `end` -> the sum of each row. */
MODEL_INLINE v128_t model_chunk(const model_weight *w, const model_weight *end, const int16_t *v)
{
    v128_t ab = wasm_i32x4_splat(0), cd = ab; /* two sums of two rows each */
    for (; w != end; w += 16, v += 4) {
        const v128_t values = wasm_v128_load64_splat(v);
        const v128_t x = wasm_i16x8_shuffle(values, values, 0, 2, 1, 3, 0, 2, 1, 3);
        const v128_t rows = wasm_v128_load(w);
        ab = wasm_i32x4_add(ab, wasm_i32x4_dot_i16x8(wasm_i16x8_extend_low_i8x16(rows), x));
        cd = wasm_i32x4_add(cd, wasm_i32x4_dot_i16x8(wasm_i16x8_extend_high_i8x16(rows), x));
    }
    return wasm_i32x4_add(wasm_i32x4_shuffle(ab, cd, 0, 2, 4, 6),
                          wasm_i32x4_shuffle(ab, cd, 1, 3, 5, 7));
}
#else
/* Words of four rows until the weights are at `end` -> the sum of each row, shifted. */
MODEL_INLINE v128_t model_chunk(const model_weight *w, const model_weight *end, const int16_t *v)
{
    v128_t sums = wasm_i32x4_splat(0);
    for (; w != end; w += 8, v += 2) {
        const v128_t x = wasm_v128_load32_splat(v);
        sums = wasm_i32x4_add(sums, wasm_i32x4_dot_i16x8(wasm_v128_load(w), x));
    }
    return wasm_i32x4_shr(sums, MODEL_CHUNK_SHIFT);
}
#endif

/* Four rows times `words` words of values -> totals [4]; the weights behind them. */
MODEL_INLINE const model_weight *model_part(const model_weight *w, const int16_t *v, size_t words,
                                            int32_t *totals)
{
    const ptrdiff_t chunk = MODEL_CHUNK_WORDS * 4 * MODEL_IN_WORD;
    const model_weight *const last = w + words * 4 * MODEL_IN_WORD;
    v128_t total = wasm_i32x4_splat(0);
    while (w != last) {
        const model_weight *const end = last - w > chunk ? w + chunk : last;
        total = wasm_i32x4_add(total, model_chunk(w, end, v));
        w = end;
        v += MODEL_CHUNK_WORDS * MODEL_IN_WORD;
    }
    wasm_v128_store(totals, total);
    return w;
}
#endif

#endif
