"""A pickle read as data: objects become inert records of what it would have built.

A pickle is a program for a small stack machine (opcodes: the standard library's `pickletools`).
Here the machine runs with bounds, and the opcodes that import or call leave a `Global` or an
`Instance` on the stack; nothing is imported. Every opcode costs a constant or its own bytes:
nothing that the pickle names once can be copied, merged or hashed again and again.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .joblib_arrays import JOBLIB_ARRAY, take_array
from .pickle_records import Global, Instance, OddKey, Persistent, PickleFault

MOST_OPCODES = 400_000  # half a second; a tensor takes about 30 of them
LARGEST_INTEGER = 64  # bytes
LONGEST_NAME = 1_000  # characters of a class with its module

_SMALL_KEY = 2**31
_STOP = 0x2E


_EMPTY_DICTS = ("collections.OrderedDict", "builtins.dict", "__builtin__.dict")


class _Machine:
    """One run over one pickle."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data = data
        self.at = at
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.persistent: list[Persistent] = []
        self.copied = 0

    def run(self) -> Any:
        data = self.data  # local names are faster in this loop
        handlers = _HANDLERS
        end = len(data)
        for _ in range(MOST_OPCODES):
            if self.at >= end:
                raise PickleFault("it ends too soon")
            opcode = data[self.at]
            self.at += 1
            if opcode == _STOP:
                return self.pop()
            handlers[opcode](self)
        raise PickleFault(f"it has more than {MOST_OPCODES:,} opcodes")

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
        return _text(text)

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
        """What calling would give, as a record; empty dicts as such, since they are filled "
        "later."""
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
                content, self.at = take_array(self.data, self.at, state)
                target.args = (content,)
            return
        if not isinstance(target, dict):
            raise PickleFault("it sets the state of what is no object")
        # An OrderedDict's own attributes, such as _metadata, are dropped.


@dataclass(frozen=True, eq=False)
class Interpreted:
    """What a pickle describes.

    Attributes:
        value: the object.
        end: the position after the pickle.
        persistent: every reference to something outside, in order.
    """

    value: Any
    end: int
    persistent: list[Persistent]


def interpret(data: bytes, at: int = 0) -> Interpreted:
    """What the pickle that starts at `at` describes.

    The value is None, bool, int, float, str, bytes, list, tuple, dict, and the records of this
    module. Lists and dicts may hold themselves and each other: whoever walks them keeps count.

    Raises:
        PickleFault: it is no pickle, is damaged, or is beyond the bounds.
    """
    machine = _Machine(data, at)
    try:
        return Interpreted(machine.run(), machine.at, machine.persistent)
    except (UnicodeDecodeError, OverflowError) as error:
        raise PickleFault("a text or number in it cannot be decoded") from error


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
    if isinstance(key, int) and -_SMALL_KEY <= key <= _SMALL_KEY:
        return key
    return OddKey(key)


def _text(data: bytes) -> str:
    """UTF-8, or what Python 2 wrote."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _integer(text: str) -> int | bool:
    """Protocol 0: `01` and `00` are booleans, a trailing L is Python 2's."""
    if text in ("00", "01"):
        return text == "01"
    if len(text) > 2 * LARGEST_INTEGER:
        raise PickleFault(f"it holds an integer of {len(text)} digits")
    try:
        return int(text.removesuffix("L"))
    except ValueError as error:
        raise PickleFault("an integer in it cannot be read") from error


def _float(text: str) -> float:
    if len(text) > 2 * LARGEST_INTEGER:
        raise PickleFault(f"it holds a number of {len(text)} digits")
    try:
        return float(text)
    except ValueError as error:
        raise PickleFault("a number in it cannot be read") from error


def _long(machine: _Machine, size: int) -> int:
    if not 0 <= size <= LARGEST_INTEGER:
        raise PickleFault(f"it holds an integer of {size} bytes")
    return int.from_bytes(machine.take(size), "little", signed=True)


def _put(machine: _Machine, index: int) -> None:
    if not 0 <= index < 2 * _SMALL_KEY:  # larger numbers can be made to collide in a dict
        raise PickleFault("it stores under a number that is no index")
    machine.memo[index] = machine.top()


def _tuple(machine: _Machine, size: int) -> None:
    machine.need(size)
    values = tuple(machine.stack[-size:])
    del machine.stack[-size:]
    machine.push(values)


def _stack_global(machine: _Machine) -> None:
    name = machine.pop()
    module = machine.pop()
    are_text = isinstance(name, str) and isinstance(module, str)
    if not are_text or len(name) + len(module) > LONGEST_NAME:
        raise PickleFault("it names a class by what is no name")
    machine.push(Global(f"{module}.{name}"))


def _dict(machine: _Machine) -> None:
    values = machine.pop_to_mark()
    machine.push({})
    machine.set_items(values)


def _call(machine: _Machine) -> None:
    args = machine.pop()
    callee = machine.pop()
    machine.push(machine.call(callee, args))


def _call_with_keywords(machine: _Machine) -> None:
    machine.pop()  # the keyword arguments
    _call(machine)


