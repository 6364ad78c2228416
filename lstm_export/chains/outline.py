"""A chain as far as a state_dict fixes it.

Its modules in order, and between them places that leave no trace in the weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ..model import LSTM, Recurrent
from .parts import Part
from .tokens import NOTHING, Item

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
    "Mish": "mish",
    "SELU": "selu",
    "CELU": "celu",
    "Hardswish": "hardswish",
    "Hardsigmoid": "hardsigmoid",
    "Softsign": "softsign",
    "Dropout": "dropout",
    "Identity": "dropout",
    "Flatten": "squeeze",
}

LARGEST_GAP = 8  # more modules without parameters in a row are no Sequential that anyone wrote
_NUMBERS = {1: "one", 2: "two"}
_CLASSES = {"relu": "ReLU", "dropout": "Dropout"}


@dataclass(frozen=True)
class Slot:
    """A place in the chain that leaves no trace in the weights.

    Attributes:
        kind: what may stand there.
        place: where it is, for people.
        taken: the tokens that are assumed; empty for nothing.
        doubt: why that may be wrong; empty where the file itself tells, or where `Outline.doubts`
            says it.
        settled: whether the file tells what stands here, as a Sequential's numbers do.
        counted: whether the file tells how many modules stand here.
    """

    kind: Literal["readout", "activation"]
    place: str
    taken: tuple[str, ...] = ()
    doubt: str = ""
    settled: bool = False
    counted: bool = False


@dataclass(frozen=True, eq=False)
class Outline:
    """Modules and slots in order.

    Attributes:
        items: a readout slot after the last recurrent module, an activation slot between any two
            modules and at the end.
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
        others = taken or {}
        chain: list[Item] = []
        number = 0
        for item in self.items:
            if isinstance(item, Part):
                chain.append(item)
                continue
            chain += others.get(number, item.taken)
            number += 1
        return tuple(chain)

    @property
    def all_doubts(self) -> tuple[str, ...]:
        """Everything that is assumed, a sentence each."""
        doubts = list(self.doubts)
        for item in self.items:
            if isinstance(item, Part):
                doubts += item.doubts
        doubts += [slot.doubt for slot in self.slots if slot.doubt]
        doubts.append(self._traceless())
        return tuple(doubts)

    def _traceless(self) -> str:
        """What the weights could not show, and was not assumed, the skip first."""
        absent = ["no skip from x to the output"]
        square = [item.token for item in self.items if isinstance(item, Part) and is_square(item)]
        if square:
            absent.append(f"no residual or gate over {_either([f'`{name}`' for name in square])}")
        absent.append("no window that is centred or divided by its deviation")
        absent.append("no sentinel, and no constant that scales x or y")
        places = [slot.place for slot in self.slots if _is_open(slot)]
        if places:
            absent.insert(0, f"no activation assumed {_either(places)}")
        else:
            absent[0] += " assumed"
        return f"{', '.join(absent)}; none of these would leave a trace"


def is_square(part: Part) -> bool:
    """Whether it yields as many features as it takes, so that they can be added."""
    takes, yields = part.widths
    return (part.is_linear or part.is_recurrent) and takes == yields


def _is_open(slot: Slot) -> bool:
    return slot.kind == "activation" and not slot.taken and not slot.settled


def _either(places: Sequence[str]) -> str:
    """`a`, `a, or b`, `a, b, or c`."""
    *first, last = places
    return f"{', '.join(first)}, or {last}" if first else last


def draw(
    order: Sequence[Part],
    readout: Readout | None,
    modules: Mapping[str, str],
    doubts: tuple[str, ...],
) -> Outline:
    """The outline of modules in this order.

    Args:
        order: the modules; every one takes what the one before it yields.
        readout: which step is read out, where the user said so.
        modules: tokens of parameterless modules by path, where the file tells them.
        doubts: of the order.
    """
    items: list[Part | Slot] = []
    # Whether a Linear stands before with no activation after it yet; alone it would be pointless.
    open_linear = False
    last_recurrent = max(index for index, part in enumerate(order) if part.is_recurrent)
    for index, part in enumerate(order):
        if index:
            slot = _between(order[index - 1], part, open_linear, modules)
            open_linear = open_linear and not _activates(slot)
            items.append(slot)
        items.append(part)
        open_linear = part.is_linear or (open_linear and not part.is_recurrent)
        if index == last_recurrent:
            is_headless = index == len(order) - 1
            items.append(_readout(part, readout, is_headless))
    items.append(Slot("activation", f"after `{order[-1].token}`"))
    return Outline(_with_loose(tuple(items), modules), doubts)


def _activates(slot: Slot) -> bool:
    return any(token not in NOTHING for token in slot.taken)


