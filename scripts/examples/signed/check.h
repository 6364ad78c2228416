/* Checks of signatures, for firmware: 1 where the signature of these bytes is the key's, else 0. */
#ifndef CHECK_H
#define CHECK_H

#include <stddef.h>
#include <stdint.h>

int check_minisign(const uint8_t key[42], const uint8_t signature[74], const uint8_t *data, size_t size);
int check_p256(const uint8_t key[65], const uint8_t *signature, size_t signature_size, const uint8_t *data, size_t size);

#endif
