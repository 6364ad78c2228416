/* An AVR under simavr: text to its first serial port; a timer counts cycles, in steps of 1024. */
#include "board.h"

#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>

void exit(int code) __attribute__((noreturn));

void board_write(const char *text)
{
    UCSR0B = 1 << TXEN0;
    for (; *text; text++) {
        while (!(UCSR0A & 1 << UDRE0)) {
        }
        UDR0 = *text;
    }
}

/* Asleep without interrupts: simavr ends. */
void board_exit(int code)
{
    volatile unsigned wait;
    if (code) {
        board_write("exit\n");
    }
    for (wait = 0; wait < 10000; wait++) { /* until the last character is out */
    }
    cli();
    sleep_enable();
    for (;;) {
        sleep_cpu();
    }
}

/* What main returns to. */
void exit(int code)
{
    board_exit(code);
    for (;;) {
    }
}

void board_start_counting(void)
{
    TCCR1A = 0;
    TCCR1B = 1 << CS12 | 1 << CS10; /* cycles / 1024 */
    TCNT1 = 0;
}

unsigned long board_instructions(void)
{
    return TCNT1 * 1024ul;
}
