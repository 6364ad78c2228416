"""Numbers as C and C++ literals."""

from __future__ import annotations

from collections.abc import Iterable

from ....model import Array


def literal(value: float) -> str:
    """A float32 that survives the text: nine digits; C++11 takes no hexadecimal floats."""
    text = f"{value:.9g}"
    return f"{text}f" if any(mark in text for mark in ".e") else f"{text}.0f"


def floats(array: Array, indent: str = "    ", per_line: int = 8) -> str:
    """The values of an array, some a line, a comma behind each."""
    values = array.ravel().tolist()
    return _lines(map(literal, values), indent, per_line)


def words(array: Array, indent: str = "    ", per_line: int = 8) -> str:
    """The same for 32-bit words."""
    return _lines([f"0x{int(value):08x}u" for value in array.ravel()], indent, per_line)


def _lines(texts: Iterable[str], indent: str, per_line: int) -> str:
    texts = list(texts)
    rows = (texts[start : start + per_line] for start in range(0, len(texts), per_line))
    return "".join(f"{indent}{', '.join(row)},\n" for row in rows)
