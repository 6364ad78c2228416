"""A chain as far as a state_dict fixes it: its modules in order, and between them places that leave no trace."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from .forward_text import Item
from .parts import Part

Readout = Literal["last", "hidden", "all"]

# What a class of torch.nn is in a chain; classes that are not here are no parameterless stage.
TOKENS: Mapping[str, str] = {
    "ReLU": "relu",
    "Tanh": "tanh",
    "Sigmoid": "sigmoid",
    "GELU": "gelu",
    "ELU": "elu",
    "SiLU": "silu",
    "LeakyReLU": "leaky_relu",
    "Softplus": "softplus",
    "Dropout": "dropout",
    "Identity": "dropout",
    "Flatten": "squeeze",
}


LARGEST_GAP = 8  # more modules without parameters in a row are no Sequential that anyone wrote


@dataclass(frozen=True)
class Slot:
    """A place in the chain that leaves no trace in the weights.

    Attributes:
        kind: what may stand there.
        place: where it is, for people.
        taken: the tokens that are assumed; empty for nothing.
        doubt: why that may be wrong; empty where the file itself tells, or where `Outline.doubts` says it.
        settled: whether the file tells what stands here, as a Sequential's numbers do.
    """

    kind: Literal["readout", "activation"]
    place: str
    taken: tuple[str, ...] = ()
    doubt: str = ""
    settled: bool = False


@dataclass(frozen=True, eq=False)
class Outline:
    """Modules and slots in order.

    Attributes:
        items: a readout slot behind the last recurrent module, an activation slot between any two modules and at
            the end.
        doubts: what is open about the order and the modules themselves.
    """

    items: tuple[Part | Slot, ...]
    doubts: tuple[str, ...] = ()

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The slots in order."""
        return tuple(item for item in self.items if isinstance(item, Slot))

    def chain(self, taken: Mapping[int, tuple[str, ...]] | None = None) -> tuple[Item, ...]:
        """The chain, with other tokens in the slots of these numbers."""
        chain: list[Item] = []
        number = 0
        for item in self.items:
            if isinstance(item, Part):
                chain.append(item)
            else:
                chain += (taken or {}).get(number, item.taken)
                number += 1
        return tuple(chain)

    @property
    def all_doubts(self) -> tuple[str, ...]:
        """Everything that is assumed, a sentence each."""
        own = [doubt for part in self.items if isinstance(part, Part) for doubt in part.doubts]
        slots = [slot.doubt for slot in self.slots if slot.doubt]
        places = [slot.place for slot in self.slots if slot.kind == "activation" and not (slot.taken or slot.settled)]
        traceless = f"nothing is taken {', '.join(places)}; an activation there would leave no trace in the weights"
        return (*self.doubts, *own, *slots, *((traceless,) if places else ()))


def draw(
    order: Sequence[Part], readout: Readout | None, modules: Mapping[str, str], doubts: tuple[str, ...]
) -> Outline:
    """The outline of modules in this order.

    Args:
        order: the modules; every one takes what the one before it yields.
        readout: which step is read out, where the user said so.
        modules: tokens of parameterless modules by path, where the file tells them.
        doubts: of the order.
    """
    items: list[Part | Slot] = []
    open_linear = False  # whether a Linear stands before with nothing behind it yet, which alone would be pointless
    last_recurrent = max(index for index, part in enumerate(order) if part.is_recurrent)
    for index, part in enumerate(order):
        if index:
            slot = _between(order[index - 1], part, open_linear, modules)
            open_linear = open_linear and not _activates(slot)
            items.append(slot)
        items.append(part)
        open_linear = part.is_linear or (open_linear and not part.is_recurrent)
        if index == last_recurrent:
            items.append(_readout(part, readout, headless=index == len(order) - 1))
    items.append(Slot("activation", f"behind `{order[-1].token}`"))
    return Outline(_with_loose(tuple(items), modules), doubts)


def _activates(slot: Slot) -> bool:
    return any(token not in ("dropout", "squeeze") for token in slot.taken)


