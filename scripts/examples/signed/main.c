/* Check a signed file in flash, and the same with a bit changed; print what came out and what it took.
 *
 * signed.h has KEY, SIGNATURE and DATA; CHECK(data) is one of the two checks, or 0 to see what the rest takes. */
#include "board.h"
#include "check.h"
#include "signed.h"

static const uint8_t key[] = {KEY};
static const uint8_t signature[] = {SIGNATURE};
static uint8_t data[] = {DATA}; /* in RAM, to change a bit of it */

static void write_number(unsigned long number)
{
    char text[24];
    char *at = text + sizeof text - 1;
    *at = '\0';
    do {
        *--at = (char)('0' + number % 10u);
        number /= 10u;
    } while (number != 0u);
    board_write(at);
}

int main(void)
{
    int good;
    int bad;
    (void)key;
    (void)signature;
    board_start_counting();
    good = CHECK(data);
    write_number(board_instructions());
    data[0] ^= 1u;
    bad = CHECK(data);
    board_write(good ? " good" : " refused");
    board_write(bad ? " good\n" : " refused\n");
    board_exit(0);
    return 0;
}
