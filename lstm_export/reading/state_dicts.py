"""Which of a checkpoint's state_dicts is meant, and its arrays."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..errors import CheckpointError, quoted
from .contents import Contents
from .file_kinds import SNIPPET
from .found_objects import Found, script_tensors, sort_objects
from .pickle_machine import Instance
from .stored_tensors import Tensor, as_tensor
from .tensor_values import read_arrays
from .torch_files import TorchFile

# A whole module can only be opened where its class is, by running it: three lines for the project that made it.
RESAVE = f'import torch; model = torch.load("FILE", weights_only=False); {SNIPPET}'
ALL = "."  # the key that joins every state_dict of the file
MOST_NAMED = 8

_RECURRENT = re.compile(r"(.*\.)?weight_(ih|hh)_l\d+(_reverse)?")


def contents_of(file: TorchFile, key: str | None = None) -> Contents:
    """The arrays of the one state_dict that is meant, and what lies beside.

    Raises:
        CheckpointError: there is none, or several and `key` names none of them, or its tensors cannot be read.
    """
    if file.is_script:
        return _script_contents(file)
    found = sort_objects(file.root)
    if not found.states:
        raise CheckpointError(_what_else(file.root, found))
    chosen = _choose(found.states, key)
    if chosen == ALL:
        tensors = _joined(found.states)
    else:
        tensors = found.states[chosen]
        found.ignored += [
            f"the {len(state)} tensors under {name!a}" for name, state in found.states.items() if name != chosen
        ]
    arrays, buffers, notes = read_arrays(tensors, *file.bytes)
    if file.is_old:
        notes = (*notes, "the file is in the format of torch before 1.6")
    return Contents(
        arrays,
        buffers,
        _how(file.root, chosen),
        notes,
        tuple(found.ignored),
        found.facts,
        tuple(found.scalers),
        tuple(found.states),
        chosen,
    )


def _script_contents(file: TorchFile) -> Contents:
    if not isinstance(file.root, Instance):
        raise CheckpointError("the TorchScript archive holds no module")
    found = Found()
    tensors = script_tensors(file.root, found)
    if not tensors:
        raise CheckpointError(
            "the TorchScript archive holds no weights: a frozen one keeps them in its code; save the "
            f"module before torch.jit.freeze, or its weights: {SNIPPET}"
        )
    arrays, buffers, notes = read_arrays(tensors, *file.bytes)
    return Contents(arrays, buffers, "TorchScript archive", notes, modules=found.classes)


def _choose(states: Mapping[str, Mapping[str, Tensor]], key: str | None) -> str:
    """The path of the state_dict that is meant."""
    if key is not None:
        if key != ALL and key not in states:
            raise CheckpointError(f"there is no state_dict under {quoted(key)}; there are {_list(states)}")
        return key
    recurrent = [name for name, state in states.items() if any(map(_RECURRENT.fullmatch, state))]
    likely = recurrent or list(states)
    if len(likely) > 1:
        raise CheckpointError(
            f"it holds several state_dicts: {_list({name: states[name] for name in likely})}; choose one with --key, "
            f"or join them with --key {ALL}"
        )
    (name,) = likely
    if recurrent and len(states) > 1 and all(map(_BARE.fullmatch, states[name])):
        raise CheckpointError(
            f"the LSTM under {name!a} is saved apart from its head: {_list(states)}; join them with --key {ALL}, "
            f"or take it alone with --key {name}"
        )
    return name


_BARE = re.compile(r"(weight|bias)_(ih|hh|hr)_l\d+(_reverse)?")


def _joined(states: Mapping[str, Mapping[str, Tensor]]) -> dict[str, Tensor]:
    return {
        f"{path}.{name}" if path else name: tensor for path, state in states.items() for name, tensor in state.items()
    }


def _list(states: Mapping[str, Mapping[str, Tensor]]) -> str:
    named = [f"{name or 'the root'!a} ({len(state)} tensors)" for name, state in list(states.items())[:MOST_NAMED]]
    more = len(states) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def _how(root: Any, chosen: str) -> str:
    if isinstance(root, dict) and "pytorch-lightning_version" in root:
        return "Lightning checkpoint" if chosen == "state_dict" else f"Lightning checkpoint, {chosen!a}"
    if chosen == ALL:
        return "several state_dicts, joined"
    return f"state_dict under {chosen!a}" if chosen else "bare state_dict"


# Where a pickled object comes from -> what it is, and what to do. The first that fits.
_FOREIGN = (
    (("keras.", "tensorflow."), "a Keras model ({}), expected a PyTorch state_dict"),
    (("sklearn.",), "a scikit-learn object ({}), expected a PyTorch state_dict"),
    (("xgboost.", "lightgbm.", "catboost."), "a model of trees ({}), expected a PyTorch state_dict"),
    (("joblib.",), "a joblib dump ({}), expected a PyTorch state_dict"),
    (("pandas.",), "a pandas table ({}), expected a PyTorch state_dict"),
)


def _what_else(root: Any, found: Found) -> str:
    """One sentence for a file without a state_dict."""
    if found.modules:
        path, kind = found.modules[0]
        where = f" under {quoted(path)}" if path else ""
        return (
            f"the file holds a whole pickled module ({quoted(kind)[1:-1]}){where}; opening it would run its code. "
            f"In the project that made it, save the weights alone: {RESAVE}"
        )
    if as_tensor(root) is not None:
        return f"it holds a single tensor, expected a state_dict; save one with {SNIPPET}"
    if isinstance(root, Instance):
        kind = quoted(root.kind)[1:-1]
        for prefixes, sentence in _FOREIGN:
            if root.kind.startswith(prefixes):
                return "the file is " + sentence.format(kind) + f"; save one with {SNIPPET}"
        return f"the file holds an object made by {kind}, which was not run. Save the weights alone: {SNIPPET}"
    kind = _TYPES.get(type(root).__name__, type(root).__name__)
    inside = f"; what it holds: {', '.join(found.ignored[:3])}" if found.ignored else ""
    return f"it holds a {kind} without tensors, expected a state_dict{inside}; save one with {SNIPPET}"


_TYPES = {
    "NoneType": "None",
    "Persistent": "storage",
    "Global": "class",
    "str": "text",
    "int": "number",
    "float": "number",
}
