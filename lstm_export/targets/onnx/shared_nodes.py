"""Nodes that a graph holds once and several stages use: the shape of x, and the lengths."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ...device.onnx_metadata import LENGTHS
from ...device.onnx_schema import DOUBLE, FLOAT, INT64
from ...errors import UnsupportedModel
from .graph import LAST, TO_THE_END
from .walk import CONSTANT, Walk, check_whole

_LAST_STEPS = re.compile(rf"({LAST}_([1-9]\d{{0,8}}))(/ends|/none|/places)?")


class _Definition(NamedTuple):
    """What such a node is: its operator, its inputs, its constants among them, its attributes."""

    op: str
    inputs: tuple[str, ...]
    constants: tuple[int | list[Any] | range, ...] = ()
    attributes: Mapping[str, Any] = {}


_DEFINITIONS: Mapping[str, _Definition] = {
    "x/shape": _Definition("Shape", ("x",)),  # (3,)
    "x/batch": _Definition("Gather", ("x/shape", CONSTANT), ([0],), {"axis": 0}),
    # (1, batch, 1), which repeats an initial state
    "x/for_every_row": _Definition(
        "Concat", (CONSTANT, "x/batch", CONSTANT), ([1], [1]), {"axis": 0}
    ),
    "x/seq": _Definition("Gather", ("x/shape", CONSTANT), (1,), {"axis": 0}),
    "x/float_steps": _Definition("Cast", ("x/seq",), (), {"to": FLOAT}),
    "x/double_steps": _Definition("Cast", ("x/seq",), (), {"to": DOUBLE}),
    "x/steps": _Definition("Range", (CONSTANT, "x/seq", CONSTANT), (0, 1)),  # (seq,)
    "x/seq_axis": _Definition("Gather", ("x/shape", CONSTANT), ([1],), {"axis": 0}),
    # (seq, 1, 1), which repeats a row
    "x/for_every_step": _Definition(
        "Concat", ("x/seq_axis", CONSTANT, CONSTANT), ([1], [1]), {"axis": 0}
    ),
    # (batch,), in the type that indices have
    "lengths/wide": _Definition("Cast", (LENGTHS,), (), {"to": INT64}),
    "lengths/index": _Definition("Sub", ("lengths/wide", CONSTANT), ([1],)),
    "lengths/last": _Definition("Unsqueeze", ("lengths/index", CONSTANT), ([1],)),  # (batch, 1)
    "lengths/final": _Definition("Unsqueeze", ("lengths/index", CONSTANT), ([1],)),
    "lengths/column": _Definition("Unsqueeze", ("lengths/wide", CONSTANT), ([1],)),
    "lengths/less": _Definition("Less", ("x/steps", "lengths/column")),  # (batch, seq)
    "lengths/counts": _Definition("Unsqueeze", ("lengths/less", CONSTANT), ([2],)),
    "lengths/counts_time_first": _Definition(
        "Transpose", ("lengths/counts",), (), {"perm": [1, 0, 2]}
    ),
    "lengths/float": _Definition("Cast", (LENGTHS,), (), {"to": FLOAT}),
    "lengths/divisor": _Definition("Unsqueeze", ("lengths/float", CONSTANT), ([1],)),  # (batch, 1)
}


def _definition(name: str) -> _Definition | None:
    match = _LAST_STEPS.fullmatch(name)
    if match is None:
        return _DEFINITIONS.get(name)
    steps = match[1]
    count = int(match[2])
    definitions = {
        "/ends": _Definition("Add", ("lengths/column", CONSTANT), (range(-count, 0),)),
        "/none": _Definition("Less", (f"{steps}/ends", CONSTANT), (0,)),
        "/places": _Definition(
            "Where", (f"{steps}/none", CONSTANT, f"{steps}/ends"), (TO_THE_END,)
        ),
        None: _Definition("Unsqueeze", (f"{steps}/places", CONSTANT), ([2],)),  # (batch, n, 1)
    }
    return definitions[match[3]]


def step_over_shared(walk: Walk) -> None:
    """Step over all such nodes that come next, each of which must be what its name says.

    Raises:
        UnsupportedModel: one is something else.
    """
    while (definition := _definition(walk.name())) is not None:
        name = walk.name()
        op, inputs, constants, attributes = definition
        taken = walk.take(op, *inputs, **attributes)
        if taken.outputs != (name,):
            raise UnsupportedModel(f"the node {name!r} gives {taken.outputs}")
        check_whole(taken, *constants)
