"""Features of the input added to a value at the same step, as the stages that do it.

What `skip(0)` says, and the records of models that were stored with a stage of that kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import UnsupportedModel
from .stage import Shape, Stage, X
from .stages import Add, Affine, LastStep, Slice
from .wiring import shapes_of, sources_of

KIND = "Skip"  # in records of version 0.1


def skip(
    name: str, features: tuple[int, ...], value: str, shape: Shape, origin: str
) -> tuple[Stage, ...]:
    """The stages that add features to a value.

    Args:
        name: of the sum.
        features: indices of the features, one for each column of the value, or one for all.
        value: the name of what they are added to.
        shape: its shape.
        origin: the name of what they are taken from.

    Raises:
        UnsupportedModel: there are not as many as the value has columns.
    """
    count = len(features)
    if count not in (1, shape.width):
        raise UnsupportedModel(f"{name} adds {count} features to {shape.width} columns")
    columns = features * (shape.width // count)  # the single one once for each column
    stages: list[Stage] = [Slice(f"{name}.features", columns, inputs=(origin,))]
    if not shape.is_sequence:
        stages.append(LastStep(f"{name}.last"))
    return (*stages, Add(name, inputs=(value, stages[-1].name)))


def origin_of(stages: Sequence[Stage]) -> str:
    """The name of the value that features are taken from: x, or that of a scaler right after it."""
    return stages[0].name if stages and isinstance(stages[0], Affine) else X


def of_record(
    record: Mapping[str, Any], before: Sequence[Stage], input_size: int
) -> tuple[Stage, ...]:
    """The stages of such a record, after the stages of a chain.

    Raises:
        UnsupportedModel: it is none, or does not fit.
    """
    name = record.get("name")
    features = record.get("features")
    if not isinstance(name, str) or not isinstance(features, list) or not before:
        raise UnsupportedModel(f"stage {name} ({KIND}) adds {features!r}; export the model again")
    stages = tuple(before)
    shape = shapes_of(stages, sources_of(stages), input_size)[-1]
    return skip(name, tuple(features), stages[-1].name, shape, origin_of(stages))
