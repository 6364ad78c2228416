"""How many bits after the point the values between stages get, chosen on real inputs.

This is all that an integer model takes from data: with it, and the float model, every whole number
follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from ....errors import UnsupportedModel, quoted
from ....model import (
    GRU,
    LSTM,
    Add,
    Affine,
    Array,
    LastStep,
    Linear,
    Model,
    Pool,
    Signature,
    Subtract,
)
from ....model.forward import advance, begin
from ....model.wiring import INPUT
from .arithmetic import LARGEST, float64
from .rows import Storage

MARGIN = 1.25  # inputs to come may be larger than those seen by as much
FEWEST_BITS = -14
MOST_BITS = 30
DIGITS = (5, 2, 1)  # of the steps of readings that are looked for: 0.5, 0.2, 0.1, 0.05, ...
BESIDE = 2**-4  # of a step, that readings may lie beside it: float32 holds a tenth inexactly
MOST_VALUES = 20_000  # of a feature, that a format is chosen on


@dataclass(frozen=True)
class InputFormat:
    """What a count of an input means: `x = zero + step * count`, in the model's own units."""

    step: float
    zero: float = 0.0

    @property
    def is_usable(self) -> bool:
        """Whether counts of it are numbers that differ."""
        return bool(np.isfinite(self.step) and self.step != 0 and np.isfinite(self.zero))


def steps_and_zeros(inputs: Sequence[InputFormat]) -> tuple[Array, Array]:
    """Of every feature what a count is worth, and what count 0 stands for, float64 `(size,)`."""
    steps = np.array([entry.step for entry in inputs])
    zeros = np.array([entry.zero for entry in inputs])
    return steps, zeros


@dataclass(frozen=True)
class Formats:
    """The formats of an integer model.

    Attributes:
        weight_bits: 16 or 8.
        inputs: a format for each feature of x.
        input_bits: bits after the point of every feature where the first weights meet it.
        after: the same after a stage, by its name.
        given: places of the inputs that come as counts, from a sensor: the user told their format.
        up: by a matrix's name which weights are rounded upwards (see `rows.Storage`).
    """

    weight_bits: int
    inputs: tuple[InputFormat, ...]
    input_bits: tuple[int, ...]
    after: Mapping[str, tuple[int, ...]]
    given: tuple[int, ...] = ()
    up: Mapping[str, str] = field(default_factory=dict)

    @property
    def storage(self) -> Storage:
        """How weights are held."""
        return Storage(self.weight_bits, self.up)

    def to_record(self) -> dict[str, Any]:
        """JSON-ready; `from_record` is its inverse."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Formats:
        """Read what `to_record` wrote.

        Raises:
            ValueError, KeyError, TypeError: it is no such record.
        """
        after = {str(name): _whole(bits) for name, bits in record["after"].items()}
        inputs = tuple(InputFormat(**entry) for entry in record["inputs"])
        for entry in inputs:
            if not entry.is_usable:
                raise ValueError(f"an input has the format {entry}")
        given = tuple(record.get("given", ()))  # older records have none, nor `up`
        if any(type(place) is not int for place in given):
            raise TypeError(f"given are {given}")
        up = {str(name): str(bits) for name, bits in record.get("up", {}).items()}
        return cls(record["weight_bits"], inputs, _whole(record["input_bits"]), after, given, up)


def _whole(bits: Iterable[Any]) -> tuple[int, ...]:
    """Bits as they stand in a record."""
    told = tuple(bits)
    for entry in told:
        if type(entry) is not int or not FEWEST_BITS <= entry <= MOST_BITS:
            raise ValueError(f"bits are {told}")
    return told


def chosen(
    model: Model,
    inputs: Iterable[Array],
    weight_bits: int,
    given: Mapping[int, InputFormat] | None = None,
) -> Formats:
    """Formats for the least error on real inputs.

    Args:
        model: the chain.
        inputs: `(batch, seq, input_size)` each, in the model's own units.
        weight_bits: 16 or 8.
        given: formats of features that the user fixed, by place.

    Raises:
        UnsupportedModel: values are too large or too small for int16.
    """
    given = given or {}
    seen = _values(model, inputs)
    x = seen[""]  # (n, input_size)
    scaler = input_scaler(model)
    zero, scale = _origin(model, scaler, x)
    first = (x - zero) / scale  # in units of the scaler
    titles = input_titles(model.signature)
    input_bits = tuple(map(_bits, first.T, titles))
    after = {}
    for stage in model.stages:
        columns = seen[stage.name].T  # (width, n)
        after[stage.name] = tuple(_bits(column, stage.name) for column in columns)
    is_free = _meets_weights(model, scaler)
    formats = []
    for place, step in enumerate(scale * 2.0 ** -np.array(input_bits)):
        usual = InputFormat(float(step), float(zero[place]))
        formats.append(of_readings(x[:, place], usual) if is_free else usual)
    for place, fixed in given.items():
        formats[place] = fixed
    places = tuple(sorted(given))
    return Formats(weight_bits, tuple(formats), input_bits, after, places)


def fit(model: Model, formats: Formats) -> bool:
    """Whether formats, which come out of a file, are of this model's stages and widths."""
    size = model.signature.input_size
    stages = zip(model.stages, model.shapes, strict=True)
    widths = {stage.name: shape.width for stage, shape in stages}
    told = {name: len(bits) for name, bits in formats.after.items()}
    has_inputs = len(formats.inputs) == len(formats.input_bits) == size
    has_weights = formats.weight_bits in (8, 16)
    are_places = all(0 <= place < size for place in formats.given)
    return told == widths and has_inputs and has_weights and are_places


