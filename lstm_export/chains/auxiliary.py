"""Modules that may belong to a loss or a metric, by their names: widths and the chain decide."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import combinations

from .parts import Part

MOST_SUBSETS_OF = 4  # optional modules whose subsets are all tried; of more, all or none

_NAME = re.compile(r"(^|[._])(loss(_\w+)?|\w+_loss|criterion|metrics?)([._]|$)")


def sounds_auxiliary(name: str) -> bool:
    """Whether a tensor's or module's name is one that losses and metrics have.

    >>> [sounds_auxiliary(name) for name in ("criterion.weight", "path_loss", "fc.weight")]
    [True, True, False]
    """
    return _NAME.search(name) is not None


def selections(parts: Sequence[Part]) -> Iterator[tuple[Part, ...]]:
    """Which modules may make up the chain, the likeliest first: as many as possible.

    A single vector, such as the class weights of a loss, is taken last: it would fit as a norm
    wherever its length does.
    """
    optional = [part for part in parts if sounds_auxiliary(part.prefix)]
    layers = [part for part in optional if part.is_linear or part.is_recurrent]
    vectors = [part for part in optional if part not in layers]
    for left_out in _subsets(layers):
        yield _without(parts, [*left_out, *vectors])
    if vectors:
        yield tuple(parts)


def _subsets(parts: Sequence[Part]) -> Iterator[Sequence[Part]]:
    """None, each alone, and so on to all of them."""
    if len(parts) > MOST_SUBSETS_OF:
        yield from ([], parts)
        return
    for size in range(len(parts) + 1):
        yield from combinations(parts, size)


def _without(parts: Sequence[Part], left_out: Sequence[Part]) -> tuple[Part, ...]:
    return tuple(part for part in parts if part not in left_out)
