"""Conditions: equal answers pass, a small difference is reported, a large one fails."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from lstm_export.model import Array, Runner, forward
from lstm_export.parity import check, check_conditions, golden_sets
from tests.kit.chains import CHAINS

MODEL = CHAINS["scalers"]
GOLDEN = golden_sets(MODEL)


def right(x: Array) -> Array:
    return forward(MODEL, x).y.astype(np.float32)


def verdicts(runner: Runner, *others: tuple[str, Runner]) -> dict[str, str]:
    return {
        condition.name: condition.verdict for condition in check_conditions(runner, GOLDEN, others)
    }


def test_the_same_bits_are_said_in_one_line() -> None:
    conditions = check_conditions(right, GOLDEN, [("optimisation off", right)])
    assert {(condition.difference, condition.verdict) for condition in conditions} == {
        (0.0, "passed")
    }
    report = check(right, GOLDEN, subject="right")
    assert (
        "note: the same bits with optimisation off"
        in replace(report, conditions=conditions).table()
    )


def test_a_difference_within_the_bound_is_reported_and_passes() -> None:
    (condition, *_) = check_conditions(
        right, GOLDEN, [("2 threads", lambda x: right(x) * np.float32(1 + 2**-23))]
    )
    assert 0 < condition.difference < 1e-6
    assert condition.verdict == "passed"


def test_what_depends_on_the_batch_fails() -> None:
    found = verdicts(lambda x: right(x) + np.float32(1e-3) * (len(x) == 1))
    assert found.pop("each row alone") == "failed"
    assert set(found.values()) == {"passed"}


def test_what_depends_on_earlier_calls_fails() -> None:
    calls = itertools.count()
    found = verdicts(lambda x: right(x) + np.float32(1e-4 * next(calls)))
    assert found["asked 5 times"] == "failed"


def test_a_condition_that_gives_nan_or_refuses_fails_the_report() -> None:
    conditions = check_conditions(
        right, GOLDEN, [("4 threads", lambda x: right(x) * np.float32(np.nan))]
    )
    report = check(right, GOLDEN, subject="right")
    failed = replace(report, conditions=conditions)
    assert (report.verdict, failed.verdict) == ("passed", "failed")
    assert "4 threads" in failed.table()
    assert "failed under another condition, though its numbers passed" in failed.summary()
