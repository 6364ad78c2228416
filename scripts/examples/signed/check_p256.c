/* Does an ECDSA signature in DER fit some bytes? Needs mbedTLS 2.28 with mbedtls_config.h, which takes its heap from a
 * buffer. The key is the last 65 bytes of the PEM's contents: 4, then both coordinates of the point. */
#include "check.h"

#include "mbedtls/ecdsa.h"
#include "mbedtls/memory_buffer_alloc.h"
#include "mbedtls/sha256.h"

static unsigned char heap[8192];

int check_p256(const uint8_t key[65], const uint8_t *signature, size_t signature_size, const uint8_t *data, size_t size)
{
    mbedtls_ecdsa_context context;
    uint8_t digest[32];
    int fits;
    mbedtls_memory_buffer_alloc_init(heap, sizeof heap);
    mbedtls_ecdsa_init(&context);
    fits = mbedtls_sha256_ret(data, size, digest, 0) == 0
        && mbedtls_ecp_group_load(&context.grp, MBEDTLS_ECP_DP_SECP256R1) == 0
        && mbedtls_ecp_point_read_binary(&context.grp, &context.Q, key, 65) == 0
        && mbedtls_ecp_check_pubkey(&context.grp, &context.Q) == 0
        && mbedtls_ecdsa_read_signature(&context, digest, sizeof digest, signature, signature_size) == 0;
    mbedtls_ecdsa_free(&context);
    mbedtls_memory_buffer_alloc_free();
    return fits;
}
