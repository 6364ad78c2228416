/* The compiler may call these; there is no library. */
void *memcpy(void *to, const void *from, size_t n)
{
    char *t = to;
    const char *f = from;
    for (; n > 0; n--) {
        *t++ = *f++;
        MODEL_NO_LIBRARY_CALL;
    }
    return to;
}

void *memset(void *to, int value, size_t n)
{
    char *t = to;
    for (; n > 0; n--) {
        *t++ = (char)value;
        MODEL_NO_LIBRARY_CALL;
    }
    return to;
}
