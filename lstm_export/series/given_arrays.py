"""Anything that a caller gives for an array, as a copy that numpy made of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InputError
from ..model import Array

MOST_LEVELS = 32  # of lists in lists: the axes that every version of numpy has


def given_array(x: Any, name: str, expected: str) -> Array:
    """A copy of `x`, an array or what numpy makes one of.

    Raises:
        InputError: it makes none of it, or a value is masked.
    """
    refuse_masked(x, name)
    try:
        return np.array(x)
    # numpy asks an object for its numbers, which may raise anything; lists may be ragged.
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{name} is no array: {reason}; expected {expected}") from error


def refuse_masked(x: Any, name: str, level: int = 0) -> None:
    """What a mask hides is no number, and numpy would hand it on as one.

    Raises:
        InputError: a value is masked, be it in an array within lists; or a list holds itself.
    """
    if isinstance(x, np.ma.MaskedArray):
        if np.ma.is_masked(x):
            raise InputError(
                f"{name} is a masked array with masked values; "
                f"fill them first, with {name}.filled(...)"
            )
    elif isinstance(x, list | tuple):
        if level == MOST_LEVELS:
            raise InputError(
                f"{name} is no array: lists in lists of more than {MOST_LEVELS} levels, "
                "or one that holds itself"
            )
        for part in x:
            refuse_masked(part, name, level + 1)
