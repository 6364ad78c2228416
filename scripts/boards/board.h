/* What a program needs from the machine it runs on: a board under QEMU, or Linux. */
#ifndef BOARD_H
#define BOARD_H

/* Print a text that ends with NUL. */
void board_write(const char *text);

/* End the program; 0 means good. */
void board_exit(int code);

/* Count instructions from here on, at most 500 million; what was counted is good to 50, and 0 where nothing counts. */
void board_start_counting(void);
unsigned long board_instructions(void);

#endif
