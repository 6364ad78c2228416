// What the sketch uses of an Arduino, on a PC.
#pragma once

enum { A0 = 14 };

void setup();
void loop();
int analogRead(int pin); // 0 to 1023
void delay(unsigned long milliseconds);

struct SerialLine {
    void begin(unsigned long baud);
    void println(float value, int digits);
};
extern SerialLine Serial;
