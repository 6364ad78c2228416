"""A module inside a state_dict, such as one of two copies, by its place there."""

from __future__ import annotations

from collections.abc import Mapping

from .stored_tensors import Tensor


def beneath(tensors: Mapping[str, Tensor], place: str) -> dict[str, Tensor]:
    """The tensors of the module at `place`, under its own names; none where nothing is there."""
    start = f"{place}."
    return {
        name.removeprefix(start): tensor
        for name, tensor in tensors.items()
        if name.startswith(start)
    }


def with_place(
    states: Mapping[str, Mapping[str, Tensor]], key: str | None
) -> dict[str, Mapping[str, Tensor]]:
    """The state_dicts, and the module that `key` names inside one of them as one of its own.

    Args:
        states: state_dicts by their path.
        key: a path; or a path and a place in the state_dict there; or a place alone, where just
            one state_dict has it.
    """
    if key is None or key in states:
        return dict(states)
    found: dict[str, dict[str, Tensor]] = {}
    for path, tensors in states.items():
        place = key.removeprefix(f"{path}.")
        module = beneath(tensors, place)
        if module:
            found[path] = module
    if len(found) != 1:
        return dict(states)
    ((path, module),) = found.items()
    start = key.removeprefix(f"{path}.") + "."
    rest = {name: value for name, value in states[path].items() if not name.startswith(start)}
    return {**states, path: rest, key: module}
