"""In which order the modules of a state_dict can stand: widths decide, then numbers in names, then the file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import combinations, islice

from .parts import Part, Parts

MOST_ORDERS = 20
MOST_STEPS = 5_000  # of the search; only senseless files come near

_BEFORE = re.compile(r"(^|[._])(in(put)?|pre|embed|enc|proj_in|expand)", re.IGNORECASE)
_Pairs = set[tuple[int, int]]  # (a, b): part a stands somewhere before part b


def orders(found: Parts) -> list[tuple[Part, ...]]:
    """Every order in which each module takes what the one before it yields, the likeliest first; none if none does."""
    parts = _likely(found)
    numbered = {(a, b) for a, b in combinations(range(len(parts)), 2) if _numbered(parts[a], parts[b])}
    numbered |= {(b, a) for a, b in combinations(range(len(parts)), 2) if _numbered(parts[b], parts[a])}
    # Norms move freely: a file order lstm, fc1, fc2, bn is common, since norms are often added later.
    main = [index for index, part in enumerate(parts) if part.is_recurrent or part.is_linear]
    listed = set(combinations(main, 2))
    for pairs in (numbered | listed, numbered, set[tuple[int, int]]()):
        if fitting := list(islice(_fitting(parts, pairs), MOST_ORDERS)):
            return fitting
    return []


def _likely(found: Parts) -> list[Part]:
    """In the order of the file, which is the order of definition; where a writer sorted the names, by what they say."""
    if not found.sorted_by_writer:
        return list(found.known)

    def place(part: Part) -> tuple[int, list[int | str]]:
        rank = 1 if part.is_recurrent else 0 if _BEFORE.search(part.name) else 2
        return rank, [int(piece) if piece.isdigit() else piece for piece in re.split(r"(\d+)", part.name)]

    return sorted(found.known, key=place)


def _numbered(first: Part, second: Part) -> bool:
    """Whether the names are the same but for numbers, and the first's are smaller: `fc1`, `fc2`."""
    stems = [re.sub(r"\d+", "", part.name) for part in (first, second)]
    numbers = [[int(number) for number in re.findall(r"\d+", part.name)] for part in (first, second)]
    return stems[0] == stems[1] and numbers[0] < numbers[1]


def _fitting(parts: Sequence[Part], before: _Pairs) -> Iterator[tuple[Part, ...]]:
    """Orders that fit by width and keep every pair; depth first, so that they come in the order of `parts`."""
    steps, widths = [MOST_STEPS], [part.widths for part in parts]

    def grow(chosen: list[int], width: int | None) -> Iterator[tuple[Part, ...]]:
        if len(chosen) == len(parts):
            yield tuple(parts[index] for index in chosen)
            return
        for index, (takes, yields) in enumerate(widths):
            steps[0] -= 1
            waits = any(b == index and a not in chosen for a, b in before)
            if index in chosen or waits or steps[0] < 0 or not (width is None or takes in (None, width)):
                continue
            yield from grow([*chosen, index], width if yields is None else yields)

    return grow([], None)
