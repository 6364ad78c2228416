"""The sections of a WebAssembly module: what it holds, and records of ours beside its code.

Format: https://webassembly.github.io/spec/core/binary/modules.html
"""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import BundleError

MAGIC = b"\0asm\x01\0\0\0"
CUSTOM = 0
IMPORT = 2
START = 8
CODE = 10
MOST_CODE_BYTES = 2**20  # the largest of the tests' chains has 40 kB


def sections(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and contents of every section in order.

    Raises:
        BundleError: it is no module, or it is cut off.
    """
    if not data.startswith(MAGIC):
        raise BundleError("this is no WebAssembly module; export the model again")
    place = len(MAGIC)
    while place < len(data):
        number = data[place]
        size, start = _unsigned(data, place + 1)
        place = start + size
        if place > len(data):
            raise BundleError("the WebAssembly module is cut off; copy the file again")
        yield number, data[start:place]


def custom_section(data: bytes, name: str) -> bytes | None:
    """The contents of the first custom section of this name; None where there is none."""
    for number, contents in sections(data):
        if number == CUSTOM:
            size, start = _unsigned(contents, 0)
            if contents[start : start + size] == name.encode():
                return contents[start + size :]
    return None


def with_custom_section(data: bytes, name: str, contents: bytes) -> bytes:
    """The module with one more section, at its end."""
    named = _length(len(name)) + name.encode() + contents
    return data + bytes([CUSTOM]) + _length(len(named)) + named


def check_sandboxed(data: bytes) -> None:
    """Refuse a module that asks for anything from outside, or runs something when it is opened.

    Raises:
        BundleError: it imports, has a start function, or far more code than a model needs.
    """
    for number, contents in sections(data):
        if number in (IMPORT, START):
            what = "imports functions or memory" if number == IMPORT else "has a start function"
            raise BundleError(
                f"the WebAssembly module {what}, which none of lstm-export does; export it again"
            )
        if number == CODE and len(contents) > MOST_CODE_BYTES:
            found = f"{len(contents):,} bytes of code, allowed are {MOST_CODE_BYTES:,}"
            raise BundleError(f"the WebAssembly module holds {found}; export it again")


def damaged(what: str) -> BundleError:
    """The error for a module that is not as it was written."""
    return BundleError(
        f"the WebAssembly module is damaged: {what}; copy the file again, or export it again"
    )


def _unsigned(data: bytes, place: int) -> tuple[int, int]:
    """A number in LEB128, and where it ends."""
    value = 0
    for shift in range(0, 35, 7):  # 32 bits take five bytes of seven bits at most
        if place >= len(data):
            break
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # the high bit says that another byte follows
            return value, place
    raise damaged("a number in it is cut")


def _length(value: int) -> bytes:
    """A number in LEB128."""
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
