"""Ed25519 in the files of minisign: public keys, and signatures of a file's BLAKE2b digest.

The formats are documented at https://jedisct1.github.io/minisign. A signature file has four lines:

    untrusted comment: TEXT
    base64 of "ED", the key's id (8 bytes), and the signature of BLAKE2b-512(file) (64 bytes)
    trusted comment: TEXT
    base64 of the signature of the former signature and the trusted comment (64 bytes)
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from dataclasses import dataclass

from ..errors import InputError, SignatureError
from .cryptography_package import cryptography

SUFFIX = ".minisig"
ED25519 = "hazmat.primitives.asymmetric.ed25519"
UNTRUSTED = "untrusted comment: "
TRUSTED = "trusted comment: "

KEY_ALGORITHM = b"Ed"
_OF_DIGEST = b"ED"
_OF_FILE = b"Ed"  # what minisign -l makes, over the file itself
_PUBLIC_KEY = struct.Struct("<2s8s32s")  # algorithm, id, key
_SIGNATURE = struct.Struct("<2s8s64s")  # algorithm, id, signature
_SIGNATURE_BYTES = 64


@dataclass(frozen=True)
class _SignatureFile:
    """The parts of a signature file, nothing of which is trusted yet."""

    algorithm: bytes
    key_id: bytes
    of_data: bytes
    comment: str
    of_comment: bytes


@dataclass(frozen=True)
class MinisignPublicKey:
    """The public key that `minisign -G` writes as minisign.pub.

    Attributes:
        key_id: the number by which a signature says whose it is, 8 bytes.
        key: the Ed25519 public key, 32 bytes.
        suffix: of the signature beside a file.
    """

    key_id: bytes
    key: bytes
    suffix: str = SUFFIX

    @property
    def name(self) -> str:
        """The key as minisign shows it."""
        return f"minisign key {id_text(self.key_id)}"

    def check(self, data: bytes, signature: bytes) -> str:
        """Check a signature file over `data`; its trusted comment.

        Raises:
            SignatureError: it is none, is of another key, or does not fit `data` and comment.
        """
        parsed = _parsed(signature)
        if parsed.algorithm == _OF_FILE:
            raise SignatureError(
                "the signature is of the old form (minisign -l); sign again without -l"
            )
        if parsed.algorithm != _OF_DIGEST:
            raise SignatureError("the signature is of no form that minisign has; sign again")
        if parsed.key_id != self.key_id:
            raise SignatureError(
                f"it is signed by minisign key {id_text(parsed.key_id)}, expected {self.name}; "
                "name the key that signed it, or sign it with this one"
            )
        self._verify(parsed.of_data, digest(data), "the file")
        signed_comment = parsed.of_data + parsed.comment.encode()
        self._verify(parsed.of_comment, signed_comment, "its comment")
        return parsed.comment

    def _verify(self, signature: bytes, message: bytes, what: str) -> None:
        ed25519 = cryptography(ED25519)
        invalid = cryptography("exceptions").InvalidSignature
        try:
            ed25519.Ed25519PublicKey.from_public_bytes(self.key).verify(signature, message)
        except invalid as error:
            raise SignatureError(
                f"{what} is not what {self.name} signed; copy it and its signature again"
            ) from error


def public_key_of(text: str, file: object) -> MinisignPublicKey:
    """The key in a minisign.pub, or in its second line alone.

    Raises:
        InputError: it holds none.
    """
    lines = text.strip().splitlines()
    record = decoded(lines[-1]) if lines else b""
    if len(record) != _PUBLIC_KEY.size or not record.startswith(KEY_ALGORITHM):
        raise InputError(
            f"{file} holds no public key of minisign, and no PEM; "
            "name the file that minisign -G wrote with -p"
        )
    _, key_id, key = _PUBLIC_KEY.unpack(record)
    return MinisignPublicKey(key_id, key)


def signature_text(key_id: bytes, of_data: bytes, comment: str, of_comment: bytes) -> bytes:
    """A signature file."""
    lines = [
        f"{UNTRUSTED}signature by minisign key {id_text(key_id)}",
        _encoded(_OF_DIGEST + key_id + of_data),
        f"{TRUSTED}{comment}",
        _encoded(of_comment),
    ]
    return ("\n".join(lines) + "\n").encode()


def digest(data: bytes) -> bytes:
    """The digest of a file that is signed: BLAKE2b with 64 bytes."""
    return hashlib.blake2b(data).digest()


def id_text(key_id: bytes) -> str:
    """A key's id as minisign shows it: a little-endian number in hexadecimal."""
    return key_id[::-1].hex().upper()


def decoded(line: str) -> bytes:
    """The bytes of a base64 line; none where it is not written as we would write them."""
    try:
        record = base64.b64decode(line, validate=True)
    except (ValueError, binascii.Error):
        return b""
    return record if _encoded(record) == line else b""


def _encoded(record: bytes) -> str:
    return base64.b64encode(record).decode("ascii")


def _parsed(signature: bytes) -> _SignatureFile:
    lines = signature.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    is_whole = len(lines) == 5 and not lines[4]  # four lines, each with its end
    is_file = is_whole and lines[0].startswith(UNTRUSTED) and lines[2].startswith(TRUSTED)
    record = decoded(lines[1]) if is_file else b""
    of_comment = decoded(lines[3]) if is_file else b""
    if len(record) != _SIGNATURE.size or len(of_comment) != _SIGNATURE_BYTES:
        raise SignatureError("its signature is no file of minisign, or cut short; copy it again")
    algorithm, key_id, of_data = _SIGNATURE.unpack(record)
    return _SignatureFile(algorithm, key_id, of_data, lines[2].removeprefix(TRUSTED), of_comment)
