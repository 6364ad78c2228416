"""The rule: no false alarm, an alarm for every kind of bug, no pass without a verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from lstm_export.errors import InputError
from lstm_export.model import (
    GRU,
    LSTM,
    Affine,
    Array,
    Divide,
    LastStep,
    LayerNorm,
    Linear,
    Model,
    Recurrent,
    Runner,
    Signature,
    Subtract,
    forward,
)
from lstm_export.model.gates import PYTORCH_GATES, reorder_gates
from lstm_export.parity import GoldenSet, Mutation, catalogue, check, golden_sets
from lstm_export.parity.noise import Jitter
from tests.kit.builders import linear, lstm, recurrent, scaler
from tests.kit.chains import CHAINS

torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
from lstm_export.model.torch_module import eager, to_module  # noqa: E402

SEED = golden_sets(CHAINS["seed"])


def random_model(seed: int) -> Model:
    """A chain as training makes it: scalers far from zero, weights of once or three times their
    usual size.
    """
    random = np.random.default_rng(10_000 + seed)
    width, out, hidden = (int(random.integers(1, high)) for high in (8, 4, 40))
    gain = random.choice([1.0, 3.0])
    ratio = 10 ** random.uniform(0, 4)
    core = (lstm("lstm", width, hidden, int(random.integers(1, 4)), random, gain), LastStep("last"))
    ends = scaler("in", width, random, ratio=ratio), scaler("out", out, random, inverse=True)
    window = int(random.integers(1, 60))
    return Model(
        (ends[0], *core, linear("fc", hidden, out, random, gain), ends[1]),
        Signature(width, out, window=window),
    )


def rebuilt(change: Callable[[str, Array], Array], model: Model = CHAINS["seed"]) -> Runner:
    """A correct runner of a model whose arrays were changed, so that only the change can be
    noticed.
    """
    arrays = {name: change(name, array.copy()) for name, array in model.arrays.items()}
    return eager(to_module(Model.from_record(model.chain_record(), arrays, model.signature)))


def with_gates(*order: str) -> Callable[[str, Array], Array]:
    return lambda name, array: (
        reorder_gates(array, PYTORCH_GATES, order) if name.startswith("lstm") else array
    )


def zeroed(part: str) -> Callable[[str, Array], Array]:
    return lambda name, array: array * 0 if part in name else array


def one_weight(name: str, array: Array) -> Array:
    if name == "fc.weight":
        array[0, 3] += 1e-3
    return array


CORRECT = eager(to_module(CHAINS["seed"]))


def remembering() -> Runner:
    """It goes on from the last x of as many rows, as onnx2tf's LSTM in findings/."""
    before: dict[int, Array] = {}

    def run(x: Array) -> Array:
        whole = np.concatenate([before.get(len(x), x[:, :0]), x], axis=1)
        before[len(x)] = x
        return CORRECT(whole)

    return run


BROKEN: dict[str, Runner] = {
    "gates i and f swapped": rebuilt(with_gates("forget", "input", "cell", "output")),
    "gates in ONNX order": rebuilt(with_gates("input", "output", "forget", "cell")),
    "bias_ih lost": rebuilt(zeroed("bias_ih")),
    "bias_hh lost in layer 1": rebuilt(zeroed("bias_hh_l1")),
    "head bias lost": rebuilt(zeroed("fc.bias")),
    "weight_hh transposed": rebuilt(
        lambda name, a: np.concatenate([g.T for g in np.split(a, 4)]) if "weight_hh" in name else a
    ),
    "previous step": lambda x: CORRECT(x[:, :-1] if x.shape[1] > 1 else x),
    "first step": lambda x: CORRECT(x[:, :1]),
    "time reversed": lambda x: CORRECT(x[:, ::-1]),
    "state not reset": lambda x: CORRECT(np.concatenate([x, x], axis=1)),
    "state of the call before": remembering(),
    "features swapped": lambda x: CORRECT(x[:, :, ::-1]),
    "fp16 weights": rebuilt(lambda name, a: a.astype(np.float16).astype(np.float32)),
    "4 decimals": rebuilt(lambda name, a: a.round(4)),
    "one head weight + 1e-3": rebuilt(one_weight),
    "NaN": lambda x: CORRECT(x) * np.nan,
    "infinity": lambda x: CORRECT(x) + np.inf,
    "NaN in one row": lambda x: np.where(
        np.arange(len(x))[:, None] == len(x) - 1, np.nan, CORRECT(x)
    ),
    "another shape": lambda x: CORRECT(x)[:, 0],
}


@pytest.mark.parametrize("seed", range(40))
def test_pytorch_raises_no_alarm(seed: int) -> None:
    model = random_model(seed)
    report = check(eager(to_module(model)), golden_sets(model), subject="pytorch")
    assert report.ok, report.table()
    assert all(result.verdict == "passed" for result in report.sets), report.table()


