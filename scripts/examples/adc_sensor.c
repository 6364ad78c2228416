/* A model in whole numbers on a Cortex-M0+, such as a Raspberry Pi Pico's: the counts of the converter go in as they
   come, and no float is computed anywhere. The RP2040's own temperature sensor gives 27 - (V - 0.706) / 0.001721
   degrees at a count of V * 4096 / 3.3, that is 437.227 - 0.46814 * count. model.pt takes this temperature alone, in
   degrees; a model without names calls it x0. It runs under QEMU as it stands.

       lstm-export c model.pt -o model_c --name model --arithmetic integer --self-test --input-format x0=q:-0.46814:437.227
       arm-none-eabi-gcc -std=c99 -O2 -ffreestanding -nostdlib -mthumb -mcpu=cortex-m0plus -mfloat-abi=soft \
           -Imodel_c -Iboards examples/adc_sensor.c model_c/model.c boards/cortex_m.c -T boards/cortex_m.ld \
           -Wl,--defsym=FLASH=0 -Wl,--defsym=RAM=0x20000000 -Wl,--defsym=RAM_SIZE=0x400000 -lgcc -o firmware.elf
       qemu-system-arm -M mps2-an385 -nographic -monitor none -serial none \
           -semihosting-config enable=on,target=native -kernel firmware.elf */
#include "board.h"
#include "model.h"

static model_state state; /* all that the model remembers */

/* Your converter: on a Pico, adc_select_input(4) once and then adc_read(). */
static int16_t adc_read(int n)
{
    return (int16_t)(870 + n * 7 % 30);
}

/* A whole number and a line's end. */
static void write_number(int32_t number)
{
    char text[13], *start = text + 11;
    uint32_t left = number < 0 ? 0u - (uint32_t)number : (uint32_t)number;
    start[0] = '\n';
    start[1] = 0;
    do {
        *--start = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (number < 0) {
        *--start = '-';
    }
    board_write(start);
}

int main(void)
{
    int16_t x[MODEL_INPUT_SIZE];
    int32_t y[MODEL_OUTPUT_SIZE];
    int n;

    if (model_self_test() != 0) {
        board_write("self-test failed\n");
        return 1;
    }
    board_write("self-test passed\n");
    model_reset(&state);
    for (n = 0; n < 8; n++) {
        x[0] = adc_read(n);
        model_step_q(&state, x, y);
        write_number(y[0]); /* your use of y; degrees are y[0] / 2^MODEL_ANSWER_BITS */
    }
    return 0;
}
