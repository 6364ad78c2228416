"""What is wrong with a runner that failed: where it first goes wrong, and which known bug it behaves like.

The catalogue holds bugs that exporters and runtimes really have, each as a changed model or a changed input of the
float64 definition. A bug is named only if the runner agrees with the changed definition by the same rule that it
failed before, with that definition's own S and F; otherwise it is "unknown".
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ..errors import LstmExportError
from ..model import Affine, Array, Linear, Model, Runner, forward
from ..model.gates import PYTORCH_GATES, reorder_gates
from .golden import GoldenSet
from .noise import in_units_of, output_scale
from .report import EPS, FACTOR, ParityReport, check

# A suspect is only computed in full if its exact answers lie this near, in units of S.
NEAR = 1e-2


@dataclass(frozen=True)
class Suspect:
    """A known bug: the model and the input that a runner with this bug in fact computes."""

    name: str
    model: Model
    change: Callable[[Array], Array] = lambda x: x


def diagnose(runner: Runner, model: Model, golden: Sequence[GoldenSet], report: ParityReport) -> tuple[str, ...]:
    """Sentences for people about a failed report: the first wrong step, and the bug that it looks like."""
    failed = [one for one, result in zip(golden, report.sets, strict=True) if result.verdict == "failed"]
    answered = [one for one, result in zip(golden, report.sets, strict=True) if not result.reason]
    if not failed or not answered:
        return ()
    return (*_first_wrong_step(runner, model, failed), f"it behaves like: {_named(runner, model, answered)}")


def _first_wrong_step(runner: Runner, model: Model, failed: Sequence[GoldenSet]) -> Iterator[str]:
    """Where the longest failed sequence goes wrong, each of its beginnings asked for on its own."""
    one = max(failed, key=lambda golden: golden.x.shape[1])
    every_step = replace(model, stages=tuple(stage for stage in model.stages if stage.steps != "reduce"))
    y = forward(every_step, one.x).y  # (batch, seq, output_size), what each beginning should be answered with
    for step in range(one.x.shape[1]):
        got = _asked(runner, one.x[:, : step + 1])
        got = got[:, -1] if model.returns_every_step and got.ndim == 3 else got
        got = got if got.shape == y[:, step].shape else np.full(y[:, step].shape, np.nan)
        error = in_units_of(np.abs(got - y[:, step]), one.scale)
        if not error.max() <= FACTOR * (one.noise_floor + EPS):
            yield f"first wrong at step {step + 1} of {one.x.shape[1]} (golden set {one.name})"
            return


def _asked(runner: Runner, x: Array) -> Array:
    """The runner's answer, or NaN where it refuses."""
    try:
        return runner(x)
    except LstmExportError:
        return np.full((1, 1, 1), np.nan)


def _named(runner: Runner, model: Model, golden: Sequence[GoldenSet]) -> str:
    # One step cannot tell many bugs apart, a few can, and short sequences are soon computed.
    chosen = sorted((one for one in golden if one.x.shape[1] > 1), key=lambda one: one.x.shape[1])
    names = (suspect.name for suspect in suspects(model) if _agrees(runner, suspect, chosen))
    return next(names, "unknown, none of the known bugs")


def _agrees(runner: Runner, suspect: Suspect, golden: Sequence[GoldenSet]) -> bool:
    """Whether the runner gives, on the original inputs, what the suspect's definition gives."""
    changed = [(one.x, suspect.change(one.x)) for one in golden]
    for x, as_read in changed:
        output = forward(suspect.model, as_read)
        if not in_units_of(np.abs(runner(x) - output.y), output_scale(output)).max() <= NEAR:
            return False
    answers = [replace(GoldenSet.of(suspect.name, suspect.model, as_read), x=x) for x, as_read in changed]
    return check(runner, answers, subject=suspect.name).ok


def suspects(model: Model) -> Iterator[Suspect]:
    """The catalogue for one model: bugs of the whole model first, then of single layers and stages."""
    yield from _input_bugs(model)
    yield from _scaler_bugs(model)
    heads = {stage.name for stage in model.stages if isinstance(stage, Linear)}
    recurrent = {lstm.name for lstm in model.recurrent}
    layers = [(lstm.name, f"_l{k}") for lstm in model.recurrent for k in range(lstm.num_layers)]
    for name, change in _weight_bugs():
        yield Suspect(f"{name} in every layer", _changed(model, change, recurrent))
    for lstm, layer in layers if len(layers) > 1 else ():
        for name, change in _weight_bugs():
            yield Suspect(f"{name} in {lstm}{layer}", _changed(model, change, {lstm}, layer))
    yield from _swapped_layers(model)
    for head in sorted(heads):
        yield Suspect(f"{head}.bias lost", _changed(model, _lost("bias"), {head}))
    for name, change in _ROUNDINGS.items():
        yield Suspect(f"{name} weights", _changed(model, change, recurrent | heads))


