/* How the weights of a recurrent layer lie, and how a sequence is walked through. */
#ifndef MODEL_WEIGHTS_H
#define MODEL_WEIGHTS_H

#include "choices.h"
#include "vectors.h"

/* Weights of MODEL_ROWS_A_WORD neighbouring rows share a word; a float is a word of its own. In
   float, the first row of x (of a GRU, of h too) holds biases; beside words, scales and biases are
   arrays of their own. */
#if MODEL_BITS == 32
typedef float model_stored;
#define MODEL_ROWS_A_WORD 1
#define MODEL_BIAS_ROWS 1
#else
#ifdef __UINT32_TYPE__
typedef __UINT32_TYPE__ model_stored;
typedef __INT32_TYPE__ model_signed;
#else /* compilers whose int has 16 bits; those above need no library's header */
#include <stdint.h>
typedef uint32_t model_stored;
typedef int32_t model_signed;
#endif
#define MODEL_ROWS_A_WORD (32 / MODEL_BITS)
#define MODEL_BIAS_ROWS 0
#if MODEL_VL > 1
typedef unsigned model_vu __attribute__((vector_size(MODEL_VL * 4)));
typedef unsigned model_vu_anywhere
    __attribute__((vector_size(MODEL_VL * 4), aligned(4), may_alias));
#endif
#endif
#define MODEL_WORD_ROWS(rows) (((rows) + MODEL_ROWS_A_WORD - 1) / MODEL_ROWS_A_WORD)

/* The weight of row k in a stored word; of 16 or 8 bits it comes times 2^(32 - bits). */
MODEL_INLINE float model_weight(model_stored word, size_t k)
{
#if MODEL_BITS == 32
    (void)k;
    return word;
#else
    const size_t place = k % MODEL_ROWS_A_WORD; /* the first lies in the lowest bits */
    return (float)(model_signed)(word << (32 - MODEL_BITS - MODEL_BITS * place));
#endif
}

#if MODEL_BITS < 32
/* x [step][n][lane] -> y: the inputs of a step where one is above 2^80 times 2^-48, so that products
   with words stay finite. Such inputs outweigh all else, and gates are as far open as before. */
MODEL_STATIC void model_within_reach(const float *x, float *y, size_t steps, size_t n, size_t lanes)
{
    size_t t, l, k;
    for (t = 0; t < steps; t++, x += n * lanes, y += n * lanes) {
        for (l = 0; l < lanes; l++) {
            float factor = 1.0f;
            for (k = l; k < n * lanes; k += lanes) {
                factor = x[k] > 1.2e24f || x[k] < -1.2e24f ? 3.5527137e-15f : factor;
            }
            for (k = l; k < n * lanes; k += lanes) {
                y[k] = x[k] * factor;
            }
        }
    }
}
#endif

/* What lies `place` behind w, the weights of a layer; a group begins there. An AVR's compiler takes no
   array above 32 kB: there the chain says where a layer's weights go on. */
#if MODEL_SPLIT_WEIGHTS
#if defined(__AVR__)
#define MODEL_HAS_WEIGHTS_AT
MODEL_STATIC const model_stored *model_weights_at(const model_stored *w, size_t place);
#endif
#endif
#ifndef MODEL_HAS_WEIGHTS_AT
MODEL_INLINE const model_stored *model_weights_at(const model_stored *w, size_t place)
{
    return w + place;
}
#endif

/* The biases that a part of a layer begins with; null where they lie apart. */
MODEL_INLINE const float *model_biases(const model_stored *part)
{
#if MODEL_BITS == 32
    return part;
#else
    (void)part;
    return 0;
#endif
}

/* Units lie in groups of 16, whose weights follow each other; the last group has 9 to 24, or all
   units there are. */
MODEL_INLINE size_t model_groups(size_t units)
{
    return units < 25 ? 1 : (units + 7) / 16;
}

/* Units of the group that begins with unit `first`. */
MODEL_INLINE size_t model_group_size(size_t units, size_t first)
{
    return units - first < 25 ? units - first : 16;
}

/* The first unit of the group that unit `u` is in. */
MODEL_INLINE size_t model_group_of(size_t units, size_t u)
{
    const size_t first = u & ~(size_t)15;
    return first > 0 && units - first < 9 ? first - 16 : first;
}

/* How a sequence is run: `steps` at a time, `lanes` rows side by side, each value at
   [step][feature][lane]. */
typedef struct {
    size_t steps;
    size_t lanes;
    const float *packed; /* the weights of all layers for many lanes; null for one */
    unsigned turn; /* groups are walked forwards and backwards in turn: what the cache still holds
                      comes first */
    float *scratch; /* null for a single step */
} model_pass;

/* One step of one row. The compiler sees its sizes where it is made, and shortens the layers to
   them. */
MODEL_INLINE void model_pass_of_step(model_pass *pass, unsigned turn)
{
    pass->steps = 1;
    pass->lanes = 1;
    pass->packed = 0;
    pass->turn = turn;
    pass->scratch = 0;
}

#endif
