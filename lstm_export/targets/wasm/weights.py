"""The weights of a module, read back from its memory as it is before anything has run."""

from __future__ import annotations

import numpy as np

from ...errors import UnsupportedModel
from ...model import Array, Cell, Model, Recurrent, Slice
from ..c.emit.carried import initial_values
from ..c.emit.layout import CellArrays, cell_arrays, cell_weights
from .module import constant_names
from .record import Record
from .sandbox import Sandbox
from .sections import damaged

ROW = 8  # floats that a row of recurrent weights is filled up to, where there are vectors


def model_in(data: bytes) -> Model:
    """The model in a module, its weights taken from the memory that the module begins with.

    Raises:
        BundleError: it was not written by this package, or its data differs from its record.
        UnsupportedModel: it is in whole numbers.
    """
    sandbox = Sandbox(data)
    if sandbox.record.integer:
        raise UnsupportedModel("a module in whole numbers holds no float weights to read back")
    count = len(constant_names(sandbox.record.blank(), sandbox.record.weights))
    return model_of(sandbox, sandbox.places(count))


def model_of(sandbox: Sandbox, places: list[int]) -> Model:
    """The model that a module holds; `places` are the addresses of its constants.

    What the record stores must be what the data was made from: every constant is made again and
    compared, but for words of rounded weights, each bit of which is in the model.

    Raises:
        BundleError: the data is not what the record says.
    """
    record = sandbox.record
    blank = record.blank()
    constants = constants_of(blank, record)
    if len(constants) != len(places):
        raise damaged("its constants are not the model's")
    found = {}
    place_of = dict(zip(constants, places, strict=True))
    for key, constant in constants.items():
        held = sandbox.held(place_of[key], constant.nbytes)
        if len(held) != constant.nbytes:
            raise damaged(f"{key} is not in its memory")
        found[key] = np.frombuffer(held, constant.dtype).reshape(constant.shape)
    model = record.with_arrays(_arrays(blank, record, found))
    rounded = set() if record.bits == 32 else _rounded(blank)
    for key, constant in constants_of(model, record).items():
        if key not in rounded and constant.tobytes() != found[key].tobytes():
            raise damaged(f"its data differs from its record: {key}")
    return model


def constants_of(model: Model, record: Record) -> dict[str, Array]:
    """Every constant as it lies in memory, by the keys of `constant_names`, in their order.

    The weights of a recurrent layer are flat: group by group, row by row.
    """
    constants: dict[str, Array] = {}
    for stage in model.stages:
        if isinstance(stage, Recurrent):
            for cell in stage.cells():
                constants |= _of_cell(stage, cell, record)
        elif isinstance(stage, Slice):
            constants[f"{stage.name}.features"] = np.asarray(stage.features, np.uint32)
        else:
            constants |= {f"{stage.name}.{key}": array for key, array in stage.arrays.items()}
    if any(stage.has_initial_state for stage in model.recurrent):
        constants["initial"] = initial_values(model)
    return {key: constants[key] for key in constant_names(model, record.weights)}


def _of_cell(stage: Recurrent, cell: Cell, record: Record) -> dict[str, Array]:
    """The constants of one layer in one direction."""
    held = cell_arrays(stage, cell, record.bits)
    rows = [_padded(group, record.simd).ravel() for group in held.weights]  # group after group
    constants = {"weights": np.concatenate(rows)}
    if held.scale is not None and held.bias is not None:
        constants |= {"scale": held.scale, "bias": held.bias}
    if cell.weight_hr is not None:
        constants["weight_hr"] = cell.weight_hr
    return {f"{stage.name}.{key}{cell.suffix}": array for key, array in constants.items()}


def _rounded(model: Model) -> set[str]:
    """The constants that rounded weights are made of; rounded again, they give others."""
    keys = set()
    for stage in model.recurrent:
        for cell in stage.cells():
            keys |= {f"{stage.name}.{part}{cell.suffix}" for part in ("weights", "scale")}
    return keys


def _arrays(blank: Model, record: Record, found: dict[str, Array]) -> dict[str, Array]:
    """The model's arrays, out of the constants and of what the record stores."""
    arrays: dict[str, Array] = {}
    for stage in blank.stages:
        if isinstance(stage, Recurrent):
            arrays |= _recurrent(stage, record, found)
        else:
            arrays |= {f"{stage.name}.{key}": found[f"{stage.name}.{key}"] for key in stage.arrays}
    arrays |= record.stored
    return arrays


def _recurrent(stage: Recurrent, record: Record, found: dict[str, Array]) -> dict[str, Array]:
    """The weight matrices of one stage."""
    arrays = {}
    for cell in stage.cells():
        flat = found[f"{stage.name}.weights{cell.suffix}"]
        groups = []
        start = 0
        # those of ones, for their shapes
        for group in cell_arrays(stage, cell, record.bits).weights:
            rows, width = _padded(group, record.simd).shape
            end = start + rows * width
            padded = flat[start:end].reshape(rows, width)
            groups.append(padded[:, : group.shape[1]])  # (rows, sums)
            start = end
        held = CellArrays(tuple(groups), found.get(f"{stage.name}.scale{cell.suffix}"))
        weight_ih, weight_hh = cell_weights(stage, cell, held, record.bits)
        arrays[f"{stage.name}.weight_ih{cell.suffix}"] = weight_ih
        arrays[f"{stage.name}.weight_hh{cell.suffix}"] = weight_hh
        if cell.weight_hr is not None:
            name = f"{stage.name}.weight_hr{cell.suffix}"
            arrays[name] = found[name]
    return arrays


def _padded(group: Array, simd: bool) -> Array:
    """`group (rows, sums)` as it lies in memory."""
    missing = -group.shape[1] % ROW if simd else 0
    return np.pad(group, ((0, 0), (0, missing)))
