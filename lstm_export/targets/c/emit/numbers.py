"""Numbers as C and C++ literals."""

from __future__ import annotations

from collections.abc import Sequence

from ....model import Array


def literal(value: float) -> str:
    """A float32 that survives the text: nine digits; C++11 takes no hexadecimal floats."""
    text = f"{value:.9g}"
    return f"{text}f" if any(mark in text for mark in ".e") else f"{text}.0f"


def floats(array: Array, indent: str = "    ", per_line: int = 8) -> str:
    """The values of an array, some a line, a comma behind each."""
    literals = [literal(value) for value in array.ravel().tolist()]
    return _lines(literals, indent, per_line)


def words(array: Array, indent: str = "    ", per_line: int = 8) -> str:
    """The same for 32-bit words."""
    literals = [f"0x{value:08x}u" for value in array.ravel().tolist()]
    return _lines(literals, indent, per_line)


def _lines(literals: Sequence[str], indent: str, per_line: int) -> str:
    lines = []
    for start in range(0, len(literals), per_line):
        row = ", ".join(literals[start : start + per_line])
        lines.append(f"{indent}{row},\n")
    return "".join(lines)
