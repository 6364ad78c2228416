"""What an AVR has room for, and C of which it gets arrays that are one elsewhere."""

from __future__ import annotations

from collections.abc import Iterable

from .names import Prefix

# It reads with 16 bits of address, from the beginning of its flash, where code lies, too.
AVR_BYTES = 60_000
AVR_ARRAY = 2**15 - 1  # bytes; its compiler takes no larger object


def cuts(sizes: Iterable[int]) -> list[int]:
    """Where arrays end of parts that follow each other, each of so many bytes: as few as hold them.

    A part that is too large for an array gets one all the same.
    """
    found = []
    first = 0  # byte of the array at hand
    place = 0
    for size in sizes:
        if place > first and place + size - first > AVR_ARRAY:
            found.append(place)
            first = place
        place += size
    return found


def another_array(declared: str) -> str:
    """Between the values of two arrays."""
    return f"#if defined(__AVR__)\n}};\n\n{declared} = {{\n#endif\n"


def function(prefix: Prefix, declared: str, body: str) -> str:
    """One that only an AVR has."""
    static = prefix.macro("STATIC")
    return f"#if defined(__AVR__)\n{static} {declared}\n{{\n{body}}}\n#endif\n\n"
