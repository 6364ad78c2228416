"""Learned initial states: parameters such as `h0` and `c0` beside the recurrent module."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from ..model import Array, Recurrent
from .parts import Part

_WORDS = r"(init(ial)?|learned|learnable|start|zero|param)"
_OWNER = rf"(?P<owner>.*?)({_WORDS}_?)*"
_SUFFIXES = rf"(_?state)?(_?0)?(_?{_WORDS})*(_?state)?"
_STATE = re.compile(
    rf"{_OWNER}(?P<state>h|c|hx|cx|hidden|cell){_SUFFIXES}",
    re.IGNORECASE,
)


class _State(NamedTuple):
    """A parameter that is named as an initial state.

    Attributes:
        name: in the state_dict.
        owner: what stands before the state, such as `rnn1_`.
        state: h or c.
        array: its values.
    """

    name: str
    owner: str
    state: str
    array: Array


def take_states(
    unknown: Mapping[str, str], known: Sequence[Part], arrays: Mapping[str, Array]
) -> tuple[dict[str, str], list[Part]]:
    """Give every learned initial state to the one recurrent module that it fits.

    Returns:
        What fits none and stays unknown, and the modules with their states.
    """
    left = dict(unknown)
    parts = list(known)
    for name in unknown:
        state = _state(name, arrays[name]) if name in arrays else None
        place = _place(state, parts) if state else None
        if place is not None:
            index, learned = place
            parts[index] = learned
            del left[name]
    return left, parts


def _place(state: _State, parts: Sequence[Part]) -> tuple[int, Part] | None:
    """The one module that the state fits, with it; its name decides between several."""
    places: list[tuple[int, Part]] = []
    for index, part in enumerate(parts):
        learned = _attached(part, state)
        if learned is not None:
            places.append((index, learned))
    if len(places) > 1:
        places = [(index, learned) for index, learned in places if _owns(learned, state)]
    return places[0] if len(places) == 1 else None


def _state(name: str, array: Array) -> _State | None:
    prefix, _, key = name.rpartition(".")
    match = _STATE.fullmatch(key)
    if match is None:
        return None
    owner = f"{prefix}.{match['owner']}" if prefix else match["owner"]
    letter = match["state"][0].lower()
    return _State(name, owner, letter, array)


def _owns(part: Part, state: _State) -> bool:
    """Whether the state's own name begins with the module's, as `lstm1_h0` does."""
    return bool(part.prefix) and state.owner.rstrip("._") == part.prefix


def _attached(part: Part, state: _State) -> Part | None:
    """The part with its state, `(num_layers * directions, size)`, or None where it fits not."""
    stage = part.stages[0]
    if not isinstance(stage, Recurrent) or state.state not in stage.states:
        return None
    weight_name = f"{state.state}0"
    if weight_name in stage.weights:
        return None
    rows, size = stage.initial(state.state).shape
    shapes: list[tuple[int, ...]] = [(rows, 1, size), (rows, size), (1, rows, size)]
    if rows == 1:
        shapes += [(size,), (1, 1, size)]
    if state.array.shape not in shapes:
        return None
    weights = {**stage.weights, weight_name: state.array.reshape(rows, size)}
    learned = type(stage)(stage.name, weights)
    doubt = f"`{state.name}` is taken as the learned initial {state.state} of `{part.token}`"
    return replace(part, stages=(learned,), doubts=(*part.doubts, doubt))
