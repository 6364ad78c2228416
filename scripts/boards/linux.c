/* A board that is Linux: the host itself, or aarch64 under qemu-user. */
#include "board.h"

#include <stdio.h>
#include <stdlib.h>

void board_write(const char *text)
{
    fputs(text, stdout);
}

void board_exit(int code)
{
    exit(code);
}

void board_start_counting(void)
{
}

unsigned long board_instructions(void)
{
    return 0;
}
