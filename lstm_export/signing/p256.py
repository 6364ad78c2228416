"""ECDSA on P-256 with SHA-256, for firmware that has mbedTLS: keys in PEM, signatures in DER.

`openssl dgst -sha256 -verify public.pem -signature FILE.sig FILE` checks the same signatures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..errors import InputError, SignatureError
from .cryptography_package import cryptography

SUFFIX = ".sig"
PEM = "-----BEGIN "
_CURVE = "secp256r1"
_EC = "hazmat.primitives.asymmetric.ec"
_SERIALIZATION = "hazmat.primitives.serialization"
_HOW_TO_MAKE = "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out secret.pem"


@dataclass(frozen=True)
class P256PublicKey:
    """A public key in PEM.

    Attributes:
        key: cryptography's own.
        suffix: of the signature beside a file.
    """

    key: Any
    suffix: str = SUFFIX

    @property
    def name(self) -> str:
        """The key by the first 16 digits of its SHA-256, in DER."""
        return _name(self.key)

    def check(self, data: bytes, signature: bytes) -> str:
        """Check a signature over `data`; there is no comment in it.

        Raises:
            SignatureError: it is none, is of another key, or does not fit `data`.
        """
        invalid = cryptography("exceptions").InvalidSignature
        try:
            self.key.verify(signature, data, _scheme())
        except invalid as error:
            raise SignatureError(
                f"it is not what {self.name} signed; copy the file and its signature again, "
                "or name the key that signed it"
            ) from error
        return ""


@dataclass(frozen=True)
class P256SecretKey:
    """A secret key in PEM.

    Attributes:
        key: cryptography's own.
        suffix: of the signature beside a file.
    """

    key: Any
    suffix: str = SUFFIX

    @property
    def name(self) -> str:
        """The name of its public key."""
        return _name(self.key.public_key())

    def signature_of(self, data: bytes, comment: str) -> bytes:
        """The signature of `data`, by RFC 6979: equal data give equal bytes. Holds no comment."""
        return bytes(self.key.sign(data, _scheme(deterministic_signing=True)))

    def public_pem(self) -> bytes:
        """Its public key, as openssl writes it."""
        encoding = cryptography(_SERIALIZATION).Encoding.PEM
        return _public_bytes(self.key.public_key(), encoding)


def is_secret_pem(text: str) -> bool:
    """Whether a text in PEM is a secret key."""
    first_line = text.partition("\n")[0]
    # `openssl ecparam -genkey` writes the curve before the key.
    return "PRIVATE KEY" in first_line or "EC PARAMETERS" in first_line


def public_pem(text: str, file: object) -> P256PublicKey:
    """The public key in a PEM.

    Raises:
        InputError: it is damaged, or of another kind.
    """
    serialization = cryptography(_SERIALIZATION)
    unsupported = cryptography("exceptions").UnsupportedAlgorithm
    try:
        key = serialization.load_pem_public_key(text.encode())
    except (ValueError, unsupported) as error:
        raise InputError(f"{file} holds no public key in PEM; {_next_step(file)}") from error
    _check_curve(key, file)
    return P256PublicKey(key)


def secret_pem(text: str, file: object, password: Callable[[], str]) -> P256SecretKey:
    """The secret key in a PEM; `password` is asked only where it has one.

    Raises:
        InputError: it is damaged or of another kind, or the password is wrong.
    """
    serialization = cryptography(_SERIALIZATION)
    unsupported = cryptography("exceptions").UnsupportedAlgorithm
    encrypted = "ENCRYPTED" in text
    password_bytes = password().encode() if encrypted else None
    try:
        key = serialization.load_pem_private_key(text.encode(), password_bytes)
    except (ValueError, TypeError, unsupported) as error:
        reason = "its password is wrong, or it" if encrypted else "it"
        raise InputError(
            f"{file} cannot be read: {reason} is damaged; try again, or make a new one: "
            f"{_HOW_TO_MAKE}"
        ) from error
    _check_curve(key, file)
    return P256SecretKey(key)


def _check_curve(key: Any, file: object) -> None:
    ec = cryptography(_EC)
    is_curve = isinstance(key, ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey)
    if not is_curve or key.curve.name != _CURVE:
        raise InputError(
            f"{file} is no key of the curve P-256; make one ({_HOW_TO_MAKE}), "
            "or take a key of minisign for Ed25519"
        )


def _next_step(file: object) -> str:
    return f"write it with: openssl pkey -in secret.pem -pubout -out {file}"


def _scheme(**options: bool) -> Any:
    sha256 = cryptography("hazmat.primitives.hashes").SHA256
    return cryptography(_EC).ECDSA(sha256(), **options)


def _name(key: Any) -> str:
    der = _public_bytes(key, cryptography(_SERIALIZATION).Encoding.DER)
    return f"P-256 key {hashlib.sha256(der).hexdigest()[:16]}"


def _public_bytes(key: Any, encoding: Any) -> bytes:
    form = cryptography(_SERIALIZATION).PublicFormat.SubjectPublicKeyInfo
    return bytes(key.public_bytes(encoding, form))
