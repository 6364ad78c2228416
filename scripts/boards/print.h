/* Included by the check: answers as the bits of their floats, NaN as nan, whatever its bits. */
#include "board.h"

#include <stddef.h>
#include <stdint.h>

float scratch[SCRATCH_FLOATS];

static void print_hex(uint32_t bits)
{
    char text[10], *end = text;
    int shift;
    *end++ = ' ';
    for (shift = 28; shift >= 0; shift -= 4) {
        *end++ = "0123456789abcdef"[bits >> shift & 15u];
    }
    *end = 0;
    board_write(text);
}

static inline void print_answer(const char *what, const float *y, size_t n)
{
    size_t k;
    board_write(what);
    for (k = 0; k < n; k++) {
        union {
            float value;
            uint32_t bits;
        } one;
        one.value = y[k];
        if (one.value != one.value) {
            board_write(" nan");
        } else {
            print_hex(one.bits);
        }
    }
    board_write("\n");
}

static inline void print_counts(const char *what, const int32_t *y, size_t n)
{
    size_t k;
    board_write(what);
    for (k = 0; k < n; k++) {
        print_hex((uint32_t)y[k]);
    }
    board_write("\n");
}

static void print_number(const char *what, unsigned long number)
{
    board_write(what);
    print_hex((uint32_t)number);
    board_write("\n");
}
