"""Learned initial states: parameters such as `h0` and `c0`, which lie beside the recurrent module."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ..model import Array, Recurrent

if TYPE_CHECKING:
    from .parts import Part

_WORDS = r"(init(ial)?|learned|learnable|start|zero|param)"
_STATE = re.compile(
    rf"(?P<owner>.*?)({_WORDS}_?)*(?P<state>h|c|hx|cx|hidden|cell)(_?state)?(_?0)?(_?{_WORDS})*(_?state)?",
    re.IGNORECASE,
)


class _State(NamedTuple):
    name: str
    owner: str  # what stands before it, such as `rnn1_`
    state: str  # h or c
    array: Array


def take_states(
    unknown: Mapping[str, str], known: Sequence[Part], arrays: Mapping[str, Array]
) -> tuple[dict[str, str], list[Part]]:
    """Give every learned initial state to the one recurrent module that it fits; what fits none stays unknown."""
    left, parts = dict(unknown), list(known)
    for name in [name for name in left if name in arrays]:
        found = _state(name, arrays[name])
        places = {index: took for index, part in enumerate(parts) if found and (took := _attached(part, found))}
        if len(places) > 1 and found:
            places = {index: took for index, took in places.items() if _owns(took, found)}
        if len(places) == 1:
            ((index, took),) = places.items()
            parts[index] = took
            del left[name]
    return left, parts


def _state(name: str, array: Array) -> _State | None:
    prefix, _, key = name.rpartition(".")
    match = _STATE.fullmatch(key)
    if match is None:
        return None
    owner = f"{prefix}.{match['owner']}" if prefix else match["owner"]
    return _State(name, owner, match["state"][0].lower(), array)


def _owns(part: Part, found: _State) -> bool:
    """Whether the state's own name begins with the module's, as `lstm1_h0` does."""
    return bool(part.prefix) and found.owner.rstrip("._") == part.prefix


def _attached(part: Part, found: _State) -> Part | None:
    """The part with its state, `(num_layers * directions, size)`, or None where it does not fit."""
    stage = part.stages[0]
    if not isinstance(stage, Recurrent) or found.state not in stage.states or f"{found.state}0" in stage.weights:
        return None
    rows, size = stage.initial(found.state).shape
    one_row = ((size,), (1, 1, size)) if rows == 1 else ()
    if found.array.shape not in ((rows, 1, size), (rows, size), (1, rows, size), *one_row):
        return None
    learned = type(stage)(stage.name, {**stage.weights, f"{found.state}0": found.array.reshape(rows, size)})
    doubt = f"`{found.name}` is taken as the learned initial {found.state} of `{part.token}`"
    return replace(part, stages=(learned,), doubts=(*part.doubts, doubt))
