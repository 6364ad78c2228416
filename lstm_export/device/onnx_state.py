"""The tensors of the state that an ONNX file carries, as its metadata tells them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import UnsupportedModel
from ..model import Array, StateTensor
from ..model.arrays import frozen
from .onnx_metadata import FINAL
from .onnx_schema import FLOAT
from .protobuf import AGAIN

MAX_TENSORS = 64
MAX_SIZE = 2**24


@dataclass(frozen=True, eq=False)
class CarriedTensor:
    """A tensor of the state.

    Attributes:
        tensor: name, layers and size.
        initial: the learned values before the first step, `(num_layers, size)`; None for zeros.
    """

    tensor: StateTensor
    initial: Array | None

    def layer(self, k: int) -> str:
        """The graph's name for the part of layer k."""
        return f"{self.tensor.name}/l{k}" if self.tensor.num_layers > 1 else self.tensor.name

    def final(self, joined: str) -> str:
        """The name of a layer's final state: the graph's own output where it has a single layer.

        Else `joined`, which is put together with the others later.
        """
        return joined if self.tensor.num_layers > 1 else self.tensor.name + FINAL

    def declared(self, suffix: str) -> tuple[str, int, list[str | int]]:
        """Name, element type and axes as an input of the graph, or with a suffix as an output."""
        axes: list[str | int] = [self.tensor.num_layers, "batch", self.tensor.size]
        return self.tensor.name + suffix, FLOAT, axes

    def rows(self, batch: int) -> Array:
        """The state before the first step, `(num_layers, batch, size)`."""
        initial = self.initial
        if initial is None:
            initial = np.zeros((self.tensor.num_layers, self.tensor.size), np.float32)
        return np.repeat(initial[:, np.newaxis], batch, axis=1)  # the same start for every row


def carried_tensors(text: str) -> tuple[CarriedTensor, ...]:
    """Read the metadata of the state.

    Raises:
        UnsupportedModel: it is damaged.
    """
    try:
        entries = json.loads(text)
        if not isinstance(entries, list) or not 0 < len(entries) <= MAX_TENSORS:
            raise ValueError(f"expected a list of 1 to {MAX_TENSORS} tensors")
        return tuple(_carried(**entry) for entry in entries)
    except (ValueError, TypeError, RecursionError) as error:
        raise UnsupportedModel(
            f"what the ONNX file says of its state is damaged: {error}; {AGAIN}"
        ) from error


def _carried(name: str, num_layers: int, size: int, initial: Any) -> CarriedTensor:
    if not isinstance(name, str) or not _is_size(num_layers) or not _is_size(size):
        raise ValueError(f"no tensor is {name!r} of {num_layers!r} layers and size {size!r}")
    tensor = StateTensor(name, num_layers, size)
    if initial is None:
        return CarriedTensor(tensor, None)
    values = frozen(np.array(initial, np.float64))
    if values.shape != (num_layers, size) or not np.isfinite(values).all():
        raise ValueError(f"the initial {name} is no finite ({num_layers}, {size})")
    return CarriedTensor(tensor, values)


def _is_size(value: object) -> bool:
    return type(value) is int and 0 < value < MAX_SIZE