def input_scaler(model: Model) -> Affine | None:
    """The scaler that x meets first, with nothing before it that mixes or picks columns."""
    unscaled = {INPUT}
    for index, stage in enumerate(model.stages):
        if not unscaled.issuperset(model.sources[index]):
            continue
        if isinstance(stage, Affine) and not stage.inverse:
            return stage
        if isinstance(stage, Affine | LastStep | Pool | Add | Subtract):
            unscaled.add(index)
    return None


def _meets_weights(model: Model, scaler: Affine | None) -> bool:
    """Whether x, or what the scaler makes of it, goes to weights alone, which take in its unit."""
    place = INPUT if scaler is None else model.stages.index(scaler)
    return all(isinstance(stage, Linear | LSTM | GRU) for stage in model.readers_of(place))


def of_readings(values: Array, usual: InputFormat) -> InputFormat:
    """A unit that leaves all values `(n,)` exact, and reaches no less far than the usual one.

    Readings of a sensor are multiples of a step: 1, 2 or 5 times a power of ten is looked for. The
    usual unit where they are multiples of none.
    """
    least = abs(usual.step)
    step = _largest_unit(values, least)
    if not step:
        return usual
    while step / 2 >= least:
        step /= 2
    zero = step * float(np.rint(usual.zero / step))  # a multiple, too
    return InputFormat(float(np.copysign(step, usual.step)), zero)


def _largest_unit(values: Array, least: float) -> float:
    """The largest 1, 2 or 5 times a power of ten that all are multiples of; 0 for none."""
    coarsest = int(np.log10(least * LARGEST))
    finest = int(np.log10(least)) - 1
    for exponent in range(coarsest, finest - 1, -1):
        for digit in DIGITS:
            step = digit * 10.0**exponent
            if step >= least and _are_multiples(values, step):
                return step
    return 0.0


def _are_multiples(values: Array, step: float) -> bool:
    counts = values / step
    return bool(np.abs(counts - np.rint(counts)).max() < BESIDE)


def _origin(model: Model, scaler: Affine | None, x: Array) -> tuple[Array, Array]:
    """Of every feature the value of count 0, and the size in which a count is a power of two.

    `x` is `(n, input_size)`. Where the scaler meets x itself, its mean is count 0; where it meets
    differences of x, the middle of what was seen.
    """
    size = x.shape[1]
    if scaler is None:
        return np.zeros(size), np.ones(size)
    scale = float64(scaler.scale)
    if model.sources[model.stages.index(scaler)] == (INPUT,):
        return float64(scaler.offset), scale
    return (x.min(axis=0) + x.max(axis=0)) / 2, scale


def _values(model: Model, inputs: Iterable[Array]) -> dict[str, Array]:
    """The float64 values after every stage, `(n, width)`; the inputs themselves under ""."""
    names = ["", *(stage.name for stage in model.stages)]
    values: dict[str, list[Array]] = {name: [] for name in names}
    for x in inputs:
        partway = begin(x)
        values[""].append(_rows(partway.y))
        for stage in model.stages:
            partway = advance(partway, stage)
            values[stage.name].append(_rows(partway.y))
    return {name: _thinned(np.concatenate(parts)) for name, parts in values.items()}


def _rows(y: Array) -> Array:
    """`(n, width)`"""
    return y.reshape(-1, y.shape[-1])


def _thinned(values: Array) -> Array:
    """At most `MOST_VALUES` rows, and those with the extremes among them."""
    if len(values) <= MOST_VALUES:
        return values
    extremes = np.concatenate([values.argmin(axis=0), values.argmax(axis=0)])  # (2 * width,)
    every = -(-len(values) // MOST_VALUES)
    thinned: Array = np.concatenate([values[::every], values[extremes]])
    return thinned


def input_titles(signature: Signature) -> list[str]:
    """What inputs are called in a message: `input 'temp_c'`, or `input 0` without names."""
    names = [quoted(column.name) for column in signature.features]
    return [f"input {name}" for name in names or range(signature.input_size)]


def _bits(values: Array, name: str) -> int:
    """Bits after the point of int16 for the least squared error on `(n,)` values."""
    stretched = MARGIN * values
    largest = np.abs(stretched).max()
    if largest == 0:
        return 15
    if not np.isfinite(largest):
        raise UnsupportedModel(f"{name} is not finite on the inputs at hand; leave out such rows")
    whole = int(np.floor(np.log2(LARGEST / largest)))  # nothing is cut
    if not whole >= FEWEST_BITS:
        reached = f"{name} reaches {largest / MARGIN:.3g}, too much for int16"
        raise UnsupportedModel(f"{reached}; scale it, or leave out rows that are no readings")
    candidates = range(min(whole, MOST_BITS), min(whole + 3, MOST_BITS) + 1)
    return min(candidates, key=lambda bits: _squared_error(stretched, bits))


def _squared_error(values: Array, bits: int) -> float:
    counts = np.rint(values * 2.0**bits)
    held = np.clip(counts, -LARGEST, LARGEST) * 2.0**-bits
    return float(((held - values) ** 2).mean())
