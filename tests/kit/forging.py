"""What fuzzers put into files, and what they do with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lstm_export.errors import LstmExportError

from .byte_changes import PLAIN_SNIPPETS, Random

SNIPPETS = [
    *PLAIN_SNIPPETS,
    b"NaN",
    b"null",
    b"-1",
    b"1e999",
    b"[[[[[[[[",
    b'"shape": (99999999,)',
    b"{'descr': '|O'",
    b"\x12\x07com.ms\x00",
]
VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    2**31,
    10**30,
    1e308,
    "",
    "x" * 5000,
    "\u202e",
    [],
    {},
    [[]],
]
STOP_SHARE = 0.2  # of the inner lists and objects that are replaced as a whole

Attempt = Callable[[Random], str]  # what came of it


class Differs(LstmExportError):
    """What a report says of an artifact that is not its model's."""


class Accepted(Exception):
    """A file was taken for whole that is not."""


def change_a_value(record: Any, random: Random) -> None:
    """Somewhere in JSON, be it the whole of a list or an object, another value."""
    while True:
        keys = list(record) if isinstance(record, dict) else list(range(len(record)))
        key = keys[random.integers(len(keys))]
        inner = record[key]
        if not isinstance(inner, dict | list) or not inner or random.random() < STOP_SHARE:
            record[key] = VALUES[random.integers(len(VALUES))]
            return
        record = inner
