"""Where a chain differs from the true one, and whether its doubts name just that difference."""

from __future__ import annotations

import re
from dataclasses import dataclass

READOUTS = ("last", "hidden")
NO_STAGES = ("dropout", "squeeze")
COMMA = re.compile(r", (?![^(]*\))")


@dataclass(frozen=True)
class Split:
    """A chain by what can differ: modules in order, read-out, skip, activations after each."""

    modules: tuple[str, ...]
    readout: str
    skip: str
    activations: tuple[tuple[str, ...], ...]


def split(forward: str, prefixes: set[str]) -> Split:
    """The parts of a chain's text; `prefixes` are the tokens of its file's modules."""
    modules: list[str] = []
    readout = ""
    skip = ""
    activations: list[list[str]] = [[]]
    for token in COMMA.split(forward):
        if token in prefixes:
            modules.append(token)
            activations.append([])
        elif token in READOUTS:
            readout = token
        elif token.startswith("skip"):
            skip = token
        elif token not in NO_STAGES:
            activations[-1].append(token)
    return Split(tuple(modules), readout, skip, tuple(map(tuple, activations)))


def unnamed_differences(
    assumed: str, forward: str, doubts: tuple[str, ...], prefixes: set[str]
) -> list[str]:
    """What of the differences between two chains no doubt names; empty where they are the same."""
    found = split(assumed, prefixes)
    true = split(forward, prefixes)
    unnamed = []
    if found.readout != true.readout and not any("read out" in doubt for doubt in doubts):
        unnamed.append(f"read-out {true.readout or 'every step'}")
    if found.skip != true.skip and not any("no skip" in doubt for doubt in doubts):
        unnamed.append(true.skip)
    if found.modules != true.modules:
        return unnamed + _modules(found, true, doubts)
    # Place 0 is before the first module, place n after the n-th.
    for place, (taken, right) in enumerate(zip(found.activations, true.activations, strict=True)):
        around = found.modules[place - 1 : place + 1] if place else ()
        if taken != right and not any(_names_place(doubt, around) for doubt in doubts):
            unnamed.append(f"{right} at {around}")
    return unnamed


def _modules(found: Split, true: Split, doubts: tuple[str, ...]) -> list[str]:
    if sorted(found.modules) == sorted(true.modules):
        order = ", ".join(true.modules)
        return [] if any(order in doubt for doubt in doubts) else [f"the order {order}"]
    others = sorted({*found.modules} ^ {*true.modules})
    return [name for name in others if not any(f"`{name}`" in doubt for doubt in doubts)]


def _names_place(doubt: str, around: tuple[str, ...]) -> bool:
    """Whether the doubt is about the activation between two modules, or after the last."""
    names = [f"`{name}`" for name in around]
    if len(names) == 2:
        return " and ".join(names) in doubt
    return bool(names) and f"after {names[0]}" in doubt
