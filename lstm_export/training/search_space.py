"""What a search over options tries, around those that are given."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from .options import TrainingOptions

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

DOUBLINGS = 2  # of the window, where the table holds such windows
# The powers of two by which a given value is multiplied.
POWERS: dict[str, tuple[float, float]] = {
    "window": (-1, DOUBLINGS),
    "hidden_size": (-1, 2),
    "batch_size": (-1, 1),
    "learning_rate": (-2.0, 2.0),
}
WHOLE = ("window", "hidden_size", "batch_size")
MOST_DROPOUT = 0.5
SEARCHED = (*POWERS, "num_layers", "dropout")
USUAL = ("window", "hidden_size", "learning_rate")
MOST_TRIALS = 10_000


@dataclass(frozen=True)
class Search:
    """How long a search goes on, and over what.

    Attributes:
        budget: seconds, after which training stops and the best is kept; None for no such end.
        trials: how many are trained; None for as many as the budget allows.
        over: the options, of `SEARCHED`.

    Raises:
        InputError: there is no end, or an option cannot be searched.
    """

    budget: float | None = None
    trials: int | None = None
    over: tuple[str, ...] = USUAL

    def __post_init__(self) -> None:
        if self.budget is None and self.trials is None:
            raise InputError("a search needs an end: give --budget or --trials, or both")
        if self.budget is not None and not 0 < self.budget < math.inf:
            raise InputError(f"budget is {self.budget:g} s, expected more than 0")
        if self.trials is not None and not 1 <= self.trials <= MOST_TRIALS:
            raise InputError(f"trials is {self.trials}, expected 1 to {MOST_TRIALS:,}")
        for name in self.over:
            if name not in SEARCHED or self.over.count(name) > 1:
                raise InputError(
                    f"search over {name!r}: expected each at most once of {', '.join(SEARCHED)}"
                )
        if not self.over:
            raise InputError(f"a search over nothing: name some of {', '.join(SEARCHED)}")

    def space(self, options: TrainingOptions, doublings: int) -> dict[str, BaseDistribution]:
        """What the sampler draws from.

        Args:
            options: those that are given, which lie inside.
            doublings: how often the window can at most be doubled.
        """
        from optuna.distributions import FloatDistribution, IntDistribution

        layers = options.num_layers
        found: dict[str, BaseDistribution] = {
            "num_layers": IntDistribution(max(layers - 1, 1), layers + 1),
            "dropout": FloatDistribution(0.0, max(MOST_DROPOUT, options.dropout)),
        }
        powers = POWERS | {"window": (-1, doublings)}  # of two, times what is given
        for name, (low, high) in powers.items():
            whole = IntDistribution(int(low), int(high))
            found[name] = whole if name in WHOLE else FloatDistribution(low, high)
        return {name: found[name] for name in self.over}

    def given(self, options: TrainingOptions) -> dict[str, float]:
        """The place of the given options in the space, where a search begins."""
        return {name: 0 if name in POWERS else vars(options)[name] for name in self.over}

    def values(self, options: TrainingOptions, place: Mapping[str, float]) -> dict[str, Any]:
        """What the options are at a place of the space."""
        values: dict[str, Any] = dict(place)
        for name in set(place) & set(POWERS):
            value = vars(options)[name] * 2 ** place[name]
            values[name] = max(round(value), 1) if name in WHOLE else value
        return values
