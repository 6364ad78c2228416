/* Sums of units, row by row: first + x[0] * row 0 + x[1] * row 1 + ... + h[0] * row 0 of h + ...
   Side by side are as many vectors of sums as stay in registers: a part of a group, a group, or the
   same row of several groups, `gap` apart. */
#ifndef MODEL_COLUMNS_H
#define MODEL_COLUMNS_H

#include "weights.h"

#if MODEL_VL > 1
/* Vectors of sums that stay in registers, and how many groups of 16 units with G gates they
   hold. */
#if MODEL_BITS == 32
#if defined(__wasm__)
#define MODEL_WIDEST 8
#else
#define MODEL_WIDEST (MODEL_REGISTERS == 32 ? 16 : 12)
#endif
#else
#if defined(__wasm__)
#define MODEL_WIDEST 6
#else
#define MODEL_WIDEST (MODEL_REGISTERS == 32 ? 8 : 10)
#endif
#endif
/* Two at least, where a row holds them: gcc contracts a lone chain of multiply-adds for some
   processors and not for others. */
#define MODEL_FEWEST_VECTORS (MODEL_VL == 16 ? 1 : 2)
#define MODEL_ACROSS(G) (16 * (G) / MODEL_VL)
#define MODEL_AT_ONCE(G) (MODEL_WIDEST < 2 * MODEL_ACROSS(G) ? 1 : MODEL_WIDEST / MODEL_ACROSS(G))
#define MODEL_MOST_SUMS(G) ((G) * (MODEL_AT_ONCE(G) > 1 ? 16 * MODEL_AT_ONCE(G) : 24) + MODEL_VL)
#define MODEL_AT(G, j, gap) ((j) / MODEL_ACROSS(G) * (gap) + (j) % MODEL_ACROSS(G) * MODEL_VL)
#define MODEL_EACH_1(DO, A) DO(A, 0)
#define MODEL_EACH_2(DO, A) MODEL_EACH_1(DO, A) DO(A, 1)
#define MODEL_EACH_3(DO, A) MODEL_EACH_2(DO, A) DO(A, 2)
#define MODEL_EACH_4(DO, A) MODEL_EACH_3(DO, A) DO(A, 3)
#define MODEL_EACH_5(DO, A) MODEL_EACH_4(DO, A) DO(A, 4)
#define MODEL_EACH_6(DO, A) MODEL_EACH_5(DO, A) DO(A, 5)
#define MODEL_EACH_7(DO, A) MODEL_EACH_6(DO, A) DO(A, 6)
#define MODEL_EACH_8(DO, A) MODEL_EACH_7(DO, A) DO(A, 7)
#define MODEL_EACH_9(DO, A) MODEL_EACH_8(DO, A) DO(A, 8)
#define MODEL_EACH_10(DO, A) MODEL_EACH_9(DO, A) DO(A, 9)
#define MODEL_EACH_11(DO, A) MODEL_EACH_10(DO, A) DO(A, 10)
#define MODEL_EACH_12(DO, A) MODEL_EACH_11(DO, A) DO(A, 11)
#define MODEL_EACH_13(DO, A) MODEL_EACH_12(DO, A) DO(A, 12)
#define MODEL_EACH_14(DO, A) MODEL_EACH_13(DO, A) DO(A, 13)
#define MODEL_EACH_15(DO, A) MODEL_EACH_14(DO, A) DO(A, 14)
#define MODEL_EACH_16(DO, A) MODEL_EACH_15(DO, A) DO(A, 15)
#define MODEL_WIDTHS_6(DO, G) DO(G, 1, 2) DO(G, 3, 4) DO(G, 5, 6)
#if MODEL_WIDEST > 12
#define MODEL_WIDTHS(DO, G) \
    MODEL_WIDTHS_6(DO, G) \
    DO(G, 7, 8) DO(G, 9, 10) DO(G, 11, 12) DO(G, 13, 14) DO(G, 15, 16)
#elif MODEL_WIDEST > 8
#define MODEL_WIDTHS(DO, G) MODEL_WIDTHS_6(DO, G) DO(G, 7, 8) DO(G, 9, 10) DO(G, 11, 12)
#elif MODEL_WIDEST > 6
#define MODEL_WIDTHS(DO, G) MODEL_WIDTHS_6(DO, G) DO(G, 7, 8)
#else
#define MODEL_WIDTHS(DO, G) MODEL_WIDTHS_6(DO, G)
#endif

