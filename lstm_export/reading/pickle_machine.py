"""A pickle read as data: objects become inert records of what it would have built.

A pickle is a program for a small stack machine (opcodes: the standard library's `pickletools`).
Here the machine runs with bounds, and the opcodes that import or call leave a `Global` or an
`Instance` on the stack; nothing is imported. Every opcode costs a constant or its own bytes:
nothing that the pickle names once can be copied, merged or hashed again and again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .pickle_opcodes import HANDLERS
from .pickle_records import Persistent, PickleFault
from .pickle_stack import MOST_OPCODES, Machine

_STOP = 0x2E


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
    machine = Machine(data, at)
    try:
        return Interpreted(_run(machine), machine.at, machine.persistent)
    except (UnicodeDecodeError, OverflowError) as error:
        raise PickleFault("a text or number in it cannot be decoded") from error


def _run(machine: Machine) -> Any:
    data = machine.data  # local names are faster in this loop
    handlers = HANDLERS
    end = len(data)
    for _ in range(MOST_OPCODES):
        if machine.at >= end:
            raise PickleFault("it ends too soon")
        opcode = data[machine.at]
        machine.at += 1
        if opcode == _STOP:
            if not machine.outer:
                return machine.pop()
            machine.end_array()
            continue
        handlers[opcode](machine)
    raise PickleFault(f"it has more than {MOST_OPCODES:,} opcodes")
