//@if sequence
/* Steps that a pass takes at once: a part of the sequence for one row, one step for many rows. */
//@if whole
#define NAME_STEPS(seq, lanes) (seq)
//@end
//@if not whole
#define NAME_STEPS(seq, lanes) ((lanes) > 1 ? 1 : (seq) < 64 ? (seq) : 64)
//@end
#define NAME_WORTH_PROJECTING 8 /* steps from which on the part of the sums from x is computed ahead */
#define NAME_FEWEST_ROWS (NAME_VL - NAME_VL / 8) /* rows from which on they go side by side into the lanes */
//@end
//@if words
#define NAME_WORD_ROWS(rows) (((rows) + NAME_ROWS_A_WORD - 1) / NAME_ROWS_A_WORD)
//@end

/* Units lie in groups of 16, whose weights follow each other; the last group has 9 to 24, or all units there are. */
NAME_INLINE size_t NAME_groups(size_t units)
{
    return units < 25 ? 1 : (units + 7) / 16;
}

/* Units of the group that begins with unit `first`. */
NAME_INLINE size_t NAME_group_size(size_t units, size_t first)
{
    return units - first < 25 ? units - first : 16;
}

/* The first unit of the group that unit `u` is in. */
NAME_INLINE size_t NAME_group_of(size_t units, size_t u)
{
    const size_t first = u & ~(size_t)15;
    return first > 0 && units - first < 9 ? first - 16 : first;
}

