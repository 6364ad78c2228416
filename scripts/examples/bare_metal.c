/* A program without an operating system: the model tests itself, then answers a sample at a time. It runs on QEMU's
   Cortex-M4F board as it stands; on yours, read the sensor and use the answer where the comments say so.

       lstm-export c model.pt -o model_c --name model --self-test
       arm-none-eabi-gcc -std=c99 -O2 -ffp-contract=off -ffreestanding -nostdlib -mthumb -mcpu=cortex-m4 \
           -mfloat-abi=hard -mfpu=fpv4-sp-d16 -Imodel_c -Iboards examples/bare_metal.c model_c/model.c \
           boards/cortex_m.c -T boards/cortex_m.ld -Wl,--defsym=FLASH=0 -Wl,--defsym=RAM=0x20000000 \
           -Wl,--defsym=RAM_SIZE=0x400000 -lgcc -o firmware.elf
       qemu-system-arm -M mps2-an386 -nographic -monitor none -serial none \
           -semihosting-config enable=on,target=native -kernel firmware.elf */
#include "board.h"
#include "model.h"

static model_state state; /* all that the model remembers */

int main(void)
{
    float x[MODEL_INPUT_SIZE], y[MODEL_OUTPUT_SIZE];
    int n, k;

    if (model_self_test() != 0) {
        board_write("self-test failed\n");
        return 1;
    }
    board_write("self-test passed\n");
    model_reset(&state);
    for (n = 0; n < 100; n++) {
        for (k = 0; k < MODEL_INPUT_SIZE; k++) {
            x[k] = 0.1f * (float)(n % 10); /* your sensor */
        }
        model_step(&state, x, y);
        if (y[0] != y[0]) { /* your use of y; here, a look whether it is a number */
            board_write("not a number\n");
            return 1;
        }
    }
    board_write("100 steps done\n");
    return 0;
}
