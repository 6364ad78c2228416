/* Lanes of a vector: the width of the machine's registers where the compiler has vector types, else plain floats.
   Which width it is changes no result: every sum is taken in the same order, term by term. */
#ifndef NAME_VL
#if defined(__GNUC__) && defined(__AVX512F__)
#define NAME_VL 16
#elif defined(__GNUC__) && defined(__AVX__)
#define NAME_VL 8
#elif defined(__GNUC__) && (defined(__SSE2__) || defined(__ARM_NEON))
#define NAME_VL 4
#else
#define NAME_VL 1
#endif
#endif

#ifdef __GNUC__
#define NAME_ALIGNED __attribute__((aligned(64)))
#define NAME_NOINLINE __attribute__((noinline))
#define NAME_INLINE static inline __attribute__((unused))
#define NAME_NO_LIBRARY_CALL __asm__ volatile("") /* a copying loop stays a loop and becomes no memcpy */
#else
#define NAME_ALIGNED
#define NAME_NOINLINE
#define NAME_INLINE static inline
#define NAME_NO_LIBRARY_CALL
#endif

/* A product that is rounded before it is added: two products in a sum leave compilers that contract a * b + c a choice. */
#if (NAME_VL == 16 && defined(__AVX512F__)) || (NAME_VL == 8 && defined(__AVX__)) || (NAME_VL == 4 && defined(__SSE2__))
#define NAME_ROUNDED(v) __asm__("" : "+x"(v))
#elif NAME_VL == 4 && defined(__aarch64__)
#define NAME_ROUNDED(v) __asm__("" : "+w"(v))
#else
#define NAME_ROUNDED(v) (void)0
#endif

/* Rows of weights begin at 64 bytes where there are vectors, and take no padding elsewhere. */
#if NAME_VL > 1
#define NAME_ROW(lanes) (((lanes) + 15u) / 16u * 16u)
#define NAME_SPARE NAME_VL
#define NAME_PAD_1 0,
#define NAME_PAD_2 0, 0,
#define NAME_PAD_4 0, 0, 0, 0,
#define NAME_PAD_8 0, 0, 0, 0, 0, 0, 0, 0,
#else
#define NAME_ROW(lanes) (lanes)
#define NAME_SPARE 0
#define NAME_PAD_1
#define NAME_PAD_2
#define NAME_PAD_4
#define NAME_PAD_8
#endif

#if (NAME_VL == 16 && defined(__AVX512F__)) || defined(__aarch64__)
#define NAME_REGISTERS 32 /* of vectors */
#else
#define NAME_REGISTERS 16
#endif

#if NAME_VL > 1
typedef float NAME_vf __attribute__((vector_size(NAME_VL * 4)));
typedef int NAME_vi __attribute__((vector_size(NAME_VL * 4)));
typedef float NAME_vf_anywhere __attribute__((vector_size(NAME_VL * 4), aligned(4), may_alias));

NAME_INLINE NAME_vf NAME_load(const float *p)
{
    return *(const NAME_vf_anywhere *)p;
}

NAME_INLINE void NAME_store(float *p, NAME_vf v)
{
    *(NAME_vf_anywhere *)p = v;
}

NAME_INLINE NAME_vf NAME_splat(float s)
{
#if NAME_VL == 16
    const NAME_vf v = {s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s};
#elif NAME_VL == 8
    const NAME_vf v = {s, s, s, s, s, s, s, s};
#else
    const NAME_vf v = {s, s, s, s};
#endif
    return v;
}

/* `n` floats, fewer than a vector; the other lanes are 0. */
NAME_INLINE NAME_vf NAME_load_part(const float *p, size_t n)
{
    float lanes[NAME_VL];
    size_t j;
    for (j = 0; j < NAME_VL; j++) {
        lanes[j] = j < n ? p[j] : 0.0f;
    }
    return NAME_load(lanes);
}

NAME_INLINE void NAME_store_part(float *p, NAME_vf v, size_t n)
{
    float lanes[NAME_VL];
    size_t j;
    NAME_store(lanes, v);
    for (j = 0; j < n; j++) {
        p[j] = lanes[j];
        NAME_NO_LIBRARY_CALL;
    }
}

/* Into -limit to limit; NaN stays NaN. */
NAME_INLINE NAME_vf NAME_clamp(NAME_vf x, float limit)
{
    const NAME_vf high = NAME_splat(limit), low = NAME_splat(-limit);
#if NAME_VL == 8 && defined(__AVX__)
    return __builtin_ia32_maxps256(low, __builtin_ia32_minps256(high, x)); /* the second operand, if one is NaN */
#elif NAME_VL == 4 && defined(__SSE2__)
    return __builtin_ia32_maxps(low, __builtin_ia32_minps(high, x));
#else
    const NAME_vi above = x > high, below = x < low;
    x = (NAME_vf)((above & (NAME_vi)high) | (~above & (NAME_vi)x));
    return (NAME_vf)((below & (NAME_vi)low) | (~below & (NAME_vi)x));
#endif
}
#else
typedef float NAME_vf;

NAME_INLINE float NAME_load(const float *p)
{
    return *p;
}

NAME_INLINE void NAME_store(float *p, float v)
{
    *p = v;
}

NAME_INLINE float NAME_splat(float s)
{
    return s;
}

/* Into -limit to limit; NaN stays NaN. */
NAME_INLINE float NAME_clamp(float x, float limit)
{
    return x > limit ? limit : x < -limit ? -limit : x;
}
#endif

/* tanh as a quotient of polynomials, within 3.3e-7 of it everywhere, relatively. */
NAME_INLINE NAME_vf NAME_tanh(NAME_vf x)
{
    NAME_vf z, p, q;
    x = NAME_clamp(x, 8.4f);
    z = x * x;
    p = NAME_splat(2.12548104e-11f);
    p = p * z + NAME_splat(-1.39124099e-08f);
    p = p * z + NAME_splat(9.63491766e-06f);
    p = p * z + NAME_splat(0.00296037178f);
    p = p * z + NAME_splat(0.129558682f);
    p = p * z + NAME_splat(0.99999994f);
    q = NAME_splat(0.000233612576f);
    q = q * z + NAME_splat(0.0239246879f);
    q = q * z + NAME_splat(0.462891757f);
    q = q * z + NAME_splat(1.0f);
    return x * p / q;
}

static void NAME_copy(float *to, const float *from, size_t n)
{
#if NAME_VL > 1
    for (; n >= NAME_VL; n -= NAME_VL, to += NAME_VL, from += NAME_VL) {
        NAME_store(to, NAME_load(from));
        NAME_NO_LIBRARY_CALL;
    }
#endif
    for (; n > 0; n--) {
        *to++ = *from++;
        NAME_NO_LIBRARY_CALL;
    }
}
