"""Checkpoints that were cut, altered, or made to exhaust their reader."""

from __future__ import annotations

import struct
import zipfile

import torch

from tests.kit.checkpoint_files import (
    checkpoint,
    old,
    pickled,
    rezipped,
    saved,
    state,
    tensor,
    zipped,
)

from .case import ZEROS, Case


def _flipped(data: bytes) -> bytes:
    """One bit of a weight, as a bad disk or cable flips it."""
    place = data.index(state()["fc.weight"].numpy().tobytes())
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def _directory_bytes(data: bytes, offset: int, value: bytes) -> bytes:
    """The first entry of the zip directory changed."""
    place = data.index(b"PK\x01\x02") + offset
    return data[:place] + value + data[place + len(value) :]


def _one_more_name(data: bytes) -> bytes:
    """Two entries of one name: the directory of a second archive names the first entry of the
    other.
    """
    return data.replace(b"archive/data/s1", b"archive/data/s0")


def _overlapping() -> bytes:
    """Every entry of the directory points at the same bytes: their sizes exceed the file."""
    data = checkpoint(pickled({}), s0=ZEROS)
    places = [at for at in range(len(data)) if data.startswith(b"PK\x01\x02", at)]
    first = data[places[0] + 42 : places[0] + 46]
    return data[: places[1] + 42] + first + data[places[1] + 46 :]


def _many_entries() -> bytes:
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 46 * 0xFFFF, 4, 0)
    return b"PK\x03\x04" + bytes(46 * 0xFFFF) + end


def _many_objects() -> bytes:
    return checkpoint(b"\x80\x02](cos\nsystem\nq\x000" + b"h\x00)R" * 130_000 + b"e.")


def _nested_tuples() -> bytes:
    """A tuple of twice the tuple before, 16 times, as a key: hashing it takes 2**16 steps."""
    steps = b"".join(b"h%ch%c\x86q%c" % (index, index, index + 1) for index in range(16))
    return b"\x80\x02}(K\x01\x85q\x00" + steps + b"K\x01u."


def _long_class() -> bytes:
    """Joined again and again, a name that costs a few bytes each time would fill the memory."""
    return b"\x80\x02X" + struct.pack("<I", 2**20) + bytes(2**20) + b"q\x00h\x00\x93."


def _nested_modules() -> bytes:
    """TorchScript modules, each in the one before: their paths grow with the square of their
    number.
    """
    module = b"c__torch__\nM\n)\x81}U\x01a"
    files = {
        "m/data.pkl": b"\x80\x02" + module * 900 + b"N" + b"sb" * 900 + b".",
        "m/constants.pkl": b"",
    }
    return zipped(files)


def _doubling_lists() -> bytes:
    """A list of twice the list before, 17 times: walking it takes 2**17 steps."""
    steps = b"".join(b"](h%ch%ceq%c" % (index, index, index + 1) for index in range(17))
    return b"\x80\x02]q\x00" + steps + b"."


def _middle_endian(files: dict[str, bytes]) -> None:
    (name,) = (name for name in files if name.endswith("byteorder"))
    files[name] = b"pdp"


DAMAGED: list[Case] = [
    ("cut at its end", lambda: saved(state())[:-200], "cut short or damaged"),
    ("cut in half", lambda: saved(state())[:900], "cut short or damaged"),
    ("something added at its end", lambda: saved(state()) + b"x", "bytes follow its end"),
    ("a flipped bit in a weight", lambda: _flipped(saved(state())), "checksum of .* does not fit"),
    (
        "a storage missing",
        lambda: checkpoint(pickled({"w": tensor((8,), (1,))})),
        "lacks its storage 's0'",
    ),
    (
        "a storage too short",
        lambda: checkpoint(pickled({"w": tensor((8,), (1,))}), s0=bytes(28)),
        "claims 8 values and stores fewer",
    ),
    (
        "compressed again",
        lambda: rezipped(saved(state()), lambda f: None, zipfile.ZIP_DEFLATED),
        "compressed zip",
    ),
    (
        "an encrypted zip",
        lambda: _directory_bytes(checkpoint(pickled({})), 8, b"\x01\0"),
        "encrypted",
    ),
    (
        "two entries of one name",
        lambda: _one_more_name(checkpoint(pickled({}), s0=ZEROS, s1=ZEROS)),
        "two entries named 'archive/data/s0'",
    ),
    ("entries that share bytes", _overlapping, "share their bytes"),
    ("a zip of 65,535 empty entries", _many_entries, "zip archive of 65,535 entries"),
    (
        "two objects in one archive",
        lambda: zipped({"a/data.pkl": b"", "b/data.pkl": b""}),
        "2 entries named data.pkl",
    ),
    (
        "a pickle of 33 MB",
        lambda: checkpoint(b"\x80\x02X" + struct.pack("<I", 33 * 2**20) + bytes(33 * 2**20) + b"."),
        "expected at most",
    ),
    (
        "half a million opcodes",
        lambda: checkpoint(b"\x80\x02" + b"N" * 500_000 + b"."),
        "more than 400,000 opcodes",
    ),
    ("130,000 objects of other programs", _many_objects, "list without tensors.*130,000 values"),
    ("nested tuples as a key", lambda: checkpoint(_nested_tuples()), "nest without end"),
    ("nested lists", lambda: checkpoint(_doubling_lists()), "nest without end"),
    (
        "an integer of a million digits",
        lambda: checkpoint(b"\x80\x02\x8b" + struct.pack("<i", 10**6) + bytes(10**6)),
        "an integer of 1000000 bytes",
    ),
    (
        "a pickle that takes from an empty stack",
        lambda: checkpoint(b"\x80\x02\x85."),
        "its stack runs empty",
    ),
    (
        "a pickle that recalls nothing",
        lambda: checkpoint(b"\x80\x02h\x07."),
        "recalls what it never stored",
    ),
    (
        "a pickle of unknown opcodes",
        lambda: checkpoint(b"\x80\x02\xff."),
        "where an opcode is expected",
    ),
    (
        "a pickle that claims 4 GB of text",
        lambda: checkpoint(b"\x80\x02X\xff\xff\xff\xff."),
        "ends too soon",
    ),
    ("a class with a name of a megabyte", lambda: checkpoint(_long_class()), "by what is no name"),
    (
        "a memory of colliding numbers",
        lambda: checkpoint(b"Np%d\n." % (2**61 - 1)),
        "a number that is no index",
    ),
    ("modules nested without end", _nested_modules, "nest without end"),
    (
        "a name that would write to the terminal",
        lambda: saved({"a\x1b[2J": torch.zeros(1)}),
        "which no program does",
    ),
    ("an empty pickle", lambda: checkpoint(b""), "ends too soon"),
    (
        "an unknown byte order",
        lambda: rezipped(saved(state()), _middle_endian),
        "byte order is b'pdp'",
    ),
    ("cut, in the old format", lambda: old(state())[:-8], "a storage reaches beyond its end"),
    (
        "of torch before 0.1.2",
        lambda: old(state()).replace(b"M\xe9\x03", b"M\xe8\x03", 1),
        "before version 0.1.2",
    ),
    (
        "a pickle that refers outside of itself",
        lambda: pickled({"w": tensor((8,), (1,))}),
        "outside of it",
    ),
]
