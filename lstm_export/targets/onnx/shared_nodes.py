"""Nodes that a graph holds once and several stages use: the shape of x, and the lengths."""

from __future__ import annotations

from ...device.onnx_metadata import LENGTHS
from .walk import CONSTANT, Walk, check_number, check_whole

INT64 = 7  # onnx.TensorProto.DataType


class SharedNodes:
    """Steps over such nodes where they are used first, and knows them from then on."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk
        self._met: set[str] = set()

    def _is_first(self, name: str) -> bool:
        """Whether this name is met for the first time."""
        is_first = name not in self._met
        self._met.add(name)
        return is_first

    def shape_of_x(self) -> None:
        """`x/shape (3,)`."""
        if self._is_first("x/shape"):
            self._walk.take("Shape", "x")

    def for_every_row(self) -> None:
        """`x/for_every_row`, the shape `(1, batch, 1)` that repeats an initial state."""
        if self._walk.op() != "Shape" or "x/shape" in self._met:
            return
        self.shape_of_x()
        check_whole(self._walk.take("Gather", "x/shape", CONSTANT, axis=0), [0])
        check_whole(self._walk.take("Concat", CONSTANT, "x/batch", CONSTANT, axis=0), [1], [1])

    def _wide_lengths(self) -> None:
        """`lengths/wide (batch,)`, the lengths in the type that indices have."""
        if self._is_first("lengths/wide"):
            self._walk.take("Cast", LENGTHS, to=INT64)

    def picked_last(self, value: str) -> tuple[str, str]:
        """The node that picks at lengths - 1 from `(batch, seq, size)`, and what it gives."""
        if self._is_first("lengths/last"):
            self._wide_lengths()
            check_whole(self._walk.take("Sub", "lengths/wide", CONSTANT), [1])
            check_whole(self._walk.take("Unsqueeze", "lengths/index", CONSTANT), [1])
        name = self._walk.name()
        taken = self._walk.take("GatherND", value, "lengths/last", batch_dims=1)
        return name, taken.outputs[0]

    def cleared_padding(self) -> None:
        """Zeros after each row's length, as `forward` defines them."""
        walk = self._walk
        self.shape_of_x()
        check_whole(walk.take("Gather", "x/shape", CONSTANT, axis=0), 1)
        check_whole(walk.take("Range", CONSTANT, "x/seq", CONSTANT), 0, 1)
        self._wide_lengths()
        check_whole(walk.take("Unsqueeze", "lengths/wide", CONSTANT), [1])
        walk.take("Less", "x/steps", "lengths/column")
        check_whole(walk.take("Unsqueeze", "lengths/less", CONSTANT), [2])
        taken = walk.take("Where", "lengths/counts", walk.current, CONSTANT)
        (zero,) = taken.arrays()
        check_number(zero, 0.0, taken.outputs[0])
        walk.current = taken.outputs[0]
