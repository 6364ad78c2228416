/* Included by the boards: paint the stack below the caller, and see later how far down the paint is gone. */
#include <stdint.h>

#define PAINT 0xA5C3F00Du
#define PAINTED_BYTES 8192u

static uintptr_t stack_top, stack_bottom;

__attribute__((noinline)) void board_paint_stack(void)
{
    volatile uint32_t *word;
    stack_top = (uintptr_t)__builtin_frame_address(0); /* where the caller's stack ends */
    stack_bottom = stack_top - PAINTED_BYTES;
    for (word = (volatile uint32_t *)stack_bottom; (uintptr_t)word < stack_top - 64u; word++) { /* not its own frame */
        *word = PAINT;
    }
}

__attribute__((noinline)) unsigned long board_stack_used(void)
{
    const volatile uint32_t *word = (const volatile uint32_t *)stack_bottom;
    while ((uintptr_t)word < stack_top && *word == PAINT) {
        word++;
    }
    return (unsigned long)(stack_top - (uintptr_t)word);
}
