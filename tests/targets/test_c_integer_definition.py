"""A model in whole numbers: sums stay in int32, and answers are near those of float64."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from lstm_export import targets
from lstm_export.errors import BundleError, InputError, UnsupportedModel
from lstm_export.model import (
    Add,
    Affine,
    Array,
    Column,
    LastHidden,
    LastStep,
    Linear,
    Model,
    Multiply,
    Signature,
    forward,
)
from lstm_export.parity.golden import hard_inputs
from lstm_export.targets.c.integer import arithmetic, formats, joins, rounding, rows
from lstm_export.targets.c.integer.calibration import input_formats
from lstm_export.targets.c.integer.cost import costs
from lstm_export.targets.c.integer.definition import IntegerDefinition
from lstm_export.targets.c.integer.error_parts import parts_of
from lstm_export.targets.c.integer.measured_error import MeasuredError
from lstm_export.targets.c.integer.stages import Counter
from lstm_export.targets.c.integer.weight_rounding import fitted, ups
from tests.kit.builders import drawn, gru, lstm, rnn, scaler
from tests.kit.chains import CHAINS
from tests.kit.integer_models import ALL, HELD, UNTRAINED, change, drifting, sensor, whole

C = targets.get("c")
# Shares of the outputs' spread. Weights that torch.nn draws give outputs of a spread of a hundredth
# of h, so that a step of h, 2^-15, is 3e-3 of it; chains whose answers end in a table have steps of
# int16 of what may be a far wider range.
NEAR = {"seed": 4e-3, "gru": 2e-3, "saturated": 1e-3, "every step": 2e-3, "scalers": 3e-3}


@pytest.mark.parametrize("name", NEAR)
def test_answers_are_near_those_of_float64(name: str) -> None:
    model = CHAINS[name]
    x = drawn(model, 4, 40)
    for cost in costs(model, whole(model), [x]):
        assert cost.largest < NEAR[name] * cost.spread, cost


@pytest.mark.parametrize("name", HELD)
def test_every_stage_is_near_its_float64_equation(name: str) -> None:
    """By the size of the answers: a hundredth is far beyond rounding, far below a wrong stage."""
    model = ALL[name]
    x = hard_inputs(model)["nominal"]
    exact = forward(model, x).y
    error = np.abs(whole(model)(x) - exact).max()
    assert error < 1e-2 * max(np.abs(exact).max(), 0.1)


@pytest.mark.parametrize("inputs", ["", "x0=q:2:100000,x1=q:0.01,x2=q:0.02", "x0=q:-2:102000"])
def test_last_values_are_added_back_as_finely_as_they_come(inputs: str) -> None:
    """A pressure of 101,325 +- 500: int16 of the value itself would be steps of 4."""
    model = change()
    x = drifting(64)
    given = input_formats(model.signature, inputs)
    held = rounding.whole_model(model, formats.chosen(model, [x], 16, given))
    for cost in costs(model, held, [x]):
        assert cost.largest < 1e-3 * cost.spread, cost


def test_coarse_counts_lose_nothing() -> None:
    """Halves of a unit, as a cheap sensor gives them, and an input that is 0 or 1."""
    seed = CHAINS["seed"]
    width = seed.signature.input_size
    names = ("temp_c", "weather=rain", *(f"x{place}" for place in range(2, width)))
    signature = replace(seed.signature, features=tuple(map(Column, names)))
    model = replace(seed, signature=signature)
    x = drawn(model, 4, 40)
    x[..., 0] = np.rint(2 * x[..., 0]) / 2
    x[..., 1] = x[..., 1] > 0
    given = input_formats(signature, "temp_c=q:0.5,weather=rain=q:1")
    held = rounding.whole_model(model, formats.chosen(model, [x], 16, given))
    for cost in costs(model, held, [x]):
        assert cost.largest < NEAR["seed"] * cost.spread, cost


@pytest.mark.parametrize(
    ("inputs", "fault"),
    [("x0=q:1e-20", "too fine"), ("x0=q:1e9", "too coarse")],
)
def test_a_format_that_counts_nothing_of_the_input_is_refused(inputs: str, fault: str) -> None:
    model = change()
    given = input_formats(model.signature, inputs)
    made = formats.chosen(model, [drifting(8)], 16, given)
    with pytest.raises(UnsupportedModel, match=f"^input 0 is {fault} .*; choose a "):
        rounding.whole_model(model, made)


@pytest.mark.parametrize(("a", "b"), [(32767, -1), (-32767, 3), (5, 0), (-32767, 0), (0, -7)])
def test_quotients_are_to_the_nearest(a: int, b: int) -> None:
    found = joins.Divide().join([np.array([[a]]), np.array([[b]])])
    assert found.item() == round(Fraction(a * 2**15, b or 1))


def test_a_mean_counts_as_many_steps_as_a_sum_holds() -> None:
    values = np.full((1, joins.MOST_STEPS + 9, 1), -32767)
    values[:, joins.MOST_STEPS :] = 32767
    assert joins.Pool("mean", 1).apply(values, Counter()).item() == -32767


def test_tables_are_within_a_step_of_tanh_and_sigmoid() -> None:
    sums = np.arange(-(2**24), 2**24, 997)
    exact = np.tanh(sums * 2.0**-20)
    assert np.abs(arithmetic.tanh(sums) * 2.0**-15 - exact).max() < 2.0**-15
    logistic = 1 / (1 + np.exp(-sums * 2.0**-20))
    assert np.abs(arithmetic.sigmoid(sums) * 2.0**-16 - logistic).max() < 2.0**-16
    assert arithmetic.sigmoid(sums).max() == 65535


@pytest.mark.parametrize("bits", [16, 8])
@pytest.mark.parametrize("magnitude", [0.0, 1e-9, 1e-4, 1.0, 7.9, 300.0])
def test_the_widest_sums_stay_in_int32(magnitude: float, bits: int) -> None:
    """`in_int32` raises where a bound of the writer is wrong."""
    weight = np.full((2, 70), magnitude)
    value_bits = np.full(70, 15)
    sum_bits = min(rows.row_bits(weight, value_bits, bits).sums, 20)
    made = rows.whole_rows("w", weight, value_bits, rows.Storage(bits), sum_bits)
    for value in (-32768, 32767):
        found = made.sums(np.full((1, 70), value)) * 2.0**-sum_bits
        exact = 70 * magnitude * value / 32768
        tolerance = 2e-2 if bits == 8 else 1e-3  # half a step of the largest weight
        np.testing.assert_allclose(found, exact, rtol=tolerance, atol=1e-4)


@pytest.mark.parametrize("scale", [30.0, 1e4])
def test_what_is_too_large_is_refused_or_held(scale: float) -> None:
    """Gates whose sums leave Q11.20 get fewer bits after the point, down to none."""
    random = np.random.default_rng(7)
    stages = (lstm("lstm", 2, 6, 1, random), LastStep("last"))
    model = Model(stages, Signature(2, 6))
    x = random.normal(size=(2, 9, 2)) * scale
    held = rounding.whole_model(model, formats.chosen(model, [x], 16))
    assert np.abs(held(x) - forward(model, x).y).max() < 0.05


@pytest.mark.parametrize(("names", "told"), [((), "input 1"), (("a", "b c"), "input 'b c'")])
def test_an_input_beyond_int16_is_refused_by_its_name(names: tuple[str, ...], told: str) -> None:
    plain = sensor()
    features = tuple(map(Column, names))
    model = Model(plain.stages, replace(plain.signature, features=features))
    x = np.full((1, 5, 2), [280.0, 1e12])
    with pytest.raises(UnsupportedModel, match=rf"^{told} reaches 2e\+12, too much for int16; "):
        formats.chosen(model, [x], 16)


def test_both_directions_of_a_layer_cost_together() -> None:
    model = CHAINS["bidirectional"]
    parts = parts_of(model, whole(model), drawn(model, 2, 9))
    assert {part.layer for part in parts if part.name == "weights"} == {"l0", "l1"}


def test_weights_cost_what_a_model_of_the_rounded_ones_costs() -> None:
    random = np.random.default_rng(9)
    layers = (lstm("a", 2, 6, 1, random), lstm("b", 6, 6, 1, random))
    model = Model((*layers, LastStep("last")), Signature(2, 6))
    x = random.uniform(-1, 1, (4, 9, 2)).astype(np.float32)
    counts = input_formats(model.signature, "x0=q:0.00005")  # which weights take in
    _, rounded = fitted(model, (x,), 8, counts)
    exact = forward(model, x).y
    shares = {part.layer: part.share for part in parts_of(model, rounded, x) if part.layer}
    assert list(shares) == ["a.l0", "b.l0"]
    for name, stage in zip("ab", rounded.recurrent, strict=True):
        (cell,) = stage.layers[0]
        arrays = dict(model.arrays)
        arrays[f"{name}.weight_ih_l0"] = (cell.rows_ih.values / stage.factor).astype(np.float32)
        arrays[f"{name}.weight_hh_l0"] = cell.rows_hh.values.astype(np.float32)
        other = Model.from_record(model.chain_record(), arrays, model.signature)
        error = forward(other, x).y - exact
        assert shares[f"{name}.l0"] == pytest.approx(in_own_spread(error, exact), rel=1e-6)


def in_own_spread(error: Array, exact: Array) -> float:
    """The root of the mean square, each of the answers in units of its own spread."""
    return float(np.sqrt(((error / exact.std(axis=0)) ** 2).mean()))


@pytest.mark.parametrize("name", ["h", "c"])
def test_a_state_costs_what_its_format_costs(name: str) -> None:
    """Step by step, h rounded to 2^-15 or c downwards to 2^-24 before the next."""
    layer = lstm("a", 2, 6, 1, np.random.default_rng(9))
    model = Model((layer, LastHidden("last", state=name)), Signature(2, 6))
    x = drawn(model, 4, 9)
    exact = forward(model, x).y
    state = None
    for step in range(x.shape[1]):
        h, c = forward(model, x[:, step : step + 1], state=state).state
        if name == "h":
            h = np.rint(h * 2.0**15) * 2.0**-15
        else:
            rounded = np.floor(c * 2.0**24) * 2.0**-24
            h = h / np.tanh(c) * np.tanh(rounded)
            c = rounded
        state = (h, c)
    (share,) = (part.share for part in parts_of(model, whole(model), x) if part.name == name)
    error = state["hc".index(name)][0] - exact
    assert share == pytest.approx(in_own_spread(error, exact), rel=1e-6)


def test_a_tanh_costs_what_its_table_costs() -> None:
    """An RNN's answer to one sample is a tanh; the table is read here by np.interp."""
    layer = rnn("a", 3, 6, 1, np.random.default_rng(9), gain=2.0)
    model = Model((layer, LastStep("last")), Signature(3, 6))
    x = drawn(model, 50, 1)
    sums = x[:, 0] @ layer.weights["weight_ih_l0"].T
    sums = sums + layer.weights["bias_ih_l0"] + layer.weights["bias_hh_l0"]
    ends = np.arange(-512, 513) / 64
    table = (arithmetic.TANH - arithmetic.HALF_STEP) / 2**22
    error = np.interp(sums, ends, table) - np.tanh(sums)
    (share,) = (part.share for part in parts_of(model, whole(model), x) if part.name == "tanh")
    assert share == pytest.approx(in_own_spread(error, forward(model, x).y), rel=0.02)


