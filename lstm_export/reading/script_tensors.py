"""The parameters and buffers of a TorchScript archive, which was not run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..errors import CheckpointError
from .found_objects import DEEPEST, check_name
from .pickle_records import Instance
from .stored_tensors import Tensor, as_tensor

MOST_MODULES = 5_000


@dataclass(frozen=True)
class Script:
    """A TorchScript module.

    Attributes:
        tensors: under the names that its state_dict has.
        classes: class of every submodule, by its path.
    """

    tensors: dict[str, Tensor]
    classes: dict[str, str]


def read_script(root: Instance) -> Script:
    """The tensors and classes of a TorchScript module and all in it.

    Raises:
        CheckpointError: its modules nest without end.
    """
    tensors: dict[str, Tensor] = {}
    classes: dict[str, str] = {}
    for path, module in _submodules(root):
        classes[path] = module.kind.rpartition(".")[2]
        for name, value in module.state.items():
            tensor = as_tensor(value) if isinstance(name, str) else None
            if tensor is not None:
                check_name(name)
                tensors[_below(path, name)] = tensor
    return Script(tensors, classes)


def _submodules(root: Instance) -> Iterator[tuple[str, Instance]]:
    """Every module with a state, each once, by its path."""
    waiting = [("", root)]
    seen = {id(root)}
    while waiting:
        path, module = waiting.pop()
        if path.count(".") > DEEPEST or len(seen) > MOST_MODULES:
            fault = "the modules of the TorchScript archive nest without end"
            raise CheckpointError(f"{fault}; save it again, or the model's state_dict")
        if not isinstance(module.state, dict):
            continue
        yield path, module
        for name, value in reversed(module.state.items()):
            if not isinstance(name, str) or not _is_submodule(value):
                continue
            check_name(name)
            if id(value) not in seen:
                waiting.append((_below(path, name), value))
            seen.add(id(value))


def _is_submodule(value: Any) -> bool:
    return isinstance(value, Instance) and value.kind.startswith("__torch__.")


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
