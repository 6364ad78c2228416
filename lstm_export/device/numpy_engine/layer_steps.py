"""A recurrent stage on a batch: its layers in memory that is made once, and walks over sequences.

Sequences have the batch last, `(seq, size, batch)`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...model import Array, Recurrent, State
from .gated_layers import Layer, Step, layer_of

Columns = tuple[Layer, ...]  # layers on top of each other that read in the same direction


def columns_of(stage: Recurrent) -> tuple[Columns, ...]:
    """All layers as one column; of a bidirectional stage two columns of one cell a layer."""
    cells = [[layer_of(stage, cell) for cell in layer] for layer in stage.layers()]
    if stage.bidirectional:
        return tuple((cell,) for layer in cells for cell in layer)
    return (tuple(layer[0] for layer in cells),)


class Column:
    """Layers on top of each other, `[x, 1, h_l0, 1, h_l1, ...]` in one array.

    What one layer gives is what the next one reads, without a copy.

    Attributes:
        h: `(num_layers, size, batch)`, the state, which each step changes in place.
        c: `(num_layers, hidden_size, batch)`, the same for the cell; only an LSTM uses it.
    """

    def __init__(self, layers: Columns, batch: int) -> None:
        first = layers[0].cell
        input_size = first.weight_ih.shape[1]
        rows = 1 + len(first.h0)  # of a layer: the row of ones, then its h
        # float32; every column is one row of the batch
        values = np.ones((input_size + len(layers) * rows, batch), np.float32)
        self._x = values[:input_size]  # (input_size, batch), where x_t is put
        by_layer = values[input_size:].reshape(len(layers), rows, batch)
        # a view: a step's h_t is in place for the next layer
        self.h: Array = by_layer[:, 1:]
        c_shape = (len(layers), len(first.c0), batch)
        self.c: Array = np.empty(c_shape, np.float32)
        self._steps: list[Step] = []
        start = 0
        for k, layer in enumerate(layers):
            self.h[k] = layer.cell.h0[:, np.newaxis]
            self.c[k] = layer.cell.c0[:, np.newaxis]
            end = input_size + (k + 1) * rows
            step = layer.on(values[start:end], self.h[k], self.c[k])
            self._steps.append(step)
            start = end - rows + 1  # the next layer reads from this one's h on, past its ones

    def through(self, x: Array) -> Array:
        """Every h_t of the last layer, `(seq, size, batch)`, from the state on."""
        last = self.h[-1]
        every_h = np.empty((len(x), *last.shape), np.float32)  # (seq, size, batch)
        for t, x_t in enumerate(x):
            self._x[...] = x_t
            for step in self._steps:  # layer by layer, each reading what the one below just wrote
                step()
            every_h[t] = last
        return every_h


class RecurrentSteps:
    """A recurrent stage on one batch, with its state."""

    def __init__(self, stage: Recurrent, columns: Sequence[Columns], batch: int) -> None:
        self._columns = [Column(layers, batch) for layers in columns]
        self._is_bidirectional = stage.bidirectional
        self._states = stage.states

    @property
    def state(self) -> State:
        """The state of a stage that reads forward only; to write into it sets it.

        h and, of an LSTM, c, `(num_layers, batch, size)` each.
        """
        (column,) = self._columns
        tensors = {"h": column.h, "c": column.c}
        return tuple(tensors[name].swapaxes(1, 2) for name in self._states)

    def final(self, state: str, layer: int) -> Array:
        """A layer's h or c, `(directions * size, batch)`; -1 is the last layer."""
        columns = self._columns
        if self._is_bidirectional:  # then a column is one cell of one layer
            columns = columns[2 * layer :][:2]  # counted back from the last layer's two
            layer = 0
        tensors = [column.h if state == "h" else column.c for column in columns]
        return np.concatenate([tensor[layer] for tensor in tensors])  # (directions * size, batch)

    def through(self, x: Array, lengths: Array | None) -> Array:
        """Every h_t of the last layer, `(seq, directions * size, batch)`."""
        if not self._is_bidirectional:
            return self._columns[0].through(x)
        pairs = zip(self._columns[::2], self._columns[1::2], strict=True)
        for forward, backward in pairs:
            turned = backward.through(reversed_steps(x, lengths))
            directions = [forward.through(x), reversed_steps(turned, lengths)]
            # (seq, directions * size, batch), the next layer's input
            x = np.concatenate(directions, axis=1)
        return x


def reversed_steps(x: Array, lengths: Array | None) -> Array:
    """Every row of `x (seq, size, batch)` backwards within its length. Its own inverse."""
    if lengths is None:
        return x[::-1]
    steps = np.arange(len(x))[:, np.newaxis]  # (seq, 1)
    turned = np.where(steps < lengths, lengths - 1 - steps, steps)  # padding stays where it is
    return np.take_along_axis(x, turned[:, np.newaxis], axis=0)