def test_a_narrow_output_beside_a_wide_one_is_told_to_change_its_unit(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    stages = (
        lstm("lstm", 2, 12, 1, random),
        LastStep("last"),
        Linear("fc", random.normal(size=(2, 12)), np.zeros(2)),
        Affine("units", np.zeros(2), np.array([1e4, 0.1]), inverse=True),
    )
    told = r"move y1 .*: train y1 in a smaller unit, .* \(all outputs share a format, .*\), or "
    with pytest.raises(InputError, match=told):
        C.export(Model(stages, Signature(2, 2)), tmp_path / "m_c", arithmetic="integer")


def test_the_error_against_what_was_measured_is_told_and_kept(tmp_path: Path) -> None:
    """On a table with the target in it: that of the definition, and that of the whole numbers."""
    source = sensor()
    columns = {"features": (Column("a"), Column("b")), "targets": (Column("load", "kW"),)}
    model = Model(source.stages, Signature(2, 1, window=5, horizon=1, **columns))
    random = np.random.default_rng(5)
    x = random.normal([280, 40], [8, 0.4], (60, 2)).astype(np.float32)
    load = random.normal(3000, 500, 60)
    rows = [f"{a},{b},{c}" for (a, b), c in zip(x, load, strict=True)]
    table = tmp_path / "seen.csv"
    table.write_text("\n".join(["a,b,load", *rows]))
    place = tmp_path / "m_c"
    C.export(model, place, weights="int8", calibrate=str(table), **UNTRAINED)
    assert isinstance(C, targets.HasDefinition)
    found = C.definition(model, (place / "model.c").read_bytes())
    assert isinstance(found, IntegerDefinition)
    windows = np.stack([x[start : start + 5] for start in range(55)])
    expected = [
        np.sqrt(np.mean((answers[:, 0] - load[5:]) ** 2))
        for answers in (forward(model, windows).y, found(windows))
    ]
    (told,) = found.cost(windows, "windows").to_record()["measured_errors"]
    np.testing.assert_allclose([told["model_rmse"], told["rmse"]], expected, rtol=1e-6)
    assert expected[0] != expected[1]
    sentence = f"the RMSE of load goes from {expected[0]:.6g} to {expected[1]:.6g} kW"
    assert sentence in (place / "README.md").read_text()
    forged = MeasuredError("load\n", "kW\x1b", "seen\r.csv", 1.0, 2.0)  # an artifact's own words
    assert forged.sentence().isprintable()


def test_a_self_test_is_judged_by_the_window_of_its_export(tmp_path: Path) -> None:
    """The checkpoint of whoever verifies need not hold it."""
    model = sensor()
    C.export(model, tmp_path / "m_c", self_test=True, **UNTRAINED)
    data = (tmp_path / "m_c" / "model.c").read_bytes()
    without = Model(model.stages, replace(model.signature, window=None))
    definition = C.definition(without, data)
    assert isinstance(definition, IntegerDefinition)
    assert definition.structure == "as defined"


def test_a_gru_and_an_lstm_hold_a_slow_state() -> None:
    """A nearly closed gate: h must not stop moving for want of bits, over 1,000 steps."""
    random = np.random.default_rng(4)
    for stage in (gru("rec", 2, 5, 1, random), lstm("rec", 2, 5, 1, random)):
        weights = {key: np.array(value) for key, value in stage.weights.items()}
        slow = slice(5, 10)  # the update gate of a GRU, the forget gate of an LSTM
        weights["bias_ih_l0"][slow] = 6.0
        made = type(stage)("rec", weights)
        model = Model((scaler("scale_in", 2, random), made), Signature(2, 5))
        x = drawn(model, 1, 1_000)
        exact = forward(model, x).y
        error = np.abs(whole(model)(x) - exact).max()
        assert error < 2e-2 * np.abs(exact).max()


def test_weights_are_rounded_for_what_they_meet() -> None:
    """Each beside its exact value; what a row loses on other values of the same kind is halved."""
    random = np.random.default_rng(6)
    mixed = random.normal(size=(4, 24))
    seen, other = (random.normal(size=(2, 900, 4)) @ mixed) + 0.1 * random.normal(size=(2, 900, 24))
    exact = random.normal(scale=40, size=(60, 24))
    held = np.floor(exact) + ups(exact, seen.T @ seen)
    assert np.abs(held - exact).max() < 1
    lost = other @ (held - exact).T
    nearest = other @ (np.rint(exact) - exact).T
    assert lost.std() < 0.5 * nearest.std()


def test_a_weight_that_is_exact_stays() -> None:
    """It may be 127, which has no room above it in int8."""
    random = np.random.default_rng(7)
    exact = random.integers(-127, 128, (20, 12)).astype(np.float64)
    exact[:, :6] /= 3
    seen = random.normal(size=(400, 3)) @ random.normal(size=(3, 12))
    is_up = ups(exact, seen.T @ seen)
    assert is_up[:, :6].any()
    assert not is_up[:, 6:].any()


def test_a_row_of_int8_just_below_a_power_of_two_keeps_its_last_bit() -> None:
    """Weights as torch.nn begins with, of 256 units: 1/16 is 128 units of 2^-11."""
    weight = np.random.default_rng(8).uniform(-1 / 16, 1 / 16, (9, 300))
    weight[:, 0] = 127.9 * 2.0**-11
    weight[:, 1] = -weight[:, 0]
    held = rows.whole_rows("weight", weight, np.zeros(300, np.int64), rows.Storage(8), 20)
    assert np.abs(held.weight).max() == 127
    assert np.abs(held.values - weight).max() < 2.0**-11


def test_a_model_of_int8_gains_by_it() -> None:
    model = sensor()
    phases = np.random.default_rng(6).uniform(0, 2 * np.pi, (2, 40, 1, 2))
    seen, other = [280, 40] + np.sin(phases + np.arange(12)[:, np.newaxis] / 2) * [12, 0.6]
    made, held = fitted(model, [seen], 8)
    nearest = rounding.whole_model(model, replace(made, up={}))
    (cost,) = costs(model, held, [other])
    (before,) = costs(model, nearest, [other])
    assert cost.rms < 0.7 * before.rms


@pytest.mark.parametrize("up", ["", "AAAA", "not base64!"])
def test_a_rounding_of_another_size_is_refused(up: str) -> None:
    made, _ = fitted(sensor(), [hard_inputs(sensor())["nominal"]], 16)
    changed = replace(made, up={**made.up, "lstm.weight_hh_l0": up})
    with pytest.raises(BundleError, match="lstm.weight_hh_l0 .* does not fit the model; export it"):
        rounding.whole_model(sensor(), changed)


def test_formats_of_many_features_are_read_back() -> None:
    """A place beyond 30 is no number of bits."""
    made = formats.Formats(16, (formats.InputFormat(0.5),) * 40, (3,) * 40, {}, given=(0, 39))
    assert formats.Formats.from_record(json.loads(json.dumps(made.to_record()))) == made


def test_a_product_too_small_for_what_it_is_added_to_adds_nothing() -> None:
    random = np.random.default_rng(9)
    stages = (
        Multiply("square", inputs=("x", "x")),
        replace(lstm("lstm", 4, 4, 1, random), inputs=("x",)),
        Add("both", inputs=("lstm", "square")),
        LastStep("last"),
        Linear("fc", random.normal(size=(1, 4)), np.zeros(1)),
    )
    model = Model(stages, Signature(4, 1))
    x = 1e-7 * random.normal(size=(3, 9, 4))
    held = rounding.whole_model(model, formats.chosen(model, [x], 16))
    assert np.abs(held(x) - forward(model, x).y).max() < 1e-3


def test_readings_of_a_sensor_are_counted_without_an_error() -> None:
    """Tenths of a degree, and halves of a per cent: the first weights take in the units."""
    model = sensor()
    random = np.random.default_rng(8)
    x = np.rint(random.normal([2800, 80], [100, 1], (4, 9, 2))) * [0.1, 0.5]
    made = formats.chosen(model, [x.astype(np.float32)], 16)
    held = rounding.whole_model(model, made)
    np.testing.assert_allclose(held.meant(held.counts(x)), x, rtol=0, atol=1e-9)
    assert held.nodes[0].stage is held.recurrent[0]
