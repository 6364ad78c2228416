//@if words
#ifdef __UINT32_TYPE__
typedef __UINT32_TYPE__ NAME_word;
typedef __INT32_TYPE__ NAME_signed_word;
#else
typedef unsigned int NAME_word; /* 32 bits */
typedef int NAME_signed_word;
#endif
typedef NAME_word NAME_stored;
#define NAME_BITS BITS
#define NAME_ROWS_A_WORD (32 / NAME_BITS)
#if NAME_VL > 1
typedef unsigned NAME_vu __attribute__((vector_size(NAME_VL * 4)));
typedef unsigned NAME_vu_anywhere __attribute__((vector_size(NAME_VL * 4), aligned(4), may_alias));
#endif
//@end
//@if not words
typedef float NAME_stored;
//@end

/* How a sequence is run: `steps` at a time, `lanes` rows side by side, each value at [step][feature][lane]. */
typedef struct {
    size_t steps;
    size_t lanes;
    const float *packed; /* the weights of all layers for many lanes; null for one */
    unsigned turn;  /* groups of units are walked forwards and backwards in turn: what the cache still holds comes first */
    float *scratch; /* null for a single step */
} NAME_pass;
