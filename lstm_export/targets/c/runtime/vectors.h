/* Lanes of a vector: the width of the machine's registers where the compiler has vector types, else
   plain floats. Which width it is changes no result: every sum is taken in the same order, term by
   term. */
#ifndef MODEL_VECTORS_H
#define MODEL_VECTORS_H

#include <stddef.h>

#if defined(__STRICT_ANSI__) && !defined(__STDC_VERSION__) && !defined(__cplusplus)
#error "this is C99: compile it with -std=c99 or a later standard"
#endif

/* Where constants lie, and how one is read from there: yours, where flash is no plain memory. An AVR
   has 64 kB of it in reach, and no array above 32 kB. With MODEL_READ there are no vectors. */
#if defined(__AVR__) && !defined(MODEL_FLASH)
#include <avr/pgmspace.h>
#define MODEL_FLASH PROGMEM
#define MODEL_READ(p)                       \
    (__extension__({                        \
        union {                             \
            uint32_t word;                  \
            __typeof__(*(p) + 0) value;     \
        } read_;                            \
        read_.word = pgm_read_dword((p));   \
        read_.value;                        \
    }))
#endif
#ifndef MODEL_FLASH
#define MODEL_FLASH
#endif
#ifndef MODEL_READ
#define MODEL_READ(p) (*(p))
#elif !defined(MODEL_VL)
#define MODEL_VL 1
#endif

/* The answers are the same bits everywhere but where a compiler computes floats with more bits than
   they have, or may do as it likes with them. */
#ifndef MODEL_OTHER_BITS
#if defined(__FAST_MATH__) || defined(__HAVE_68881__)
#define MODEL_OTHER_BITS
#elif defined(__FLT_EVAL_METHOD__)
#if __FLT_EVAL_METHOD__ == 1 || __FLT_EVAL_METHOD__ == 2 || __FLT_EVAL_METHOD__ < 0
#define MODEL_OTHER_BITS
#endif
#endif
#ifdef MODEL_OTHER_BITS
#pragma message("floats are computed otherwise here; define MODEL_OTHER_BITS to be told no more")
#endif
#endif

/* Not NEON of 32 bits, which flushes the smallest numbers, and of which gcc makes scalars: define
   MODEL_VL as 4 to have it. */
#ifndef MODEL_VL
#if defined(__GNUC__) && defined(__AVX512F__)
#define MODEL_VL 16
#elif defined(__GNUC__) && defined(__AVX__)
#define MODEL_VL 8
#elif defined(__GNUC__) && \
    (defined(__SSE2__) || defined(__aarch64__) || defined(__wasm_simd128__))
#define MODEL_VL 4
#else
#define MODEL_VL 1
#endif
#endif

/* Functions of this file alone; a model need not use each of them. */
#ifdef __GNUC__
#define MODEL_STATIC static __attribute__((unused))
#define MODEL_INLINE static inline __attribute__((unused))
#define MODEL_NOINLINE static __attribute__((noinline, unused))
#define MODEL_ALIGNED __attribute__((aligned(64)))
#define MODEL_NO_LIBRARY_CALL \
    __asm__ volatile("") /* a copying loop stays a loop and becomes no memcpy */
#else
#define MODEL_STATIC static
#define MODEL_INLINE static inline
#define MODEL_NOINLINE static
#define MODEL_ALIGNED
#define MODEL_NO_LIBRARY_CALL
#endif

/* A product that is rounded before it is added: two products in a sum leave compilers that contract
   a * b + c a choice. */
#if (MODEL_VL == 16 && defined(__AVX512F__)) || (MODEL_VL == 8 && defined(__AVX__)) || \
    (MODEL_VL == 4 && defined(__SSE2__))
#define MODEL_ROUNDED(v) __asm__("" : "+x"(v))
#elif MODEL_VL == 4 && defined(__aarch64__)
#define MODEL_ROUNDED(v) __asm__("" : "+w"(v))
#else
#define MODEL_ROUNDED(v) (void)0
#endif

/* Rows of weights are whole vectors, of two at least, and of one cache line where these are wide;
   without vectors they take no padding. */
#if MODEL_VL > 4
#define MODEL_ROW(lanes) (((lanes) + 15u) / 16u * 16u)
#define MODEL_PAD_8 0, 0, 0, 0, 0, 0, 0, 0,
#elif MODEL_VL > 1
#define MODEL_ROW(lanes) (((lanes) + 7u) / 8u * 8u)
#define MODEL_PAD_8
#else
#define MODEL_ROW(lanes) (lanes)
#define MODEL_PAD_8
#endif
#if MODEL_VL > 1
#define MODEL_SPARE MODEL_VL
#define MODEL_PAD_1 0,
#define MODEL_PAD_2 0, 0,
#define MODEL_PAD_4 0, 0, 0, 0,
#else
#define MODEL_SPARE 0
#define MODEL_PAD_1
#define MODEL_PAD_2
#define MODEL_PAD_4
#endif

#if (MODEL_VL == 16 && defined(__AVX512F__)) || defined(__aarch64__)
#define MODEL_REGISTERS 32 /* of vectors */
#else
#define MODEL_REGISTERS 16
#endif

