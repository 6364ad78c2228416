"""What lies in a checkpoint, sorted: state_dicts, plain values, fitted scalers, and the rest."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import Any

from ..errors import CheckpointError, quoted
from .contents import FoundScaler
from .fitted_scalers import fitted_scaler
from .pickle_records import Instance, OddKey
from .plain_weights import MOST_NUMBERS, array_tensor, list_size, list_tensor, names_weights
from .stored_tensors import Tensor, as_numpy, as_tensor
from .unnamed_parameters import NOTE, named_by_shapes

MOST_OBJECTS = 50_000  # looked at
MOST_VALUES = 1_000  # of one list or dict that are kept as a fact
MOST_IGNORED = 40  # phrases
LONGEST_TEXT = 10_000  # characters of a fact
LONGEST_NAME = 500  # characters of a tensor's name
LONGEST_KEY = 80  # characters of a key in messages
DEEPEST = 16
_TENSOR_COST = 3  # objects that a tensor counts as
_FILE_COST = 20  # the same for one whose storage is a file within the file

_DROPPED = object()
_OPTIMIZER = {"state", "param_groups"}
_NAMESPACES = ("argparse.Namespace", "types.SimpleNamespace")
_PARAMETER_LISTS = ("params", "parameters", "weights", "named_parameters")

_Path = tuple[str, ...]


@dataclass
class Found:
    """The parts of a checkpoint.

    Attributes:
        states: every mapping that holds tensors, under its path, such as `model` or `models.0`;
            the root is "".
        facts: the plain values beside, in the shape in which they lay.
        scalers: fitted scalers, by their attributes.
        ignored: what else there is, one phrase each.
        modules: whole pickled modules, path and class.
        notes: what was done to read the state_dicts, one sentence each.
    """

    states: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    facts: Any = field(default_factory=dict)
    scalers: list[FoundScaler] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    modules: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def sort_objects(root: Any) -> Found:
    """Sort what a pickle describes.

    Raises:
        CheckpointError: its objects nest without end.
    """
    sorter = _Sorter()
    facts = sorter.sort(root, ())
    found = sorter.found
    found.facts = facts if isinstance(facts, dict) else {}
    more = sorter.ignored - MOST_IGNORED
    if more > 0:
        found.ignored.append(f"and {more:,} more")
    return found


class _Sorter:
    """One walk over the objects; every one of them counts, however often it is met."""

    def __init__(self) -> None:
        self.found = Found()
        self.count = 0
        self.ignored = 0
        self.numbers = 0  # of weights that are no tensors
        self.known: set[int] = set()  # a mapping that is met under two names is one state_dict

    def sort(self, value: Any, path: _Path) -> Any:
        """The plain value, or `_DROPPED`; all else goes into `found`."""
        self.take(1)
        if isinstance(value, str) and len(value) > LONGEST_TEXT:
            return self.ignore(f"a text of {len(value):,} characters", path)
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if len(path) > DEEPEST:
            return self.ignore("objects nested too deep", path)
        mapping = as_mapping(value)
        if mapping is not None:
            return self.sort_mapping(mapping, path)
        if isinstance(value, list | tuple):
            return self.sort_list(value, path)
        return self.sort_object(value, path)

    def take(self, count: int) -> None:
        self.count += count
        if self.count > MOST_OBJECTS:
            raise CheckpointError(
                f"its objects nest without end: more than {MOST_OBJECTS:,} of them; "
                "save the model's state_dict alone"
            )

    def ignore(self, what: str, path: _Path) -> Any:
        self.ignored += 1
        if self.ignored <= MOST_IGNORED:
            where = f" under {quoted(joined_path(path))}" if path else ""
            self.found.ignored.append(f"{what}{where}")
        return _DROPPED

    def sort_mapping(self, mapping: dict[Any, Any], path: _Path) -> Any:
        if mapping.keys() >= _OPTIMIZER:
            return self.ignore("the state of an optimizer", path)
        tensors = self.tensors(mapping)
        if id(mapping) in self.known:
            return self.ignore("the same tensors again", path)
        is_state_dict = any(tensor.shape or tensor.fault for tensor in tensors.values())
        if is_state_dict:
            self.known.add(id(mapping))
            self.found.states[joined_path(path)] = tensors
        for name in () if is_state_dict else tensors:
            self.ignore("a single value", (*path, name))
        if not tensors and len(mapping) > MOST_VALUES:
            return self.ignore(f"{len(mapping):,} values", path)
        others = {key: value for key, value in mapping.items() if key not in tensors}
        return self.sort_values(others, path)

    def sort_values(self, mapping: dict[Any, Any], path: _Path) -> Any:
        """The plain values of a mapping, in their shape."""
        plain: dict[str, Any] = {}
        for key, value in mapping.items():
            name = f"a {kind_of(key.value)}" if isinstance(key, OddKey) else str(key)
            sorted_value = self.sort(value, (*path, name))
            if sorted_value is not _DROPPED:
                plain[name] = sorted_value
        return plain if plain or not mapping else _DROPPED

    def tensors(self, mapping: dict[Any, Any]) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        are_weights = names_weights(mapping)
        for key, value in mapping.items():
            tensor = as_tensor(value) if isinstance(key, str) else None
            if tensor is None and are_weights:
                tensor = self.plain_tensor(value)
            if tensor is None:
                continue
            check_name(key)
            found[key] = tensor
            self.take(_TENSOR_COST if tensor.data is None else _FILE_COST)
        return found

    def plain_tensor(self, value: Any) -> Tensor | None:
        """Weights as a numpy array or as nested lists of numbers."""
        tensor = array_tensor(value)
        self.numbers += prod(tensor.shape) if tensor else list_size(value)
        if self.numbers > MOST_NUMBERS:
            raise CheckpointError(
                f"it holds more than {MOST_NUMBERS:,} numbers in arrays and lists of its own; "
                "save them with torch.save, as tensors"
            )
        return tensor or list_tensor(value)

    def sort_list(self, values: list[Any] | tuple[Any, ...], path: _Path) -> Any:
        if len(values) > MOST_VALUES:
            return self.ignore(f"{len(values):,} values", path)
        if self.take_parameters(values, path):
            return _DROPPED
        plain = [self.sort(value, (*path, str(index))) for index, value in enumerate(values)]
        kept = [value for value in plain if value is not _DROPPED]
        return kept if kept or not values else _DROPPED

    def take_parameters(self, values: list[Any] | tuple[Any, ...], path: _Path) -> bool:
        """Whether it is a list of parameters, with names beside them or without."""
        if path and path[-1] not in _PARAMETER_LISTS:
            return False
        pairs = [tuple(each) for each in values if isinstance(each, list | tuple)]
        if values and len(pairs) == len(values) and all(map(_is_named, pairs)):
            named = self.tensors(dict(pairs))
        else:
            named = self.unnamed_tensors(values)
        if named:
            self.found.states[joined_path(path)] = named
        return bool(named)

    def unnamed_tensors(self, values: list[Any] | tuple[Any, ...]) -> dict[str, Tensor]:
        tensors: list[Tensor] = []
        for value in values:
            self.take(_TENSOR_COST)
            tensor = as_tensor(value) or self.plain_tensor(value)
            if tensor is None or tensor.fault:
                return {}
            tensors.append(tensor)
        named = named_by_shapes(tensors)
        if named:
            self.found.notes.append(NOTE)
        return named

    def sort_object(self, value: Any, path: _Path) -> Any:
        array = as_numpy(value)
        if array is not None and array.ndim == 0:
            return array.item()
        if not isinstance(value, Instance):
            return self.ignore(f"a {kind_of(value)}", path)
        if value.kind.startswith("omegaconf.") and isinstance(value.state, dict):
            content = value.state.get("_content", value.state.get("_val"))
            return self.sort(content, path)
        if is_module(value):
            self.found.modules.append((joined_path(path), _module_kind(value)))
            return self.ignore(f"a {kind_of(value)}", path)
        scaler = fitted_scaler(joined_path(path), value)
        if scaler is not None:
            self.found.scalers.append(scaler)
            return _DROPPED
        kind = "tensor" if as_tensor(value) else kind_of(value)
        return self.ignore(f"a {kind}", path)


def _is_named(pair: tuple[Any, ...]) -> bool:
    return len(pair) == 2 and isinstance(pair[0], str)


def as_mapping(value: Any) -> dict[Any, Any] | None:
    """The entries of a dict, of an object of a class made from dict, or of a namespace."""
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


def _module_kind(module: Instance) -> str:
    """The class of a pickled module; of a quantized one inside, where there is one."""
    for child in _children(module):
        if ".quantized." in child.kind:
            return child.kind
    return module.kind


def _children(module: Instance) -> list[Instance]:
    children = as_mapping(module.state["_modules"])
    return [child for child in (children or {}).values() if isinstance(child, Instance)]


def kind_of(value: Any) -> str:
    """What an object is, for people."""
    kind = value.kind if isinstance(value, Instance) else type(value).__name__.lower()
    is_array = kind.endswith((".multiarray._reconstruct", ".numeric._frombuffer"))
    if kind.startswith("numpy.") and is_array:
        return "numpy array"
    return quoted(kind)[1:-1]


def check_name(name: str) -> None:
    """Refuse a name that no program gives.

    Raises:
        CheckpointError: it is too long or cannot be printed.
    """
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise CheckpointError(
            f"a tensor or module in it is named {quoted(name)}, which no program does; it was "
            "altered"
        )


def joined_path(path: _Path) -> str:
    """Keys joined by dots; what could not be printed is written as Python does."""
    keys = (part[:LONGEST_KEY] for part in path)
    return ".".join(key if key.isprintable() else ascii(key)[1:-1] for key in keys)
