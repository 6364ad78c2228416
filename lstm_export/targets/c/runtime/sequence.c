//@if sequence
#if NAME_VL > 1
/* The part of the sums of one group that comes from x, four steps at once, so that a weight is loaded once for four:
   out[t] = first + x[t][0] * row 0 + x[t][1] * row 1 + ... */
#define NAME_START(first, j)                                                                                     \
    NAME_vf a##j = first ? NAME_load(first + j * NAME_VL) : NAME_splat(0.0f), b##j = a##j, c##j = a##j, d##j = a##j;
#define NAME_FOUR(w, j)                                                                                           \
    {                                                                                                            \
        const NAME_vf weight = NAME_load(w + j * NAME_VL);                                                       \
        a##j = a##j + weight * xa;                                                                               \
        b##j = b##j + weight * xb;                                                                               \
        c##j = c##j + weight * xc;                                                                               \
        d##j = d##j + weight * xd;                                                                               \
    }
#define NAME_END(out, j)                                                                                              \
    NAME_store(out + j * NAME_VL, a##j);                                                                         \
    NAME_store(out + across + j * NAME_VL, b##j);                                                                \
    NAME_store(out + 2 * across + j * NAME_VL, c##j);                                                            \
    NAME_store(out + 3 * across + j * NAME_VL, d##j);
#define NAME_BLOCK(N)                                                                                            \
    static NAME_NOINLINE void NAME_block_##N(const float *first, const float *w, size_t stride, const float *x,  \
                                             size_t nx, float *out, size_t across)                               \
    {                                                                                                            \
        size_t k;                                                                                                \
        NAME_EACH_##N(NAME_START, first)                                                                                \
        for (k = 0; k < nx; k++, w += stride) {                                                                  \
            const NAME_vf xa = NAME_splat(x[k]), xb = NAME_splat(x[nx + k]);                                     \
            const NAME_vf xc = NAME_splat(x[2 * nx + k]), xd = NAME_splat(x[3 * nx + k]);                        \
            NAME_EACH_##N(NAME_FOUR, w)                                                                             \
        }                                                                                                        \
        NAME_EACH_##N(NAME_END, out)                                                                                  \
    }
NAME_BLOCK(1)
NAME_BLOCK(2)
NAME_BLOCK(3)

static void NAME_project_group(const float *first, const float *w, const float *x, size_t nx, size_t steps,
                               size_t lanes, float *out, size_t across)
{
    const size_t stride = NAME_ROW(lanes), vectors = (lanes + NAME_VL - 1) / NAME_VL;
    size_t v, n;
    for (v = 0; v < vectors; v += 3) {
        const size_t at = v * NAME_VL;
        for (n = 0; n < steps; n += 4) {
            const size_t t = steps - n < 4 ? steps - 4 : n; /* the last four overlap those before */
            const float *start = first ? first + at : 0;
            if (vectors - v >= 3) {
                NAME_block_3(start, w + at, stride, x + t * nx, nx, out + t * across + at, across);
            } else if (vectors - v == 2) {
                NAME_block_2(start, w + at, stride, x + t * nx, nx, out + t * across + at, across);
            } else {
                NAME_block_1(start, w + at, stride, x + t * nx, nx, out + t * across + at, across);
            }
        }
    }
}

//@if words
/* The words of a layer's input rows as floats, still without their scales, group by group as they lie. */
static void NAME_decode(const NAME_word *words, size_t rows, size_t gates, size_t units, float *out)
{
    size_t first, size, k, j;
    for (first = 0; first < units; first += size) {
        const size_t stride = NAME_ROW(gates * (size = NAME_group_size(units, first)));
        for (k = 0; k < rows; k++, out += stride) {
            const int shift = (int)(32 - NAME_BITS - NAME_BITS * (k % NAME_ROWS_A_WORD));
            for (j = 0; j < stride; j += NAME_VL) {
                NAME_store(out + j, NAME_as_floats(NAME_load_words(words + j) << shift));
            }
            words += (k + 1) % NAME_ROWS_A_WORD ? 0 : stride;
        }
        words += rows % NAME_ROWS_A_WORD ? stride : 0;
    }
}

//@end
/* The same for all groups of a layer, with `gates` sums a unit; null where it would not pay. `w` holds a row of biases
   before the rows of weights of each group (none in decoded words). */
static const float *NAME_projected(const float *w, size_t biases, size_t gates, size_t nx, size_t units,
                                   const float *x, const NAME_pass *pass, float *out)
{
    const size_t across = NAME_ROW(gates * units);
    size_t first, size;
    for (first = 0; first < units; first += size) {
        const float *group = w + gates * first * (biases + nx);
        size = NAME_group_size(units, first);
        NAME_project_group(biases ? group : 0, group + biases * NAME_ROW(gates * size), x, nx, pass->steps,
                           gates * size, out + gates * first, across);
    }
    return out;
}

/* Many rows of data side by side in 1 or 2 vectors of lanes. For them the weights are packed once a call: tile by tile
   of 12 sums, those of 3 or 4 units, [row][unit][gate], a row of biases (0 in words) first. 12 sums of vectors stay in 16
   registers, 24 in 32; so many at once keep the multiply-adds busy, and each value serves 6 of them. */
#define NAME_TILE 12
#define NAME_LANE(s, v) sum_##s##_##v
#define NAME_LANE_FIRST(s, v) NAME_vf NAME_LANE(s, v) = NAME_splat(first[s]);
#define NAME_LANE_ADD(s, v) NAME_LANE(s, v) = NAME_LANE(s, v) + weight * value##v;
#define NAME_LANE_KEEP(s, v) NAME_store(sums + (s * VECTORS + v) * NAME_VL, NAME_LANE(s, v));
#define NAME_LANE_VALUE(from, v) const NAME_vf value##v = NAME_load(from + v * NAME_VL);
#define NAME_VECTORS_1(DO, s) DO(s, 0)
#define NAME_VECTORS_2(DO, s) DO(s, 0) DO(s, 1)
#define NAME_SUM_ADD(s, V)                                                                                       \
    {                                                                                                            \
        const NAME_vf weight = NAME_splat(row[s]);                                                               \
        NAME_VECTORS_##V(NAME_LANE_ADD, s)                                                                       \
    }
#define NAME_SUM_FIRST(s, V) NAME_VECTORS_##V(NAME_LANE_FIRST, s)
#define NAME_SUM_KEEP(s, V) NAME_VECTORS_##V(NAME_LANE_KEEP, s)
#define NAME_SUMS_6(DO, V) DO(0, V) DO(1, V) DO(2, V) DO(3, V) DO(4, V) DO(5, V)
#define NAME_SUMS_12(DO, V) NAME_SUMS_6(DO, V) DO(6, V) DO(7, V) DO(8, V) DO(9, V) DO(10, V) DO(11, V)
#define NAME_LANES(S, V)                                                                                         \
    static NAME_NOINLINE void NAME_lanes_##S##_##V(const float *first, const float *wx, const float *x,          \
                                                   size_t nx, const float *wh, const float *h, size_t nh,        \
                                                   float *sums)                                                  \
    {                                                                                                            \
        enum { VECTORS = V };                                                                                    \
        const float *row = wx, *value = x;                                                                       \
        size_t k;                                                                                                \
        NAME_SUMS_##S(NAME_SUM_FIRST, V)                                                                         \
        for (k = 0; k < nx; k++, row += NAME_TILE, value += VECTORS * NAME_VL) {                                 \
            NAME_EACH_##V(NAME_LANE_VALUE, value) NAME_SUMS_##S(NAME_SUM_ADD, V)                                        \
        }                                                                                                        \
        for (k = 0, row = wh, value = h; k < nh; k++, row += NAME_TILE, value += VECTORS * NAME_VL) {            \
            NAME_EACH_##V(NAME_LANE_VALUE, value) NAME_SUMS_##S(NAME_SUM_ADD, V)                                        \
        }                                                                                                        \
        NAME_SUMS_##S(NAME_SUM_KEEP, V)                                                                          \
    }
NAME_LANES(12, 1)
#if NAME_REGISTERS == 32
NAME_LANES(12, 2)
#else
NAME_LANES(6, 2)
#endif

/* One tile: sums [unit][gate][lane] = first + x[0] * row 0 of wx + ... + h[0] * row 0 of wh + ... */
static void NAME_tile(const float *first, const float *wx, const float *x, size_t nx, const float *wh, const float *h,
                      size_t nh, size_t lanes, float *sums)
{
    if (lanes == NAME_VL) {
        NAME_lanes_12_1(first, wx, x, nx, wh, h, nh, sums);
    } else {
#if NAME_REGISTERS == 32
        NAME_lanes_12_2(first, wx, x, nx, wh, h, nh, sums);
#else
        NAME_lanes_6_2(first, wx, x, nx, wh, h, nh, sums);
        NAME_lanes_6_2(first + 6, wx + 6, x, nx, wh + 6, h, nh, sums + 6 * lanes);
#endif
    }
}

/* Packs the rows of one part of a layer, x or h, for the tile that begins with unit `first`; units past the end are 0. */
static float *NAME_pack_rows(const NAME_stored *w, size_t biases, size_t rows, size_t gates, size_t units, size_t first,
                             float *out)
{
    size_t u, k, g;
    for (u = first; u < first + NAME_TILE / gates; u++) {
        const size_t group = NAME_group_of(units, u), size = NAME_group_size(units, group);
//@if not words
        const NAME_stored *row = w + gates * group * (biases + rows) + (u - group);
//@end
//@if words
        const NAME_stored *row = w + gates * group * NAME_WORD_ROWS(rows) + (u - group);
//@end
        float *to = out + gates * (u - first);
        for (k = 0; k < biases + rows; k++, to += NAME_TILE) {
            for (g = 0; g < gates; g++) {
//@if not words
                to[g] = u < units ? row[g * size] : 0.0f;
//@end
//@if words
                to[g] = u < units && k >= biases ? NAME_weight(row[g * size], k - biases) : 0.0f;
//@end
                NAME_NO_LIBRARY_CALL;
            }
//@if not words
            row += u < units ? NAME_ROW(gates * size) : 0;
//@end
//@if words
            row += u < units && k >= biases && (k - biases + 1) % NAME_ROWS_A_WORD == 0 ? NAME_ROW(gates * size) : 0;
//@end
        }
    }
    return out + NAME_TILE * (biases + rows);
}

/* Packs a layer, and returns what lies behind it. `biases` rows of them come before the rows of x, before those of h. */
static float *NAME_pack(const NAME_stored *w, size_t nx, size_t nh, size_t gates, size_t units, size_t biases_h,
                        float *out)
{
//@if not words
    const NAME_stored *wh = w + NAME_ROW(gates * units) * (1 + nx);
//@end
//@if words
    const NAME_stored *wh = w + NAME_ROW(gates * units) * NAME_WORD_ROWS(nx);
//@end
    size_t first;
    for (first = 0; first < units; first += NAME_TILE / gates) {
        out = NAME_pack_rows(w, 1, nx, gates, units, first, out);
        out = NAME_pack_rows(wh, biases_h, nh, gates, units, first, out);
    }
    return out;
}
#endif
//@end

