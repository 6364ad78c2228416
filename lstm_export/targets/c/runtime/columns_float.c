//@if not words
/* Sums of one group of units, row by row: first + x[0] * row 0 + x[1] * row 1 + ... + h[0] * row nx + ...
   `lanes` sums lie side by side; one column is as many vectors of them as stay in registers. */
#if NAME_VL > 1
#define NAME_FIRST(j) NAME_vf sum##j = NAME_load(first + j * NAME_VL);
#define NAME_ADD(j) sum##j = sum##j + NAME_load(row + j * NAME_VL) * value;
#define NAME_KEEP(j) NAME_store(sums + j * NAME_VL, sum##j);
#define NAME_COLUMN(N)                                                                                           \
    static NAME_NOINLINE void NAME_column_##N(const float *first, const float *wx, const float *x, size_t nx,    \
                                              const float *wh, const float *h, size_t nh, size_t stride,         \
                                              float *sums)                                                       \
    {                                                                                                            \
        const float *row = wx;                                                                                   \
        size_t k;                                                                                                \
        NAME_EACH_##N(NAME_FIRST)                                                                                \
        for (k = 0; k < nx; k++, row += stride) {                                                                \
            const NAME_vf value = NAME_splat(x[k]);                                                              \
            NAME_EACH_##N(NAME_ADD)                                                                              \
        }                                                                                                        \
        for (k = 0, row = wh; k < nh; k++, row += stride) {                                                      \
            const NAME_vf value = NAME_splat(h[k]);                                                              \
            NAME_EACH_##N(NAME_ADD)                                                                              \
        }                                                                                                        \
        NAME_EACH_##N(NAME_KEEP)                                                                                 \
    }
#endif
//@end