/* MODEL_COLUMN(G, N): N vectors of sums, G gates: the rows of x, then the rows of h. */
#if MODEL_BITS == 32
/* Engines of WebAssembly load all that the instructions up to the next branch need before they
   compute any of it. A branch that is never taken divides a row of 8, so that sums and weights stay
   in 16 registers. */
#if defined(__wasm__)
#define MODEL_SPLIT(j)           \
    if ((j) == 5 && row == sums) \
        break;
#else
#define MODEL_SPLIT(j)
#endif
#define MODEL_FIRST(G, j) model_vf sum##j = model_load(first + MODEL_AT(G, j, gap_first));
#define MODEL_ADD_X(G, j) \
    MODEL_SPLIT(j) sum##j = sum##j + model_load(row + MODEL_AT(G, j, gap_x)) * value;
#define MODEL_ADD_H(G, j) \
    MODEL_SPLIT(j) sum##j = sum##j + model_load(row + MODEL_AT(G, j, gap_h)) * value;
#define MODEL_KEEP(G, j) model_store(sums + j * MODEL_VL, sum##j);
#define MODEL_COLUMN(G, N)                                                                   \
    MODEL_NOINLINE void model_column_##G##_##N(                                              \
        const float *first, size_t gap_first, const float *wx, size_t gap_x, const float *x, \
        size_t nx, const float *wh, size_t gap_h, const float *h, size_t nh, size_t stride,  \
        float *sums)                                                                         \
    {                                                                                        \
        const float *row = wx;                                                               \
        size_t k;                                                                            \
        MODEL_EACH_##N(MODEL_FIRST, G)                                                       \
        for (k = 0; k < nx; k++, row += stride) {                                            \
            const model_vf value = model_splat(x[k]);                                        \
            MODEL_EACH_##N(MODEL_ADD_X, G)                                                   \
        }                                                                                    \
        for (k = 0, row = wh; k < nh; k++, row += stride) {                                  \
            const model_vf value = model_splat(h[k]);                                        \
            MODEL_EACH_##N(MODEL_ADD_H, G)                                                   \
        }                                                                                    \
        (void)gap_first, (void)gap_x, (void)gap_h;                                           \
        MODEL_EACH_##N(MODEL_KEEP, G)                                                        \
    }
#else
/* Weights of MODEL_ROWS_A_WORD rows share a 32-bit word, the first in its lowest bits. Shifted to
   the top, a word is its weight times 2^(32 - bits), plus a fraction that the rows below it leave;
   the writer chose the weight with that fraction counted. A row of scales brings the sums back,
   after the last term. */
MODEL_INLINE model_vu model_load_words(const model_stored *p)
{
    return *(const model_vu_anywhere *)p;
}

MODEL_INLINE model_vf model_as_floats(model_vu words)
{
    return __builtin_convertvector((model_vi)words, model_vf);
}

#define MODEL_FIRST(G, j) \
    model_vf sum##j = first ? model_load(first + MODEL_AT(G, j, gap_first)) : model_splat(0.0f);
#define MODEL_ADD(G, j) \
    sum##j = sum##j + model_as_floats(model_load_words(row + MODEL_AT(G, j, gap)) << shift) * value;
#define MODEL_KEEP(G, j) model_store(sums + j * MODEL_VL, sum##j);
#define MODEL_WORD_ROW(G, N, v, count)                       \
    {                                                        \
        int shift = 32 - MODEL_BITS;                         \
        size_t j;                                            \
        for (j = 0; j < (count); j++, shift -= MODEL_BITS) { \
            const model_vf value = model_splat((v)[j]);      \
            MODEL_EACH_##N(MODEL_ADD, G)                     \
        }                                                    \
    }
#define MODEL_WORD_ROWS_OF(G, N, w, gap_w, v, n)                                                \
    {                                                                                           \
        const size_t gap = gap_w;                                                               \
        for (k = 0, row = w; k + MODEL_ROWS_A_WORD <= n; k += MODEL_ROWS_A_WORD, row += stride) \
            MODEL_WORD_ROW(G, N, v + k, MODEL_ROWS_A_WORD)                                      \
        if (k < n)                                                                              \
            MODEL_WORD_ROW(G, N, v + k, n - k)                                                  \
        (void)gap;                                                                              \
    }
