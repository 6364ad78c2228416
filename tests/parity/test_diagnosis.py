"""A failed runner is told where it goes wrong and which bug it has; a strange bug, unknown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from lstm_export.model import LSTM, Array, Model, Runner, forward
from lstm_export.parity import (
    Diagnosis,
    GoldenSet,
    Mutation,
    by_place,
    catalogue,
    check,
    diagnose,
    first_wrong_layer,
    golden_sets,
)
from lstm_export.parity.noise import SharedWeights, floor_without_weights
from lstm_export.parity.rule import is_judgeable
from lstm_export.parity.suspects import LARGER, SMALLER, suspects
from tests.kit.chains import CHAINS

torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
from lstm_export.model.torch_module import eager, to_module  # noqa: E402
from tests.kit.random_chains import random_chain  # noqa: E402

# How many bugs of each chain are tried: every so many, since there are hundreds. Others:
# scripts/study/parity_study.py.
STRIDES = {
    "scalers": 19,
    "every step": 17,
    "gru both ways": 29,
    "learned state": 37,
    "norms": 37,
    "skip": 23,
}
GOLDEN: dict[str, tuple[GoldenSet, ...]] = {}


def golden_of(name: str) -> tuple[GoldenSet, ...]:
    if name not in GOLDEN:
        GOLDEN[name] = golden_sets(CHAINS[name])
    return GOLDEN[name]


def runner_of(bug: Mutation) -> Runner:
    """PyTorch, float32, of the mutated model; where no model has the bug, its definition rounded to
    float32.
    """
    if bug.is_model:
        return eager(to_module(bug.model))
    return lambda x: bug(x).y.astype(np.float32)


def told(name: str, runner: Runner) -> Diagnosis | None:
    return diagnose(
        runner, CHAINS[name], golden_of(name), check(runner, golden_of(name), subject="broken")
    )


def same_answers(name: str, bug: Mutation, model: Model) -> bool:
    """Where one layer alone can have a bug, all of them having it is the same."""
    x = np.random.default_rng(0).normal(size=(3, 6, model.signature.input_size)).astype(np.float32)
    of_all = next((bug for bug in catalogue(model) if bug.name == name), None)
    return of_all is not None and np.array_equal(of_all(x).y, bug(x).y)


@pytest.mark.parametrize("name", STRIDES)
def test_every_bug_of_the_catalogue_is_named(name: str) -> None:
    """By its own name, or beside those that give the same answers within rounding."""
    model = CHAINS[name]
    seen = 0
    for bug in [*catalogue(model), *by_place(model)][:: STRIDES[name]]:
        runner = runner_of(bug)
        if check(runner, golden_of(name), subject="").verdict != "failed":
            continue  # it changes nothing, or no more than rounding does
        found = told(name, runner)
        if found is None:
            continue  # the answers have another shape
        best = Mutation(found.bug, model, found.place).name
        assert bug.name in (best, *found.also) or same_answers(best, bug, model), (
            f"{bug.name} is named {best}"
        )
        seen += 1
    assert seen > 2


OTHER: dict[str, Callable[[Model], Runner]] = {
    "input doubled": lambda model: lambda x: eager(to_module(model))(2 * x),
    "one weight": lambda model: lambda x: eager(to_module(model))(x) * np.float32(1.001),
    "noise": lambda model: lambda x: eager(to_module(model))(x) + np.float32(1e-3),
    "NaN": lambda model: lambda x: eager(to_module(model))(x) * np.float32(np.nan),
}


@pytest.mark.parametrize("kind", OTHER)
def test_other_bugs_are_unknown(kind: str) -> None:
    found = told("scalers", OTHER[kind](CHAINS["scalers"]))
    assert found is not None
    assert (found.bug, found.also) == ("unknown", ())
    assert list(found.sentences())[-1] == "it behaves like: unknown, none of the known bugs"


def test_a_suspect_must_agree_wherever_it_can_be_judged() -> None:
    """Right about the one failed set that the runner answers as the bug does, wrong about all
    others: unknown.
    """
    model = CHAINS["scalers"]
    golden = golden_of("scalers")
    right = eager(to_module(model))
    (bug,) = (bug for bug in catalogue(model) if bug.name == "scale lost in output_scaler")
    lost = eager(to_module(bug.model))
    seq = next(golden_set.x.shape[1] for golden_set in golden if golden_set.name == "nominal")

    def now_and_then(x: Array) -> Array:
        return lost(x) if x.shape[1] == seq else right(x)

    assert [suspect.name for suspect in suspects(lost, model, golden)][:1] == [bug.name]
    assert suspects(now_and_then, model, golden) == []


def test_bugs_of_a_nearly_chaotic_chain_are_named() -> None:
    """Some of their own definitions cannot be judged on some sets."""
    model, gain = random_chain(2026, 24, largest_hidden=16)
    golden = golden_sets(model)
    assert gain == 10
    for kind in ("bias_ih lost", "gates stacked as input, output, cell, forget"):
        (bug,) = (bug for bug in by_place(model) if bug.name == f"{kind} in rnn0_l0")
        own = GoldenSet.of_many(
            bug, {golden_set.name: (golden_set.x, None) for golden_set in golden}, large=False
        )
        assert not all(map(is_judgeable, own))
        assert bug.name in [
            suspect.name for suspect in suspects(eager(to_module(bug.model)), model, golden)
        ]


def test_a_bug_of_one_place_is_not_taken_for_one_of_all() -> None:
    """Where rounding the other stages too moves the answers by less than is allowed."""
    model, _ = random_chain(314159, 80, largest_hidden=16)
    (bug,) = (bug for bug in by_place(model) if bug.name == "4-decimal weights in fc3")
    (shadow,) = (bug for bug in catalogue(model) if bug.name == "4-decimal weights")
    golden = [golden_set for golden_set in golden_sets(model) if golden_set.x.shape[1] <= 20]
    names = [suspect.name for suspect in suspects(eager(to_module(bug.model)), model, golden)]
    assert names[:2] == [bug.name, shadow.name]


@pytest.mark.parametrize("name", CHAINS)
def test_a_noise_floor_without_weights_is_near_the_whole_one(name: str) -> None:
    """What rules suspects out must not rule out a bug that the whole noise floor would let pass."""
    model = CHAINS[name]
    exact = SharedWeights(model)
    for golden_set in golden_of(name):
        output = forward(model, golden_set.x, exact)
        assert np.array_equal(output.y, golden_set.y)
        floor = floor_without_weights(
            partial(forward, model), ((golden_set.x, None), output), exact
        )
        assert SMALLER * floor <= golden_set.noise_floor <= LARGER * floor + 2**-23


def test_the_first_wrong_step_is_told() -> None:
    right = eager(to_module(CHAINS["seed"]))

    def forgets(x: Array) -> Array:
        """Right up to step 9, then stuck there."""
        return right(x[:, :9])

    found = told("seed", forgets)
    assert found is not None
    assert found.step == 10


def test_a_runner_that_never_answers_is_not_diagnosed() -> None:
    assert told("seed", lambda x: np.zeros((1, 1, 1), np.float32)) is None


def test_the_first_wrong_layer_is_told() -> None:
    """By runners of what follows each layer; here of a model whose layer 1 lost a bias."""
    model = CHAINS["seed"]
    golden = golden_of("seed")
    stage = model.stages[0]
    assert isinstance(stage, LSTM)
    weights = {key: array * (key != "bias_hh_l1") for key, array in stage.weights.items()}
    broken = replace(model, stages=(replace(stage, weights=weights), *model.stages[1:]))
    report = check(eager(to_module(broken)), golden, subject="broken")

    def probe(layers: int) -> Runner:
        kept = {key: array for key, array in weights.items() if int(key[-1]) < layers}
        ending = replace(
            model, stages=(LSTM("lstm", kept),), signature=replace(model.signature, output_size=50)
        )
        return lambda x: forward(ending, x).y

    assert first_wrong_layer([probe(1), probe(2)], model, golden, report) == "lstm_l1"
    assert first_wrong_layer([], model, golden, report) == ""
    assert first_wrong_layer([probe(1)], model, golden, report) == "after the recurrent layers"
