"""What a rule is, by which one call of torch is translated, and what rules ask of arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

import numpy as np

from ..model import Array
from .capture import Call, Constant, Data
from .signals import Nodes, Signal, Untranslated


class Translator(Protocol):
    """What a rule asks: the signals of its arguments, and nodes."""

    nodes: Nodes
    steps: int  # of x

    def signal(self, value: Any) -> Signal:
        """What a recorded tensor is."""


# The call, which of its results, and the translator.
Rule: TypeAlias = Callable[[Call, Data, Translator], Signal]


def constant(value: Any, what: str) -> Constant:
    """A tensor that does not depend on x, and is the same at every call.

    Raises:
        Untranslated: it is none.
    """
    if isinstance(value, Data):
        raise Untranslated(f"takes its {what} from data")
    if not isinstance(value, Constant):
        raise Untranslated(f"has the {what} {value!r}")
    if value.origin:
        raise Untranslated(
            f"takes its {what} from {value.origin}, which is random: every call answers otherwise"
        )
    return value


def owner(weight: Constant, call: Call) -> str:
    """The module that a weight belongs to, by its name in the state_dict, or the module that
    computes with it."""
    if not weight.name:
        return call.place.module
    if _is_weight(weight.name):
        return weight.name.removesuffix("weight").removesuffix(".")
    return weight.name  # a parameter of the user's own, by itself


def _is_weight(name: str) -> bool:
    return name.rpartition(".")[2] == "weight"


def features(signal: Signal) -> int:
    """The width where the last axis is that of the features.

    Raises:
        Untranslated: it is another.
    """
    if not signal.axes or signal.axes[-1] != "size":
        last = signal.axes[-1] if signal.axes else "nothing"
        raise Untranslated(
            f"works along the axis of {'steps' if last == 'seq' else last}, not along the features"
        )
    return signal.width


def float32(array: Array) -> Array:
    """Weights as stages hold them.

    Raises:
        Untranslated: they are no floats.
    """
    if array.dtype.kind != "f":
        raise Untranslated(f"has weights of {array.dtype}, expected floats")
    return array.astype(np.float32)
