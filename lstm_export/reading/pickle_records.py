"""What a pickle would have built, as inert records, and why one cannot be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


class PickleFault(ValueError):
    """The pickle is cut, damaged, or beyond the bounds; the text says which."""


class ForeignPickle(PickleFault):
    """The pickle is whole and another program's; the text says whose, after `the file`."""


@dataclass(frozen=True)
class Global:
    """A class or function that the pickle names, such as `torch._utils._rebuild_tensor_v2`."""

    name: str


@dataclass(frozen=True, eq=False)
class Persistent:
    """A reference to something outside the pickle; torch refers so to its storages."""

    reference: Any


@dataclass(frozen=True, eq=False)
class OddKey:
    """A key of a dict that is neither text nor a small number, never hashed by what it holds."""

    value: Any


@dataclass(eq=False)
class Instance:
    """An object that the pickle would have built.

    Attributes:
        kind: its class, or the function that makes it.
        args: what the class or function would be called with.
        state: what `__setstate__` or `__dict__` would get.
        entries: what was set by key.
        elements: what was appended.
    """

    kind: str
    args: Any = ()
    state: Any = None
    entries: dict[Any, Any] | None = None
    elements: list[Any] | None = None