def _readout(part: Part, wanted: Readout | None, is_headless: bool) -> Slot:
    """The last step, unless the user says otherwise or the file is a bare nn.LSTM.

    A bare nn.LSTM returns every step.
    """
    place = f"after `{part.token}`"
    name = part.token
    if wanted:
        taken = () if wanted == "all" else (wanted,)
        return Slot("readout", place, taken, settled=True)
    if is_headless and not part.prefix:
        found = "the weights are those of a recurrent module alone"
        doubt = f"{found}, so every step is returned (--readout last for the last alone)"
        return Slot("readout", place, (), doubt)
    stage = part.stages[0]
    if isinstance(stage, Recurrent) and stage.bidirectional:
        doubt = (
            f"`{name}` is bidirectional and its last step is read out, `out[:, -1]`; "
            "cat(h_n[-2], h_n[-1]) has the same weights and other values (--readout hidden), "
            "and so have every step (--readout all), a mean, a sum or a maximum over the steps"
        )
    else:
        said = f"the last step of `{name}` is read out"
        others = ["every step (--readout all)", "several last ones", "the first step"]
        others.append("a mean, a sum or a maximum over the steps")
        if isinstance(stage, LSTM) and not stage.proj_size:
            others.append("the cell state")
        doubt = f"{said}; {_either(others)} would have the same weights"
    return Slot("readout", place, ("last",), doubt)


def _between(a: Part, b: Part, open_linear: bool, modules: Mapping[str, str]) -> Slot:
    """What stands between two modules: told by a Sequential's numbers, or by what is usual."""
    place = f"between `{a.token}` and `{b.token}`"
    gap = _gap(a, b)
    known = [modules[path] for path in gap if path in modules]
    if gap and len(known) == len(gap):
        return Slot("activation", place, tuple(known), settled=True)
    if a.is_recurrent and _sequential(a, b):  # a module there picks the step
        return Slot("activation", place)
    count = len(gap)
    if count and not b.is_recurrent:
        relus = ("relu",) if open_linear else ()
        taken = relus + ("dropout",) * (count - len(relus))
        doubt = _gap_doubt(a, b, taken)
        return Slot("activation", place, taken, doubt, counted=True)
    if open_linear and b.is_linear:
        names = f"`{a.token}` and `{b.token}`"
        doubt = f"{names}: what stands between them left no trace, taken as ReLU"
        return Slot("activation", place, ("relu",), doubt)
    is_adjacent = _sequential(a, b) and not count
    return Slot("activation", place, settled=is_adjacent)


def _gap_doubt(a: Part, b: Part, taken: tuple[str, ...]) -> str:
    count = len(taken)
    number = _NUMBERS.get(count, str(count))
    modules = "module" if count == 1 else "modules"
    classes = ", ".join(_CLASSES[token] for token in taken)
    names = f"`{a.token}` and `{b.token}`"
    return f"{names}: {number} parameterless {modules} between them, taken as {classes}"


def _sequential(a: Part, b: Part) -> bool:
    """Whether both are members of one Sequential (or ModuleList), by their names."""
    parent_a, _, number_a = a.prefix.rpartition(".")
    parent_b, _, number_b = b.prefix.rpartition(".")
    return parent_a == parent_b and number_a.isdigit() and number_b.isdigit()


def _gap(a: Part, b: Part) -> list[str]:
    """Paths of the parameterless modules right before `b`, as a Sequential's numbers tell."""
    parent, dot, number = b.prefix.rpartition(".")
    if not number.isdigit():
        return []
    first = 0
    if _sequential(a, b):
        first = int(a.prefix.rpartition(".")[2]) + 1
    if int(number) - first > LARGEST_GAP:
        return []
    return [f"{parent}{dot}{index}" for index in range(first, int(number))]


_Items = tuple[Part | Slot, ...]


def _with_loose(items: _Items, modules: Mapping[str, str]) -> _Items:
    """The items with an activation that the file tells of outside of a Sequential.

    It stands between the Linears, rather than ReLU.
    """
    loose: dict[str, str] = {}
    for path, token in modules.items():
        if not path.rpartition(".")[2].isdigit() and token not in NOTHING:
            loose[path] = token
    if len(set(loose.values())) != 1:
        return items
    path, token = next(iter(loose.items()))
    doubt = f"`{path}` is {token}, and where it is used is not in the weights"
    usual = [item for item in items if isinstance(item, Slot) and _is_usual(item)]
    if usual:
        return tuple(_taking(item, token, doubt) if item in usual else item for item in items)
    *before, end = items
    if not isinstance(end, Slot):
        return items
    return (*before, replace(end, doubt=f"{doubt}; it is not taken into the chain"))


def _is_usual(slot: Slot) -> bool:
    """Whether a ReLU is taken here because that is usual, and for no other reason."""
    return slot.taken == ("relu",) and not slot.counted


def _taking(item: Part | Slot, token: str, doubt: str) -> Part | Slot:
    if isinstance(item, Part):
        return item
    return replace(item, taken=(token,), doubt=f"{doubt}; taken {item.place}")
