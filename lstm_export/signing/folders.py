"""A folder is signed by its list: FOLDER.sha256, in the form that `sha256sum --check` reads."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from ..errors import InputError, SignatureError, printable
from ..files import read_bytes, unreadable, write_bytes
from .keys import PublicKey, SecretKey
from .signed import Signed, sign_data, signed_bytes

SUFFIX = ".sha256"
_MOST_LIST = 2**16  # bytes


def list_path(folder: Path) -> Path:
    """Where the list of a folder lies: beside it."""
    if folder.name in ("", ".."):
        folder = folder.resolve()
    return folder.with_name(folder.name + SUFFIX)


def sign_folder(folder: Path, contents: Mapping[str, bytes], key: SecretKey) -> Signed:
    """Write the list of a folder's contents beside it, and the list's signature beside that.

    Raises:
        InputError: a file cannot be written.
    """
    path = list_path(folder)
    listed = _list(contents).encode()
    write_bytes(path, listed)
    return sign_data(path, listed, key)


def signed_folder(folder: Path, key: PublicKey, most: int) -> tuple[Mapping[str, bytes], Signed]:
    """The files of a folder that `key` signed, by name: what is checked is what is returned.

    Raises:
        InputError: a file cannot be read.
        SignatureError: the list is absent, not signed by `key`, or not that of these files.
    """
    path = list_path(folder)
    if not path.exists():
        raise SignatureError(
            f"{folder} is not signed by {key.name}: there is no {path.name} beside it; "
            "copy that and its signature, too, or leave out --key"
        )
    listed, signed = signed_bytes(path, key, "a list of sha256", _MOST_LIST)
    contents = folder_contents(folder, most)
    current = _list(contents).encode()
    if current != listed:
        difference = _difference(current, listed)
        raise SignatureError(
            f"{folder} is refused: {difference}; copy the folder and its list again"
        )
    return contents, signed


def folder_contents(folder: Path, most: int) -> dict[str, bytes]:
    """The files of a folder by name.

    Raises:
        InputError: one cannot be read, or it holds more than files.
    """
    try:
        children = sorted(folder.iterdir())
    except OSError as error:
        raise unreadable(folder, error, "a folder") from error
    for child in children:
        # A name with one of these two stands escaped in a list of sha256sum.
        if not child.is_file() or "\n" in child.name or "\\" in child.name:
            raise InputError(
                f"{folder} holds {printable(child.name)}, which cannot be signed; "
                "move it elsewhere, or give it a plain name"
            )
    return {child.name: read_bytes(child, "a file", most) for child in children}


def _list(contents: Mapping[str, bytes]) -> str:
    lines = []
    for name, content in contents.items():
        lines.append(f"{hashlib.sha256(content).hexdigest()}  {name}\n")
    return "".join(lines)


def _difference(current: bytes, signed: bytes) -> str:
    """The first file that is not as it was signed."""
    differing = set(current.splitlines()) ^ set(signed.splitlines())
    names = sorted(line.partition(b"  ")[2] for line in differing)
    name = printable(names[0].decode("utf-8", "replace")) if names else "its list"
    return f"{name} is not as it was signed"
