//@if words
/* Weights of NAME_ROWS_A_WORD rows share a 32-bit word, the first in its lowest bits. Shifted to the top, a word is
   its weight times 2^(32 - bits), plus a fraction that the rows below it leave; the writer chose the weight with that
   fraction counted. A row of scales brings the sums back, after the last term. */
#if NAME_VL > 1
#define NAME_FIRST(j) NAME_vf sum##j = first ? NAME_load(first + j * NAME_VL) : NAME_splat(0.0f);
#define NAME_WORD(j) const NAME_vu word##j = NAME_load_words(row + j * NAME_VL);
#define NAME_ADD(j) sum##j = sum##j + NAME_as_floats(word##j << shift) * value;
#define NAME_KEEP(j) NAME_store(sums + j * NAME_VL, sum##j);
#define NAME_WORD_ROW(N, v, count)                                                                               \
    {                                                                                                            \
        NAME_EACH_##N(NAME_WORD)                                                                                 \
        int shift = 32 - NAME_BITS;                                                                              \
        size_t j;                                                                                                \
        for (j = 0; j < (count); j++, shift -= NAME_BITS) {                                                      \
            const NAME_vf value = NAME_splat((v)[j]);                                                            \
            NAME_EACH_##N(NAME_ADD)                                                                              \
        }                                                                                                        \
    }
#define NAME_COLUMN(N)                                                                                           \
    static NAME_NOINLINE void NAME_column_##N(const float *first, const NAME_word *wx, const float *x, size_t nx, \
                                              const NAME_word *wh, const float *h, size_t nh, size_t stride,     \
                                              float *sums)                                                       \
    {                                                                                                            \
        const NAME_word *row = wx;                                                                               \
        size_t k;                                                                                                \
        NAME_EACH_##N(NAME_FIRST)                                                                                \
        for (k = 0; k + NAME_ROWS_A_WORD <= nx; k += NAME_ROWS_A_WORD, row += stride)                            \
            NAME_WORD_ROW(N, x + k, NAME_ROWS_A_WORD)                                                            \
        if (k < nx)                                                                                              \
            NAME_WORD_ROW(N, x + k, nx - k)                                                                      \
        for (k = 0, row = wh; k + NAME_ROWS_A_WORD <= nh; k += NAME_ROWS_A_WORD, row += stride)                  \
            NAME_WORD_ROW(N, h + k, NAME_ROWS_A_WORD)                                                            \
        if (k < nh)                                                                                              \
            NAME_WORD_ROW(N, h + k, nh - k)                                                                      \
        NAME_EACH_##N(NAME_KEEP)                                                                                 \
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
