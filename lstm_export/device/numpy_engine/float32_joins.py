"""The stages that take several values, on values with the batch last.

A row `(size, batch)` beside a sequence `(seq, size, batch)` goes to every step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce

import numpy as np

from ...errors import UnsupportedModel
from ...model import Add, Array, Concat, Divide, Join, Multiply, Subtract

_OPERATORS: Mapping[str, Callable[[Array, Array], Array]] = {
    Add.kind: np.add,
    Subtract.kind: np.subtract,
    Multiply.kind: np.multiply,
    Divide.kind: np.divide,
}


def check_join(stage: Join) -> None:
    """Refuse a stage that this engine does not know.

    Raises:
        UnsupportedModel: it is none of those here.
    """
    if stage.kind not in (*_OPERATORS, Concat.kind):
        raise UnsupportedModel(
            f"the numpy engine cannot express {stage.name} ({stage.kind}); choose another engine"
        )


def joined(stage: Join, values: Sequence[Array]) -> Array:
    """The result of several values."""
    if isinstance(stage, Concat):
        return _side_by_side(values)
    return reduce(_OPERATORS[stage.kind], values)


def _side_by_side(values: Sequence[Array]) -> Array:
    longest = max(values, key=lambda value: value.ndim)  # (seq, size, batch) if any is a sequence
    *steps, _, batch = longest.shape
    alike = [np.broadcast_to(value, (*steps, value.shape[-2], batch)) for value in values]
    return np.concatenate(alike, axis=-2)  # side by side along the features
