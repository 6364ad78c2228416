/* tanh and sigmoid of sums in Q11.20 by a table of linear pieces, and a gate times a state. */
#ifndef MODEL_INTEGER_GATES_H
#define MODEL_INTEGER_GATES_H

#include "integer_rows.c"
#include "integer_sizes.h"

#define MODEL_SUM_LIMIT ((int32_t)6 << 20) /* the table goes from -6 to 6 */

/* Q11.20 before a shift left by `up` -> Q9.22 */
MODEL_INLINE int32_t model_tanh_fine(int32_t sum, unsigned up)
{
    const int32_t *piece;
#if MODEL_SUMS_UP
    const int32_t limit = MODEL_SUM_LIMIT >> up;
#else
    const int32_t limit = MODEL_SUM_LIMIT;
    (void)up;
#endif
    sum = sum < limit ? sum : limit - 1;
    sum = sum > -limit ? sum : -limit;
#if MODEL_SUMS_UP
    sum *= (int32_t)1 << up;
#endif
    piece = model_tanh_table + 6 * 64 + (sum >> 14);
    return piece[0] + (((piece[1] - piece[0]) * (sum & 16383)) >> 14);
}

/* -> Q0.15 */
MODEL_INLINE int32_t model_tanh(int32_t sum, unsigned up)
{
    return (model_tanh_fine(sum, up) + 64) >> 7;
}

/* -> Q0.16, 0 to 65535 */
MODEL_INLINE int32_t model_sigmoid(int32_t sum, unsigned up)
{
    return (model_tanh_fine(sum >> 1, up) + ((int32_t)1 << 22) + 64) >> 7;
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
