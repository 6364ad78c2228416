"""Where a runner first goes wrong: at which step of a sequence, after which recurrent layer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from ..model import Array, Model, Recurrent, Runner, forward
from ..model.partial import ending, every_step
from .diagnosis import AFTER_THE_LAYERS
from .golden_set import GoldenSet
from .parity_report import ParityReport
from .rule import answer_to, bound, fails, largest

# So many beginnings are asked for first; then, one by one, those between the last good and the
# first bad one.
BEGINNINGS = 24


def first_wrong_step(runner: Runner, model: Model, golden: GoldenSet) -> int | None:
    """The first step, from 1, at which the runner is beyond the bound of a set without lengths.

    Each beginning of the sequence is asked for on its own.
    """
    count = min(golden.seq, BEGINNINGS)
    least = model.least_steps
    spread = np.linspace(least, golden.seq, count)
    coarse = sorted({int(step) for step in spread})  # a set: rounding may give a step twice
    wrong = _first_wrong_of(coarse, runner, model, golden)
    if wrong is None:
        return None
    # the error need not grow with every step, so the steps between are asked in order, not halved
    right = max((step for step in coarse if step < wrong), default=least - 1)
    return _first_wrong_of(range(right + 1, wrong + 1), runner, model, golden)


def _first_wrong_of(
    steps: Sequence[int], runner: Runner, model: Model, golden: GoldenSet
) -> int | None:
    """The first of these steps whose error is beyond the bound; NaN is."""
    allowed = bound(golden)
    for step, got, expected in _pairs(steps, runner, model, golden):
        if not largest(got, expected, golden.scale).error <= allowed:
            return step
    return None


def _pairs(
    steps: Sequence[int], runner: Runner, model: Model, golden: GoldenSet
) -> Iterator[tuple[int, Array, Array]]:
    """At each step what the runner gives and what it should give, `(batch, output_size)`."""
    if model.returns_every_step:
        every = answer_to(runner, golden.x, None, golden.y.shape).y  # (batch, seq, output_size)
        for step in steps:  # counted from 1
            yield step, every[:, step - 1], golden.y[:, step - 1]
        return
    answers = _beginnings(model, golden.x, steps)
    for step, expected in zip(steps, answers, strict=True):
        beginning = golden.x[:, :step]
        y = answer_to(runner, beginning, None, expected.shape).y
        yield step, y, expected


def _beginnings(model: Model, x: Array, steps: Sequence[int]) -> list[Array]:
    """The right answer to each beginning of `x`.

    One run gives them all, unless a direction starts at the end.
    """
    answering = every_step(model)
    if answering is None or any(stage.bidirectional for stage in model.recurrent):
        return [forward(model, x[:, :step]).y for step in steps]
    every = forward(answering, x).y  # (batch, seq, output_size)
    return [every[:, step - 1] for step in steps]


def first_wrong_layer(
    probes: Iterable[Runner], model: Model, golden: Sequence[GoldenSet], report: ParityReport
) -> str:
    """Each recurrent layer's output against the chain that ends there.

    Args:
        probes: the artifact again, but giving the output of its first recurrent layer, its second,
            and so on, `(batch, seq, directions * size)`; none where it cannot be opened up.
        model: what it should compute, as its format holds it.
        golden: the sets that were judged.
        report: what was found.

    Returns:
        The name of the layer, `AFTER_THE_LAYERS`, or nothing where there is nothing to tell.
    """
    failed = report.failed_of(golden)
    probes = list(probes)
    if not failed or not probes:
        return ""
    # every probe runs the file once more: the cheapest set that shows the failure is enough
    shortest = min(failed, key=lambda entry: (entry.lengths is not None, entry.seq))
    for probe, (layer, beginning) in zip(probes, _endings(model), strict=False):
        if fails(probe, GoldenSet.of(layer, beginning, shortest.x, shortest.lengths)):
            return layer
    return AFTER_THE_LAYERS


def _endings(model: Model) -> Iterator[tuple[str, Model]]:
    """The chain cut off after every recurrent layer."""
    for index, stage in enumerate(model.stages):
        if not isinstance(stage, Recurrent):
            continue
        for k in range(stage.num_layers):
            yield f"{stage.name}_l{k}", ending(model, index, _up_to_layer(stage, k))


def _up_to_layer(stage: Recurrent, k: int) -> Recurrent:
    """The stage with its layers 0 to k."""
    weights = {}
    for key, array in stage.weights.items():
        if key in ("h0", "c0"):
            weights[key] = array[: (k + 1) * stage.directions]  # rows lie layer by layer
        elif int(key.removesuffix("_reverse").rpartition("_l")[2]) <= k:
            weights[key] = array
    return replace(stage, weights=weights)
