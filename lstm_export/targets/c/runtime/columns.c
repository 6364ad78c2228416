#if NAME_VL > 1
/* Sums that stay in registers. */
#if NAME_VL == 16
#define NAME_WIDEST WIDEST_32
#else
#define NAME_WIDEST WIDEST_16
#endif
#define NAME_EACH_1(DO) DO(0)
#define NAME_EACH_2(DO) NAME_EACH_1(DO) DO(1)
#define NAME_EACH_3(DO) NAME_EACH_2(DO) DO(2)
#define NAME_EACH_4(DO) NAME_EACH_3(DO) DO(3)
#define NAME_EACH_5(DO) NAME_EACH_4(DO) DO(4)
#define NAME_EACH_6(DO) NAME_EACH_5(DO) DO(5)
#define NAME_EACH_7(DO) NAME_EACH_6(DO) DO(6)
#define NAME_EACH_8(DO) NAME_EACH_7(DO) DO(7)
#define NAME_EACH_9(DO) NAME_EACH_8(DO) DO(8)
#define NAME_EACH_10(DO) NAME_EACH_9(DO) DO(9)
#define NAME_EACH_11(DO) NAME_EACH_10(DO) DO(10)
#define NAME_EACH_12(DO) NAME_EACH_11(DO) DO(11)
#define NAME_EACH_13(DO) NAME_EACH_12(DO) DO(12)
#define NAME_EACH_14(DO) NAME_EACH_13(DO) DO(13)
#define NAME_EACH_15(DO) NAME_EACH_14(DO) DO(14)
#define NAME_EACH_16(DO) NAME_EACH_15(DO) DO(15)
NAME_COLUMN(1)
NAME_COLUMN(2)
NAME_COLUMN(3)
NAME_COLUMN(4)
NAME_COLUMN(5)
NAME_COLUMN(6)
NAME_COLUMN(7)
NAME_COLUMN(8)
#if NAME_WIDEST > 8
NAME_COLUMN(9)
NAME_COLUMN(10)
NAME_COLUMN(11)
NAME_COLUMN(12)
#endif
#if NAME_WIDEST > 12
NAME_COLUMN(13)
NAME_COLUMN(14)
NAME_COLUMN(15)
NAME_COLUMN(16)
#endif

#define NAME_CASE(N)                                                                                             \
    case N:                                                                                                      \
        NAME_column_##N(first, wx, x, nx, wh, h, nh, stride, sums);                                              \
        break;
#define NAME_CASE_4(A, B, C, D) NAME_CASE(A) NAME_CASE(B) NAME_CASE(C) NAME_CASE(D)

/* One column at a time, all about as wide. */
static void NAME_sums(const float *first, const NAME_stored *wx, const float *x, size_t nx, const NAME_stored *wh,
                      const float *h, size_t nh, size_t lanes, float *sums)
{
    const size_t stride = NAME_ROW(lanes);
    size_t vectors = (lanes + NAME_VL - 1) / NAME_VL, columns = (vectors + NAME_WIDEST - 1) / NAME_WIDEST;
    for (; columns > 0; columns--) {
        const size_t width = (vectors + columns - 1) / columns;
        switch (width) {
            NAME_CASE_4(1, 2, 3, 4)
            NAME_CASE_4(5, 6, 7, 8)
#if NAME_WIDEST > 8
            NAME_CASE_4(9, 10, 11, 12)
#endif
#if NAME_WIDEST > 12
            NAME_CASE_4(13, 14, 15, 16)
#endif
        }
        vectors -= width;
        first += first ? width * NAME_VL : 0;
        wx += width * NAME_VL;
        wh += width * NAME_VL;
        sums += width * NAME_VL;
    }
}
#endif
