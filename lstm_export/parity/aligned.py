"""Tables in plain text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def aligned(rows: Iterable[Sequence[str]]) -> list[str]:
    """One line a row, columns two spaces apart.

    >>> aligned([("set", "error"), ("nominal", "1.0e-07")])
    ['set      error', 'nominal  1.0e-07']
    """
    rows = list(rows)
    columns = zip(*rows, strict=True)
    widths = [max(map(len, column)) for column in columns]
    lines = []
    for row in rows:
        pairs = zip(row, widths, strict=True)
        cells = [cell.ljust(width) for cell, width in pairs]
        lines.append("  ".join(cells).rstrip())
    return lines
