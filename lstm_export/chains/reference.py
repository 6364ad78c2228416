"""What a chain is proved against: a module's forward, a trusted archive, or recorded answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import InputError, UnsupportedModel
from ..model import Array

# Everything that a module answers with, nested tuples and lists laid out flat.
Call = Callable[[Array], "list[Array]"]
PROBE = (7, 11)  # batch, seq: unlike each other and, mostly, unlike any size of a model


class Form(NamedTuple):
    """How the module's answer becomes y.

    Attributes:
        pick: which of its tensors is y.
        every_step: whether y is `(batch, seq, output_size)`.
        time_first: whether the tensor's first two axes are `(seq, batch)`.
        note: what was done to it; empty for nothing.
    """

    pick: int
    every_step: bool
    time_first: bool
    note: str


@dataclass(frozen=True, eq=False)
class Reference:
    """A Runner over a module of any layout and shape of answer: `x (batch, seq, input_size)` to y.

    Attributes:
        name: what it is, for people: `the module`, `mypkg.models:LSTMModel`.
        call: the module; takes x in its own layout.
        form: how its answer becomes y.
        time_first: whether it takes `(seq, batch, input_size)`.
        output_size: width of y.
        cache: answers by input.
    """

    name: str
    call: Call
    form: Form
    time_first: bool
    output_size: int
    cache: dict[tuple[tuple[int, ...], bytes], Array] = field(default_factory=dict)

    def __call__(self, x: Array) -> Array:
        x = np.ascontiguousarray(x, np.float32)
        key = (x.shape, x.tobytes())
        if key not in self.cache:
            self.cache[key] = self._computed(x)
        return self.cache[key]

    def _computed(self, x: Array) -> Array:
        batch, seq, _ = x.shape
        answers = self.call(x.swapaxes(0, 1) if self.time_first else x)
        if self.form.pick >= len(answers):
            raise InputError(
                f"{self.name} answered with {len(answers)} tensors for x {x.shape}, "
                "and with more before"
            )
        y = answers[self.form.pick]
        wanted = (batch, seq) if self.form.every_step else (batch,)
        if self.form.time_first:
            wanted = wanted[::-1]
        if y.size != np.prod(wanted) * self.output_size:
            raise InputError(
                f"{self.name} answered {y.shape} for x {x.shape}, "
                f"expected {(*wanted, self.output_size)}"
            )
        y = y.reshape(*wanted, self.output_size)
        return y.swapaxes(0, 1) if self.form.time_first else y

    @property
    def notes(self) -> tuple[str, ...]:
        """What is different about the module's own interface."""
        layout = (
            f"{self.name} takes (seq, batch, input_size); "
            "artifacts always take (batch, seq, input_size)"
        )
        return (
            *((layout,) if self.time_first else ()),
            *((self.form.note,) if self.form.note else ()),
        )


def reference(  # noqa: PLR0913, PLR0917 - what a module is asked, and how
    name: str,
    call: Call,
    time_first: bool,
    sizes: tuple[int, int],
    pick: int,
    probe: tuple[int, int] = PROBE,
) -> Reference:
    """The module as a Runner.

    Args:
        name: what it is, for people.
        call: the module.
        time_first: whether it takes `(seq, batch, input_size)`.
        sizes: what the chain takes and yields.
        pick: which of its answers is y.
        probe: batch and seq of the x that it is asked.

    Raises:
        UnsupportedModel: its answer does not have the shape of a y.
        InputError: it refuses every input.
    """
    takes, yields = sizes
    batch, seq = probe
    x = np.random.default_rng(0).normal(size=(batch, seq, takes)).astype(np.float32)
    answers = call(x.swapaxes(0, 1) if time_first else x)
    shape = answers[pick].shape if pick < len(answers) else None
    layout = _layout(shape, time_first, yields, probe) if shape is not None else None
    if shape is None or layout is None:
        raise UnsupportedModel(
            f"{name}: y is {shape or 'missing'}, expected {(batch, yields)} or "
            f"{(batch, seq, yields)} for x {x.shape}"
        )
    shapes = (_letters(shape, probe), _letters(layout.shape, probe))
    note = _note(name, len(answers), pick, shapes)
    form = Form(pick, layout.every_step, layout.steps_first, note)
    return Reference(name, call, form, time_first, yields)


class _Layout(NamedTuple):
    """A shape that a y may have, and what it means."""

    shape: tuple[int, ...]
    every_step: bool
    steps_first: bool


def _layout(
    shape: tuple[int, ...], time_first: bool, size: int, probe: tuple[int, int]
) -> _Layout | None:
    """How an answer of this shape is a y, be it without its axes of length 1."""
    batch, seq = probe
    last = _Layout((batch, size), every_step=False, steps_first=False)
    rows = _Layout((batch, seq, size), every_step=True, steps_first=False)
    steps = _Layout((seq, batch, size), every_step=True, steps_first=True)
    for layout in (last, steps, rows) if time_first else (last, rows, steps):
        if _squeezed(layout.shape) == _squeezed(shape):
            return layout
    return None


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)


def _note(name: str, count: int, pick: int, shapes: tuple[str, str]) -> str:
    """What is done to the answer, given its shape and that of y."""
    got, wanted = shapes
    said: list[str] = []
    if count > 1:
        said.append(f"answers with {count} tensors, of which number {pick + 1} is y")
    if got != wanted:
        said.append(f"answers {got}, artifacts answer {wanted}")
    return f"{name} {' and '.join(said)}" if said else ""


def _letters(shape: tuple[int, ...], probe: tuple[int, int]) -> str:
    names = dict(zip(probe, ("batch", "seq"), strict=True))
    sizes = ", ".join(names.get(size, str(size)) for size in shape)
    return f"({sizes},)" if len(shape) == 1 else f"({sizes})"


def recorded(path: Path, takes: int, time_first: bool) -> tuple[Array, Array]:
    """x `(n, seq, input_size)` and y out of a .npz file.

    Raises:
        InputError: it is no .npz with arrays x and y, or they are no numbers of these shapes.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            x, y = (np.asarray(file[name], np.float64) for name in ("x", "y"))
    except (OSError, ValueError, KeyError, EOFError, TypeError) as error:
        raise InputError(
            f"{path} is no .npz with arrays x and y ({error}); "
            "write it with numpy.savez(path, x=x, y=y)"
        ) from error
    if time_first and x.ndim == 3:
        x = x.swapaxes(0, 1)
        y = y.swapaxes(0, 1) if y.ndim == 3 else y
    if x.ndim != 3 or x.shape[-1] != takes or not x.size or len(y) != len(x):
        raise InputError(
            f"{path} holds x {x.shape} and y {y.shape}, expected x (n, seq, {takes}) and as many y"
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise InputError(f"{path} holds values that are not finite")
    return x.astype(np.float32), y
