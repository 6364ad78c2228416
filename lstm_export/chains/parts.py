"""The modules that names and shapes of a state_dict tell of, as stages of a chain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..model import Linear, Recurrent, Stage

# Prefixes that wrappers put before the user's own: DataParallel, torch.compile, Lightning.
WRAPPERS = ("module.", "_orig_mod.", "model.", "torch_model.", "net.")


@dataclass(frozen=True, eq=False)
class Part:
    """One module of the user's and what it becomes.

    Attributes:
        prefix: its place in the state_dict without the last dot; empty for the root.
        kind: the class in torch.nn, as far as shapes tell.
        stages: one stage; two for a BatchNorm1d.
        doubts: what names and shapes leave open about this module alone.
    """

    prefix: str
    kind: str
    stages: tuple[Stage, ...]
    doubts: tuple[str, ...] = ()

    @property
    def token(self) -> str:
        """How `--forward` names it."""
        return self.prefix or "."

    @property
    def name(self) -> str:
        """Its prefix without the wrappers, which say nothing about it."""
        return unwrapped(self.prefix)

    @property
    def is_recurrent(self) -> bool:
        """Whether it is an LSTM or a GRU."""
        return isinstance(self.stages[0], Recurrent)

    @property
    def is_linear(self) -> bool:
        """Whether it is a Linear."""
        return isinstance(self.stages[0], Linear)

    @property
    def widths(self) -> tuple[int | None, int | None]:
        """What it takes and what it yields; None where it takes any width and keeps it."""
        first = self.stages[0]
        if isinstance(first, Recurrent):
            directions = 1 + first.bidirectional
            return first.input_size, directions * first.state_size
        if isinstance(first, Linear):
            output_size, input_size = first.weight.shape
            return int(input_size), int(output_size)
        arrays = list(first.arrays.values())
        size = int(arrays[0].shape[0]) if arrays else None
        return size, size

    def describe(self) -> str:
        """Name, class and widths, for people: `lstm LSTM(10, 50)`."""
        name = f"{self.prefix or 'the root'} {self.kind}"
        takes, yields = self.widths
        if takes is None:
            return name
        if self.is_recurrent or self.is_linear:
            return f"{name}({takes}, {yields})"
        return f"{name}({takes})"


@dataclass(frozen=True, eq=False)
class Parts:
    """Everything that a state_dict tells of.

    Attributes:
        known: the modules that a chain can hold, in the order of the file.
        unknown: what is in the way of a chain, by prefix or name: what it looks like.
        aside: what a forward can do without, by prefix or name: what it looks like.
        sorted_by_writer: whether the file lists names alphabetically, so that their order says
            nothing.
    """

    known: tuple[Part, ...]
    unknown: Mapping[str, str]
    aside: Mapping[str, str]
    sorted_by_writer: bool

    def describe(self) -> str:
        """The known modules, for people."""
        return ", ".join(part.describe() for part in self.known)


def unwrapped(prefix: str) -> str:
    """The prefix without the wrappers in front: `module.model.lstm` becomes `lstm`."""
    for wrapper in WRAPPERS:
        if prefix.startswith(wrapper):
            return unwrapped(prefix[len(wrapper) :])
    return prefix
