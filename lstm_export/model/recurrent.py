"""The recurrent stages, LSTM, GRU and RNN, with their weights under torch.nn's names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..errors import UnsupportedModel
from .arrays import Array, frozen
from .gates import PYTORCH_GATES, PYTORCH_GRU_GATES, RNN_GATES
from .stage import Memory, Stage, Steps

_AFTER_LAYERS = 2**31  # no layer has so high a number
_KEY = re.compile(r"(?P<kind>.+)_l(?P<layer>\d{1,9})(?P<reverse>_reverse)?")
_KINDS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr", "h0", "c0")


def _place(key: str) -> tuple[int, str, int, str]:
    """The sort key of an array in its stage: by layer, direction and kind, as in torch."""
    match = _KEY.fullmatch(key)
    kind = match["kind"] if match else key
    rank = _KINDS.index(kind) if kind in _KINDS else len(_KINDS)
    if match is None:
        return _AFTER_LAYERS, "", rank, key
    return int(match["layer"]), match["reverse"] or "", rank, key


@dataclass(frozen=True, eq=False)
class Cell:
    """One layer in one direction. Rows of the weights are stacked gate by gate.

    Attributes:
        suffix: how its arrays' names end, `_l0` or `_l0_reverse`.
        weight_ih: `(gates * hidden_size, input width)`.
        weight_hh: `(gates * hidden_size, proj_size or hidden_size)`.
        bias_ih, bias_hh: `(gates * hidden_size,)`, zeros where bias=False.
        weight_hr: `(proj_size, hidden_size)`, or None.
        h0: `(proj_size or hidden_size,)`, the initial state, zeros unless learned.
        c0: `(hidden_size,)`, the same for the cell; used by an LSTM only.
    """

    suffix: str
    weight_ih: Array
    weight_hh: Array
    bias_ih: Array
    bias_hh: Array
    weight_hr: Array | None
    h0: Array
    c0: Array

    @property
    def is_reverse(self) -> bool:
        """Whether it reads the sequence from its end."""
        return self.suffix.endswith("_reverse")


@dataclass(frozen=True, eq=False)
class Recurrent(Stage):
    """The base of LSTM, GRU and RNN.

    Every step is returned, `(batch, seq, directions * (proj_size or hidden_size))`.

    Attributes:
        weights: by layer k, and once more ending in `_reverse` where it is bidirectional:
            `weight_ih_l{k}`, `weight_hh_l{k}`, unless bias=False `bias_ih_l{k}` and `bias_hh_l{k}`,
            with projections `weight_hr_l{k}`; for learned initial states `h0` and, of an LSTM, `c0`
            `(num_layers * directions, size)`, each zero where it is absent.
    """

    weights: Mapping[str, Array]

    steps: ClassVar[Steps] = "along"
    gates: ClassVar[tuple[str, ...]] = ()
    states: ClassVar[tuple[str, ...]] = ()  # what is carried from step to step

    def __post_init__(self) -> None:
        # In torch's order, whatever the file's: noise is drawn and bundles are written in it.
        keys = sorted(self.weights, key=_place)
        weights = {key: frozen(self.weights[key]) for key in keys}
        object.__setattr__(self, "weights", weights)

    @property
    def arrays(self) -> dict[str, Array]:
        return dict(self.weights)

    @classmethod
    def build(cls, name: str, arrays: Mapping[str, Array], options: Mapping[str, Any]) -> Stage:
        return cls(name, arrays, **options)

    @property
    def bidirectional(self) -> bool:
        """Whether every layer reads the sequence from both ends."""
        return "weight_hh_l0_reverse" in self.weights

    @property
    def directions(self) -> int:
        """1, or 2 where it is bidirectional."""
        return 2 if self.bidirectional else 1

    @property
    def suffixes(self) -> tuple[str, ...]:
        """`_l0`, `_l0_reverse`, `_l1`, ...: the cells in the order of torch's h_n."""
        suffixes = []
        for k in range(self.num_layers):
            suffixes.append(f"_l{k}")
            if self.bidirectional:
                suffixes.append(f"_l{k}_reverse")
        return tuple(suffixes)

    @property
    def num_layers(self) -> int:
        """Stacked layers."""
        keys = [key for key in self.weights if key.startswith("weight_hh_l")]
        return sum(not key.endswith("_reverse") for key in keys)

    @property
    def hidden_size(self) -> int:
        """Width of the gates, and of c."""
        return int(self.weights["weight_hh_l0"].shape[0]) // len(self.gates)

    @property
    def proj_size(self) -> int:
        """Width that h is projected to; 0 for none."""
        if "weight_hr_l0" not in self.weights:
            return 0
        return int(self.weights["weight_hh_l0"].shape[-1])

    @property
    def state_size(self) -> int:
        """Width of h: proj_size, or hidden_size."""
        return self.proj_size or self.hidden_size

    @property
    def input_size(self) -> int:
        """Width of the input of layer 0."""
        return int(self.weights["weight_ih_l0"].shape[-1])

    @property
    def bias(self) -> bool:
        """Whether the layers have biases."""
        return "bias_ih_l0" in self.weights

    @property
    def has_initial_state(self) -> bool:
        """Whether an initial state was learned."""
        return any(f"{state}0" in self.weights for state in self.states)

    def width_of(self, state: str) -> int:
        """Width of the state `h` or `c`."""
        return self.state_size if state == "h" else self.hidden_size

    def memory(self, input_size: int) -> tuple[Memory, ...]:
        rows = len(self.suffixes)
        return tuple(
            Memory(state, rows, self.width_of(state), self.weights.get(f"{state}0"))
            for state in self.states
        )

    def initial(self, state: str) -> Array:
        """The learned initial state `h` or `c` `(num_layers * directions, size)`, else zeros."""
        zeros = np.zeros((len(self.suffixes), self.width_of(state)), np.float32)
        return self.weights.get(f"{state}0", zeros)

    def cells(self) -> list[Cell]:
        """Every layer in every direction, in the order of torch's h_n."""
        return [self._cell(index, suffix) for index, suffix in enumerate(self.suffixes)]

    def layers(self) -> Iterator[tuple[Cell, ...]]:
        """Layer by layer its one or two cells."""
        cells = self.cells()  # those of a layer are neighbours
        for first in range(0, len(cells), self.directions):
            yield tuple(cells[first : first + self.directions])

    def _cell(self, index: int, suffix: str) -> Cell:
        zeros = np.zeros(len(self.gates) * self.hidden_size, np.float32)
        return Cell(
            suffix,
            weight_ih=self.weights[f"weight_ih{suffix}"],
            weight_hh=self.weights[f"weight_hh{suffix}"],
            bias_ih=self.weights.get(f"bias_ih{suffix}", zeros),
            bias_hh=self.weights.get(f"bias_hh{suffix}", zeros),
            weight_hr=self.weights.get(f"weight_hr{suffix}"),
            h0=self.initial("h")[index],
            c0=self.initial("c")[index],
        )

    def output_size(self, input_size: int) -> int:
        self._expect_keys()
        self._expect_square()
        output_size = self.directions * self.state_size
        for suffix in self.suffixes:
            is_first = suffix in ("_l0", "_l0_reverse")
            # a later layer reads both directions of the one before
            self._expect_cell(suffix, input_size if is_first else output_size)
        cells = len(self.suffixes)
        for state in self.states:
            if f"{state}0" in self.weights:
                shape = (cells, self.width_of(state))
                self._expect(f"{state}0", shape, f"{cells} layers and directions")
        return output_size

    def _expect_keys(self) -> None:
        kinds = ["weight_ih", "weight_hh"]
        if self.bias:
            kinds += ["bias_ih", "bias_hh"]
        if "weight_hr_l0" in self.weights and "c" in self.states:  # a GRU has no projections
            kinds += ["weight_hr"]
        suffixes = self.suffixes or ("_l0",)
        expected = {f"{kind}{suffix}" for kind in kinds for suffix in suffixes}
        initial_states = {f"{state}0" for state in self.states}
        keys = set(self.weights) - initial_states
        if keys != expected:
            missing = sorted(expected - keys) or "nothing"
            unknown = sorted(keys - expected) or "nothing"
            got = f"{self.name} is no plain {self.kind}"
            raise UnsupportedModel(f"{got}: missing {missing}, unknown {unknown}")

    def _expect_square(self) -> None:
        """weight_hh_l0 tells hidden_size and proj_size, by which the others are judged."""
        shape = self.weights["weight_hh_l0"].shape
        gates = len(self.gates)
        if len(shape) == 2:
            rows, width = shape
            hidden_size = rows // gates
            if rows and rows % gates == 0 and 0 < width <= hidden_size:
                return  # a narrower width is proj_size
        expected = f"({gates} * hidden_size, hidden_size)"
        raise UnsupportedModel(f"{self.name}.weight_hh_l0 is {shape}, expected {expected}")

    def _expect_cell(self, suffix: str, input_size: int) -> None:
        rows = len(self.gates) * self.hidden_size
        width = self.state_size
        by_hidden_size = f"hidden_size={self.hidden_size}"
        self._expect(f"weight_ih{suffix}", (rows, input_size), f"an input of width {input_size}")
        self._expect(f"weight_hh{suffix}", (rows, width), by_hidden_size)
        if self.bias:
            self._expect(f"bias_ih{suffix}", (rows,), by_hidden_size)
            self._expect(f"bias_hh{suffix}", (rows,), by_hidden_size)
        if self.proj_size:
            self._expect(f"weight_hr{suffix}", (width, self.hidden_size), f"proj_size={width}")

    def where(self, key: str, changed: Array) -> str:
        if not key.startswith(("weight_ih", "weight_hh", "bias")):
            return ""  # states and projections belong to no gate
        rows_by_gate = np.split(changed, len(self.gates))  # (hidden_size, ...) each
        blocks = zip(self.gates, rows_by_gate, strict=True)
        gates = [gate for gate, block in blocks if block.any()]
        if len(gates) == len(self.gates):  # a place that is everywhere tells nothing
            return ""
        plural = "s" if len(gates) > 1 else ""
        return f", in the {' and '.join(gates)} gate{plural}"

    def sizes(self, before: int, after: int) -> str:
        return f"({', '.join(self._arguments(before))})"

    def _arguments(self, input_size: int) -> list[str]:
        """The sizes, and every argument that differs from torch.nn's default."""
        facts = [str(input_size), str(self.hidden_size), f"num_layers={self.num_layers}"]
        if not self.bias:
            facts.append("bias=False")
        if self.bidirectional:
            facts.append("bidirectional")
        if self.proj_size:
            facts.append(f"proj_size={self.proj_size}")
        if self.has_initial_state:
            facts.append("learned initial state")
        return facts