#define MODEL_COLUMN(G, N)                                                               \
    MODEL_NOINLINE void model_column_##G##_##N(                                          \
        const float *first, size_t gap_first, const model_stored *wx, size_t gap_x,      \
        const float *x, size_t nx, const model_stored *wh, size_t gap_h, const float *h, \
        size_t nh, size_t stride, float *sums)                                           \
    {                                                                                    \
        const model_stored *row;                                                         \
        size_t k;                                                                        \
        MODEL_EACH_##N(MODEL_FIRST, G)                                                   \
        MODEL_WORD_ROWS_OF(G, N, wx, gap_x, x, nx)                                       \
        MODEL_WORD_ROWS_OF(G, N, wh, gap_h, h, nh)                                       \
        (void)gap_first;                                                                 \
        MODEL_EACH_##N(MODEL_KEEP, G)                                                    \
    }
#endif

#define MODEL_COLUMNS(G, A, B) MODEL_COLUMN(G, A) MODEL_COLUMN(G, B)
#define MODEL_CASES(G, A, B) MODEL_CASE(G, A) MODEL_CASE(G, B)
#define MODEL_CASE(G, N)                                                                     \
    case N:                                                                                  \
        model_column_##G##_##N(first, gap_first, wx, gap_x, x, nx, wh, gap_h, h, nh, stride, \
                               sums);                                                        \
        break;

/* The sums of a group, in columns that are about as wide, or of MODEL_AT_ONCE(G) groups in one. */
#define MODEL_SUMS(G)                                                                              \
    MODEL_STATIC void model_sums_##G(const float *first, size_t gap_first, const model_stored *wx, \
                                     size_t gap_x, const float *x, size_t nx,                      \
                                     const model_stored *wh, size_t gap_h, const float *h,         \
                                     size_t nh, size_t units, float *sums)                         \
    {                                                                                              \
        const size_t stride = units > 24 ? G * 16 : MODEL_ROW(G * units);                          \
        size_t vectors =                                                                           \
            G * units > MODEL_VL ? (G * units + MODEL_VL - 1) / MODEL_VL : MODEL_FEWEST_VECTORS;   \
        size_t columns = (vectors + MODEL_WIDEST - 1) / MODEL_WIDEST;                              \
        if (units < 25) {                                                                          \
            gap_first = gap_x = gap_h = G * 16;                                                    \
        }                                                                                          \
        for (; columns > 0; columns--) {                                                           \
            const size_t width = (vectors + columns - 1) / columns;                                \
            switch (width) {                                                                       \
                MODEL_WIDTHS(MODEL_CASES, G)                                                       \
            }                                                                                      \
            vectors -= width;                                                                      \
            if (first) {                                                                           \
                first += width * MODEL_VL;                                                         \
            }                                                                                      \
            wx += width * MODEL_VL;                                                                \
            wh += width * MODEL_VL;                                                                \
            sums += width * MODEL_VL;                                                              \
        }                                                                                          \
    }
#if MODEL_LSTM
MODEL_WIDTHS(MODEL_COLUMNS, 4)
MODEL_SUMS(4)
#endif
#if MODEL_GRU
MODEL_WIDTHS(MODEL_COLUMNS, 3)
MODEL_SUMS(3)
#endif
#if MODEL_RNN
MODEL_WIDTHS(MODEL_COLUMNS, 1)
MODEL_SUMS(1)
#endif

/* The groups of a layer in runs of `at_once`, those left over one by one. */
typedef struct {
    size_t at_once;
    size_t runs;
    size_t full; /* runs of `at_once` */
} model_runs;

MODEL_INLINE model_runs model_runs_of(size_t units, size_t at_once)
{
    const size_t groups = model_groups(units), whole = units % 16 ? groups - 1 : units / 16;
    model_runs found;
    found.at_once = at_once;
    found.full = at_once > 1 ? whole / at_once : 0;
    found.runs = groups - found.full * (at_once - 1);
    return found;
}

/* The first unit of a run. Its size is no second member beside it: gcc 12 then loses sight of the
   constant in it, and a step takes 4 % longer. */
MODEL_INLINE size_t model_first_of_run(model_runs part, size_t run)
{
    return 16 * (run < part.full ? run * part.at_once : run + part.full * (part.at_once - 1));
}

#if MODEL_BITS < 32
MODEL_STATIC void model_scale(float *sums, const float *scale, const float *bias, size_t lanes)
{
    size_t j;
    for (j = 0; j < lanes; j += MODEL_VL) {
        model_store(sums + j, model_load(sums + j) * model_load(scale + j) + model_load(bias + j));
    }
}
#endif
#endif

#endif
