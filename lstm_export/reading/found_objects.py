"""What lies in a checkpoint, sorted: state_dicts, plain values, fitted scalers, and what is left alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import CheckpointError, quoted
from ..model import Array
from .contents import FoundScaler
from .pickle_machine import Instance, OddKey
from .stored_tensors import Tensor, as_numpy, as_tensor

MOST_OBJECTS = 50_000  # looked at
MOST_VALUES = 1_000  # of one list or dict that are kept as a fact
MOST_IGNORED = 40  # phrases
LONGEST_TEXT = 10_000  # characters of a fact
LONGEST_NAME = 500  # characters of a tensor's name
MOST_MODULES = 5_000  # of a TorchScript archive
DEEPEST = 16

_DROPPED = object()
_OPTIMIZER = {"state", "param_groups"}
_NAMESPACES = ("argparse.Namespace", "types.SimpleNamespace")


@dataclass
class Found:
    """The parts of a checkpoint.

    Attributes:
        states: every mapping that holds tensors, under its path, such as `model` or `models.0`; the root is "".
        facts: the plain values beside, in the shape in which they lay.
        scalers: fitted scalers, by their attributes.
        ignored: what else there is, one phrase each.
        modules: whole pickled modules, path and class.
        classes: class of every submodule of a TorchScript archive, by its path.
    """

    states: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    facts: Any = field(default_factory=dict)
    scalers: list[FoundScaler] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    modules: list[tuple[str, str]] = field(default_factory=list)
    classes: dict[str, str] = field(default_factory=dict)


def sort_objects(root: Any) -> Found:
    """Sort what a pickle describes.

    Raises:
        CheckpointError: its objects nest without end.
    """
    sorter = _Sorter()
    facts = sorter.sort(root, ())
    sorter.found.facts = facts if isinstance(facts, dict) else {}
    if sorter.ignored > MOST_IGNORED:
        sorter.found.ignored.append(f"and {sorter.ignored - MOST_IGNORED:,} more")
    return sorter.found


class _Sorter:
    """One walk over the objects; every one of them counts, however often it is met."""

    def __init__(self) -> None:
        self.found = Found()
        self.count = self.ignored = 0
        self.known: set[int] = set()  # a mapping that is met under two names is one state_dict

    def sort(self, value: Any, path: tuple[str, ...]) -> Any:
        """The plain value, or `_DROPPED`; all else goes into `found`."""
        self.take(1)
        if isinstance(value, str) and len(value) > LONGEST_TEXT:
            return self.ignore(f"a text of {len(value):,} characters", path)
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if len(path) > DEEPEST:
            return self.ignore("objects nested too deep", path)
        if (mapping := as_mapping(value)) is not None:
            return self.sort_mapping(mapping, path)
        if isinstance(value, list | tuple):
            return self.sort_list(value, path)
        return self.sort_object(value, path)

    def take(self, count: int) -> None:
        self.count += count
        if self.count > MOST_OBJECTS:
            raise CheckpointError(f"its objects nest without end: more than {MOST_OBJECTS:,} of them")

    def ignore(self, what: str, path: tuple[str, ...]) -> Any:
        if len(self.found.ignored) < MOST_IGNORED:
            self.found.ignored.append(f"{what} under {quoted(_path(path))}" if path else what)
        self.ignored += 1
        return _DROPPED

    def sort_mapping(self, mapping: dict[Any, Any], path: tuple[str, ...]) -> Any:
        if mapping.keys() >= _OPTIMIZER:
            return self.ignore("the state of an optimizer", path)
        tensors = self.tensors(mapping)
        if id(mapping) in self.known:
            return self.ignore("the same tensors again", path)
        if any(tensor.shape or tensor.fault for tensor in tensors.values()):
            self.known.add(id(mapping))
            self.found.states[_path(path)] = tensors
        elif tensors:
            for name in tensors:
                self.ignore("a single value", (*path, name))
        elif len(mapping) > MOST_VALUES:
            return self.ignore(f"{len(mapping):,} values", path)
        plain = {}
        for key, value in mapping.items():
            if key in tensors and isinstance(key, str):
                continue
            name = f"a {_kind(key.value)}" if isinstance(key, OddKey) else str(key)
            if (sorted_value := self.sort(value, (*path, name))) is not _DROPPED:
                plain[name] = sorted_value
        return plain if plain or not mapping else _DROPPED

    def tensors(self, mapping: dict[Any, Any]) -> dict[str, Tensor]:
        found = {}
        for key, value in mapping.items():
            if isinstance(key, str) and (tensor := as_tensor(value)):
                _check_name(key)
                found[key] = tensor
                self.take(3 if tensor.data is None else 20)  # a file within the file costs as much
        return found

    def sort_list(self, values: list[Any] | tuple[Any, ...], path: tuple[str, ...]) -> Any:
        if len(values) > MOST_VALUES:
            return self.ignore(f"{len(values):,} values", path)
        plain = [self.sort(value, (*path, str(index))) for index, value in enumerate(values)]
        kept = [value for value in plain if value is not _DROPPED]
        return kept if kept or not values else _DROPPED

    def sort_object(self, value: Any, path: tuple[str, ...]) -> Any:
        if isinstance(value, Instance) and value.kind.startswith("omegaconf.") and isinstance(value.state, dict):
            return self.sort(value.state.get("_content", value.state.get("_val")), path)
        array = as_numpy(value)
        if array is not None and array.ndim == 0:
            return array.item()
        if isinstance(value, Instance) and is_module(value):
            self.found.modules.append((_path(path), value.kind))
        elif isinstance(value, Instance) and (scaler := _scaler(_path(path), value)):
            self.found.scalers.append(scaler)
            return _DROPPED
        return self.ignore("a tensor" if as_tensor(value) else f"a {_kind(value)}", path)


def as_mapping(value: Any) -> dict[Any, Any] | None:
    """The entries of a dict, of an object of a class made from dict, or of a namespace of options."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, Instance) or is_module(value):
        return None
    if value.kind in _NAMESPACES and isinstance(value.state, dict):
        return value.state
    if value.kind.startswith("omegaconf.") and isinstance(value.state, dict):
        content = value.state.get("_content")
        return content if isinstance(content, dict) else None
    return value.entries


