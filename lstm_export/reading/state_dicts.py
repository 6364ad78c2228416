"""Which of a checkpoint's state_dicts is meant, and its arrays."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..errors import CheckpointError, quoted
from .contents import Contents
from .file_kinds import SNIPPET
from .found_objects import Found, sort_objects
from .pickle_machine import Instance
from .script_tensors import read_script
from .stored_tensors import Tensor, as_tensor
from .tensor_values import read_arrays
from .torch_files import TorchFile

# A whole module can only be opened where its class is, by running it.
RESAVE = f'import torch; model = torch.load("FILE", weights_only=False); {SNIPPET}'
ALL = "."  # the key that joins every state_dict of the file
MOST_NAMED = 8

_RECURRENT = re.compile(r"(.*\.)?weight_(ih|hh)_l\d+(_reverse)?")
_RECURRENT_ALONE = re.compile(r"(weight|bias)_(ih|hh|hr)_l\d+(_reverse)?")

_States = Mapping[str, Mapping[str, Tensor]]  # state_dicts by their path


def read_chosen(file: TorchFile, key: str | None = None) -> Contents:
    """The arrays of the one state_dict that is meant, and what lies beside.

    Raises:
        CheckpointError: there is none, or several and `key` names none of them, or its tensors
            cannot be read.
    """
    if file.is_script:
        return _script_contents(file)
    found = sort_objects(file.root)
    if not found.states:
        raise CheckpointError(_what_else(file.root, found))
    chosen = _choose(found.states, key)
    tensors = _joined(found.states) if chosen == ALL else found.states[chosen]
    arrays, buffers, notes = read_arrays(tensors, *file.bytes)
    if file.is_old:
        notes = (*notes, "the file is in the format of torch before 1.6")
    return Contents(
        arrays,
        buffers,
        _how(file.root, chosen),
        notes,
        (*found.ignored, *_not_chosen(found.states, chosen)),
        found.facts,
        tuple(found.scalers),
        tuple(found.states),
        chosen,
    )


def _script_contents(file: TorchFile) -> Contents:
    if not isinstance(file.root, Instance):
        raise CheckpointError("the TorchScript archive holds no module")
    script = read_script(file.root)
    if not script.tensors:
        raise CheckpointError(
            "the TorchScript archive holds no weights: a frozen one keeps them in its code; save "
            f"the module before torch.jit.freeze, or its weights: {SNIPPET}"
        )
    arrays, buffers, notes = read_arrays(script.tensors, *file.bytes)
    return Contents(arrays, buffers, "TorchScript archive", notes, modules=script.classes)


def _choose(states: _States, key: str | None) -> str:
    """The path of the state_dict that is meant."""
    if key is not None:
        if key != ALL and key not in states:
            raise CheckpointError(
                f"there is no state_dict under {quoted(key)}; there are {_list(states)}"
            )
        return key
    recurrent = {name: state for name, state in states.items() if _is_recurrent(state)}
    likely = recurrent or states
    if len(likely) > 1:
        raise CheckpointError(
            f"it holds several state_dicts: {_list(likely)}; choose one with --key, or join them "
            f"with --key {ALL}"
        )
    (name,) = likely
    is_alone = all(map(_RECURRENT_ALONE.fullmatch, states[name]))
    if recurrent and len(states) > 1 and is_alone:
        raise CheckpointError(
            f"the LSTM under {name!a} is saved apart from its head: {_list(states)}; join them "
            f"with --key {ALL}, or take it alone with --key {name}"
        )
    return name


def _is_recurrent(state: Mapping[str, Tensor]) -> bool:
    return any(map(_RECURRENT.fullmatch, state))


def _joined(states: _States) -> dict[str, Tensor]:
    joined: dict[str, Tensor] = {}
    for path, state in states.items():
        prefix = f"{path}." if path else ""
        for name, tensor in state.items():
            joined[prefix + name] = tensor
    return joined


def _not_chosen(states: _States, chosen: str) -> list[str]:
    if chosen == ALL:
        return []
    others = {name: state for name, state in states.items() if name != chosen}
    return [f"the {len(state)} tensors under {name!a}" for name, state in others.items()]


def _list(states: _States) -> str:
    first = list(states.items())[:MOST_NAMED]
    named = [f"{name or 'the root'!a} ({len(state)} tensors)" for name, state in first]
    more = len(states) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def _how(root: Any, chosen: str) -> str:
    if isinstance(root, dict) and "pytorch-lightning_version" in root:
        what = "Lightning checkpoint"
        return what if chosen == "state_dict" else f"{what}, {chosen!a}"
    if chosen == ALL:
        return "several state_dicts, joined"
    return f"state_dict under {chosen!a}" if chosen else "bare state_dict"


# Where a pickled object comes from -> what it is, and what to do. The first that fits.
_FOREIGN = (
    (("keras.", "tensorflow."), "a Keras model ({}), expected a PyTorch state_dict"),
    (("sklearn.",), "a scikit-learn object ({}), expected a PyTorch state_dict"),
    (
        ("xgboost.", "lightgbm.", "catboost."),
        "a model of trees ({}), expected a PyTorch state_dict",
    ),
    (("joblib.",), "a joblib dump ({}), expected a PyTorch state_dict"),
    (("pandas.",), "a pandas table ({}), expected a PyTorch state_dict"),
)


def _what_else(root: Any, found: Found) -> str:
    """One sentence for a file without a state_dict."""
    if found.modules:
        return _whole_module(*found.modules[0])
    if as_tensor(root) is not None:
        return f"it holds a single tensor, expected a state_dict; save one with {SNIPPET}"
    if isinstance(root, Instance):
        return _foreign_object(quoted(root.kind)[1:-1])
    type_name = type(root).__name__
    kind = _TYPES.get(type_name, type_name)
    inside = f"; what it holds: {', '.join(found.ignored[:3])}" if found.ignored else ""
    return (
        f"it holds a {kind} without tensors, expected a state_dict{inside}; save one with {SNIPPET}"
    )


def _whole_module(path: str, kind: str) -> str:
    where = f" under {quoted(path)}" if path else ""
    return (
        f"the file holds a whole pickled module ({quoted(kind)[1:-1]}){where}; opening it would "
        f"run its code. In the project that made it, save the weights alone: {RESAVE}"
    )


def _foreign_object(kind: str) -> str:
    for prefixes, sentence in _FOREIGN:
        if kind.startswith(prefixes):
            return f"the file is {sentence.format(kind)}; save one with {SNIPPET}"
    return (
        f"the file holds an object made by {kind}, which was not run. Save the weights alone: "
        f"{SNIPPET}"
    )


_TYPES = {
    "NoneType": "None",
    "Persistent": "storage",
    "Global": "class",
    "str": "text",
    "int": "number",
    "float": "number",
}