#if MODEL_VL == 1
typedef float model_vf;

MODEL_INLINE float model_load(const float *p)
{
    return *p;
}

MODEL_INLINE void model_store(float *p, float v)
{
    *p = v;
}

MODEL_INLINE float model_splat(float s)
{
    return s;
}

/* Into -limit to limit; NaN stays NaN. */
MODEL_INLINE float model_clamp(float x, float limit)
{
    return x > limit ? limit : x < -limit ? -limit : x;
}
#else
typedef float model_vf __attribute__((vector_size(MODEL_VL * 4)));
typedef int model_vi __attribute__((vector_size(MODEL_VL * 4)));
typedef float model_vf_anywhere __attribute__((vector_size(MODEL_VL * 4), aligned(4), may_alias));

MODEL_INLINE model_vf model_load(const float *p)
{
    return *(const model_vf_anywhere *)p;
}

MODEL_INLINE void model_store(float *p, model_vf v)
{
    *(model_vf_anywhere *)p = v;
}

MODEL_INLINE model_vf model_splat(float s)
{
#if MODEL_VL == 16
    const model_vf v = {s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s};
#elif MODEL_VL == 8
    const model_vf v = {s, s, s, s, s, s, s, s};
#else
    const model_vf v = {s, s, s, s};
#endif
    return v;
}

/* `n` floats, fewer than a vector; the other lanes are 0. */
MODEL_NOINLINE model_vf model_load_part(const float *p, size_t n)
{
    float lanes[MODEL_VL];
    size_t j;
    for (j = 0; j < MODEL_VL; j++) {
        lanes[j] = j < n ? p[j] : 0.0f;
    }
    return model_load(lanes);
}

MODEL_NOINLINE void model_store_part(float *p, model_vf v, size_t n)
{
    float lanes[MODEL_VL];
    size_t j;
    model_store(lanes, v);
    for (j = 0; j < n; j++) {
        p[j] = lanes[j];
        MODEL_NO_LIBRARY_CALL;
    }
}

/* The last vector of `n` floats; all of them where they are fewer. */
MODEL_INLINE model_vf model_load_end(const float *p, size_t n)
{
    return n < MODEL_VL ? model_load_part(p, n) : model_load(p + n - MODEL_VL);
}

MODEL_INLINE void model_store_end(float *p, model_vf v, size_t n)
{
    if (n < MODEL_VL) {
        model_store_part(p, v, n);
    } else {
        model_store(p + n - MODEL_VL, v);
    }
}

/* Into -limit to limit; NaN stays NaN. */
MODEL_INLINE model_vf model_clamp(model_vf x, float limit)
{
    const model_vf high = model_splat(limit), low = model_splat(-limit);
#if MODEL_VL == 8 && defined(__AVX__)
    /* the second operand, if one is NaN */
    return __builtin_ia32_maxps256(low, __builtin_ia32_minps256(high, x));
#elif MODEL_VL == 4 && defined(__SSE2__)
    return __builtin_ia32_maxps(low, __builtin_ia32_minps(high, x));
#elif MODEL_VL == 4 && defined(__wasm_simd128__)
    /* the first operand, if one is NaN */
    return __builtin_wasm_pmax_f32x4(__builtin_wasm_pmin_f32x4(x, high), low);
#elif MODEL_VL == 16 && defined(__AVX512F__)
    /* x, written first, if one is NaN; gcc and clang name the built-in functions differently */
    __asm__("vminps %1, %2, %0" : "=v"(x) : "v"(x), "v"(high));
    __asm__("vmaxps %1, %2, %0" : "=v"(x) : "v"(x), "v"(low));
    return x;
#else
    const model_vi above = x > high, below = x < low;
    x = (model_vf)((above & (model_vi)high) | (~above & (model_vi)x));
    return (model_vf)((below & (model_vi)low) | (~below & (model_vi)x));
#endif
}
#endif

/* tanh as a quotient of polynomials, within 3.3e-7 of it everywhere, relatively. */
MODEL_INLINE model_vf model_tanh(model_vf x)
{
    model_vf z, p, q;
    x = model_clamp(x, 8.4f);
    z = x * x;
    p = model_splat(2.12548104e-11f);
    p = p * z + model_splat(-1.39124099e-08f);
    p = p * z + model_splat(9.63491766e-06f);
    p = p * z + model_splat(0.00296037178f);
    p = p * z + model_splat(0.129558682f);
    p = p * z + model_splat(0.99999994f);
    q = model_splat(0.000233612576f);
    q = q * z + model_splat(0.0239246879f);
    q = q * z + model_splat(0.462891757f);
    q = q * z + model_splat(1.0f);
    return x / q * p; /* in this order the division does not wait for p */
}

MODEL_STATIC void model_copy(float *to, const float *from, size_t n)
{
#if MODEL_VL > 1
    for (; n >= MODEL_VL; n -= MODEL_VL, to += MODEL_VL, from += MODEL_VL) {
        model_store(to, model_load(from));
        MODEL_NO_LIBRARY_CALL;
    }
#endif
    for (; n > 0; n--) {
        *to++ = *from++;
        MODEL_NO_LIBRARY_CALL;
    }
}

#endif
