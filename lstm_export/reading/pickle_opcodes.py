"""What each opcode of a pickle does (the standard library's `pickletools` lists them)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from .pickle_records import Global, PickleFault
from .pickle_stack import SMALL_KEY, Machine, decoded

LARGEST_INTEGER = 64  # bytes
LONGEST_NAME = 1_000  # characters of a class with its module


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


def _long(machine: Machine, size: int) -> int:
    if not 0 <= size <= LARGEST_INTEGER:
        raise PickleFault(f"it holds an integer of {size} bytes")
    return int.from_bytes(machine.take(size), "little", signed=True)


def _put(machine: Machine, index: int) -> None:
    if not 0 <= index < 2 * SMALL_KEY:  # larger numbers can be made to collide in a dict
        raise PickleFault("it stores under a number that is no index")
    machine.memo[index] = machine.top()


def _tuple(machine: Machine, size: int) -> None:
    machine.need(size)
    values = tuple(machine.stack[-size:])
    del machine.stack[-size:]
    machine.push(values)


def _stack_global(machine: Machine) -> None:
    name = machine.pop()
    module = machine.pop()
    are_text = isinstance(name, str) and isinstance(module, str)
    if not are_text or len(name) + len(module) > LONGEST_NAME:
        raise PickleFault("it names a class by what is no name")
    machine.push(Global(f"{module}.{name}"))


def _dict(machine: Machine) -> None:
    values = machine.pop_to_mark()
    machine.push({})
    machine.set_items(values)


def _call(machine: Machine) -> None:
    args = machine.pop()
    callee = machine.pop()
    machine.push(machine.call(callee, args))


def _call_with_keywords(machine: Machine) -> None:
    machine.pop()  # the keyword arguments
    _call(machine)


def _object(machine: Machine) -> None:
    values = machine.pop_to_mark()
    if not values:
        raise PickleFault("its stack runs empty")
    machine.push(machine.call(values[0], tuple(values[1:])))


def _set_item(machine: Machine) -> None:
    value = machine.pop()
    key = machine.pop()
    machine.set_items([key, value])


def _global(machine: Machine) -> Global:
    """A class or function, its module and its name on a line each."""
    module = machine.line()
    name = machine.line()
    return Global(f"{module}.{name}")


def _new_object(machine: Machine) -> None:
    callee = _global(machine)
    machine.push(machine.call(callee, tuple(machine.pop_to_mark())))


def _refuse(machine: Machine) -> None:
    found = machine.data[machine.at - 1]
    raise PickleFault(f"it holds the byte {found:#04x} where an opcode is expected")


_U1 = struct.Struct("<B")
_U2 = struct.Struct("<H")
_U4 = struct.Struct("<I")
_U8 = struct.Struct("<Q")
_I4 = struct.Struct("<i")
_BIG_DOUBLE = struct.Struct(">d")

_Handler = Callable[[Machine], Any]
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
    ord("T"): lambda m: m.push(decoded(m.take(m.number(_U4)))),
    ord("U"): lambda m: m.push(decoded(m.take(m.number(_U1)))),
    ord("V"): lambda m: m.push(m.line()),
    ord("X"): lambda m: m.push(decoded(m.take(m.number(_U4)))),
    0x8C: lambda m: m.push(decoded(m.take(m.number(_U1)))),
    0x8D: lambda m: m.push(decoded(m.take(m.number(_U8)))),
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
HANDLERS = tuple(_OPCODES.get(code, _refuse) for code in range(256))
