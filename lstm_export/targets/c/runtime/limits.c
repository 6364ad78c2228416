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

