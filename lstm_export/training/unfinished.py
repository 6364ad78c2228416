"""An interrupted run, read back from the checkpoint that it left."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import InputError

UNFINISHED = "unfinished"  # the key in the checkpoint


def read_unfinished(path: Path, facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """Where the run stood, for the loop to go on from.

    Args:
        path: the checkpoint.
        facts: of the run that is to go on: its options and its table have to be the same.

    Raises:
        InputError: it is no checkpoint of an interrupted run, or of one with another table or
            other options.
    """
    import torch

    foreign = f"{path} cannot be resumed: it is no checkpoint from train; name what that wrote"
    try:
        content = torch.load(path, weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise InputError(foreign) from error
    before = content.get("facts") if isinstance(content, dict) else None
    if not isinstance(before, dict) or not {"data", "options"} <= before.keys():
        raise InputError(foreign)
    if content.get(UNFINISHED) is None:
        raise InputError(
            f"{path} cannot be resumed: it holds no interrupted run; train anew, with more "
            "--epochs if it was short"
        )
    _check_same(path, before, facts)
    state: Mapping[str, Any] = content[UNFINISHED]
    return state


def _check_same(path: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    if before["data"] != now["data"]:
        name = before["data"].get("file", "a table from memory")
        raise InputError(
            f"{path} cannot be resumed on another table than it was begun on; train on that one, "
            f"{name}"
        )
    for name, value in now["options"].items():
        begun_with = before["options"].get(name)
        if begun_with != value:
            raise InputError(
                f"{path} was begun with {name} {begun_with}, got {value}; "
                "resume with the options of its run"
            )
