/* Many sequences side by side: each value of a pass has a lane for every row. */
#ifndef MODEL_LANES_H
#define MODEL_LANES_H

#include "columns.c"

#define MODEL_FEWEST_ROWS \
    (MODEL_VL - MODEL_VL / 8) /* rows from which on they go side by side into the lanes */

#if MODEL_VL > 1
/* Many rows of data side by side in 1 or 2 vectors of lanes. For them the weights are packed once a
   call: tile by tile of 12 sums, those of 3 or 4 units, [row][unit][gate], a row of biases (0 in
   words) first. 12 sums of vectors stay in 16 registers, 24 in 32; so many at once keep the
   multiply-adds busy, and each value serves 6 of them. */
#define MODEL_TILE 12
#define MODEL_LANE(s, v) sum_##s##_##v
#define MODEL_LANE_FIRST(s, v) model_vf MODEL_LANE(s, v) = model_splat(first[s]);
#define MODEL_LANE_ADD(s, v) MODEL_LANE(s, v) = MODEL_LANE(s, v) + weight * value##v;
#define MODEL_LANE_KEEP(s, v) model_store(sums + (s * VECTORS + v) * MODEL_VL, MODEL_LANE(s, v));
#define MODEL_LANE_VALUE(from, v) const model_vf value##v = model_load(from + v * MODEL_VL);
#define MODEL_VECTORS_1(DO, s) DO(s, 0)
#define MODEL_VECTORS_2(DO, s) DO(s, 0) DO(s, 1)
#define MODEL_SUM_ADD(s, V)                          \
    {                                                \
        const model_vf weight = model_splat(row[s]); \
        MODEL_VECTORS_##V(MODEL_LANE_ADD, s)         \
    }
#define MODEL_SUM_FIRST(s, V) MODEL_VECTORS_##V(MODEL_LANE_FIRST, s)
#define MODEL_SUM_KEEP(s, V) MODEL_VECTORS_##V(MODEL_LANE_KEEP, s)
#define MODEL_SUMS_6(DO, V) DO(0, V) DO(1, V) DO(2, V) DO(3, V) DO(4, V) DO(5, V)
#define MODEL_SUMS_12(DO, V) \
    MODEL_SUMS_6(DO, V) DO(6, V) DO(7, V) DO(8, V) DO(9, V) DO(10, V) DO(11, V)
#define MODEL_LANES(S, V)                                                                          \
    MODEL_NOINLINE void model_lanes_##S##_##V(const float *first, const float *wx, const float *x, \
                                              size_t nx, const float *wh, const float *h,          \
                                              size_t nh, float *sums)                              \
    {                                                                                              \
        enum { VECTORS = V };                                                                      \
        const float *row = wx, *value = x;                                                         \
        size_t k;                                                                                  \
        MODEL_SUMS_##S(MODEL_SUM_FIRST, V)                                                         \
        for (k = 0; k < nx; k++) {                                                                 \
            MODEL_EACH_##V(MODEL_LANE_VALUE, value)                                                \
            MODEL_SUMS_##S(MODEL_SUM_ADD, V)                                                       \
            row += MODEL_TILE;                                                                     \
            value += VECTORS * MODEL_VL;                                                           \
        }                                                                                          \
        for (k = 0, row = wh, value = h; k < nh; k++) {                                            \
            MODEL_EACH_##V(MODEL_LANE_VALUE, value)                                                \
            MODEL_SUMS_##S(MODEL_SUM_ADD, V)                                                       \
            row += MODEL_TILE;                                                                     \
            value += VECTORS * MODEL_VL;                                                           \
        }                                                                                          \
        MODEL_SUMS_##S(MODEL_SUM_KEEP, V)                                                          \
    }
MODEL_LANES(12, 1)
#if MODEL_REGISTERS == 32
MODEL_LANES(12, 2)
#else
MODEL_LANES(6, 2)
#endif

/* One tile: sums [unit][gate][lane] = first + x[0] * row 0 of wx + ... + h[0] * row 0 of wh
   + ... */
MODEL_STATIC void model_tile(const float *first, const float *wx, const float *x, size_t nx,
                             const float *wh, const float *h, size_t nh, size_t lanes, float *sums)
{
    if (lanes == MODEL_VL) {
        model_lanes_12_1(first, wx, x, nx, wh, h, nh, sums);
    } else {
#if MODEL_REGISTERS == 32
        model_lanes_12_2(first, wx, x, nx, wh, h, nh, sums);
#else
        model_lanes_6_2(first, wx, x, nx, wh, h, nh, sums);
        model_lanes_6_2(first + 6, wx + 6, x, nx, wh + 6, h, nh, sums + 6 * lanes);
#endif
    }
}

/* Packs the rows of one part of a layer, x or h, for the tile that begins with unit `first`:
   `biases` rows of them, then `rows` of weights. Units past the end are 0, and so are biases that
   lie apart. */
MODEL_STATIC float *model_pack_rows(const model_stored *w, size_t biases, size_t rows, size_t gates,
                                    size_t units, size_t first, float *out)
{
    const size_t stored_rows = MODEL_BIAS_ROWS * biases + MODEL_WORD_ROWS(rows);
    size_t u, k, g;
    for (u = first; u < first + MODEL_TILE / gates; u++) {
        const size_t group = model_group_of(units, u), size = model_group_size(units, group);
        const model_stored *row = w + gates * group * stored_rows + (u - group);
        float *to = out + gates * (u - first);
        for (k = 0; k < biases + rows; k++, to += MODEL_TILE) {
            const int stored = u < units && (MODEL_BIAS_ROWS || k >= biases);
            for (g = 0; g < gates; g++) {
                to[g] = stored ? model_weight(row[g * size], k - biases) : 0.0f;
                MODEL_NO_LIBRARY_CALL;
            }
            if (stored && (k - biases + 1) % MODEL_ROWS_A_WORD == 0) {
                row += MODEL_ROW(gates * size);
            }
        }
    }
    return out + MODEL_TILE * (biases + rows);
}

/* Packs a layer, and returns where the next may lie. `biases_h` rows of biases come before the rows
   of h. */
MODEL_STATIC float *model_pack(const model_stored *w, size_t nx, size_t nh, size_t gates,
                               size_t units, size_t biases_h, float *out)
{
    const model_stored *w_h =
        w + MODEL_ROW(gates * units) * (MODEL_BIAS_ROWS + MODEL_WORD_ROWS(nx));
    size_t first;
    for (first = 0; first < units; first += MODEL_TILE / gates) {
        out = model_pack_rows(w, 1, nx, gates, units, first, out);
        out = model_pack_rows(w_h, biases_h, nh, gates, units, first, out);
    }
    return out;
}
#endif

#endif
