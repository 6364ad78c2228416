"""A failed runner is told where it first goes wrong and which bug it has; a stranger bug is unknown, not misnamed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from lstm_export.model import Array, Model, Runner, forward
from lstm_export.parity import check, diagnose, golden_sets
from lstm_export.parity.diagnosis import Suspect, suspects
from tests.conftest import CHAINS

torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
from lstm_export.model.torch_module import eager, to_module  # noqa: E402

# How many suspects of each chain are tried: all of the small ones, a few of the others, which have hundreds.
STRIDES = {"scalers": 1, "every step": 1, "seed": 25}
GOLDEN = {name: golden_sets(CHAINS[name]) for name in STRIDES}


def runner_of(suspect: Suspect) -> Runner:
    """PyTorch, float32, with the suspect's bug."""
    run = eager(to_module(suspect.model))
    return lambda x: run(suspect.change(x))


def told(name: str, runner: Runner) -> tuple[str, ...]:
    report = check(runner, GOLDEN[name], subject="broken")
    return diagnose(runner, CHAINS[name], GOLDEN[name], report)


def same_answers(one: Suspect, other: Suspect, x: Array) -> bool:
    a, b = (forward(suspect.model, suspect.change(x)).y for suspect in (one, other))
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-9, atol=1e-12))


@pytest.mark.parametrize("name", STRIDES)
def test_every_bug_of_the_catalogue_is_named(name: str) -> None:
    """Or a bug with the same answers is: bias_ih lost and bias_hh lost differ in name alone where one is zero."""
    model, x = CHAINS[name], GOLDEN[name][2].x
    seen = 0
    for suspect in suspects(model):
        runner = runner_of(suspect)
        if (suspect.change(x).shape != x.shape and model.returns_every_step) or check(
            runner, GOLDEN[name], subject=""
        ).ok:
            continue  # the answers have another shape, or the bug changes nothing
        said = told(name, runner)[-1].removeprefix("it behaves like: ")
        named = [other for other in suspects(model) if other.name == said]
        assert named, f"{suspect.name}: {said}"
        assert said == suspect.name or same_answers(named[0], suspect, x), f"{suspect.name} is named {said}"
        seen += 1
    assert seen > 3


OTHER: dict[str, Callable[[Model], Runner]] = {
    "input doubled": lambda model: lambda x: eager(to_module(model))(2 * x),
    "one weight": lambda model: lambda x: eager(to_module(model))(x) * np.float32(1.001),
    "noise": lambda model: lambda x: eager(to_module(model))(x) + np.float32(1e-3),
}


@pytest.mark.parametrize("kind", OTHER)
def test_other_bugs_are_unknown(kind: str) -> None:
    assert told("seed", OTHER[kind](CHAINS["seed"]))[-1] == "it behaves like: unknown, none of the known bugs"


def test_the_first_wrong_step_is_told() -> None:
    right = eager(to_module(CHAINS["seed"]))

    def forgets(x: Array) -> Array:
        """Right up to step 9, then stuck there."""
        return right(x[:, :9])

    assert told("seed", forgets)[0].startswith("first wrong at step 10 of 64")


def test_a_runner_that_never_answers_is_not_diagnosed() -> None:
    assert told("seed", lambda x: np.zeros((1, 1, 1), np.float32)) == ()
