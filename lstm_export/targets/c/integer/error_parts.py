"""Where the error of whole numbers comes from: each source alone, in a float64 run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ....model import LSTM, Array, Model, forward
from ....model.forward import CORRECT, Choices, Noise
from .arithmetic import (
    CELL_BITS,
    GATE_BITS,
    HALF_STEP,
    SUM_BITS,
    TABLE_BITS,
    VALUE_BITS,
    nearest,
    tanh_fine,
)
from .arithmetic import sigmoid as whole_sigmoid
from .cells import LSTMCell
from .whole_model import WholeModel

LARGEST_SUM = 2.0**30  # that a table is asked for: far beyond where it ends


@dataclass(frozen=True)
class Part:
    """A source of error alone.

    Attributes:
        name: such as `inputs`, or `weights` of a layer.
        layer: such as `l0`, or `encoder.l0` in a model of several recurrent stages; empty where all
            layers are meant.
        share: root of the mean square, each answer in units of its own spread.
    """

    name: str
    layer: str
    share: float

    def sentence(self) -> str:
        """For people, such as `weights l0 0.3 %`."""
        title = f"{self.name} {self.layer}".strip()
        return f"{title} {100 * self.share:.2g} %"


def parts_of(model: Model, whole: WholeModel, x: Array) -> Iterator[Part]:
    """The sources alone, on `x (batch, seq, input_size)`.

    What no source alone shows, sums and the stages behind, is what is left between a float64 run
    with all of them and the whole numbers.
    """
    exact = forward(model, x).y
    spread = spread_of(exact)
    spread[spread == 0] = 1.0
    counted = whole.meant(whole.counts(x))
    weights = dict(_weights(model, whole))

    def share(y: Array, other: Array = exact) -> float:
        error = (y - other) / spread
        return float(np.sqrt((error**2).mean()))

    def alone(noise: Noise, choices: Choices = CORRECT) -> float:
        return share(forward(model, x, noise, choices=choices).y)

    yield Part("inputs", "", share(forward(model, counted).y))
    for layer, of_layer in _by_layer(model, weights).items():
        yield Part("weights", layer, alone(Rounded(of_layer)))
    h_bits = _state_bits(whole)
    yield Part("h", "", alone(Rounded(h_bits=h_bits)))
    if any(isinstance(stage, LSTM) for stage in model.recurrent):
        yield Part("c", "", alone(Rounded(c_bits=CELL_BITS)))
    yield Part("sigmoid", "", alone(Noise(), Choices(sigmoid=_sigmoid)))
    yield Part("tanh", "", alone(Noise(), Choices(tanh=_tanh)))
    all_of_them = Rounded(weights, h_bits, CELL_BITS)
    together = forward(model, counted, all_of_them, choices=Choices(sigmoid=_sigmoid, tanh=_tanh))
    yield Part("sums and other stages", "", share(whole(x), together.y))


def spread_of(exact: Array) -> Array:
    """`(..., output_size)` -> `(output_size,)`: the standard deviation of each answer.

    0 where an answer is constant but for float64's own rounding.
    """
    rows = exact.reshape(-1, exact.shape[-1])
    spread: Array = rows.std(axis=0)
    spread[spread < 1e-12 * np.abs(rows).max(axis=0)] = 0.0
    return spread


def _state_bits(whole: WholeModel) -> int:
    """Bits after the point of h: of several layers the fewest."""
    bits = (bits for stage in whole.recurrent for bits in stage.state_bits)
    return min(bits, default=VALUE_BITS)


class Rounded(Noise):
    """A float64 run whose recurrent weights, h and c are rounded as in whole numbers.

    Args:
        weights: rounded ones by name; all others stay.
        h_bits, c_bits: bits after the point; None where h or c stays as it is.
    """

    def __init__(
        self,
        weights: Mapping[str, Array] | None = None,
        h_bits: int | None = None,
        c_bits: int | None = None,
    ) -> None:
        self._weights = weights or {}
        self._h_bits = h_bits
        self._c_bits = c_bits

    def weight(self, name: str, weight: Array) -> Array:
        return self._weights.get(name, weight.astype(np.float64))

    def hidden(self, h_t: Array) -> Array:
        if self._h_bits is None:
            return h_t
        scale = 2.0**self._h_bits
        rounded: Array = np.rint(h_t * scale) / scale
        return rounded

    def cell(self, c_t: Array) -> Array:
        """Rounded downwards, as a gate's product is."""
        if self._c_bits is None:
            return c_t
        scale = 2.0**self._c_bits
        rounded: Array = np.floor(c_t * scale) / scale
        return rounded


def _weights(model: Model, whole: WholeModel) -> Iterator[tuple[str, Array]]:
    """What whole recurrent weights stand for, under the float model's names."""
    for stage, rounded in zip(model.recurrent, whole.recurrent, strict=True):
        cells = [cell for layer in rounded.layers for cell in layer]
        for suffix, cell in zip(stage.suffixes, cells, strict=True):
            factor = rounded.factor if suffix.startswith("_l0") else 1.0
            yield f"{stage.name}.weight_ih{suffix}", cell.rows_ih.values / factor
            yield f"{stage.name}.weight_hh{suffix}", cell.rows_hh.values
            if isinstance(cell, LSTMCell) and cell.projection:
                yield f"{stage.name}.weight_hr{suffix}", cell.projection.rows.values


def _by_layer(model: Model, weights: Mapping[str, Array]) -> dict[str, dict[str, Array]]:
    """The weights of every layer."""
    by_layer: dict[str, dict[str, Array]] = {}
    for name, weight in weights.items():
        layer = _layer_of(model, name)
        by_layer.setdefault(layer, {})[name] = weight
    return by_layer


def _layer_of(model: Model, name: str) -> str:
    """Such as `l0` of `lstm.weight_ih_l0_reverse`, or `lstm.l0` beside other recurrent stages."""
    stage, _, weight = name.rpartition(".")
    layer = weight.split("_")[2]
    return f"{stage}.{layer}" if len(model.recurrent) > 1 else layer


def _sigmoid(sums: Array) -> Array:
    """A sigmoid as the table gives it."""
    values: Array = whole_sigmoid(_counts(sums)) * 2.0**-GATE_BITS
    return values


def _tanh(sums: Array) -> Array:
    """A tanh as the table gives it, as fine as it is multiplied with a gate."""
    values: Array = (tanh_fine(_counts(sums)) - HALF_STEP) * 2.0**-TABLE_BITS
    return values


def _counts(sums: Array) -> Array:
    """The sum of a gate as int32."""
    counts = sums * 2.0**SUM_BITS
    return nearest(np.clip(counts, -LARGEST_SUM, LARGEST_SUM))