def is_module(value: Any) -> bool:
    """Whether this is a whole pickled `nn.Module`: they keep their parts under these names."""
    state = value.state if isinstance(value, Instance) else None
    return isinstance(state, dict) and "_parameters" in state and "_modules" in state


def script_tensors(root: Instance, found: Found) -> dict[str, Tensor]:
    """The parameters and buffers of a TorchScript module under the names that its state_dict has."""
    tensors: dict[str, Tensor] = {}
    for path, module in _submodules(root):
        found.classes[path] = module.kind.rpartition(".")[2]
        for name, value in module.state.items():
            if isinstance(name, str) and (tensor := as_tensor(value)):
                _check_name(name)
                tensors[f"{path}.{name}" if path else name] = tensor
    return tensors


def _submodules(root: Instance) -> Iterator[tuple[str, Instance]]:
    """Every module with a state, each once, by its path."""
    waiting, seen = [("", root)], {id(root)}
    while waiting:
        path, module = waiting.pop()
        if path.count(".") > DEEPEST or len(seen) > MOST_MODULES:
            raise CheckpointError("the modules of the TorchScript archive nest without end")
        if not isinstance(module.state, dict):
            continue
        yield path, module
        for name, value in reversed(module.state.items()):
            if isinstance(name, str) and isinstance(value, Instance) and value.kind.startswith("__torch__."):
                _check_name(name)
                if id(value) not in seen:
                    waiting.append((f"{path}.{name}" if path else name, value))
                seen.add(id(value))


def _scaler(name: str, value: Instance) -> FoundScaler | None:
    """scikit-learn's scalers by their fitted attributes; None where one does more than shift and scale."""
    kind = value.kind.rpartition(".")[2]
    if not value.kind.startswith("sklearn.preprocessing.") or not isinstance(value.state, dict):
        return None
    if kind == "StandardScaler":  # a fitted mean is kept even where it is not used
        offset = _fitted(value.state, "mean_") if value.state.get("with_mean") else None
        scale = _fitted(value.state, "scale_") if value.state.get("with_std") else None
    elif kind == "MinMaxScaler" and not value.state.get("clip"):
        factor, shift = _fitted(value.state, "scale_"), _fitted(value.state, "min_")
        if factor is None or shift is None or not np.all(factor) or factor.shape != shift.shape:
            return None
        offset, scale = -shift / factor, 1 / factor  # x * factor + shift
    else:
        return None
    known = offset if offset is not None else scale
    if known is None:
        return None
    offset = np.zeros_like(known) if offset is None else offset
    scale = np.ones_like(known) if scale is None else scale
    usable = offset.shape == scale.shape and np.isfinite(offset).all() and np.isfinite(scale).all() and np.all(scale)
    return FoundScaler(name, kind, offset, scale) if usable else None


def _fitted(state: Mapping[Any, Any], name: str) -> Array | None:
    array = as_numpy(state.get(name))
    return array.astype(np.float64) if array is not None and array.ndim == 1 and array.dtype.kind in "fiu" else None


def _kind(value: Any) -> str:
    """What an object is, for people."""
    kind = value.kind if isinstance(value, Instance) else type(value).__name__.lower()
    if kind.startswith("numpy.") and kind.endswith((".multiarray._reconstruct", ".numeric._frombuffer")):
        return "numpy array"
    return quoted(kind)[1:-1]


def _check_name(name: str) -> None:
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise CheckpointError(
            f"a tensor or module in it is named {quoted(name)}, which no program does; it was altered"
        )


def _path(path: tuple[str, ...]) -> str:
    """Keys joined by dots; what could not be printed is written as Python does."""
    return ".".join(part[:80] if part.isprintable() else ascii(part[:80])[1:-1] for part in path)
