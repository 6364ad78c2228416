//@if words
/* Weights of NAME_ROWS_A_WORD rows share a 32-bit word, the first in its lowest bits. Shifted to the top, a word is
   its weight times 2^(32 - bits), plus a fraction that the rows below it leave; the writer chose the weight with that
   fraction counted. A row of scales brings the sums back, after the last term. */
#if NAME_VL > 1
#define NAME_FIRST(G, j) NAME_vf sum##j = first ? NAME_load(first + NAME_AT(G, j, gap_first)) : NAME_splat(0.0f);
#define NAME_ADD(G, j) sum##j = sum##j + NAME_as_floats(NAME_load_words(row + NAME_AT(G, j, gap)) << shift) * value;
#define NAME_KEEP(G, j) NAME_store(sums + j * NAME_VL, sum##j);
#define NAME_WORD_ROW(G, N, v, count)                                                                            \
    {                                                                                                            \
        int shift = 32 - NAME_BITS;                                                                              \
        size_t j;                                                                                                \
        for (j = 0; j < (count); j++, shift -= NAME_BITS) {                                                      \
            const NAME_vf value = NAME_splat((v)[j]);                                                            \
            NAME_EACH_##N(NAME_ADD, G)                                                                           \
        }                                                                                                        \
    }
#define NAME_WORD_ROWS_OF(G, N, w, gap_w, v, n)                                                                  \
    {                                                                                                            \
        const size_t gap = gap_w;                                                                                \
        for (k = 0, row = w; k + NAME_ROWS_A_WORD <= n; k += NAME_ROWS_A_WORD, row += stride)                    \
            NAME_WORD_ROW(G, N, v + k, NAME_ROWS_A_WORD)                                                         \
        if (k < n)                                                                                               \
            NAME_WORD_ROW(G, N, v + k, n - k)                                                                    \
        (void)gap;                                                                                               \
    }
#define NAME_COLUMN(G, N)                                                                                        \
    static NAME_NOINLINE void NAME_column_##G##_##N(const float *first, size_t gap_first, const NAME_word *wx,   \
                                                    size_t gap_x, const float *x, size_t nx,                     \
                                                    const NAME_word *wh, size_t gap_h, const float *h,           \
                                                    size_t nh, size_t stride, float *sums)                       \
    {                                                                                                            \
        const NAME_word *row;                                                                                    \
        size_t k;                                                                                                \
        NAME_EACH_##N(NAME_FIRST, G)                                                                             \
        NAME_WORD_ROWS_OF(G, N, wx, gap_x, x, nx)                                                                \
        NAME_WORD_ROWS_OF(G, N, wh, gap_h, h, nh)                                                                \
        (void)gap_first;                                                                                         \
        NAME_EACH_##N(NAME_KEEP, G)                                                                              \
    }

NAME_INLINE NAME_vu NAME_load_words(const NAME_word *p)
{
    return *(const NAME_vu_anywhere *)p;
}

NAME_INLINE NAME_vf NAME_as_floats(NAME_vu words)
{
    return __builtin_convertvector((NAME_vi)words, NAME_vf);
}
#endif

/* The weight of row k % NAME_ROWS_A_WORD in a word, times 2^(32 - bits). */
NAME_INLINE float NAME_weight(NAME_word word, size_t k)
{
    return (float)(NAME_signed_word)(word << (32 - NAME_BITS - NAME_BITS * (k % NAME_ROWS_A_WORD)));
}
//@end
