"""Key files: of minisign for Ed25519, PEM for P-256; which of the two shows in the file."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import Protocol

from ..errors import InputError
from ..files import is_file, read_bytes
from .minisign import public_key_of
from .minisign_secret import is_secret_key, secret_key_of
from .p256 import PEM, is_secret_pem, public_pem, secret_pem

PASSWORD = "LSTM_EXPORT_KEY_PASSWORD"  # noqa: S105 - the name of a variable
_MOST_BYTES = 2**16  # of a key file


class SecretKey(Protocol):
    """A key that signs; `suffix` is that of the signature beside a file, `name` is for people."""

    @property
    def suffix(self) -> str: ...

    @property
    def name(self) -> str: ...

    def signature_of(self, data: bytes, comment: str) -> bytes:
        """The signature file for `data`; equal arguments give equal bytes."""


class PublicKey(Protocol):
    """A key that checks; `suffix` is that of the signature beside a file, `name` is for people."""

    @property
    def suffix(self) -> str: ...

    @property
    def name(self) -> str: ...

    def check(self, data: bytes, signature: bytes) -> str:
        """The comment that was signed with `data`, empty where the format has none.

        Raises:
            SignatureError: the signature is none, is of another key, or does not fit `data`.
        """


def key_file(key: Path | str | None, *, has_model: bool) -> Path | None:
    """The file of the public key that `key` names; with a model it may also name a state_dict.

    A file is never taken for the name of a state_dict, so that no check is left out in silence.
    """
    if key is None or (has_model and not is_file(Path(key))):
        return None
    return Path(key)


def read_public_key(path: Path | str) -> PublicKey:
    """A public key: minisign.pub, or a PEM.

    Raises:
        InputError: the file cannot be read, or holds no such key.
        MissingDependency: the package that checks signatures is not installed.
    """
    text = _text(Path(path), "a public key")
    if is_secret_key(text) or is_secret_pem(text):
        raise InputError(
            f"{path} is a secret key; name the public one, which alone may leave your machine"
        )
    if text.startswith(PEM):
        return public_pem(text, path)
    return public_key_of(text, path)


def read_secret_key(path: Path | str) -> SecretKey:
    """A secret key: of minisign, or a PEM. The password of one that has one is asked for.

    Raises:
        InputError: the file cannot be read or holds no such key, or the password is wrong.
        MissingDependency: the package that signs is not installed.
    """
    text = _text(Path(path), "a secret key")
    password = partial(_password, path)
    if is_secret_key(text):
        return secret_key_of(text, path, password)
    if text.startswith(PEM) and is_secret_pem(text):
        return secret_pem(text, path, password)
    raise InputError(
        f"{path} is no secret key; name the file that minisign -G wrote with -s, or a PEM of P-256"
    )


def _text(path: Path, what: str) -> str:
    return read_bytes(path, what, _MOST_BYTES).decode("utf-8", "replace")


def _password(path: Path | str) -> str:
    """From the environment, or from who sits at the terminal."""
    import getpass

    from_environment = os.environ.get(PASSWORD)
    if from_environment is not None:
        return from_environment
    if not sys.stdin.isatty():
        raise InputError(
            f"{path} has a password, and there is no terminal to ask for it; set {PASSWORD}, "
            "or make a key without one (minisign -G -W)"
        )
    return getpass.getpass(f"Password of {path}: ")
