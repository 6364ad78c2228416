/* tanh and sigmoid of sums in Q11.20 by a table of linear pieces, and a gate times a state. */
#ifndef MODEL_INTEGER_GATES_H
#define MODEL_INTEGER_GATES_H

#include "integer_rows.c"
#include "integer_sizes.h"

#define MODEL_SUM_LIMIT ((int32_t)8 << 20) /* the table goes from -8 to 8 */

/* A number within so many bits, signed or from 0 on: one instruction where there is one. */
#if defined(__GNUC__) && defined(__ARM_FEATURE_SAT) && defined(__thumb2__)
#define MODEL_WITHIN(value, bits) __asm__("ssat %0, #" #bits ", %0" : "+r"(value) : : "cc")
#define MODEL_WITHIN_POSITIVE(value, bits) __asm__("usat %0, #" #bits ", %0" : "+r"(value) : : "cc")
#else
#define MODEL_WITHIN(value, bits)                                                    \
    do {                                                                             \
        const int32_t end_ = (int32_t)1 << ((bits) - 1);                              \
        value = (value) < end_ ? (value) : end_ - 1;                                 \
        value = (value) < -end_ ? -end_ : (value);                                   \
    } while (0)
#define MODEL_WITHIN_POSITIVE(value, bits)                                            \
    do {                                                                              \
        if ((uint32_t)(value) >> (bits)) {                                             \
            value = (value) < 0 ? 0 : ((int32_t)1 << (bits)) - 1;                      \
        }                                                                             \
    } while (0)
#endif

/* Sums with 20 - up bits after the point -> Q9.22, and half a step of Q0.15 more. */
MODEL_INLINE int32_t model_tanh_fine(int32_t sum, unsigned up)
{
    const int32_t *piece;
    int32_t place; /* from the table's beginning */
#if MODEL_SUMS_UP
    const int32_t limit = MODEL_SUM_LIMIT >> up;
    sum = sum < limit ? sum : limit - 1;
    sum = sum > -limit ? sum : -limit;
    place = sum * ((int32_t)1 << up) + MODEL_SUM_LIMIT;
#else
    (void)up;
    place = sum + MODEL_SUM_LIMIT;
    MODEL_WITHIN_POSITIVE(place, 24);
#endif
    piece = model_tanh_table + (place >> 14);
    return piece[0] + (((piece[1] - piece[0]) * (place & 16383)) >> 14);
}

/* -> Q0.15 */
MODEL_INLINE int32_t model_tanh(int32_t sum, unsigned up)
{
    return model_tanh_fine(sum, up) >> 7;
}

/* -> Q0.16, 1 to 65535 */
MODEL_INLINE int32_t model_sigmoid(int32_t sum, unsigned up)
{
    return model_tanh(sum >> 1, up) + 32768;
}

/* A sigmoid times a number below 2^30, in that number's format, by halves of 16 bits. */
MODEL_INLINE int32_t model_times(int32_t gate, int32_t wide)
{
    return gate * (wide >> 16) + (int32_t)(((uint32_t)gate * ((uint32_t)wide & 0xFFFFu)) >> 16);
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
