/* An Arm Cortex-M under QEMU: vector table, start, semihosting, SysTick as a counter of instructions. */
#include "board.h"

#include <stdint.h>

extern uint32_t _data_source[], _data[], _data_end[], _bss[], _bss_end[];
void _stack(void); /* no function but the stack's end, the first entry of the table */
int main(void);

void start(void); /* where the linker script begins, too */
static void fault(void);

__attribute__((section(".vectors"), used)) static void (*const vectors[16])(void) = {
    _stack, start, fault, fault, fault, fault, fault,
};

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define CPACR REGISTER(0xE000ED88u)
#define SYST_CSR REGISTER(0xE000E010u)
#define SYST_RVR REGISTER(0xE000E014u)
#define SYST_CVR REGISTER(0xE000E018u)

static int semihosting(int operation, const void *argument)
{
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void board_write(const char *text)
{
    semihosting(0x04, text); /* SYS_WRITE0 */
}

void board_exit(int code)
{
    const uint32_t block[2] = {0x20026u, (uint32_t)code}; /* ADP_Stopped_ApplicationExit */
    semihosting(0x20, block);                             /* SYS_EXIT_EXTENDED */
    for (;;) {
    }
}

/* SysTick counts down; how many instructions a tick takes depends on the board's clock, so it is measured. */
#define KNOWN 400000u

static uint32_t ticks_of_known;

static uint32_t ticks(void)
{
    return 0x00FFFFFFu - SYST_CVR;
}

void board_start_counting(void)
{
    uint32_t rounds = KNOWN / 2u;
    SYST_RVR = 0x00FFFFFFu;
    SYST_CSR = 5u; /* the processor's clock, no interrupt */
    if (ticks_of_known == 0u) {
        SYST_CVR = 0u;
        __asm__ volatile(".syntax unified\n1: subs %0, #1\n bne 1b" : "+l"(rounds) : : "cc");
        ticks_of_known = ticks();
    }
    SYST_CVR = 0u;
}

unsigned long board_instructions(void)
{
    return (unsigned long)((uint64_t)ticks() * KNOWN / ticks_of_known);
}

static void fault(void)
{
    board_write("fault\n");
    board_exit(3);
}

void start(void)
{
    uint32_t *to, *from = _data_source;
    CPACR |= 0xFu << 20; /* the floating-point unit */
    __asm__ volatile("dsb\n isb");
    for (to = _data; to < _data_end; to++) {
        *to = *from++;
    }
    for (to = _bss; to < _bss_end; to++) {
        *to = 0u;
    }
    board_exit(main());
}
