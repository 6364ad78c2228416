"""What is trained, and the model that is put together around it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..model import (
    LSTM,
    Add,
    Affine,
    Array,
    Concat,
    LastStep,
    Linear,
    Model,
    Signature,
    Slice,
    Stage,
    Subtract,
)
from ..model.stage import X
from . import scratch
from .history import Trained
from .options import TrainingOptions
from .samples import Samples
from .scaling import fit_scaler
from .shortcut import RIDGE, Shortcut, fit_shortcut
from .tensors import Windows

INPUT_SCALER = "input_scaler"
OUTPUT_SCALER = "output_scaler"


@dataclass(frozen=True, eq=False)
class Assembly:
    """An LSTM and a Linear between scalers, fitted on the training part.

    Where the change is predicted, the window's last values of the targets are taken off the inputs,
    so that a drifting level does not reach the LSTM, and added to the answers. Where a correction
    is predicted, the answers of a ridge regression are added.

    Attributes:
        inputs: the scaler of x `(input_size,)`; of what is left of it, where the change is
            predicted.
        outputs: the scaler of the answers `(answers,)`, or of what is left of them.
        last: for each answer the column of x whose last value is added; None for no change.
        shortcut: the regression; None for no correction.
    """

    inputs: Affine
    outputs: Affine
    last: tuple[int, ...] | None = None
    shortcut: Shortcut | None = None

    @property
    def has_base(self) -> bool:
        """Whether the answers of the network are added to anything."""
        return self.last is not None or self.shortcut is not None

    def base(self, samples: Samples, starts: Array) -> Array:
        """What they are added to, float64 `(windows, answers)`."""
        if self.shortcut is not None:
            return self.shortcut.answers(samples, starts)
        return last_values(samples, starts, self.last or ())

    def windows(self, samples: Samples) -> Iterator[tuple[str, Windows]]:
        """The parts that are learned from, as the LSTM sees them: scaled, float32."""
        x = self._scaled(samples)
        for part in ("train", "validation"):
            starts = samples.parts[part]
            if len(starts):
                y = self._wanted(samples, starts)
                lengths = None if samples.shorter is None else samples.lengths(starts)
                columns = tuple(sorted(set(self.last or ())))
                yield part, Windows(x, y, starts, samples.window, lengths, columns)

    def _scaled(self, samples: Samples) -> Array:
        """Every row of x, float32 `(rows, input_size)`."""
        origin = self._origin(samples)
        scaled = scratch.empty(samples.x.shape, np.float32)
        for block in scratch.blocks(*samples.x.shape):
            scaled[block] = (samples.x[block] - origin) / self.inputs.scale
        return scaled

    def _origin(self, samples: Samples) -> Array:
        """What is taken off x before it is scaled; of the columns whose last value goes anyway
        their mean in training, which keeps the digits of what is left."""
        origin: Array = self.inputs.offset.copy()
        for column in set(self.last or ()):
            origin[column] = _mean(samples, column)
        return origin

    def _wanted(self, samples: Samples, starts: Array) -> Array:
        """The scaled answers, float32 `(windows, answers)`."""
        answers = len(self.outputs.offset)
        wanted = scratch.empty((len(starts), answers), np.float32)
        for block in scratch.blocks(len(starts), answers):
            left = samples.targets(starts[block])
            if self.has_base:
                left = left - self.base(samples, starts[block])
            wanted[block] = (left - self.outputs.offset) / self.outputs.scale
        return wanted

    def model(self, trained: Sequence[Trained], signature: Signature) -> Model:
        """The trained stages with all that belongs around them; of several the mean answer."""
        times = 1 + len(signature.quantiles)
        outputs = repeated(self.outputs, times)
        core = (self.inputs, *network_of(trained), outputs)
        stages: tuple[Stage, ...] = core
        if self.last is not None:
            last_values = Slice("last_values", self.last * times, inputs=("last_x",))
            added = Add("answers", inputs=(OUTPUT_SCALER, "last_values"))
            stages = (*self._before(signature.input_size), *core, last_values, added)
        if self.shortcut is not None:
            added = Add("answers", inputs=(OUTPUT_SCALER, RIDGE))
            stages = (*core, *self.shortcut.stages(times), added)
        return Model(stages, signature, origin="stored")

    def _before(self, input_size: int) -> tuple[Stage, ...]:
        """The inputs less the last values of the targets; all other columns as they are."""
        is_target = np.zeros(input_size, np.float32)  # as a scale: it keeps targets, clears others
        is_target[list(self.last or ())] = 1
        zeros = np.zeros(input_size, np.float32)
        return (
            LastStep("last_x", inputs=(X,)),
            Affine("level", zeros, is_target, inverse=True),
            Subtract("less_level", inputs=(X, "level")),
        )


def network_of(trained: Sequence[Trained]) -> Iterator[Stage]:
    """LSTM, last step and Linear; several LSTMs side by side have one Linear, which averages."""
    if len(trained) == 1:
        (alone,) = trained
        yield LSTM("lstm", alone.lstm)
        yield LastStep("last")
        yield Linear("fc", alone.fc["weight"], alone.fc["bias"])
        return
    for number, member in enumerate(trained, start=1):
        yield LSTM(f"lstm{number}", member.lstm, inputs=(INPUT_SCALER,))
        yield LastStep(f"last{number}")
    last_steps = tuple(f"last{number}" for number in range(1, len(trained) + 1))
    yield Concat("members", inputs=last_steps)
    weights = [member.fc["weight"] for member in trained]  # (output_size, hidden_size) each
    biases = [member.fc["bias"] for member in trained]
    count = np.float32(len(trained))
    # the mean of their answers is one product
    weight = np.hstack(weights) / count  # (output_size, members * hidden_size)
    bias = np.sum(biases, axis=0) / count
    yield Linear("fc", weight, bias)


def assembly_of(samples: Samples, signature: Signature, options: TrainingOptions) -> Assembly:
    """The scalers and the regression, fitted on the training part."""
    inputs = input_scaler(samples, options)
    if options.predict == "change":
        return _of_change(samples, signature, options, inputs)
    if options.predict == "correction":
        return _of_correction(samples, options, inputs)
    steps = max(options.horizon, 1)
    targets = samples.targets_of("train")
    y = (np.repeat(rows, steps, axis=1) for rows in targets)  # (rows, answers)
    outputs = Affine(OUTPUT_SCALER, *fit_scaler(y, options.scaler), inverse=True)
    return Assembly(inputs, outputs)


def input_scaler(samples: Samples, options: TrainingOptions) -> Affine:
    """The scaler of x, fitted on the training part."""
    return Affine(INPUT_SCALER, *fit_scaler(samples.inputs_of("train"), options.scaler))


def _of_change(
    samples: Samples, signature: Signature, options: TrainingOptions, inputs: Affine
) -> Assembly:
    names = [column.name for column in signature.features]
    columns = [names.index(target) for target in options.targets]
    # for each answer, target by target, the column of x that it is added to
    last = tuple(np.repeat(columns, options.horizon).tolist())
    offset = inputs.offset.copy()
    scale = inputs.scale.copy()
    for column in columns:
        offset[column] = 0  # the window's own last value is taken off instead
        scale[column] = _spread_within(samples, "train", column)
    change = (
        samples.targets(starts) - last_values(samples, starts, last)
        for starts in samples.starts_of("train")
    )
    outputs = Affine(OUTPUT_SCALER, *fit_scaler(change, options.scaler), inverse=True)
    return Assembly(Affine(INPUT_SCALER, offset, scale), outputs, last)


def _of_correction(samples: Samples, options: TrainingOptions, inputs: Affine) -> Assembly:
    shortcut = fit_shortcut(samples, inputs)
    left = (
        samples.targets(starts) - shortcut.answers(samples, starts)
        for starts in samples.starts_of("train")
    )
    outputs = Affine(OUTPUT_SCALER, *fit_scaler(left, options.scaler), inverse=True)
    return Assembly(inputs, outputs, shortcut=shortcut)


def _mean(samples: Samples, column: int) -> float:
    """Of a column of x in training."""
    means = []
    counts = []
    for rows in samples.rows("train"):
        means.append(float(samples.x[rows, column].mean()))
        counts.append(len(rows))
    return float(np.average(means, weights=counts))


def _spread_within(samples: Samples, part: str, column: int) -> float:
    """Root mean square of a column less its window's last value, over all windows; 1 for 0."""
    total = 0.0
    rows = 0
    for starts in samples.starts_of(part):
        last = last_values(samples, starts, (column,))[:, 0]
        lengths = samples.lengths(starts)
        rows += int(lengths.sum())
        for step in range(samples.window):  # step by step: no copy of every window is held
            is_in = lengths > step  # (windows,)
            values = samples.x[starts[is_in] + step, column].astype(np.float64)
            total += float(np.square(values - last[is_in]).sum())
    return float(np.sqrt(total / rows)) or 1.0


def last_values(samples: Samples, starts: Array, columns: tuple[int, ...]) -> Array:
    """Columns of x in the last row of windows, float64 `(windows, columns)`."""
    rows = starts + samples.lengths(starts) - 1
    values: Array = samples.x[rows][:, list(columns)].astype(np.float64)
    return values


def repeated(scaler: Affine, times: int) -> Affine:
    """The scaler of answers for their quantiles, too."""
    offset = np.tile(scaler.offset, times)
    scale = np.tile(scaler.scale, times)
    return replace(scaler, offset=offset, scale=scale)