def _object(machine: _Machine) -> None:
    values = machine.pop_to_mark()
    if not values:
        raise PickleFault("its stack runs empty")
    machine.push(machine.call(values[0], tuple(values[1:])))


def _set_item(machine: _Machine) -> None:
    value = machine.pop()
    key = machine.pop()
    machine.set_items([key, value])


def _global(machine: _Machine) -> Global:
    """A class or function, its module and its name on a line each."""
    module = machine.line()
    name = machine.line()
    return Global(f"{module}.{name}")


def _new_object(machine: _Machine) -> None:
    callee = _global(machine)
    machine.push(machine.call(callee, tuple(machine.pop_to_mark())))


def _refuse(machine: _Machine) -> None:
    found = machine.data[machine.at - 1]
    raise PickleFault(f"it holds the byte {found:#04x} where an opcode is expected")


_U1 = struct.Struct("<B")
_U2 = struct.Struct("<H")
_U4 = struct.Struct("<I")
_U8 = struct.Struct("<Q")
_I4 = struct.Struct("<i")
_BIG_DOUBLE = struct.Struct(">d")

_Handler = Callable[[_Machine], Any]
_OPCODES: dict[int, _Handler] = {
    0x80: lambda m: m.take(1),  # PROTO
    0x95: lambda m: m.take(8),  # FRAME: how far to read ahead
    ord("("): lambda m: m.marks.append(len(m.stack)),
    ord("0"): lambda m: m.pop(),
    ord("1"): lambda m: m.pop_to_mark(),
    ord("2"): lambda m: m.push(m.top()),
    # Constants
    ord("N"): lambda m: m.push(None),
    0x88: lambda m: m.push(True),
    0x89: lambda m: m.push(False),
    ord("I"): lambda m: m.push(_integer(m.line())),
    ord("L"): lambda m: m.push(_integer(m.line())),
    ord("J"): lambda m: m.push(m.number(_I4)),
    ord("K"): lambda m: m.push(m.number(_U1)),
    ord("M"): lambda m: m.push(m.number(_U2)),
    0x8A: lambda m: m.push(_long(m, m.number(_U1))),
    0x8B: lambda m: m.push(_long(m, m.number(_I4))),
    ord("F"): lambda m: m.push(_float(m.line())),
    ord("G"): lambda m: m.push(m.number(_BIG_DOUBLE)),
    # Text and bytes
    ord("S"): lambda m: m.push(m.line().strip("'\"")),
    ord("T"): lambda m: m.push(_text(m.take(m.number(_U4)))),
    ord("U"): lambda m: m.push(_text(m.take(m.number(_U1)))),
    ord("V"): lambda m: m.push(m.line()),
    ord("X"): lambda m: m.push(_text(m.take(m.number(_U4)))),
    0x8C: lambda m: m.push(_text(m.take(m.number(_U1)))),
    0x8D: lambda m: m.push(_text(m.take(m.number(_U8)))),
    ord("B"): lambda m: m.push(m.take(m.number(_U4))),
    ord("C"): lambda m: m.push(m.take(m.number(_U1))),
    0x8E: lambda m: m.push(m.take(m.number(_U8))),
    0x96: lambda m: m.push(m.take(m.number(_U8))),
    # Containers; sets are lists here
    ord("]"): lambda m: m.push([]),
    ord(")"): lambda m: m.push(()),
    ord("}"): lambda m: m.push({}),
    0x8F: lambda m: m.push([]),
    ord("l"): lambda m: m.push(m.pop_to_mark()),
    ord("t"): lambda m: m.push(tuple(m.pop_to_mark())),
    0x91: lambda m: m.push(m.pop_to_mark()),
    ord("d"): _dict,
    0x85: lambda m: _tuple(m, 1),
    0x86: lambda m: _tuple(m, 2),
    0x87: lambda m: _tuple(m, 3),
    ord("a"): lambda m: m.append_all([m.pop()]),
    ord("e"): lambda m: m.append_all(m.pop_to_mark()),
    0x90: lambda m: m.append_all(m.pop_to_mark()),
    ord("s"): _set_item,
    ord("u"): lambda m: m.set_items(m.pop_to_mark()),
    # Memory
    ord("g"): lambda m: m.recall(_integer(m.line())),
    ord("h"): lambda m: m.recall(m.number(_U1)),
    ord("j"): lambda m: m.recall(m.number(_U4)),
    ord("p"): lambda m: _put(m, _integer(m.line())),
    ord("q"): lambda m: _put(m, m.number(_U1)),
    ord("r"): lambda m: _put(m, m.number(_U4)),
    0x94: lambda m: _put(m, len(m.memo)),
    # What would import and call
    ord("c"): lambda m: m.push(_global(m)),
    0x93: _stack_global,
    ord("R"): _call,
    0x81: _call,
    0x92: _call_with_keywords,
    ord("i"): _new_object,
    ord("o"): _object,
    ord("b"): lambda m: m.build(),
    ord("P"): lambda m: m.refer(m.line()),
    ord("Q"): lambda m: m.refer(m.pop()),
}
_HANDLERS = tuple(_OPCODES.get(code, _refuse) for code in range(256))
