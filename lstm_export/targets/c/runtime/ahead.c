/* The part of a layer's sums that comes from x, computed for many steps before the first of them is
   taken. */
#ifndef MODEL_AHEAD_H
#define MODEL_AHEAD_H

#include "columns.c"

#define MODEL_WORTH_PROJECTING 8 /* steps from which on it pays */

#if MODEL_VL > 1
#if defined(__wasm__)
#define MODEL_ABREAST 2 /* times four sums; see MODEL_WIDEST */
#else
#define MODEL_ABREAST 3
#endif

/* One group, four steps at once, so that a weight is loaded once for four, in up to MODEL_ABREAST
   vectors:
   out[t] = first + x[t][0] * row 0 + x[t][1] * row 1 + ... */
#define MODEL_START(first, j)                                                                  \
    model_vf a##j = first ? model_load(first + j * MODEL_VL) : model_splat(0.0f), b##j = a##j, \
             c##j = a##j, d##j = a##j;
#define MODEL_FOUR(w, j)                                      \
    {                                                         \
        const model_vf weight = model_load(w + j * MODEL_VL); \
        a##j = a##j + weight * xa;                            \
        b##j = b##j + weight * xb;                            \
        c##j = c##j + weight * xc;                            \
        d##j = d##j + weight * xd;                            \
    }
#define MODEL_END(out, j)                               \
    model_store(out + j * MODEL_VL, a##j);              \
    model_store(out + across + j * MODEL_VL, b##j);     \
    model_store(out + 2 * across + j * MODEL_VL, c##j); \
    model_store(out + 3 * across + j * MODEL_VL, d##j);
#define MODEL_BLOCK(N)                                                                        \
    MODEL_NOINLINE void model_block_##N(const float *first, const float *w, size_t stride,    \
                                        const float *x, size_t nx, float *out, size_t across) \
    {                                                                                         \
        size_t k;                                                                             \
        MODEL_EACH_##N(MODEL_START, first)                                                    \
        for (k = 0; k < nx; k++, w += stride) {                                               \
            const model_vf xa = model_splat(x[k]), xb = model_splat(x[nx + k]);               \
            const model_vf xc = model_splat(x[2 * nx + k]), xd = model_splat(x[3 * nx + k]);  \
            MODEL_EACH_##N(MODEL_FOUR, w)                                                     \
        }                                                                                     \
        MODEL_EACH_##N(MODEL_END, out)                                                        \
    }
MODEL_BLOCK(1)
MODEL_BLOCK(2)
#if MODEL_ABREAST > 2
MODEL_BLOCK(3)
#endif

MODEL_STATIC void model_project_group(const float *first, const float *w, const float *x, size_t nx,
                                      size_t steps, size_t lanes, float *out, size_t across)
{
    const size_t stride = MODEL_ROW(lanes), vectors = (lanes + MODEL_VL - 1) / MODEL_VL;
    size_t v, n;
    for (v = 0; v < vectors; v += MODEL_ABREAST) {
        const size_t at = v * MODEL_VL;
        for (n = 0; n < steps; n += 4) {
            const size_t t = steps - n < 4 ? steps - 4 : n; /* the last four overlap those before */
            const float *start = first ? first + at : 0;
#if MODEL_ABREAST > 2
            if (vectors - v > 2) {
                model_block_3(start, w + at, stride, x + t * nx, nx, out + t * across + at, across);
                continue;
            }
#endif
            if (vectors - v > 1) {
                model_block_2(start, w + at, stride, x + t * nx, nx, out + t * across + at, across);
            } else {
                model_block_1(start, w + at, stride, x + t * nx, nx, out + t * across + at, across);
            }
        }
    }
}

#if MODEL_BITS < 32
/* The words of a layer's input rows as floats, still without their scales, group by group as they
   lie. */
MODEL_STATIC void model_decode(const model_stored *words, size_t rows, size_t gates, size_t units,
                               float *out)
{
    size_t first, size, k, j;
    for (first = 0; first < units; first += size) {
        const size_t stride = MODEL_ROW(gates * (size = model_group_size(units, first)));
        for (k = 0; k < rows; k++, out += stride) {
            const int shift = (int)(32 - MODEL_BITS - MODEL_BITS * (k % MODEL_ROWS_A_WORD));
            for (j = 0; j < stride; j += MODEL_VL) {
                model_store(out + j, model_as_floats(model_load_words(words + j) << shift));
            }
            words += (k + 1) % MODEL_ROWS_A_WORD ? 0 : stride;
        }
        words += rows % MODEL_ROWS_A_WORD ? stride : 0;
    }
}
#endif

/* All groups of a layer, with `gates` sums a unit: x [step][nx] -> out [step][across]. */
MODEL_STATIC void model_project(const float *w, size_t gates, size_t nx, size_t units,
                                const float *x, size_t steps, float *out)
{
    const size_t across = MODEL_ROW(gates * units);
    size_t first, size;
    for (first = 0; first < units; first += size) {
        const float *group = w + gates * first * (MODEL_BIAS_ROWS + nx);
        const float *rows = group;
        size = model_group_size(units, first);
        rows += MODEL_BIAS_ROWS * MODEL_ROW(gates * size);
        model_project_group(MODEL_BIAS_ROWS ? group : 0, rows, x, nx, steps, gates * size,
                            out + gates * first, across);
    }
}
#endif

/* The sums from x of all steps of a pass, [step][MODEL_ROW(gates * units)]; null where it would not
   pay. */
MODEL_STATIC const float *model_from_x(const model_stored *w, size_t gates, size_t nx, size_t units,
                                       const float *x, const model_pass *pass)
{
#if MODEL_VL > 1
    if (pass->lanes == 1 && pass->steps >= MODEL_WORTH_PROJECTING && nx > 2) {
        float *out = pass->scratch;
#if MODEL_BITS == 32
        model_project(w, gates, nx, units, x, pass->steps, out);
#else
        const float *decoded = out;
        model_decode(w, nx, gates, units, out);
        out += MODEL_ROW(gates * units) * nx;
        model_project(decoded, gates, nx, units, x, pass->steps, out);
#endif
        return out;
    }
#else
    (void)w, (void)gates, (void)nx, (void)units, (void)x, (void)pass;
#endif
    return 0;
}

#endif
