"""A file with a few changes, as damage and fuzzers make them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

import numpy as np

Random = np.random.Generator
PLAIN_SNIPPETS = [
    *(bytes([code]) for code in range(256)),
    *(struct.pack("<I", value) for value in (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)),
    *(struct.pack("<Q", value) for value in (0, 2**31, 2**63 - 1, 2**64 - 1)),
]
MOST_CHANGES = 5

Parts = Sequence[bytes]


def changed(
    data: bytes,
    random: Random,
    others: Parts,
    snippets: Parts = PLAIN_SNIPPETS,
) -> bytes:
    """One to five changes: bits, bytes, parts cut, repeated, put in or taken from other files."""
    for _ in range(int(random.integers(1, MOST_CHANGES + 1))):
        change = CHANGES[random.integers(len(CHANGES))]
        data = change(data, random, others, snippets)
    return data


def _flip(data: bytes, random: Random, *_: Parts) -> bytes:
    place = int(random.integers(len(data) + 1))
    if place == len(data):
        return data
    flipped = data[place] ^ (1 << int(random.integers(8)))
    return data[:place] + bytes([flipped]) + data[place + 1 :]


def _overwrite(data: bytes, random: Random, _: Parts, snippets: Parts) -> bytes:
    place = int(random.integers(len(data) + 1))
    snippet = snippets[random.integers(len(snippets))]
    return data[:place] + snippet + data[place + len(snippet) :]


def _insert(data: bytes, random: Random, _: Parts, snippets: Parts) -> bytes:
    place = int(random.integers(len(data) + 1))
    snippet = snippets[random.integers(len(snippets))]
    return data[:place] + snippet * int(random.integers(1, 4)) + data[place:]


def _remove(data: bytes, random: Random, *_: Parts) -> bytes:
    place = int(random.integers(len(data) + 1))
    return data[:place] + data[place + int(random.integers(1, 64)) :]


def _cut(data: bytes, random: Random, *_: Parts) -> bytes:
    return data[: int(random.integers(len(data) + 1))]


def _repeat(data: bytes, random: Random, *_: Parts) -> bytes:
    start, end = sorted(int(place) for place in random.integers(len(data) + 1, size=2))
    part = data[start : min(end, start + 512)]
    return data[:end] + part * int(random.integers(1, 30)) + data[end:]


def _splice(data: bytes, random: Random, others: Parts, _: Parts) -> bytes:
    other = others[random.integers(len(others))]
    end = int(random.integers(len(data) + 1))
    start = int(random.integers(len(other) + 1))
    return data[:end] + other[start:]


Change = Callable[[bytes, Random, Parts, Parts], bytes]
CHANGES: tuple[Change, ...] = (
    _flip,
    _flip,
    _flip,
    _overwrite,
    _overwrite,
    _insert,
    _insert,
    _remove,
    _cut,
    _repeat,
    _splice,
)
