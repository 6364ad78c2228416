"""Names in messages: a few, and how many were left out."""

from __future__ import annotations

from collections.abc import Iterable


def listed(names: Iterable[str], most: int = 4) -> str:
    """A few names, sorted, with the number of those left out.

    >>> listed(["c", "", "a", "d", "b"], most=3)
    '(root), a, b and 2 more'
    """
    known = [name or "(root)" for name in sorted(names)]
    left_out = len(known) - most
    more = f" and {left_out} more" if left_out > 0 else ""
    return ", ".join(known[:most]) + more
