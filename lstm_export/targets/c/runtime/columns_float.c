//@if not words
/* Sums of units, row by row: first + x[0] * row 0 + x[1] * row 1 + ... + h[0] * row nx + ... Side by side are as many
   vectors of sums as stay in registers: a part of a group, a group, or the same row of several groups, `gap` apart. */
#if NAME_VL > 1
#define NAME_FIRST(G, j) NAME_vf sum##j = NAME_load(first + NAME_AT(G, j, gap_first));
#define NAME_ADD_X(G, j) sum##j = sum##j + NAME_load(row + NAME_AT(G, j, gap_x)) * value;
#define NAME_ADD_H(G, j) sum##j = sum##j + NAME_load(row + NAME_AT(G, j, gap_h)) * value;
#define NAME_KEEP(G, j) NAME_store(sums + j * NAME_VL, sum##j);
#define NAME_COLUMN(G, N)                                                                                        \
    static NAME_NOINLINE void NAME_column_##G##_##N(const float *first, size_t gap_first, const float *wx,       \
                                                    size_t gap_x, const float *x, size_t nx, const float *wh,    \
                                                    size_t gap_h, const float *h, size_t nh, size_t stride,      \
                                                    float *sums)                                                 \
    {                                                                                                            \
        const float *row = wx;                                                                                   \
        size_t k;                                                                                                \
        NAME_EACH_##N(NAME_FIRST, G)                                                                             \
        for (k = 0; k < nx; k++, row += stride) {                                                                \
            const NAME_vf value = NAME_splat(x[k]);                                                              \
            NAME_EACH_##N(NAME_ADD_X, G)                                                                         \
        }                                                                                                        \
        for (k = 0, row = wh; k < nh; k++, row += stride) {                                                      \
            const NAME_vf value = NAME_splat(h[k]);                                                              \
            NAME_EACH_##N(NAME_ADD_H, G)                                                                         \
        }                                                                                                        \
        (void)gap_first, (void)gap_x, (void)gap_h;                                                               \
        NAME_EACH_##N(NAME_KEEP, G)                                                                              \
    }
#endif
//@end
