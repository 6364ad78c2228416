// A board that takes five samples and ends: pin A0 + k reads 100 * k + 50 * n in the sample n.
#include "Arduino.h"

#include <cstdio>

static int sample = 0;

int analogRead(int pin)
{
    return (100 * (pin - A0) + 50 * sample) % 1024;
}

void delay(unsigned long)
{
    sample++;
}

void SerialLine::begin(unsigned long)
{
}

void SerialLine::println(float value, int digits)
{
    std::printf("%.*f\n", digits, static_cast<double>(value));
}

SerialLine Serial;

int main()
{
    setup();
    while (sample < 5) {
        loop();
    }
}
