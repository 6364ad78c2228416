"""What a chain is proved against: a module's forward, a trusted archive, or recorded answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import InputError, UnsupportedModel
from ..files import unreadable
from ..model import Array
from .real_windows import DAMAGE

# Everything that a module answers with, nested tuples and lists laid out flat.
Call = Callable[[Array], "list[Array]"]
PROBE = (7, 11)  # batch, seq: unlike each other and, mostly, unlike any size of a model


class Asked(NamedTuple):
    """How a module is asked.

    Attributes:
        time_first: whether it takes `(seq, batch, input_size)`.
        every_step: whether it answers every step.
        probe: batch and seq of the x that tells how it lays out its answer.
    """

    time_first: bool
    every_step: bool
    probe: tuple[int, int] = PROBE


class Form(NamedTuple):
    """How the module's answers become y.

    Attributes:
        picks: which of its tensors are y, side by side.
        every_step: whether y is `(batch, seq, output_size)`.
        time_first: whether the tensors' first two axes are `(seq, batch)`.
        note: what was done to them; empty for nothing.
    """

    picks: tuple[int, ...]
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
        shapes: of what each of the tensors that are y holds for a row, or for a step of one.
        cache: answers by input.
    """

    name: str
    call: Call
    form: Form
    time_first: bool
    output_size: int
    shapes: tuple[tuple[int, ...], ...] = ()
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
        if max(self.form.picks) >= len(answers):
            raise InputError(
                f"{self.name} answered with {len(answers)} tensors for x {x.shape}, "
                "and with more before; let it always return as many"
            )
        wanted = (batch, seq) if self.form.every_step else (batch,)  # the axes before the outputs
        if self.form.time_first:
            wanted = wanted[::-1]
        picked = [answers[pick] for pick in self.form.picks]
        if any(y.size % np.prod(wanted) for y in picked) or not batch:
            raise self._other_shape(picked, x, wanted)
        side_by_side = [y.reshape(*wanted, -1) for y in picked]
        y = np.concatenate(side_by_side, axis=-1)  # (*wanted, output_size)
        if y.shape[-1] != self.output_size:
            raise self._other_shape(picked, x, wanted)
        return y.swapaxes(0, 1) if self.form.time_first else y

    def _other_shape(self, picked: list[Array], x: Array, wanted: tuple[int, ...]) -> InputError:
        got = ", ".join(str(y.shape) for y in picked)
        return InputError(
            f"{self.name} answered {got} for x {x.shape}, expected {(*wanted, self.output_size)}"
        )

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


def reference(
    name: str, call: Call, asked: Asked, sizes: tuple[int, int], picks: tuple[int, ...]
) -> Reference:
    """The module as a Runner.

    Args:
        name: what it is, for people.
        call: the module.
        asked: how it is asked.
        sizes: what the chain takes and yields.
        picks: which of its answers are y, side by side.

    Raises:
        UnsupportedModel: its answer does not have the shape of a y.
        InputError: it refuses every input.
    """
    takes, yields = sizes
    batch, seq = asked.probe
    x = np.random.default_rng(0).normal(size=(batch, seq, takes)).astype(np.float32)
    answers = call(x.swapaxes(0, 1) if asked.time_first else x)
    # no value is looked at: the sizes alone tell which axis is which
    shapes = [answers[pick].shape for pick in picks if pick < len(answers)]
    layouts = [_layout(shape, asked) for shape in shapes]
    found = [layout for layout in layouts if layout is not None]
    expected = (batch, seq, yields) if asked.every_step else (batch, yields)
    widths = sum(layout.width for layout in found)
    alike = len({layout.steps_first for layout in found}) == 1
    if len(found) < len(picks) or widths != yields or not alike:
        got = ", ".join(map(str, shapes)) or "missing"
        raise UnsupportedModel(f"{name}: y is {got}, expected {expected} for x {x.shape}")
    note = _note(name, len(answers), picks, (shapes, expected), asked.probe)
    form = Form(picks, asked.every_step, found[0].steps_first, note)
    inner = tuple(layout.inner for layout in found)
    return Reference(name, call, form, asked.time_first, yields, inner)


class _Layout(NamedTuple):
    """How an answer is a y, or a part of one.

    Attributes:
        inner: its shape without the axes of rows and steps.
        steps_first: whether that of the steps comes first.
    """

    inner: tuple[int, ...]
    steps_first: bool

    @property
    def width(self) -> int:
        return prod(self.inner)


def _layout(shape: tuple[int, ...], asked: Asked) -> _Layout | None:
    """How an answer of this shape is a y, be it without its axes of length 1, or with more of
    them; None where it is none."""
    batch, seq = asked.probe
    sizes = _squeezed(shape)
    axes: list[tuple[int, ...]] = [(batch,)]
    if asked.every_step:
        axes = [(seq, batch), (batch, seq)] if asked.time_first else [(batch, seq), (seq, batch)]
    for first in axes:
        wanted = _squeezed(first)
        if sizes[: len(wanted)] == wanted:
            is_plain = shape[: len(first)] == first
            inner = shape[len(first) :] if is_plain else sizes[len(wanted) :]
            return _Layout(inner, first == (seq, batch))
    return None


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)


def _note(
    name: str,
    count: int,
    picks: tuple[int, ...],
    shapes: tuple[list[tuple[int, ...]], tuple[int, ...]],
    probe: tuple[int, int],
) -> str:
    """What is done to the answers, given their shapes and that of y."""
    got, expected = shapes
    said: list[str] = []
    if len(picks) > 1:
        joined = ", ".join(_letters(shape, probe) for shape in got)
        numbers = " and ".join(str(pick + 1) for pick in picks)
        said.append(
            f"answers with {count} tensors, of which numbers {numbers}, {joined}, stand side by "
            f"side in y {_letters(expected, probe)}"
        )
    elif count > 1:
        said.append(f"answers with {count} tensors, of which number {picks[0] + 1} is y")
    if len(picks) == 1 and got[0] != expected and got[0] != _turned(expected):
        mine = _letters(got[0], probe)
        said.append(f"answers {mine}, artifacts answer {_letters(expected, probe)}")
    return f"{name} {' and '.join(said)}" if said else ""


def _turned(shape: tuple[int, ...]) -> tuple[int, ...]:
    """With time first."""
    return (shape[1], shape[0], *shape[2:]) if len(shape) == 3 else shape


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
        # Opened here, since NumPy leaves open what it finds to be damaged.
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            x = np.asarray(file["x"], np.float64)
            y = np.asarray(file["y"], np.float64)
    except OSError as error:
        raise unreadable(path, error, "a .npz file with arrays x and y") from error
    except DAMAGE as error:
        raise InputError(
            f"{path} is no .npz with arrays x and y of numbers; "
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
        raise InputError(f"{path} holds values that are not finite; leave out the rows with them")
    return x.astype(np.float32), y
