//@if sequence
#if NAME_VL > 1
/* The part of the sums of one group that comes from x, four steps at once, so that a weight is loaded once for four:
   out[t] = first + x[t][0] * row 0 + x[t][1] * row 1 + ... */
#define NAME_START(j) NAME_vf a##j = first ? NAME_load(first + j * NAME_VL) : NAME_splat(0.0f), b##j = a##j, c##j = a##j, d##j = a##j;
#define NAME_FOUR(j)                                                                                             \
    {                                                                                                            \
        const NAME_vf weight = NAME_load(w + j * NAME_VL);                                                       \
        a##j = a##j + weight * xa;                                                                               \
        b##j = b##j + weight * xb;                                                                               \
        c##j = c##j + weight * xc;                                                                               \
        d##j = d##j + weight * xd;                                                                               \
    }
#define NAME_END(j)                                                                                              \
    NAME_store(out + j * NAME_VL, a##j);                                                                         \
    NAME_store(out + across + j * NAME_VL, b##j);                                                                \
    NAME_store(out + 2 * across + j * NAME_VL, c##j);                                                            \
    NAME_store(out + 3 * across + j * NAME_VL, d##j);
#define NAME_BLOCK(N)                                                                                            \
    static NAME_NOINLINE void NAME_block_##N(const float *first, const float *w, size_t stride, const float *x,  \
                                             size_t nx, float *out, size_t across)                               \
    {                                                                                                            \
        size_t k;                                                                                                \
        NAME_EACH_##N(NAME_START)                                                                                \
        for (k = 0; k < nx; k++, w += stride) {                                                                  \
            const NAME_vf xa = NAME_splat(x[k]), xb = NAME_splat(x[nx + k]);                                     \
            const NAME_vf xc = NAME_splat(x[2 * nx + k]), xd = NAME_splat(x[3 * nx + k]);                        \
            NAME_EACH_##N(NAME_FOUR)                                                                             \
        }                                                                                                        \
        NAME_EACH_##N(NAME_END)                                                                                  \
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
    size_t first, k, j;
    for (first = 0; first < units; first += 64) {
        const size_t stride = NAME_ROW(gates * (units - first < 64 ? units - first : 64));
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
    size_t first;
    for (first = 0; first < units; first += 64) {
        const size_t size = units - first < 64 ? units - first : 64;
        const float *group = w + gates * first * (biases + nx);
        NAME_project_group(biases ? group : 0, group + biases * NAME_ROW(gates * size), x, nx, pass->steps,
                           gates * size, out + gates * first, across);
    }
    return out;
}

/* Many rows of data side by side in the lanes: sums of 1 or 3 units at a time over 1 or 2 vectors of rows. For them the
   weights are packed once a call: block by block of units, [row][gate][unit], a row of biases (0 in words) first. */
#if NAME_VL == 16
#define NAME_UNITS(lanes, left) ((left) >= 3 ? 3 : 1)
#else
#define NAME_UNITS(lanes, left) ((left) >= 3 && (lanes) == NAME_VL ? 3 : 1)
#endif

#define NAME_LANE(u, g, v) sum_##u##_##g##_##v
#define NAME_LANE_FIRST(u, g, v) NAME_vf NAME_LANE(u, g, v) = NAME_splat(first[g * UNITS + u]);
#define NAME_LANE_ADD(u, g, v) NAME_LANE(u, g, v) = NAME_LANE(u, g, v) + NAME_splat(row[g * UNITS + u]) * value##v;
#define NAME_LANE_KEEP(u, g, v) NAME_store(sums + ((u * GATES + g) * VECTORS + v) * NAME_VL, NAME_LANE(u, g, v));
#define NAME_VALUES_1(p) const NAME_vf value0 = NAME_load(p);
#define NAME_VALUES_2(p) NAME_VALUES_1(p) const NAME_vf value1 = NAME_load((p) + NAME_VL);
#define NAME_GATES_3(DO, u, v) DO(u, 0, v) DO(u, 1, v) DO(u, 2, v)
#define NAME_GATES_4(DO, u, v) NAME_GATES_3(DO, u, v) DO(u, 3, v)
#define NAME_LANES_1_1(DO, G) NAME_GATES_##G(DO, 0, 0)
#define NAME_LANES_1_2(DO, G) NAME_LANES_1_1(DO, G) NAME_GATES_##G(DO, 0, 1)
#define NAME_LANES_3_1(DO, G) NAME_LANES_1_1(DO, G) NAME_GATES_##G(DO, 1, 0) NAME_GATES_##G(DO, 2, 0)
#define NAME_LANES_3_2(DO, G)                                                                                    \
    NAME_LANES_3_1(DO, G) NAME_GATES_##G(DO, 0, 1) NAME_GATES_##G(DO, 1, 1) NAME_GATES_##G(DO, 2, 1)
#define NAME_TILE(G, U, V)                                                                                       \
    static NAME_NOINLINE void NAME_tile_##G##_##U##_##V(const float *first, const float *wx, const float *x,     \
                                                        size_t nx, const float *wh, const float *h, size_t nh,   \
                                                        float *sums)                                             \
    {                                                                                                            \
        enum { GATES = G, UNITS = U, VECTORS = V };                                                                  \
        const float *row = wx;                                                                                   \
        size_t k;                                                                                                \
        NAME_LANES_##U##_##V(NAME_LANE_FIRST, G) for (k = 0; k < nx; k++, row += G * U)                          \
        {                                                                                                        \
            NAME_VALUES_##V(x + k * V * NAME_VL) NAME_LANES_##U##_##V(NAME_LANE_ADD, G)                          \
        }                                                                                                        \
        for (k = 0, row = wh; k < nh; k++, row += G * U) {                                                      \
            NAME_VALUES_##V(h + k * V * NAME_VL) NAME_LANES_##U##_##V(NAME_LANE_ADD, G)                          \
        }                                                                                                        \
        NAME_LANES_##U##_##V(NAME_LANE_KEEP, G)                                                                  \
    }

/* Packs the rows of one part of a layer, x or h, for `count` units from `first` on: out [row][gate][unit]. */
static float *NAME_pack_rows(const NAME_stored *w, size_t biases, size_t rows, size_t gates, size_t units, size_t first,
                             size_t count, float *out)
{
    const size_t group = first & ~(size_t)63, size = units - group < 64 ? units - group : 64;
    const size_t panel = first & ~(size_t)15, width = units - panel < 16 ? units - panel : 16;
    const size_t stride = NAME_ROW(gates * size);
    size_t k, g, u;
//@if not words
    w += gates * group * (biases + rows) + gates * (panel - group) + (first - panel);
    for (k = 0; k < biases + rows; k++, w += stride) {
        for (g = 0; g < gates; g++) {
            for (u = 0; u < count; u++) {
                *out++ = w[g * width + u];
                NAME_NO_LIBRARY_CALL;
            }
        }
    }
//@end
//@if words
    for (k = 0; k < biases * gates * count; k++) {
        *out++ = 0.0f;
        NAME_NO_LIBRARY_CALL;
    }
    w += gates * group * NAME_WORD_ROWS(rows) + gates * (panel - group) + (first - panel);
    for (k = 0; k < rows; k++) {
        for (g = 0; g < gates; g++) {
            for (u = 0; u < count; u++) {
                *out++ = NAME_weight(w[g * width + u], k);
            }
        }
        w += (k + 1) % NAME_ROWS_A_WORD ? 0 : stride;
    }
//@end
    return out;
}

/* Packs a layer, and returns what lies behind it. `biases` rows of them come before the rows of x, before those of h. */
static float *NAME_pack(const NAME_stored *w, size_t nx, size_t nh, size_t gates, size_t units, size_t biases_h,
                        size_t lanes, float *out)
{
//@if not words
    const NAME_stored *wh = w + NAME_ROW(gates * units) * (1 + nx);
//@end
//@if words
    const NAME_stored *wh = w + NAME_ROW(gates * units) * NAME_WORD_ROWS(nx);
//@end
    size_t first, count;
    for (first = 0; first < units; first += count) {
        const size_t panel = first & ~(size_t)15, end = units - panel < 16 ? units : panel + 16;
        count = NAME_UNITS(lanes, end - first);
        out = NAME_pack_rows(w, 1, nx, gates, units, first, count, out);
        out = NAME_pack_rows(wh, biases_h, nh, gates, units, first, count, out);
    }
    return out;
}

//@if lstm
NAME_TILE(4, 1, 1)
NAME_TILE(4, 1, 2)
NAME_TILE(4, 3, 1)
#if NAME_VL == 16
NAME_TILE(4, 3, 2)
#endif
//@end
//@if gru
NAME_TILE(3, 1, 1)
NAME_TILE(3, 1, 2)
NAME_TILE(3, 3, 1)
#if NAME_VL == 16
NAME_TILE(3, 3, 2)
#endif
//@end
#endif
//@end

