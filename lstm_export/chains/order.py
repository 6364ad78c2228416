"""In which order the modules of a state_dict can stand.

Widths decide, then numbers in names, then the order of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import combinations, islice, permutations

from .parts import Part, Parts

MOST_ORDERS = 20
MOST_STEPS = 5_000  # of the search; only senseless files come near

_BEFORE = re.compile(r"(^|[._])(in(put)?|pre|embed|enc|proj_in|expand)", re.IGNORECASE)
_Pairs = set[tuple[int, int]]  # (a, b): part a stands somewhere before part b


def orders(found: Parts) -> list[tuple[Part, ...]]:
    """Every order in which each module takes what the one before it yields.

    The likeliest comes first; there may be none.
    """
    parts = _likely(found)
    numbered: _Pairs = set()
    for a, b in permutations(range(len(parts)), 2):
        if _numbered(parts[a], parts[b]):
            numbered.add((a, b))
    # Norms move freely: lstm, fc1, fc2, bn is common in files, since norms are often added later.
    main = [index for index, part in enumerate(parts) if part.is_recurrent or part.is_linear]
    as_listed = set(combinations(main, 2))
    # Names without numbers say nothing of an order that differs from the file's.
    by_file = islice(_fitting(parts, numbered | as_listed), MOST_ORDERS)
    by_number = islice(_fitting(parts, numbered), MOST_ORDERS)
    fitting = list(dict.fromkeys([*by_file, *by_number]))
    if not fitting:
        fitting = list(islice(_fitting(parts, set()), MOST_ORDERS))
    return fitting[:MOST_ORDERS]


def _likely(found: Parts) -> list[Part]:
    """In the order of the file, which is the order of definition.

    Where a writer sorted the names, by what they say.
    """
    if not found.sorted_by_writer:
        return list(found.known)
    return sorted(found.known, key=_place_by_name)


def _place_by_name(part: Part) -> tuple[int, list[int | str]]:
    rank = 2
    if part.is_recurrent:
        rank = 1
    elif _BEFORE.search(part.name):
        rank = 0
    pieces = re.split(r"(\d+)", part.name)
    return rank, [int(piece) if piece.isdigit() else piece for piece in pieces]


def _numbered(first: Part, second: Part) -> bool:
    """Whether the names differ in numbers alone, and the first's are smaller: `fc1`, `fc2`."""
    if _stem(first) != _stem(second):
        return False
    return _numbers(first) < _numbers(second)


def _stem(part: Part) -> str:
    return re.sub(r"\d+", "", part.name)


def _numbers(part: Part) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", part.name)]


def _fitting(parts: Sequence[Part], before: _Pairs) -> Iterator[tuple[Part, ...]]:
    """Orders that fit by width and keep every pair, in the order of `parts`."""
    search = _Search(parts, before)
    return search.grow([], None)


class _Search:
    """A search over orders, depth first."""

    def __init__(self, parts: Sequence[Part], before: _Pairs) -> None:
        self._parts = parts
        self._before = before
        self._steps_left = MOST_STEPS

    def grow(self, chosen: list[int], width: int | None) -> Iterator[tuple[Part, ...]]:
        """Every order that begins with these parts, which yield `width`."""
        if len(chosen) == len(self._parts):
            yield tuple(self._parts[index] for index in chosen)
            return
        for index, part in enumerate(self._parts):
            self._steps_left -= 1
            if self._steps_left < 0:
                return
            takes, yields = part.widths
            fits = width is None or takes in (None, width)
            if index in chosen or not fits or self._waits(index, chosen):
                continue
            yield from self.grow([*chosen, index], width if yields is None else yields)

    def _waits(self, index: int, chosen: list[int]) -> bool:
        """Whether another part has to stand before this one and does not yet."""
        return any(b == index and a not in chosen for a, b in self._before)