@dataclass(frozen=True, eq=False)
class LSTM(Recurrent):
    """torch.nn.LSTM, its gates stacked in `PYTORCH_GATES` order.

    A zero initial state, unless `h0`, `c0` are there.
    """

    kind: ClassVar[str] = "LSTM"
    gates: ClassVar[tuple[str, ...]] = PYTORCH_GATES
    states: ClassVar[tuple[str, ...]] = ("h", "c")


@dataclass(frozen=True, eq=False)
class GRU(Recurrent):
    """torch.nn.GRU, its gates stacked in `PYTORCH_GRU_GATES` order.

    The reset gate acts after the recurrent product.
    """

    kind: ClassVar[str] = "GRU"
    gates: ClassVar[tuple[str, ...]] = PYTORCH_GRU_GATES
    states: ClassVar[tuple[str, ...]] = ("h",)


NONLINEARITIES = ("tanh", "relu")


@dataclass(frozen=True, eq=False)
class RNN(Recurrent):
    """torch.nn.RNN: `h_t = tanh(W_ih x_t + b_ih + W_hh h + b_hh)`, or relu of it.

    Attributes:
        nonlinearity: `tanh` or `relu`.
    """

    nonlinearity: str = "tanh"

    kind: ClassVar[str] = "RNN"
    gates: ClassVar[tuple[str, ...]] = RNN_GATES
    states: ClassVar[tuple[str, ...]] = ("h",)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nonlinearity not in NONLINEARITIES:
            known = ", ".join(NONLINEARITIES)
            got = f"{self.name} has the nonlinearity {self.nonlinearity!r}"
            raise UnsupportedModel(f"{got}; known are {known}")

    @property
    def options(self) -> dict[str, Any]:
        return {"nonlinearity": self.nonlinearity}

    def _arguments(self, input_size: int) -> list[str]:
        return [*super()._arguments(input_size), self.nonlinearity]