def _readout(part: Part, wanted: Readout | None, headless: bool) -> Slot:
    """The last step, unless the user says otherwise or the file is a bare nn.LSTM, which returns every step."""
    place, name = f"behind `{part.token}`", part.token
    if wanted:
        return Slot("readout", place, () if wanted == "all" else (wanted,), settled=True)
    if headless and not part.prefix:
        doubt = "the weights are those of a recurrent module alone, so every step is returned (--readout last for one)"
        return Slot("readout", place, (), doubt)
    if getattr(part.stages[0], "bidirectional", False):
        doubt = (
            f"`{name}` is bidirectional and its last step is read out, `out[:, -1]`; cat(h_n[-2], h_n[-1]) has the "
            "same weights and other values (--readout hidden), and so has every step (--readout all)"
        )
    else:
        doubt = f"the last step of `{name}` is read out; every step (--readout all) would have the same weights"
    return Slot("readout", place, ("last",), doubt)


def _between(a: Part, b: Part, open_linear: bool, modules: Mapping[str, str]) -> Slot:
    """What stands between two modules: told by the numbers of a Sequential, or by what is usual."""
    place, gap = f"between `{a.token}` and `{b.token}`", _gap(a, b)
    known = [modules[path] for path in gap if path in modules]
    if gap and len(known) == len(gap):
        return Slot("activation", place, tuple(known), settled=True)
    if a.is_recurrent and _sequential(a, b):  # a module there picks the step
        return Slot("activation", place)
    count = len(gap)
    if count and not b.is_recurrent:
        taken = ("relu",) * open_linear + ("dropout",) * (count - open_linear)
        return Slot("activation", place, taken, _gap_doubt(a, b, taken))
    if open_linear and b.is_linear:
        doubt = f"`{a.token}` and `{b.token}`: what stands between them left no trace, taken as ReLU"
        return Slot("activation", place, ("relu",), doubt)
    return Slot("activation", place, settled=_sequential(a, b) and not count)


def _gap_doubt(a: Part, b: Part, taken: tuple[str, ...]) -> str:
    words = {"relu": "ReLU", "dropout": "Dropout"}
    count = {1: "one parameterless module", 2: "two parameterless modules"}.get(
        len(taken), f"{len(taken)} parameterless modules"
    )
    where = f"`{a.token}` and `{b.token}`: {count} between them"
    return f"{where}, taken as {', '.join(words[token] for token in taken)}"


def _sequential(a: Part, b: Part) -> bool:
    """Whether both are members of one Sequential (or ModuleList), by their names."""
    places = [part.prefix.rpartition(".") for part in (a, b)]
    return places[0][0] == places[1][0] and all(place[2].isdigit() for place in places)


def _gap(a: Part, b: Part) -> list[str]:
    """Paths of the parameterless modules right before `b`, as a Sequential's numbers tell."""
    parent, dot, number = b.prefix.rpartition(".")
    if not number.isdigit():
        return []
    first = int(a.prefix.rpartition(".")[2]) + 1 if _sequential(a, b) else 0
    if int(number) - first > LARGEST_GAP:
        return []
    return [f"{parent}{dot}{index}" for index in range(first, int(number))]


def _with_loose(items: tuple[Part | Slot, ...], modules: Mapping[str, str]) -> tuple[Part | Slot, ...]:
    """An activation that the file tells of outside of a Sequential stands between the Linears, rather than ReLU."""
    loose = {path: token for path, token in modules.items() if not path.rpartition(".")[2].isdigit()}
    kinds = sorted({token for token in loose.values() if token not in ("dropout", "squeeze")})
    if len(kinds) != 1:
        return items
    path = next(path for path, token in loose.items() if token == kinds[0])
    usual = [item for item in items if isinstance(item, Slot) and item.taken == ("relu",) and not _numbers(item)]
    doubt = f"`{path}` is {kinds[0]}, and where it is used is not in the weights"
    if not usual:
        end = items[-1]
        return (
            (*items[:-1], replace(end, doubt=f"{doubt}; it is not taken into the chain"))
            if isinstance(end, Slot)
            else items
        )
    told = [
        replace(item, taken=(kinds[0],), doubt=f"{doubt}; taken {item.place}") if item in usual else item
        for item in items
    ]
    return tuple(told)


def _numbers(slot: Slot) -> bool:
    """Whether the numbers of a Sequential tell how many modules stand here."""
    return re.search("parameterless", slot.doubt) is not None
