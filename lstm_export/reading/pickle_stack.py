"""The stack machine that a pickle is a program for, without its opcodes."""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

from .joblib_arrays import JOBLIB_ARRAY, holds_objects, take_array
from .pickle_records import Global, Instance, OddKey, Persistent, PickleFault

MOST_OPCODES = 400_000  # half a second; a tensor takes about 30 of them
SMALL_KEY = 2**31  # numbers beyond it can be made to collide in a dict

_EMPTY_DICTS = ("collections.OrderedDict", "builtins.dict", "__builtin__.dict")


class _Outer(NamedTuple):
    """What a pickle goes on with when the one within it has ended."""

    stack: list[Any]
    marks: list[int]
    memo: dict[int, Any]


class Machine:
    """One run over one pickle: its bytes, its stack, and what it has stored."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data = data
        self.at = at
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.outer: list[_Outer] = []
        self.persistent: list[Persistent] = []
        self.copied = 0

    # Bytes of the program

    def take(self, size: int) -> bytes:
        start = self.at
        self.at += size
        if self.at > len(self.data):
            raise PickleFault("it ends too soon")
        return self.data[start : self.at]

    def number(self, layout: struct.Struct) -> Any:
        return layout.unpack(self.take(layout.size))[0]

    def line(self) -> str:
        end = self.data.find(b"\n", self.at)
        if end < 0:
            raise PickleFault("it ends too soon")
        text = self.take(end - self.at)
        self.at += 1
        return decoded(text)

    # The stack

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def pop(self) -> Any:
        self.need(1)
        return self.stack.pop()

    def top(self) -> Any:
        self.need(1)
        return self.stack[-1]

    def need(self, count: int) -> None:
        bottom = self.marks[-1] if self.marks else 0
        if len(self.stack) - bottom < count:
            raise PickleFault("its stack runs empty")

    def pop_to_mark(self) -> list[Any]:
        if not self.marks:
            raise PickleFault("a mark is missing")
        start = self.marks.pop()
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def recall(self, index: Any) -> None:
        if index not in self.memo:
            raise PickleFault("it recalls what it never stored")
        self.push(self.memo[index])

    def refer(self, reference: Any) -> None:
        self.persistent.append(Persistent(reference))
        self.push(self.persistent[-1])

    # Objects

    def call(self, callee: Any, args: Any) -> Any:
        """What calling would give, as a record; empty dicts as such: they are filled later."""
        kind = _name(callee)
        if kind not in _EMPTY_DICTS:
            return Instance(kind, args)
        match args:
            case () | None:
                return {}
            case (list(pairs),):
                return self.pairs(pairs)
        return Instance(kind, args)

    def pairs(self, pairs: list[Any]) -> dict[Any, Any]:
        """The dict of a list of pairs, as Python 2 wrote an OrderedDict."""
        self.copied += len(pairs)
        are_pairs = all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs)
        if self.copied > MOST_OPCODES or not are_pairs:
            raise PickleFault(
                "a dict is made of what are not pairs, or of the same ones again and again"
            )
        return {_key(key): value for key, value in pairs}

    def set_items(self, values: list[Any]) -> None:
        target = self.top()
        if isinstance(target, Instance):
            if target.entries is None:
                target.entries = {}
            target = target.entries
        if not isinstance(target, dict) or len(values) % 2:
            raise PickleFault("it sets items of what is no dict")
        for index in range(0, len(values), 2):
            target[_key(values[index])] = values[index + 1]

    def append_all(self, values: list[Any]) -> None:
        target = self.top()
        if isinstance(target, Instance):
            if target.elements is None:
                target.elements = []
            target = target.elements
        if not isinstance(target, list):
            raise PickleFault("it appends to what is no list")
        target.extend(values)

    def build(self) -> None:
        state = self.pop()
        target = self.top()
        if isinstance(target, Instance):
            target.state = state
            if target.kind == JOBLIB_ARRAY:
                self.begin_array(target)
            return
        if not isinstance(target, dict):
            raise PickleFault("it sets the state of what is no object")
        # An OrderedDict's own attributes, such as _metadata, are dropped.

    # Arrays of joblib

    def begin_array(self, target: Instance) -> None:
        """Take what follows the wrapper of an array; objects follow as a pickle of their own."""
        if not holds_objects(target.state):
            content, self.at = take_array(self.data, self.at, target.state)
            target.args = (content,)
            return
        self.outer.append(_Outer(self.stack, self.marks, self.memo))
        self.stack = []
        self.marks = []
        self.memo = {}

    def end_array(self) -> None:
        """Go on after the pickle of an array of objects."""
        content = self.pop()
        before = self.outer.pop()
        self.stack = before.stack
        self.marks = before.marks
        self.memo = before.memo
        self.top().args = (content,)


def _name(callee: Any) -> str:
    """A class or function by its name.

    torch once wrote `("module", class, file, source)` for the class of a module.
    """
    match callee:
        case Global(name) | Persistent(("module", Global(name), *_)):
            return name
    return "an object made by a call"


def _key(key: Any) -> Any:
    """Text, small numbers and None, which are hashed in a moment; anything else as an `OddKey`."""
    if key is None or isinstance(key, str):
        return key
    if isinstance(key, int) and -SMALL_KEY <= key <= SMALL_KEY:
        return key
    return OddKey(key)


def decoded(data: bytes) -> str:
    """UTF-8, or what Python 2 wrote."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("latin-1")
