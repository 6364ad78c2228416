"""Which of a checkpoint's state_dicts is meant, and its arrays."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..errors import CheckpointError, quoted
from .contents import Contents
from .file_kinds import SNIPPET
from .found_objects import Found, sort_objects
from .frameworks import Framework, of_class, of_keys
from .pickle_records import Instance
from .places import with_place
from .script_tensors import read_script
from .stored_tensors import Tensor, as_tensor
from .tensor_values import read_arrays
from .torch_files import TorchFile

# A whole module can only be opened where its class is, by running it.
RESAVE = f'import torch; model = torch.load("FILE", weights_only=False); {SNIPPET}'
ALL = "."  # the key that joins every state_dict of the file
MOST_NAMED = 8

# As it is, pruned, or by weight_norm, old and parametrized.
_RECURRENT = re.compile(r"(.*\.)?weight_(ih|hh)_l\d+(_reverse)?(_orig|_g|\.original\d?)?")
_RECURRENT_ALONE = re.compile(r"(weight|bias)_(ih|hh|hr)_l\d+(_reverse)?")

_PACKED = re.compile(r"(^|\.)(_packed_params|_all_weight_values)(\.|$)")
_AVERAGED = re.compile(r"(^|[._])(ema|swa|avg|averaged?|shadow)([._]|$)", re.IGNORECASE)

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
    return read_found(file, found, key)


def read_found(file: TorchFile, found: Found, key: str | None) -> Contents:
    """The same of a file whose objects are sorted, and hold a state_dict.

    Raises:
        CheckpointError: `key` names none of several, or the tensors cannot be read.
    """
    states = with_place(found.states, key)
    chosen = _choose(states, key)
    tensors = _joined(states) if chosen == ALL else states[chosen]
    _check_unpacked(tensors)
    arrays, buffers, notes = read_arrays(tensors, *file.bytes)
    notes = (*notes, *found.notes)
    framework = _framework(file.root, found)
    if framework is not None:
        notes = (*notes, f"the file {framework.sentence}{_readout(framework, found.facts)}")
    if file.is_old:
        notes = (*notes, "the file is in the format of torch before 1.6")
    return Contents(
        arrays,
        buffers,
        _how(file.root, chosen),
        notes,
        (*found.ignored, *_not_chosen(states, chosen)),
        found.facts,
        tuple(found.scalers),
        tuple(found.states),
        chosen,
        framework=framework.sentence if framework else "",
    )


def _framework(root: Any, found: Found) -> Framework | None:
    """Whose file it is, by its keys and those of its hyper_parameters."""
    keys = list(root) if isinstance(root, dict) else []
    parameters = found.facts.get("hyper_parameters")
    nested = list(parameters) if isinstance(parameters, dict) else []
    return of_keys([key for key in keys if isinstance(key, str)]) or of_keys(nested)


def _readout(framework: Framework, facts: Any) -> str:
    """How to read out a forecast of several steps, where the file tells how many."""
    parameters = facts.get("hyper_parameters")
    steps = parameters.get(framework.horizon) if isinstance(parameters, dict) else None
    if not isinstance(steps, int) or steps < 2:
        return ""
    return (
        f"; give --readout all: the forecast is the last {steps} of the steps that it answers "
        f"({framework.horizon})"
    )


def _script_contents(file: TorchFile) -> Contents:
    if not isinstance(file.root, Instance):
        raise CheckpointError("the TorchScript archive holds no module; save one by its save()")
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
    if len(likely) > 1 and _are_copies(likely):
        raise CheckpointError(f"it holds copies of one model: {_list(likely)}; {_advice(likely)}")
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


def _check_unpacked(tensors: Mapping[str, Tensor]) -> None:
    """Refuse what torch packs when it quantizes: no reader outside of torch unpacks it."""
    packed = [name for name in tensors if _PACKED.search(name)]
    if packed:
        raise CheckpointError(
            f"{quoted(packed[0])} is of a dynamically quantized module, whose weights are packed; "
            f"save the model from before quantize_dynamic: {SNIPPET}"
        )


def _are_copies(states: _States) -> bool:
    """Whether all have the same names and shapes, as EMA, SWA, folds and best epochs do."""
    shapes = [{name: tensor.shape for name, tensor in state.items()} for state in states.values()]
    return all(each == shapes[0] for each in shapes)


def _advice(states: _States) -> str:
    """Which of several copies is meant."""
    averaged = [name for name in states if _AVERAGED.search(name)]
    if averaged:
        return (
            f"{averaged[0]!a} is an average over training, by its name, and mostly the one that "
            f"was evaluated: --key {averaged[0]}"
        )
    first = next(iter(states))
    stems = {re.sub(r"\d+", "", name) for name in states}
    if len(stems) == 1:
        return f"each is a model of its own, such as of one fold; export each: --key {first}"
    return f"choose one with --key, such as --key {first or ALL}"


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
    if ".quantized." in kind:
        return (
            f"the file holds a quantized module ({quoted(kind)[1:-1]}){where}, whose weights are "
            f"packed; save the model from before it was quantized: {SNIPPET}"
        )
    return (
        f"the file holds a whole pickled module ({quoted(kind)[1:-1]}){where}; opening it would "
        f"run its code. In the project that made it, save the weights alone: {RESAVE}"
    )


def _foreign_object(kind: str) -> str:
    framework = of_class(kind)
    if framework is not None:
        return f"the file {framework.sentence}"
    return (
        f"the file holds an object made by {kind}, which was not run. If an nn.Module is in it, "
        'save the weights of that alone: torch.save(module.state_dict(), "model.pt")'
    )


_TYPES = {
    "NoneType": "None",
    "Persistent": "storage",
    "Global": "class",
    "str": "text",
    "int": "number",
    "float": "number",
}
