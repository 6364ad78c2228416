"""Secret keys of minisign, plain (`minisign -G -W`) and under a password.

A key file's second line is base64 of 158 bytes: algorithm, key derivation and checksum (2 bytes
each), the salt and the two limits of scrypt, then the key's id (8), the secret key (64) and a
checksum (32), which are masked by what scrypt makes of the password
(https://jedisct1.github.io/minisign).
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import InputError
from .cryptography_package import cryptography
from .minisign import (
    ED25519,
    KEY_ALGORITHM,
    SUFFIX,
    decoded,
    digest,
    id_text,
    signature_text,
)

_RECORD = struct.Struct("<2s2s2s32sQQ104s")
_SECRET = struct.Struct("<8s64s32s")
_NO_PASSWORD = b"\0\0"
_SCRYPT = b"Sc"
_BLAKE2B = b"B2"
_SEED_BYTES = 32  # an Ed25519 secret key is its seed, then the public key
_MOST_MEMORY = 2**31  # bytes for scrypt; minisign takes 2**30
_MOST_WORK = 2**27  # minisign takes 2**25
_LEAST_WORK = 2**15
_BLOCK = 8  # scrypt's r, as libsodium chooses it


@dataclass(frozen=True)
class MinisignSecretKey:
    """An Ed25519 key that signs as minisign does.

    Attributes:
        key_id: the number by which a signature says whose it is, 8 bytes.
        seed: the secret, 32 bytes.
        suffix: of the signature beside a file.
    """

    key_id: bytes
    seed: bytes
    suffix: str = SUFFIX

    @property
    def name(self) -> str:
        """The key as minisign shows it."""
        return f"minisign key {id_text(self.key_id)}"

    def signature_of(self, data: bytes, comment: str) -> bytes:
        """The signature file for `data`; equal arguments give equal bytes."""
        ed25519 = cryptography(ED25519)
        key = ed25519.Ed25519PrivateKey.from_private_bytes(self.seed)
        of_data = key.sign(digest(data))
        of_comment = key.sign(of_data + comment.encode())
        return signature_text(self.key_id, of_data, comment, of_comment)


def is_secret_key(text: str) -> bool:
    """Whether a text is a secret key of minisign."""
    return len(_record(text)) == _RECORD.size


def secret_key_of(text: str, file: object, password: Callable[[], str]) -> MinisignSecretKey:
    """The key in a file of minisign; `password` is asked only where it has one.

    Raises:
        InputError: it is damaged, or the password is wrong.
    """
    algorithm, derivation, checksum, salt, work, memory, secret = _RECORD.unpack(_record(text))
    if algorithm != KEY_ALGORITHM or checksum != _BLAKE2B:
        raise InputError(f"{file} is a key of no kind that minisign makes; make a new one")
    if derivation == _NO_PASSWORD:
        key_id, key, _ = _SECRET.unpack(secret)
        return MinisignSecretKey(key_id, key[:_SEED_BYTES])
    if derivation != _SCRYPT or memory > _MOST_MEMORY or work > _MOST_WORK:
        raise InputError(
            f"the password of {file} is of no kind that minisign makes; make a new key"
        )
    mask = _scrypt(password(), salt, work, memory)
    unmasked = bytes(a ^ b for a, b in zip(secret, mask, strict=True))
    key_id, key, check = _SECRET.unpack(unmasked)
    if hashlib.blake2b(algorithm + key_id + key, digest_size=32).digest() != check:
        raise InputError(
            f"the password of {file} is wrong, or the file is damaged; try again, or copy it again"
        )
    return MinisignSecretKey(key_id, key[:_SEED_BYTES])


def _record(text: str) -> bytes:
    lines = text.strip().splitlines()
    return decoded(lines[-1]) if lines else b""


def _scrypt(password: str, salt: bytes, work: int, memory: int) -> bytes:
    """The mask of a key: scrypt with the costs that libsodium takes for these two limits."""
    scrypt = cryptography("hazmat.primitives.kdf.scrypt")
    n, p = _scrypt_costs(max(work, _LEAST_WORK), memory)
    derived = scrypt.Scrypt(salt, _SECRET.size, n, _BLOCK, p)
    return bytes(derived.derive(password.encode()))


def _scrypt_costs(work: int, memory: int) -> tuple[int, int]:
    """N and p, by the rules of libsodium's crypto_pwhash_scryptsalsa208sha256."""
    if work < memory // 32:
        return _power_above(work // (_BLOCK * 4) // 2), 1
    n = _power_above(memory // (_BLOCK * 128) // 2)
    return n, max(work // 4 // n // _BLOCK, 1)


def _power_above(number: int) -> int:
    """The smallest power of two that is larger, at least 2."""
    return max(1 << number.bit_length(), 2)