def test_every_chain_passes_in_pytorch(model: Model) -> None:
    report = check(eager(to_module(model)), golden_sets(model), subject="pytorch")
    assert report.ok, report.table()


@pytest.mark.parametrize("kind", BROKEN)
def test_every_bug_is_caught(kind: str) -> None:
    report = check(BROKEN[kind], SEED, subject=kind, reference=CORRECT)
    assert report.verdict == "failed", report.table()
    assert "worst at row " in report.table() or report.sets[0].reason
    failed = sum(judged.verdict == "failed" for judged in report.sets)
    assert f"failed on {failed} of 13 golden sets" in report.summary()


@pytest.mark.parametrize("mistake", ["not turned back", "reads forwards"])
def test_a_mistaken_reverse_direction_is_caught(mistake: str) -> None:
    """As emx-onnx-cgen and tract have it, in findings/."""
    model = CHAINS["bidirectional"]
    kind = f"reverse direction {mistake}"
    bugs = [bug for bug in catalogue(model) if bug.kind == kind]
    golden = golden_sets(model)
    verdicts = {bug.name: check(rounded(bug), golden, subject=kind).verdict for bug in bugs}
    assert set(verdicts.values()) == {"failed"}, verdicts


@pytest.mark.parametrize("is_added", [False, True])
def test_a_gru_without_b_hn_is_caught(is_added: bool) -> None:
    """As a port to Flax's nnx has it, in findings/: the bias is lost, or added to b_in."""
    model = CHAINS["gru"]
    new = slice(18, 27)  # of the gates r, z, n, of 9 units each

    def ported(name: str, array: Array) -> Array:
        changed = array.copy()
        if "bias_hh" in name:
            changed[new] = 0
        if is_added and "bias_ih" in name:
            changed[new] += model.arrays[name.replace("bias_ih", "bias_hh")][new]
        return changed

    assert check(rebuilt(ported, model), golden_sets(model), subject="ported").verdict == "failed"


def rounded(bug: Mutation) -> Runner:
    return lambda x: bug(x).y.astype(np.float32)


def test_exchanged_biases_are_no_bug() -> None:
    model = CHAINS["seed"]
    exchange = {"bias_ih": "bias_hh", "bias_hh": "bias_ih"}

    def other(name: str, array: Array) -> Array:
        key = next((key for key in exchange if key in name), None)
        return model.arrays[name.replace(key, exchange[key])] if key else array

    assert check(rebuilt(other), SEED, subject="exchanged").ok


def test_a_broken_reference_fails_too() -> None:
    assert (
        check(CORRECT, SEED, subject="good", reference=BROKEN["bias_ih lost"]).verdict == "failed"
    )


def test_structure_alone_can_fail() -> None:
    report = check(CORRECT, SEED, subject="good", structure="fc.bias differs in 1 of 1 values")
    assert report.verdict == "failed"
    assert "failed by its structure, though its numbers passed on 13 of 13" in report.summary()


def test_a_refusing_runner_fails_with_its_reason() -> None:
    def refuse(x: Array) -> Array:
        raise InputError("seq is fixed to 5")

    report = check(refuse, SEED, subject="fixed")
    assert report.verdict == "failed"
    assert "seq is fixed to 5" in report.table()


def test_without_a_judgeable_set_there_is_no_pass() -> None:
    (nominal,) = (golden for golden in SEED if golden.name == "nominal")
    chaotic = GoldenSet("chaotic", nominal.x, nominal.y, nominal.scale, noise_floor=1e-2)
    unknown = GoldenSet("unknown", nominal.x, nominal.y, nominal.scale, noise_floor=float("nan"))
    for golden in ([chaotic], [unknown], []):
        report = check(CORRECT, golden, subject="pytorch")
        assert report.verdict == "cannot be judged"
        assert not report.ok


def test_a_quotient_by_zero_is_not_judged() -> None:
    """It is infinite in every program, and infinity less infinity is no number."""
    zero = Subtract("zero", inputs=("lstm", "lstm"))
    quotient = Divide("quotient", inputs=("lstm", "zero"))
    after = lstm("lstm", 2, 3, 1, np.random.default_rng(0))
    model = Model((after, zero, quotient, LastStep("last")), Signature(2, 3))
    report = check(eager(to_module(model)), golden_sets(model), subject="pytorch")
    assert report.verdict == "cannot be judged"


