"""A difference of errors is told from noise, as often as it is said to be."""

from __future__ import annotations

import numpy as np
import pytest

from lstm_export.model import Array
from lstm_export.training.answers import Answers
from lstm_export.training.significance import gain_of


def answers(own: Array, other: Array) -> Answers:
    """Errors `(windows, steps)` of two predictors of a target that is always 0."""
    predicted = {"own": own[:, np.newaxis], "other": other[:, np.newaxis]}
    return Answers(
        part="test",
        targets=("y",),
        true=np.zeros(predicted["own"].shape),
        predicted=predicted,
        quantiles={},
        times=np.arange(len(own)),
        group=np.zeros(len(own), np.int32),
        group_names=("",),
    )


@pytest.mark.parametrize(("windows", "steps"), [(400, 6), (30, 10), (4, 2)])
def test_noise_is_taken_for_a_difference_in_one_of_forty(windows: int, steps: int) -> None:
    """Two predictors of the same quality; neighbouring windows share all but one of their steps."""
    random = np.random.default_rng(0)
    rounds = 1500
    found = 0
    for _ in range(rounds):
        errors = random.standard_normal((2, windows + steps - 1))
        own, other = np.lib.stride_tricks.sliding_window_view(errors, steps, axis=1)
        found += gain_of(answers(own, other), "own", "other", "y").is_clear
    # 2.5 %, four standard errors of 1,500 rounds above at most; where windows overlap as far as
    # stretches reach, fewer or somewhat more.
    assert found / rounds < 0.041, found
    assert found


def test_a_difference_is_found_where_there_is_one() -> None:
    random = np.random.default_rng(1)
    own = random.standard_normal((200, 3))
    other = 1.5 * random.standard_normal((200, 3))
    other[:20] = np.nan  # a season that the table is too short for
    assert gain_of(answers(own, other), "own", "other", "y").is_clear
    assert not gain_of(answers(own, other), "other", "own", "y").is_clear
    # A single stretch tells nothing.
    assert not gain_of(answers(own[20:23], other[20:23]), "own", "other", "y").is_clear
