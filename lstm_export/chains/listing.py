"""Names in messages: a few, and how many were left out."""

from __future__ import annotations

from collections.abc import Iterable


def listed(names: Iterable[str], most: int = 4) -> str:
    """A few names, sorted, with the number of those left out.

    >>> listed(["c", "", "a", "d", "b"], most=3)
    '(root), a, b and 2 more'
    """
    known = sorted(names)
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return ", ".join(name or "(root)" for name in known[:most]) + more
