"""A model is validated once, equal only bit for bit, and rebuilt from its own record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lstm_export.errors import UnsupportedModel
from lstm_export.model import (
    LSTM,
    Activation,
    Add,
    Affine,
    Column,
    LastHidden,
    LastStep,
    LastSteps,
    LayerNorm,
    Linear,
    Model,
    Pool,
    Signature,
    Slice,
    Stage,
)
from lstm_export.model.gates import ONNX_GATES, PYTORCH_GATES, reorder_gates
from tests.kit.builders import linear, lstm
from tests.kit.chains import CHAINS

RANDOM = np.random.default_rng(0)
GOOD = (lstm("lstm", 3, 4, 1, RANDOM), LastStep("last"), linear("fc", 4, 2, RANDOM))


def with_weight(key: str, value: np.ndarray) -> LSTM:
    return LSTM("lstm", {**GOOD[0].arrays, key: value})


def test_rebuilt_from_its_record(model: Model) -> None:
    assert Model.from_record(model.chain_record(), model.arrays, model.signature) == model


def test_signature_survives_its_record() -> None:
    columns = (Column("a", "K", 0.1, 1 / 3), Column("hour_sin"), Column("hour_cos"))
    signature = Signature(
        3, 2, columns, (Column("y"),), 48, 2, "time", 3600.0, ("hour",), "station"
    )
    assert Signature.from_record(signature.to_record()) == signature
    assert [column.name for column in signature.measured] == ["a"]
    assert [column.name for column in signature.outputs] == ["y[t+1]", "y[t+2]"]


def test_one_flipped_bit_makes_another_model(seed_model: Model) -> None:
    for name, array in seed_model.arrays.items():
        changed = array.copy()
        changed.view(np.uint32).reshape(-1)[-1] ^= 1
        other = Model.from_record(
            seed_model.chain_record(), {**seed_model.arrays, name: changed}, seed_model.signature
        )
        assert other != seed_model
        gate = ", in the output gate" if name.startswith("lstm.") else ""  # the last rows
        assert seed_model.differences(other) == [
            f"{name} differs in 1 of {array.size} values{gate}"
        ]
        assert other.weights_sha256 != seed_model.weights_sha256


@pytest.mark.parametrize(
    ("name", "key", "rows", "said"),
    [
        (
            "seed",
            "weight_hh_l1",
            slice(50, 100),
            "differs in 2500 of 10000 values, in the forget gate",
        ),
        (
            "seed",
            "bias_ih_l0",
            slice(0, 51),
            "differs in 51 of 200 values, in the input and forget gates",
        ),
        ("seed", "weight_ih_l0", slice(0, 200), "differs in 2000 of 2000 values"),
        ("learned state", "h0", slice(0, 1), "differs in"),
    ],
)
def test_a_difference_names_its_gates(name: str, key: str, rows: slice, said: str) -> None:
    """torch.nn.LSTM stacks (W_ii|W_if|W_ig|W_io)."""
    model = CHAINS[name]
    full = next(full for full in model.arrays if full.endswith(f".{key}"))
    changed = model.arrays[full].copy()
    changed[rows] += 1
    (found,) = model.differences(
        Model.from_record(model.chain_record(), {**model.arrays, full: changed}, model.signature)
    )
    assert found.startswith(f"{full} {said}")
    assert ("gate" in found) == ("gate" in said)


def test_an_array_too_many_makes_another_model_seen_from_either_side(seed_model: Model) -> None:
    *stages, head = seed_model.stages
    headless = replace(head, bias=None)  # type: ignore[type-var]
    other = replace(seed_model, stages=(*stages, headless))
    assert seed_model != other
    assert other != seed_model
    assert seed_model.differences(other) == ["fc.bias is missing or has another shape"]
    assert other.differences(seed_model) == ["fc.bias is there, but not in the model"]


def test_negative_zero_is_not_zero(seed_model: Model) -> None:
    zeros = np.zeros_like(seed_model.arrays["fc.bias"])
    plus, minus = (
        Model.from_record(
            seed_model.chain_record(), {**seed_model.arrays, "fc.bias": bias}, seed_model.signature
        )
        for bias in (zeros, -zeros)
    )
    assert plus != minus


def test_arrays_cannot_be_changed(model: Model) -> None:
    with pytest.raises(ValueError, match="read-only"):
        next(iter(model.arrays.values()))[...] = 0


@pytest.mark.parametrize(
    ("stages", "signature", "message"),
    [
        (GOOD, Signature(5, 2), r"lstm.weight_ih_l0 is \(16, 3\), expected \(16, 5\)"),
        (GOOD, Signature(3, 1), "yields 2 outputs, the signature 1"),
        ((GOOD[0], GOOD[2], GOOD[0]), Signature(3, 2), "names must differ"),
        ((*GOOD, Activation("\ud800", "relu")), Signature(3, 2), r"'.ud800' holds half of a surr"),
        ((GOOD[2],), Signature(4, 2), "no LSTM"),
        ((), Signature(4, 2), "no LSTM"),
        (
            (GOOD[0], Activation("relu", "relu"), LastHidden("hidden"), GOOD[2]),
            Signature(3, 2),
            "hidden state",
        ),
        ((*GOOD, Slice("columns", (2,))), Signature(3, 1), "picks column 2 of 2"),
        ((*GOOD, Add("sum", inputs=("fc", "x"))), Signature(3, 2), "takes 2 and 3 columns"),
        ((*GOOD, Add("sum", inputs=("fc", "later"))), Signature(3, 2), "does not stand before it"),
        ((*GOOD, Add("sum", inputs=("fc",))), Signature(3, 2), "takes 1 values, expected two or"),
        ((*GOOD, Pool("mean", "mean", inputs=("lstm",))), Signature(3, 4), "value of fc"),
        ((*GOOD, LastSteps("ends", 2, inputs=("lstm",))), Signature(3, 4), "value of fc"),
        ((GOOD[0], LastSteps("ends", 2)), Signature(3, 4), "put a Flatten at the end"),
        ((GOOD[0], LastHidden("h", layer=-2)), Signature(3, 4), "takes layer -2 of lstm"),
        (
            (*GOOD, LayerNorm("norm", np.ones(3))),
            Signature(3, 2),
            r"norm.weight is \(3,\), expected \(2,\)",
        ),
        ((GOOD[0], LastStep("a"), LastStep("b"), GOOD[2]), Signature(3, 2), "already picked"),
        ((GOOD[0], LastStep("a"), lstm("b", 4, 4, 1, RANDOM)), Signature(3, 4), "already picked"),
        (
            (with_weight("bias_ih_l0", np.full(16, np.nan)), *GOOD[1:]),
            Signature(3, 2),
            r"bias_ih_l0\[0\] is nan",
        ),
        (
            (with_weight("weight_hr_l0", np.ones((1, 4))), *GOOD[1:]),
            Signature(3, 2),
            r"weight_hr_l0 is \(1, 4\), expected \(4, 4\)",
        ),
        ((with_weight("weight_hh_l0", np.ones((16, 3))), *GOOD[1:]), Signature(3, 2), "lstm"),
        (
            (*GOOD, Affine("s", np.zeros(2), np.array([1.0, 0.0]))),
            Signature(3, 2),
            "scale holds a zero at 1",
        ),
        (
            (GOOD[0], GOOD[1], Linear("fc", np.ones(4))),
            Signature(3, 1),
            "expected .out_features, in_features",
        ),
    ],
)
def test_invalid_chains_are_refused(
    stages: tuple[Stage, ...], signature: Signature, message: str
) -> None:
    with pytest.raises(UnsupportedModel, match=message):
        Model(stages, signature)


def test_left_over_arrays_are_refused(seed_model: Model) -> None:
    with pytest.raises(UnsupportedModel, match="belong to no stage: other.weight"):
        Model.from_record(
            seed_model.chain_record(),
            {**seed_model.arrays, "other.weight": np.ones(1)},
            seed_model.signature,
        )


@pytest.mark.parametrize("chain", [5, [5], [[]], [{"stage": []}], [{"stage": {}, "name": "a"}]])
def test_a_record_of_other_types_is_refused(chain: Any, seed_model: Model) -> None:
    with pytest.raises(UnsupportedModel, match="no list of stages|unknown stage"):
        Model.from_record(chain, seed_model.arrays, seed_model.signature)


def test_reordering_gates_is_undone_by_its_inverse() -> None:
    array = np.arange(24.0).reshape(8, 3)
    there = reorder_gates(array, PYTORCH_GATES, ONNX_GATES)
    assert not np.array_equal(there, array)
    np.testing.assert_array_equal(reorder_gates(there, ONNX_GATES, PYTORCH_GATES), array)


def test_origin_is_no_part_of_equality(seed_model: Model) -> None:
    assert replace(seed_model, origin="assumed") == seed_model
    assert CHAINS["no head"] != CHAINS["seed"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Activation("a", "swoosh"), "unknown activation 'swoosh'; known are relu"),
        (lambda: Activation("a", "relu", 0.1), "relu takes no parameter"),
        (lambda: Activation("a", "elu", float("nan")), "expected a finite number"),
        (lambda: Slice("s", ()), "expected indices"),
        (lambda: Slice("s", (-1,)), "expected indices"),
        (lambda: Pool("p", "median"), "pools by 'median'; known are mean, max, first"),
        (lambda: LastHidden("h", layer=0), "expected -1 for the last"),
    ],
)
def test_stages_refuse_what_they_are_not(make: Callable[[], object], message: str) -> None:
    with pytest.raises(UnsupportedModel, match=message):
        make()


def test_a_window_that_would_fill_the_memory_is_refused() -> None:
    """A stream keeps its window: a file of a few kilobytes must not cost gigabytes."""
    Signature(2, 1, window=10**6)
    with pytest.raises(UnsupportedModel, match="window is 50000000, expected a positive whole"):
        Signature(2, 1, window=50_000_000)


@pytest.mark.parametrize("name", ["skip", "skips"])
def test_records_of_the_first_version_had_a_stage_for_a_skip(name: str) -> None:
    """They are read as the stages that do the same; what never was one is refused."""
    model = CHAINS[name]
    older = [record for record in model.chain_record() if record["stage"] != "Add"]
    for index, record in enumerate(older):
        if record["stage"] == "Slice":
            features = [1] if record["features"] == [1, 1] else record["features"]
            name = record["name"].removesuffix(".features")
            older[index] = {"stage": "Skip", "name": name, "features": features}
    older = [record for record in older if record["name"] != "skip2.last"]
    older = [{key: record[key] for key in record if key != "inputs"} for record in older]
    assert Model.from_record(older, model.arrays, model.signature) == model
    assert model.has_record(older)
    assert model.has_record(model.chain_record())
    assert not CHAINS["seed"].has_record(older)
    older[-1]["features"] = "0"
    assert not model.has_record(older)