def _input_bugs(model: Model) -> Iterator[Suspect]:
    yield Suspect("the sequence read backwards", model, lambda x: x[:, ::-1])
    if model.signature.input_size > 1:
        yield Suspect("the features in reverse order", model, lambda x: x[:, :, ::-1])
    if not model.returns_every_step:
        yield Suspect("the first step instead of the last", model, lambda x: x[:, :1])
        yield Suspect("the step before the last instead of the last", model, lambda x: x[:, : max(x.shape[1] - 1, 1)])
        yield Suspect("the state of the last call kept", model, lambda x: np.concatenate([x, x], axis=1))


def _scaler_bugs(model: Model) -> Iterator[Suspect]:
    for index, stage in enumerate(model.stages):
        if isinstance(stage, Affine):
            before, after = model.stages[:index], model.stages[index + 1 :]
            twice = replace(stage, name=f"{stage.name} again")
            swapped = replace(stage, offset=stage.scale, scale=np.where(stage.offset, stage.offset, 1))
            yield Suspect(f"{stage.name} left out", replace(model, stages=(*before, *after)))
            yield Suspect(f"{stage.name} applied twice", replace(model, stages=(*before, stage, twice, *after)))
            yield Suspect(
                f"offset and scale of {stage.name} exchanged", replace(model, stages=(*before, swapped, *after))
            )


# A change of one array, given its name without the stage's prefix.
_Change = Callable[[str, Array], Array]


def _weight_bugs() -> Iterator[tuple[str, _Change]]:
    """Bugs of the recurrent weights that can strike every layer or one."""
    for order in itertools.permutations(PYTORCH_GATES):
        if order != PYTORCH_GATES:
            yield f"gates stacked as {', '.join(order)}", partial(_restacked, order)
    yield "bias_ih lost", _lost("bias_ih")
    yield "bias_hh lost", _lost("bias_hh")
    yield "bias_ih and bias_hh lost", _lost("bias")
    yield "weight_hh transposed", _transposed


def _restacked(order: tuple[str, ...], key: str, array: Array) -> Array:
    return reorder_gates(array, PYTORCH_GATES, order)


def _lost(part: str) -> _Change:
    return lambda key, array: array * 0 if key.startswith(part) else array


def _transposed(key: str, array: Array) -> Array:
    if not key.startswith("weight_hh"):
        return array
    return np.concatenate([gate.T for gate in np.split(array, len(PYTORCH_GATES))])


def _bfloat16(key: str, array: Array) -> Array:
    """Rounded to the nearest bfloat16, ties to even: the upper half of a float32."""
    bits = array.view(np.uint32)
    rounded: Array = ((bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)).view(np.float32)
    return rounded


_ROUNDINGS: dict[str, _Change] = {
    "float16": lambda key, array: np.clip(array, -65504, 65504).astype(np.float16).astype(np.float32),
    "bfloat16": _bfloat16,
    "4-decimal": lambda key, array: array.round(4),
}


def _changed(model: Model, change: _Change, stages: Container[str], suffix: str = "") -> Model:
    """The model with `change` applied to the arrays of some stages whose names end in `suffix`."""
    arrays = {}
    for name, array in model.arrays.items():
        stage, _, key = name.rpartition(".")
        arrays[name] = change(key, array) if stage in stages and key.endswith(suffix) else array
    return Model.from_record(model.chain_record(), arrays, model.signature)


def _swapped_layers(model: Model) -> Iterator[Suspect]:
    for lstm in model.recurrent:
        for k in range(lstm.num_layers - 1):
            one, two = f"_l{k}", f"_l{k + 1}"
            if lstm.weights[f"weight_ih{one}"].shape != lstm.weights[f"weight_ih{two}"].shape:
                continue
            others = {
                **{f"{key}{one}": f"{key}{two}" for key in _PARTS},
                **{f"{key}{two}": f"{key}{one}" for key in _PARTS},
            }
            weights = {key: lstm.weights[others.get(key, key)] for key in lstm.weights}
            stages = tuple(replace(lstm, weights=weights) if stage is lstm else stage for stage in model.stages)
            yield Suspect(f"{lstm.name}{one} and {lstm.name}{two} exchanged", replace(model, stages=stages))


_PARTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