def test_a_norm_of_one_feature_is_judged() -> None:
    """Its mean is that feature, which no program rounds: the answer is the norm's bias, however
    small that is.
    """
    norm = LayerNorm("norm", np.ones(1), np.full(1, 1e-3))
    model = Model(
        (lstm("lstm", 2, 1, 1, np.random.default_rng(0)), norm, LastStep("last")), Signature(2, 1)
    )
    report = check(eager(to_module(model)), golden_sets(model), subject="pytorch")
    assert {judged.verdict for judged in report.sets} == {"passed"}


@pytest.mark.parametrize(
    ("kind", "gate", "bias"), [(LSTM, slice(9, 12), -150), (GRU, slice(3, 6), 150)]
)
def test_shut_gates_are_judged(kind: type[Recurrent], gate: slice, bias: float) -> None:
    """Nothing passes an output gate at 0, or an update gate at 1: the answers are below a gate's
    own rounding.
    """
    stage = recurrent("rnn", 2, 3, 1, np.random.default_rng(0), kind=kind)
    shut = stage.weights["bias_hh_l0"].copy()
    shut[gate] = bias
    ends = (LastStep("last"),), Signature(2, 3)
    model = Model(
        (replace(stage, weights={**stage.weights, "bias_hh_l0": shut}), *ends[0]), ends[1]
    )
    golden = golden_sets(model)
    assert max(np.abs(golden_set.y).max() for golden_set in golden) < 1e-30
    assert {
        judged.verdict for judged in check(eager(to_module(model)), golden, subject="pytorch").sets
    } == {"passed"}
    assert not check(eager(to_module(Model((stage, *ends[0]), ends[1]))), golden, subject="open").ok


def test_the_bound_is_tight() -> None:
    """Ordinary models get a bound near ten roundings: far below the smallest bug above."""
    assert all(8 * (golden.noise_floor + 2.0**-23) < 1e-5 for golden in SEED)


def test_golden_sets_answer_by_the_definition_and_repeat(model: Model) -> None:
    windows = np.ones((2, 3, model.signature.input_size), np.float32)
    golden = golden_sets(model, windows)
    again = golden_sets(model, windows)
    assert [golden_set.name for golden_set in golden][-1] == "real windows"
    for golden_set, other in zip(golden, again, strict=True):
        np.testing.assert_array_equal(golden_set.x, other.x)
        assert golden_set.noise_floor == other.noise_floor
        np.testing.assert_array_equal(golden_set.y, forward(model, golden_set.x).y)


def test_numbers_that_float32_lacks_are_held_as_it_has_them() -> None:
    """Beyond its largest nothing is judged, nor where terms may add up to more than it; below its
    smallest normal one runtimes may take 0.
    """
    jitter = Jitter(2, seed=0)
    held = jitter.held(np.array([1e-39, -1e-38, 1.2e-38, 3e38, -1e39]))
    np.testing.assert_array_equal(held, [0, 0, 1.2e-38, 3e38, np.nan])
    sums = jitter.held(np.array([1e38, 1e38]), terms=np.array([3e38, 4e38]))
    np.testing.assert_array_equal(sums, [1e38, np.nan])


@pytest.mark.parametrize(("size", "is_judged"), [(1e16, True), (1e20, False)])
def test_a_norm_of_what_float32_cannot_square_is_not_judged(size: float, is_judged: bool) -> None:
    scaled = Affine("scaled", np.zeros(3), np.full(3, size), inverse=True)
    after = lstm("lstm", 3, 4, 1, np.random.default_rng(0))
    model = Model((scaled, LayerNorm("norm"), after, LastStep("last")), Signature(3, 4))
    x = np.random.default_rng(1).normal(size=(2, 5, 3)).astype(np.float32)
    assert np.isfinite(GoldenSet.of("large", model, x).noise_floor) == is_judged


def test_jittered_runs_at_once_equal_runs_one_by_one(seed_model: Model) -> None:
    """The noise floor of a stack of runs is the spread of separate ones, up to the draw of the
    signs.
    """
    x = SEED[2].x
    y = forward(seed_model, x).y
    stacked = np.abs(forward(seed_model, x, Jitter(64, seed=1)).y - y).max()
    single = max(
        np.abs(forward(seed_model, x, Jitter(1, seed=seed)).y - y).max() for seed in range(64)
    )
    assert 0.5 < stacked / single < 2


def test_a_dead_scale_takes_no_error() -> None:
    """An output that is exactly 0 by definition may not be anything else."""
    weights = LSTM(
        "lstm",
        {
            key: array * 0
            for key, array in lstm("lstm", 2, 3, 1, np.random.default_rng(0)).arrays.items()
        },
    )
    model = Model((weights, LastStep("last"), Linear("fc", np.zeros((1, 3)))), Signature(2, 1))
    golden = golden_sets(model)
    assert check(lambda x: np.zeros((len(x), 1)), golden, subject="zero").ok
    assert not check(lambda x: np.full((len(x), 1), 1e-30), golden, subject="not zero").ok
