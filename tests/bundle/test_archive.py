"""The archive: deterministic, and refusing every kind of zip that it would not have written."""

from __future__ import annotations

import io
import stat
import struct
import time
import zipfile
from collections.abc import Callable

import numpy as np
import pytest

from lstm_export.bundle.archive import pack, unpack
from lstm_export.bundle.arrays import pack_arrays, unpack_arrays
from lstm_export.errors import BundleError, InputError

FILES = {"b.txt": b"bee", "a/x.bin": bytes(range(256)), "empty": b""}


def zipped(*entries: tuple[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """A zip by the standard library, which lets almost any name through, at a fixed time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name), content, compression)
    return buffer.getvalue()


def renamed(old: bytes, new: bytes) -> bytes:
    """A zip with one entry whose raw name is `new`, which zipfile itself would not write."""
    assert len(old) == len(new)
    return zipped((old.decode(), b"content")).replace(old, new)


def with_mode(mode: int) -> bytes:
    info = zipfile.ZipInfo("link")
    info.create_system = 3
    info.external_attr = mode << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, b"/etc/passwd")
    return buffer.getvalue()


def patched(data: bytes, signature: bytes, offset: int, value: bytes) -> bytes:
    """Overwrite bytes in the first record with this signature."""
    at = data.index(signature) + offset
    return data[:at] + value + data[at + len(value) :]


def duplicate() -> bytes:
    with pytest.warns(UserWarning, match="Duplicate name"):
        return zipped(("a", b"1"), ("a", b"2"))


ONE = zipped(("a", b"content"))
CENTRAL = b"PK\x01\x02"
END = b"PK\x05\x06"
REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "climbs out": (lambda: zipped(("../x", b"")), r"'\.\.'"),
    "climbs out inside": (lambda: zipped(("a/../../x", b"")), r"'\.\.'"),
    "absolute": (lambda: zipped(("/etc/x", b"")), "absolute"),
    "drive": (lambda: zipped(("C:x", b"")), "drive"),
    "backslash": (lambda: renamed(b"aXb", b"a\\b"), "backslash"),
    "NUL": (lambda: renamed(b"aXb", b"a\0b"), "NUL"),
    "dot": (lambda: zipped(("./x", b"")), r"'\.' part"),
    "empty part": (lambda: zipped(("a//x", b"")), "empty"),
    "folder": (lambda: zipped(("a/", b"")), "folder"),
    "newline": (lambda: zipped(("a\nb", b"")), "printable"),
    "not ASCII": (lambda: zipped(("ä", b"")), "printable"),
    "long": (lambda: zipped(("a" * 600, b"")), "too long"),
    "duplicate": (duplicate, "2 entries named 'a'"),
    "duplicate but for case": (lambda: zipped(("a", b"1"), ("A", b"2")), "but for case"),
    "symlink": (lambda: with_mode(stat.S_IFLNK | 0o777), "symlink"),
    "device": (lambda: with_mode(stat.S_IFCHR | 0o666), "special"),
    "encrypted": (lambda: patched(ONE, CENTRAL, 8, b"\x01\0"), "encrypted"),
    "deflated": (lambda: zipped(("a", b"x" * 999), compression=zipfile.ZIP_DEFLATED), "compressed"),
    "sizes differ": (lambda: patched(ONE, CENTRAL, 24, struct.pack("<L", 9)), "compressed"),
    "65 entries": (lambda: zipped(*((f"f{k}", b"") for k in range(65))), "65 entries"),
    "count that lies": (lambda: patched(ONE, END, 10, b"\xff\xff"), "65535 entries"),
    "CRC": (lambda: ONE.replace(b"content", b"contend"), "CRC"),
    "other name in the local header": (lambda: ONE.replace(b"a", b"b", 1), "differ"),
    "trailing bytes": (lambda: ONE + b"x", "after its end"),
    "leading bytes": (lambda: b"#!/bin/sh\n" + ONE, "no zip"),
    "zip64": (lambda: ONE[:-22] + b"PK\x06\x07" + bytes(16) + ONE[-22:], "zip64"),
    "empty file": (lambda: b"", "no zip"),
    "text": (lambda: b"version https://git-lfs", "no zip"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refuses(kind: str) -> None:
    make, reason = REFUSED[kind]
    with pytest.raises(BundleError, match=reason) as error:
        unpack(make())
    assert "\n" not in str(error.value)


def test_refuses_more_bytes_than_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    data = pack(FILES)
    monkeypatch.setattr("lstm_export.bundle.archive.MAX_BYTES", 300)
    with pytest.raises(BundleError, match="at most 300"):
        unpack(data)
    with pytest.raises(BundleError, match="at most 300"):
        pack(FILES | {"more": bytes(300)})


def test_an_archive_cut_anywhere_is_refused() -> None:
    data = pack(FILES)
    for length in range(len(data)):
        with pytest.raises(BundleError):
            unpack(data[:length])


def test_any_changed_byte_is_refused() -> None:
    """Every byte is accounted for, dates, versions and flags too."""
    data = pack(FILES)
    for at in range(len(data)):
        for flip in (0x01, 0x80, 0xFF):
            changed = bytes([data[at] ^ flip])
            with pytest.raises(BundleError) as error:
                unpack(data[:at] + changed + data[at + 1 :])
            assert "\n" not in str(error.value)


def test_bytes_between_two_entries_are_refused() -> None:
    """Hidden where no header points, with every offset mended, as somebody who hides them would."""
    data = pack({"a": b"1", "b": b"2"})
    second = data.index(b"PK\x03\x04", 4)
    end = len(data) - 22
    hidden = bytearray(data[:second] + b"hidden" + data[second:])
    entry = data.rindex(CENTRAL, 0, end)
    for at in (entry + 42, end + 16):  # the offset of the second entry, and of the directory
        (offset,) = struct.unpack("<L", data[at : at + 4])
        hidden[at + 6 : at + 10] = struct.pack("<L", offset + 6)
    with zipfile.ZipFile(io.BytesIO(hidden)) as archive:
        assert archive.read("b") == b"2"
    with pytest.raises(BundleError, match="bytes that this tool does not write"):
        unpack(bytes(hidden))


@pytest.mark.parametrize("how", ["another order", "another date", "its own comment"])
def test_a_zip_of_another_tool_is_refused_or_means_the_same(how: str) -> None:
    infos = [zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)) for name in ("a", "b")]
    if how == "another date":
        infos[1].date_time = (1999, 1, 1, 0, 0, 0)
    if how == "its own comment":
        infos[1].comment = b"x"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for info in reversed(infos):
            info.create_system = 3
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(info, b"x")
    if how == "another order":
        assert unpack(buffer.getvalue()) == {"b": b"x", "a": b"x"}
    else:
        with pytest.raises(BundleError, match="bytes that this tool does not write"):
            unpack(buffer.getvalue())


@pytest.mark.parametrize("name", ["../x", "/x", "a\\b", "", "a\0b"])
def test_does_not_pack_what_it_would_not_unpack(name: str) -> None:
    with pytest.raises(BundleError):
        pack({name: b""})


def test_packs_the_same_bytes_in_any_order_and_at_any_time(monkeypatch: pytest.MonkeyPatch) -> None:
    data = pack(FILES)
    monkeypatch.setattr(time, "time", lambda: 2e9)
    assert pack(dict(reversed(FILES.items()))) == data
    assert unpack(data) == FILES
    infos = zipfile.ZipFile(io.BytesIO(data)).infolist()
    assert [info.filename for info in infos] == sorted(FILES)
    assert {info.date_time for info in infos} == {(1980, 1, 1, 0, 0, 0)}


@pytest.mark.parametrize(
    ("epoch", "date"),
    [
        ("1700000000", (2023, 11, 14, 22, 13, 20)),
        ("0", (1980, 1, 1, 0, 0, 0)),
        ("9999999999", (2107, 12, 31, 23, 59, 58)),
    ],
)
def test_takes_its_date_from_the_environment(
    epoch: str, date: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    assert zipfile.ZipFile(io.BytesIO(pack(FILES))).infolist()[0].date_time == date


def test_refuses_a_date_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(InputError, match="yesterday"):
        pack(FILES)


ARRAYS = {
    "lstm.weight": np.arange(6, dtype="<f4").reshape(2, 3),
    "golden y": np.array([[np.nan, np.inf, -0.0]]),
    "scalar": np.array(2.5),
    "counts": np.array([[[1, -2]]], dtype="<i8"),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "swapped": np.arange(3, dtype=">f4"),
}


def test_arrays_come_back_as_numpy_reads_them() -> None:
    data = pack_arrays(ARRAYS)
    found = unpack_arrays(data)
    by_numpy = np.load(io.BytesIO(data), allow_pickle=False)
    assert set(found) == set(by_numpy.files) == set(ARRAYS)
    for name, array in ARRAYS.items():
        for got in (found[name], by_numpy[name]):
            assert got.shape == array.shape
            assert got.dtype == array.dtype.newbyteorder("<")
            np.testing.assert_array_equal(got, array)
        assert not found[name].flags.writeable
    assert pack_arrays(dict(reversed(ARRAYS.items()))) == data


def npy(header: str, content: bytes = bytes(24)) -> bytes:
    padded = header + " " * (-(10 + len(header) + 1) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(padded)) + padded.encode() + content


@pytest.mark.parametrize(
    "content",
    {
        "claims more": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }"),
        "claims less": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (5,), }"),
        "overflows": npy(
            "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", b""
        ),
        "absurd and empty": npy(
            "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 99999999999999999999), }", b""
        ),
        "70 axes": npy(
            f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({'1, ' * 70}), }}", bytes(8)
        ),
        "pickled objects": npy("{'descr': '|O', 'fortran_order': False, 'shape': (3,), }"),
        "text": npy("{'descr': '<U6', 'fortran_order': False, 'shape': (1,), }"),
        "Fortran order": npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }"),
        "code for a header": npy("__import__('os').abort()"),
        "cut": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (6,), }")[:20],
        "empty": b"",
    }.values(),
)
def test_refuses_an_array_whose_header_lies(content: bytes) -> None:
    with pytest.raises(BundleError) as error:
        unpack_arrays(pack({"w.npy": content}))
    assert "\n" not in str(error.value)
