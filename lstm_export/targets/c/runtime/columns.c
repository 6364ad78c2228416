#if NAME_VL > 1
/* Vectors of sums that stay in registers, and how many groups of 16 units with G gates they hold. */
#if NAME_REGISTERS == 32
#define NAME_WIDEST WIDEST_32
#else
#define NAME_WIDEST WIDEST_16
#endif
/* Two at least, where a row holds them: gcc contracts a lone chain of multiply-adds for some processors and not for others. */
#define NAME_FEWEST_VECTORS (NAME_VL == 16 ? 1 : 2)
#define NAME_ACROSS(G) (16 * (G) / NAME_VL)
#define NAME_AT_ONCE(G) (NAME_WIDEST < 2 * NAME_ACROSS(G) ? 1 : NAME_WIDEST / NAME_ACROSS(G))
#define NAME_MOST_SUMS(G) ((G) * (NAME_AT_ONCE(G) > 1 ? 16 * NAME_AT_ONCE(G) : 24) + NAME_VL)
#define NAME_AT(G, j, gap) ((j) / NAME_ACROSS(G) * (gap) + (j) % NAME_ACROSS(G) * NAME_VL)
#define NAME_EACH_1(DO, A) DO(A, 0)
#define NAME_EACH_2(DO, A) NAME_EACH_1(DO, A) DO(A, 1)
#define NAME_EACH_3(DO, A) NAME_EACH_2(DO, A) DO(A, 2)
#define NAME_EACH_4(DO, A) NAME_EACH_3(DO, A) DO(A, 3)
#define NAME_EACH_5(DO, A) NAME_EACH_4(DO, A) DO(A, 4)
#define NAME_EACH_6(DO, A) NAME_EACH_5(DO, A) DO(A, 5)
#define NAME_EACH_7(DO, A) NAME_EACH_6(DO, A) DO(A, 6)
#define NAME_EACH_8(DO, A) NAME_EACH_7(DO, A) DO(A, 7)
#define NAME_EACH_9(DO, A) NAME_EACH_8(DO, A) DO(A, 8)
#define NAME_EACH_10(DO, A) NAME_EACH_9(DO, A) DO(A, 9)
#define NAME_EACH_11(DO, A) NAME_EACH_10(DO, A) DO(A, 10)
#define NAME_EACH_12(DO, A) NAME_EACH_11(DO, A) DO(A, 11)
#define NAME_EACH_13(DO, A) NAME_EACH_12(DO, A) DO(A, 12)
#define NAME_EACH_14(DO, A) NAME_EACH_13(DO, A) DO(A, 13)
#define NAME_EACH_15(DO, A) NAME_EACH_14(DO, A) DO(A, 14)
#define NAME_EACH_16(DO, A) NAME_EACH_15(DO, A) DO(A, 15)
#define NAME_CASE(G, N)                                                                                          \
    case N:                                                                                                      \
        NAME_column_##G##_##N(first, gap_first, wx, gap_x, x, nx, wh, gap_h, h, nh, stride, sums);               \
        break;
#define NAME_CASES_4(G, A, B, C, D) NAME_CASE(G, A) NAME_CASE(G, B) NAME_CASE(G, C) NAME_CASE(G, D)
#if NAME_WIDEST > 12
#define NAME_CASES(G)                                                                                            \
    NAME_CASES_4(G, 1, 2, 3, 4)                                                                                  \
    NAME_CASES_4(G, 5, 6, 7, 8) NAME_CASES_4(G, 9, 10, 11, 12) NAME_CASES_4(G, 13, 14, 15, 16)
#elif NAME_WIDEST > 8
#define NAME_CASES(G) NAME_CASES_4(G, 1, 2, 3, 4) NAME_CASES_4(G, 5, 6, 7, 8) NAME_CASES_4(G, 9, 10, 11, 12)
#else
#define NAME_CASES(G) NAME_CASES_4(G, 1, 2, 3, 4) NAME_CASES_4(G, 5, 6, 7, 8)
#endif

/* The sums of a group, in columns that are about as wide, or of NAME_AT_ONCE(G) groups in one. */
#define NAME_SUMS(G)                                                                                             \
    static void NAME_sums_##G(const float *first, size_t gap_first, const NAME_stored *wx, size_t gap_x,         \
                              const float *x, size_t nx, const NAME_stored *wh, size_t gap_h, const float *h,    \
                              size_t nh, size_t units, float *sums)                                              \
    {                                                                                                            \
        const size_t stride = units > 24 ? G * 16 : NAME_ROW(G * units);                                         \
        size_t vectors = G * units > NAME_VL ? (G * units + NAME_VL - 1) / NAME_VL : NAME_FEWEST_VECTORS;        \
        size_t columns = (vectors + NAME_WIDEST - 1) / NAME_WIDEST;                                              \
        if (units < 25) {                                                                                        \
            gap_first = gap_x = gap_h = G * 16;                                                                  \
        }                                                                                                        \
        for (; columns > 0; columns--) {                                                                         \
            const size_t width = (vectors + columns - 1) / columns;                                              \
            switch (width) {                                                                                     \
                NAME_CASES(G)                                                                                    \
            }                                                                                                    \
            vectors -= width;                                                                                    \
            first += first ? width * NAME_VL : 0;                                                                \
            wx += width * NAME_VL;                                                                               \
            wh += width * NAME_VL;                                                                               \
            sums += width * NAME_VL;                                                                             \
        }                                                                                                        \
    }
//@if lstm
NAME_COLUMN(4, 1)
NAME_COLUMN(4, 2)
NAME_COLUMN(4, 3)
NAME_COLUMN(4, 4)
NAME_COLUMN(4, 5)
NAME_COLUMN(4, 6)
NAME_COLUMN(4, 7)
NAME_COLUMN(4, 8)
#if NAME_WIDEST > 8
NAME_COLUMN(4, 9)
NAME_COLUMN(4, 10)
NAME_COLUMN(4, 11)
NAME_COLUMN(4, 12)
#endif
#if NAME_WIDEST > 12
NAME_COLUMN(4, 13)
NAME_COLUMN(4, 14)
NAME_COLUMN(4, 15)
NAME_COLUMN(4, 16)
#endif
NAME_SUMS(4)
//@end
//@if gru
NAME_COLUMN(3, 1)
NAME_COLUMN(3, 2)
NAME_COLUMN(3, 3)
NAME_COLUMN(3, 4)
NAME_COLUMN(3, 5)
NAME_COLUMN(3, 6)
NAME_COLUMN(3, 7)
NAME_COLUMN(3, 8)
#if NAME_WIDEST > 8
NAME_COLUMN(3, 9)
NAME_COLUMN(3, 10)
NAME_COLUMN(3, 11)
NAME_COLUMN(3, 12)
#endif
#if NAME_WIDEST > 12
NAME_COLUMN(3, 13)
NAME_COLUMN(3, 14)
NAME_COLUMN(3, 15)
NAME_COLUMN(3, 16)
#endif
NAME_SUMS(3)
//@end

/* The groups of a layer in runs of `at_once`, those left over one by one. */
typedef struct {
    size_t runs;
    size_t full; /* runs of `at_once` */
} NAME_runs;

NAME_INLINE NAME_runs NAME_runs_of(size_t units, size_t at_once)
{
    const size_t groups = NAME_groups(units), whole = units % 16 ? groups - 1 : units / 16;
    NAME_runs found;
    found.full = at_once > 1 ? whole / at_once : 0;
    found.runs = groups - found.full * (at_once - 1);
    return found;
}
#endif
