/* tanh and sigmoid of sums in Q11.20 by a table of linear pieces, and a gate times a state. */
#ifndef MODEL_INTEGER_GATES_H
#define MODEL_INTEGER_GATES_H

#include "integer_rows.c"
#include "integer_sizes.h"

#define MODEL_SUM_LIMIT ((int32_t)8 << 20) /* the table goes from -8 to 8 */

/* A number within so many bits: one instruction where there is one. */
#if defined(__GNUC__) && defined(__ARM_FEATURE_SAT) && defined(__thumb2__) && \
    defined(__OPTIMIZE__) && !defined(MODEL_PLAIN_LOOPS)
#define MODEL_SATURATE
#define MODEL_WITHIN(value, bits) __asm__("ssat %0, #" #bits ", %0" : "+r"(value) : : "cc")
#else
#define MODEL_WITHIN(value, bits)                                                    \
    do {                                                                             \
        const int32_t end_ = (int32_t)1 << ((bits) - 1);                              \
        value = (value) < end_ ? (value) : end_ - 1;                                 \
        value = (value) < -end_ ? -end_ : (value);                                   \
    } while (0)
#endif

/* Neighbours are loaded by one instruction where there is one for two words. */
#if defined(__GNUC__) && defined(__thumb2__)
#define MODEL_ONE_ADDRESS(pointer) __asm__("" : "+r"(pointer))
#else
#define MODEL_ONE_ADDRESS(pointer)
#endif

/* What a compiler must not look through: it would copy the code behind a limit for each end. */
#ifndef MODEL_OPAQUE
#if defined(__GNUC__)
#define MODEL_OPAQUE(value) __asm__("" : "+r"(value))
#else
#define MODEL_OPAQUE(value)
#endif
#endif

/* Where a sum with 20 - up + down bits after the point stands in the table: Q4.20 from its beginning. */
MODEL_INLINE int32_t model_place(int32_t sum, unsigned up, unsigned down)
{
    int32_t place;
#if MODEL_SUMS_UP
    const int32_t limit = MODEL_SUM_LIMIT >> up;
    sum >>= down;
    sum = sum < limit ? sum : limit - 1;
    sum = sum > -limit ? sum : -limit;
    place = sum * ((int32_t)1 << up) + MODEL_SUM_LIMIT;
#else
    (void)up;
#ifdef MODEL_SATURATE
    place = sum + (MODEL_SUM_LIMIT << down);
    if (down > 0) {
        __asm__("usat %0, #24, %0, asr %1" : "+r"(place) : "I"(down) : "cc");
    } else {
        __asm__("usat %0, #24, %0" : "+r"(place) : : "cc");
    }
#else
    place = (sum >> down) + MODEL_SUM_LIMIT;
    if ((uint32_t)place >> 24) {
        place = place < 0 ? 0 : ((int32_t)1 << 24) - 1;
    }
    MODEL_OPAQUE(place);
#endif
#endif
    return place;
}

/* -> Q9.22, and half a step of Q0.15 more. */
MODEL_INLINE int32_t model_tanh_at(int32_t place)
{
    const int32_t *piece = model_tanh_table + (place >> 14);
    int32_t start;
    MODEL_ONE_ADDRESS(piece);
    start = MODEL_READ(piece);
    return start + (((MODEL_READ(piece + 1) - start) * (place & 16383)) >> 14);
}

/* Sums with 20 - up bits after the point. */
MODEL_INLINE int32_t model_tanh_fine(int32_t sum, unsigned up)
{
    return model_tanh_at(model_place(sum, up, 0));
}

/* -> Q0.15 */
MODEL_INLINE int32_t model_tanh(int32_t sum, unsigned up)
{
    return model_tanh_fine(sum, up) >> 7;
}

/* -> Q0.16, 1 to 65535 */
MODEL_INLINE int32_t model_sigmoid(int32_t sum, unsigned up)
{
    return (model_tanh_at(model_place(sum, up, 1)) >> 7) + 32768;
}

/* A sigmoid times a number below 2^30, in that number's format. */
MODEL_INLINE int32_t model_times(int32_t gate, int32_t wide)
{
#if defined(MODEL_KERNEL_SMLAD) || defined(MODEL_KERNEL_HELIUM)
    int32_t product; /* the upper half of 64 bits */
    __asm__("smmul %0, %1, %2" : "=r"(product) : "r"(gate << 15), "r"(wide * 2));
    return product;
#else
    return gate * (wide >> 16) + (int32_t)(((uint32_t)gate * ((uint32_t)wide & 0xFFFFu)) >> 16);
#endif
}

#if MODEL_NARROWED
/* Divided by 2^shift, to the nearest, within int16. */
MODEL_INLINE int16_t model_narrowed(int32_t value, unsigned shift)
{
    const int32_t most = (int32_t)1 << 30;
    value = value < most ? value : most;
    value = value > -most ? value : -most;
    value = (value + (int32_t)(((uint32_t)1 << shift) >> 1)) >> shift;
    value = value < 32767 ? value : 32767;
    return (int16_t)(value > -32767 ? value : -32767);
}
#endif

#endif
