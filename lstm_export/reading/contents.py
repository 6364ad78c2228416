"""What a model file holds: named float32 arrays, and what else is known. No chain yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..model import Array, Model


@dataclass(frozen=True, eq=False)
class FoundScaler:
    """A fitted scaler that lay beside the weights: `(x - offset) / scale`, by its attributes.

    Attributes:
        name: the key that it lay under, such as `scaler` or `scalers.y`.
        kind: its class, such as `StandardScaler`.
        offset: float64 `(features,)`; empty where there is a fault.
        scale: float64 `(features,)`; empty where there is a fault.
        columns: names of the columns of the DataFrame that it was fitted on; empty where unknown.
        fault: why no stage of a model does what it does, after `it`; empty where one does.
    """

    name: str
    kind: str
    offset: Array
    scale: Array
    columns: tuple[str, ...] = ()
    fault: str = ""


@dataclass(frozen=True, eq=False)
class Contents:
    """What one file holds, under the names that it gives.

    Attributes:
        arrays: float32 weights under their full names as in the state_dict, `module.` and the like
            included.
        buffers: what is not float: integers such as `num_batches_tracked`, booleans.
        how: how it was saved: `bare state_dict`, `state_dict under 'model'`, `Lightning
            checkpoint`, `TorchScript archive`, `safetensors`, `ONNX`, `own checkpoint`.
        notes: what a user should know, such as weights that were cast.
        ignored: what lay beside the weights and was not read, one phrase each: optimizer state,
            foreign objects.
        facts: plain JSON-like values found beside: config, hyper_parameters, epoch.
        scalers: fitted scalers found beside.
        keys: every state_dict of the file, by the key that `read_contents` takes; the root is
            empty.
        key: the one of them that was read; empty for the file itself.
        modules: class names by module path, where the file tells them, as TorchScript does:
            `{"fc.1": "ReLU"}`.
        model: the chain, where the file stores one: our own checkpoints and .onnx files.
        windows: real inputs `(n, window, input_size)` of our own checkpoints.
        framework: whose file it is, what it leaves out and a next step, after `the file`; empty
            where that is not known.
    """

    arrays: Mapping[str, Array]
    buffers: Mapping[str, Array] = field(default_factory=dict)
    how: str = "bare state_dict"
    notes: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    scalers: tuple[FoundScaler, ...] = ()
    keys: tuple[str, ...] = ()
    key: str = ""
    modules: Mapping[str, str] = field(default_factory=dict)
    model: Model | None = None
    windows: Array | None = None
    framework: str = ""
