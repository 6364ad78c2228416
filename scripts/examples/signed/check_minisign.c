/* Does a signature of minisign fit some bytes? Needs Monocypher 3 with its optional monocypher-ed25519, and no heap.
 *
 * Both records are a file's second line, decoded from base64: "Ed", the key's id, the key; "ED", the id, the signature. */
#include "check.h"

#include <string.h>

#include "monocypher-ed25519.h"
#include "monocypher.h"

#define ID 2   /* where the key's id begins, 8 bytes */
#define REST 10 /* where the key or the signature begins */

int check_minisign(const uint8_t key[42], const uint8_t signature[74], const uint8_t *data, size_t size)
{
    uint8_t digest[64];
    if (memcmp(key, "Ed", ID) != 0 || memcmp(signature, "ED", ID) != 0) {
        return 0;
    }
    if (memcmp(key + ID, signature + ID, REST - ID) != 0) {
        return 0;
    }
    crypto_blake2b(digest, data, size);
    return crypto_ed25519_check(signature + REST, key + REST, digest, sizeof digest) == 0;
}
