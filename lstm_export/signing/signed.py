"""A signature beside its file: written, and checked before a byte of the file is parsed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import SignatureError, printable
from ..files import check_output, read_bytes, source_date, write_bytes
from .keys import PublicKey, SecretKey, read_secret_key

_MOST_SIGNATURE = 2**15  # bytes; minisign's comments have 8192 at most


@dataclass(frozen=True)
class Signed:
    """A good signature.

    Attributes:
        path: the file of the signature.
        key: the key's name.
        comment: what was signed with the file; empty where the format has no comment.
    """

    path: Path
    key: str
    comment: str = ""

    def text(self) -> str:
        """For people, one line."""
        parts = ", ".join(self.comment.split("\t"))  # as minisign separates them
        comment = f" ({printable(parts)})" if parts else ""
        return f"signed by {self.key}: {self.path}{comment}"

    def to_record(self) -> dict[str, Any]:
        """For programs."""
        return {"path": str(self.path), "key": self.key, "comment": self.comment}


def signature_path(path: Path, suffix: str) -> Path:
    """Where the signature of a file lies: beside it, with a suffix of its own after the file's."""
    return path.with_name(path.name + suffix)


def signature_by(key: SecretKey, path: Path) -> Signed:
    """The signature that `sign_data` writes with a key for a file."""
    return Signed(signature_path(path, key.suffix), key.name)


def secret_key_for(path: Path, key: Path | str) -> SecretKey:
    """A secret key, read once it is known that its signature of `path` can be written.

    Raises:
        InputError: it cannot be written, or the key cannot be read.
    """
    secret = read_secret_key(key)
    check_output(signature_path(path, secret.suffix), path, Path(key))
    return secret


def sign_data(path: Path, data: bytes, key: SecretKey) -> Signed:
    """Sign `data`, the bytes of `path`, and write the signature beside it.

    The comment is as minisign makes it; its time is SOURCE_DATE_EPOCH's, or left out, so that equal
    files have equal signatures.

    Raises:
        InputError: the signature cannot be written.
    """
    seconds = source_date()
    timestamp = [] if seconds is None else [f"timestamp:{seconds}"]
    comment = "\t".join([*timestamp, f"file:{path.name}", "hashed"])
    signed = signature_by(key, path)
    write_bytes(signed.path, key.signature_of(data, comment))
    return signed


def signed_bytes(path: Path, key: PublicKey, what: str, most: int) -> tuple[bytes, Signed]:
    """The bytes of a file that `key` signed: what is checked is what is returned.

    Raises:
        InputError: a file cannot be read.
        SignatureError: there is no signature beside it, or it is wrong or of another key.
    """
    data = read_bytes(path, what, most)
    beside = signature_path(path, key.suffix)
    if not beside.exists():
        raise SignatureError(
            f"{path} is not signed by {key.name}: there is no {beside.name} beside it; "
            "copy that, too, or leave out --key"
        )
    signature = read_bytes(beside, "a signature", _MOST_SIGNATURE)
    try:
        comment = key.check(data, signature)
    except SignatureError as error:
        raise SignatureError(f"{path} is refused: {error}") from error
    return data, Signed(beside, key.name, comment)
