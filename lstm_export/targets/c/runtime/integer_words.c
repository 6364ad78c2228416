/* How whole weights and values lie, which kernel multiplies them, and a product of words in plain C.

   Weights lie in words of 32 bits, a word a row: [word of columns][row][column]. `>>` of a negative
   number shifts the sign in, as every compiler does. */
#ifndef MODEL_INTEGER_WORDS_H
#define MODEL_INTEGER_WORDS_H

#include "integer.h"

#if defined(__STRICT_ANSI__) && !defined(__STDC_VERSION__) && !defined(__cplusplus)
#error "this is C99: compile it with -std=c99 or a later standard"
#endif

/* Functions of this file alone; a model need not use each of them. */
#ifdef __GNUC__
#define MODEL_STATIC static __attribute__((unused))
#define MODEL_INLINE static inline __attribute__((unused, always_inline))
#if defined(__ARM_FEATURE_SIMD32) && !defined(__clang__)
/* A kernel takes all registers, that of a frame, too. */
#define MODEL_NOINLINE static __attribute__((noinline, unused, optimize("omit-frame-pointer")))
#else
#define MODEL_NOINLINE static __attribute__((noinline, unused))
#endif
#ifdef __AVX512F__
#define MODEL_ALIGNED __attribute__((aligned(64))) /* no vector lies in two lines of a cache */
#else
#define MODEL_ALIGNED __attribute__((aligned(4)))
#endif
#define MODEL_NO_LIBRARY_CALL \
    __asm__ volatile("") /* a copying loop stays a loop and becomes no memcpy */
#else
#define MODEL_STATIC static
#define MODEL_INLINE static inline
#define MODEL_NOINLINE static
#define MODEL_ALIGNED
#define MODEL_NO_LIBRARY_CALL
#endif

/* Where constants lie, and how one is read from there: yours, where flash is no plain memory. An AVR
   has 64 kB of it in reach, and no array above 32 kB. With MODEL_READ there are plain loops alone. */
#if defined(__AVR__) && !defined(MODEL_FLASH)
#include <avr/pgmspace.h>
#define MODEL_FLASH PROGMEM
#define MODEL_READ(p)                                         \
    (__extension__({                                          \
        union {                                               \
            uint32_t word;                                    \
            __typeof__(*(p)) value;                           \
        } read_;                                              \
        read_.word = sizeof(*(p)) == 4   ? pgm_read_dword((p)) \
                     : sizeof(*(p)) == 2 ? pgm_read_word((p)) \
                                         : pgm_read_byte((p)); \
        read_.value;                                          \
    }))
#endif
#ifndef MODEL_FLASH
#define MODEL_FLASH
#endif
#ifndef MODEL_READ
#define MODEL_READ(p) (*(p))
#else
#define MODEL_PLAIN_LOOPS
#endif

#if MODEL_BITS == 8
typedef int8_t model_weight; /* in a word the columns 0, 2, 1, 3 */
#define MODEL_IN_WORD 4
#define MODEL_CHUNK_SHIFT 0
#define MODEL_CHUNK_WORDS 512 /* no row has more */
#define MODEL_CHUNK_END(w, last) (last)
#else
typedef int16_t model_weight;
#define MODEL_IN_WORD 2
#define MODEL_CHUNK_SHIFT 8
#define MODEL_CHUNK_WORDS 8
/* Where the chunk of four rows that begins at w ends; the last chunk may be shorter. */
#define MODEL_CHUNK_OF_ROWS (MODEL_CHUNK_WORDS * 4 * MODEL_IN_WORD)
#define MODEL_CHUNK_END(w, last) \
    ((last) - (w) > MODEL_CHUNK_OF_ROWS ? (w) + MODEL_CHUNK_OF_ROWS : (last))
#endif
/* A build for a debugger, and Linux on an Arm, have the plain loops; so has a Cortex-M0 where a
   compiler leaves registers out: clang that of a frame, gcc at -Os all above r7. */
#if defined(__GNUC__) && defined(__OPTIMIZE__) && !defined(__ARM_BIG_ENDIAN) && \
    !defined(MODEL_PLAIN_LOOPS)
#if defined(__AVX2__)
#define MODEL_KERNEL_AVX2
#include <immintrin.h>
#if defined(__x86_64__) && defined(__AVX512F__) && defined(__AVX512BW__) && \
    defined(__AVX512VL__) && defined(__AVX512VNNI__)
#define MODEL_KERNEL_AVX512
#endif
#elif defined(__wasm_simd128__)
#define MODEL_KERNEL_WASM
#include <wasm_simd128.h>
#elif defined(__aarch64__) && defined(__ARM_NEON) && !defined(__AARCH64EB__)
#define MODEL_KERNEL_NEON
#include <arm_neon.h>
#elif defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)
#define MODEL_KERNEL_HELIUM
#elif defined(__ARM_FEATURE_SIMD32) && defined(__thumb2__) && __ARM_ARCH_PROFILE == 'M'
#define MODEL_KERNEL_SMLAD
#elif defined(__thumb__) && !defined(__thumb2__) && !defined(__clang__) && \
    !defined(__OPTIMIZE_SIZE__)
#define MODEL_KERNEL_THUMB
#endif
#endif
#define MODEL_WORDS(columns) (((columns) + MODEL_IN_WORD - 1) / MODEL_IN_WORD)
#define MODEL_PADDED(columns) (MODEL_WORDS(columns) * MODEL_IN_WORD)

/* Copies n values, 1 at least, behind each other and fills the last word up with zeros. */
MODEL_NOINLINE int16_t *model_gather(const int16_t *values, size_t n, int16_t *out)
{
    size_t k = 0;
#if defined(MODEL_KERNEL_AVX2)
    for (; n - k > 16; k += 16) {
        const __m256i some = _mm256_loadu_si256((const __m256i *)(const void *)values);
        _mm256_storeu_si256((__m256i *)(void *)out, some);
        values += 16;
        out += 16;
    }
#endif
    do {
        *out++ = *values++;
        k++;
        MODEL_NO_LIBRARY_CALL;
    } while (k != n);
    for (; k % MODEL_IN_WORD; k++) {
        *out++ = 0;
    }
    return out;
}

/* A word of values [MODEL_IN_WORD], split for products; and the product of a row's word with them,
   added to sum. */
#if MODEL_BITS == 8
typedef struct {
    int32_t v0, v1, v2, v3;
} model_values_of_word;

MODEL_INLINE void model_split(const int16_t *v, model_values_of_word *split)
{
    split->v0 = v[0];
    split->v1 = v[1];
    split->v2 = v[2];
    split->v3 = v[3];
}

MODEL_INLINE int32_t model_dot(const model_weight *w, const model_values_of_word *v, int32_t sum)
{
    return sum + MODEL_READ(w) * v->v0 + MODEL_READ(w + 2) * v->v1 + MODEL_READ(w + 1) * v->v2 +
           MODEL_READ(w + 3) * v->v3;
}
#else
typedef struct {
    int32_t v0, v1;
} model_values_of_word;

MODEL_INLINE void model_split(const int16_t *v, model_values_of_word *split)
{
    split->v0 = v[0];
    split->v1 = v[1];
}

MODEL_INLINE int32_t model_dot(const model_weight *w, const model_values_of_word *v, int32_t sum)
{
    return sum + MODEL_READ(w) * v->v0 + MODEL_READ(w + 1) * v->v1;
}
#endif

#endif
