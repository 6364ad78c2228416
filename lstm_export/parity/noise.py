"""How far float32 rounding alone can move a model's outputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Protocol, TypeAlias

import numpy as np

from ..model import Array, Model
from ..model.forward import Noise, Output
from ..model.forward.equations import SMALLEST_NORMAL

# Unit roundoff of float32: the largest relative error of one rounding to nearest.
U = 2.0**-24
LARGEST_FLOAT = float(np.finfo(np.float32).max)

# Below its smallest normal number, 2**-126, float32 rounds absolutely, and runtimes may take it for
# 0. No S is smaller than that number over eps, so that such a difference counts as one spacing.
SMALLEST_SCALE = 2.0**-103

# 2 jittered runs gave 3 false alarms on 2,580 random chains, 4 none; 8 halve the worst ratio of
# error to bound.
RUNS = 8
# Small models are jittered in all runs at once; from here on the copies of the weights cost more
# than they save.
LARGE_HIDDEN = 128

# Signs are drawn in blocks of this many: a draw for every small array costs more than the arrays.
POOL = 2**16

_BYTES = np.arange(256, dtype=np.uint8)[:, np.newaxis]
# U or -U for each bit of a byte, (256, 8)
_SIGNS_IN_BYTE = np.where(np.unpackbits(_BYTES, axis=1), U, -U)


class _Signs:
    """Random signs times U, none of them used twice; an array of them holds until the next."""

    def __init__(self, *seed: int) -> None:
        self._seed = seed
        self._pool: Array = np.empty(0)
        self.restart()

    def restart(self) -> None:
        """Begin again, in the memory of before."""
        self._random = np.random.default_rng(self._seed)
        self._used = self._pool.size

    def __call__(self, shape: tuple[int, ...]) -> Array:
        size = prod(shape)
        if self._used + size > self._pool.size:
            self._refill(size)  # what is left of the pool is not used: it is too short
        first = self._used
        self._used += size
        return self._pool[first : self._used].reshape(shape)  # a view, without a copy

    def _refill(self, size: int) -> None:
        enough = max(POOL, size + 7)  # 7 more, since whole bytes are drawn, 8 signs each
        drawn = np.frombuffer(self._random.bytes(enough // 8), np.uint8)
        if self._pool.size != 8 * len(drawn):
            self._pool = np.empty(8 * len(drawn))
        signs = self._pool.reshape(-1, 8)  # a view: fresh memory costs more than the signs
        np.take(_SIGNS_IN_BYTE, drawn, axis=0, out=signs, mode="clip")
        self._used = 0


class Jitter(Noise):
    """Moves every value that float32 must round by one unit roundoff, up or down at random.

    Gates move absolutely: a sigmoid near 0 is still computed from terms of size 1. The weights of a
    model are moved once and kept, so that one Jitter can serve many inputs of that model.
    """

    def __init__(self, runs: int, seed: int) -> None:
        self.runs = (runs,)
        self._weights: dict[str, Array] = {}
        self._weight_signs = _Signs(seed, 1)
        self._signs = _Signs(seed, 0)

    def restart(self) -> None:
        """Begin the signs of values again: what an input gets must not depend on earlier inputs."""
        self._signs.restart()

    def weight(self, name: str, weight: Array) -> Array:
        if name not in self._weights:
            signs = self._weight_signs((*self.runs, *weight.shape))
            self._weights[name] = weight * (1 + signs)
        return self._weights[name]

    def value(self, value: Array) -> Array:
        result: Array = value * self._signs(value.shape)  # value * (1 ± U), in one array
        result += value
        return result

    def held(self, value: Array, terms: Array | float = 0.0) -> Array:
        """NaN where float32 has no such number, so that F is NaN and nothing is judged.

        So it is where the terms may add up to none on the way: in which order a runtime adds them
        then decides. What is too small for a normal number becomes 0, for which runtimes may take
        it.
        """
        size = np.abs(value)
        held = np.where(size < SMALLEST_NORMAL, 0.0, value)
        return np.where(np.maximum(size, terms) <= LARGEST_FLOAT, held, np.nan)

    def undecided(self, value: Array, where: Array) -> Array:
        """NaN there, so that F is NaN and nothing is judged."""
        return np.where(where, np.nan, value)

    def gate(self, gate: Array, size: Array | float = 1.0) -> Array:
        result: Array = gate + size * self._signs(gate.shape)  # ± U times size, not times gate
        return result


class ExactAndJitter(Jitter):
    """A Jitter whose first run is exact, and the others random: one run of a chain answers both."""

    def __init__(self, runs: int, seed: int) -> None:
        super().__init__(1 + runs, seed)

    def weight(self, name: str, weight: Array) -> Array:
        is_new = name not in self._weights
        moved = super().weight(name, weight)  # (1 + runs, ...)
        if is_new:
            moved[0] = weight  # kept so from here on
        return moved

    def value(self, value: Array) -> Array:
        moved: Array = value.copy()
        jittered = moved[..., 1:, :, :]  # ([seq,] runs, batch, size)
        jittered += jittered * self._signs(jittered.shape)
        return moved

    def held(self, value: Array, terms: Array | float = 0.0) -> Array:
        moved = super().held(value, terms)
        moved[..., 0, :, :] = value[..., 0, :, :]  # float64 holds it
        return moved

    def undecided(self, value: Array, where: Array) -> Array:
        moved = super().undecided(value, where)
        moved[..., 0, :, :] = value[..., 0, :, :]
        return moved

    def gate(self, gate: Array, size: Array | float = 1.0) -> Array:
        moved: Array = gate.copy()
        jittered = moved[..., 1:, :, :]  # a view: what is added to it is added to moved
        signs = self._signs(jittered.shape)
        if not isinstance(size, float):
            size_of_each = np.broadcast_to(size, gate.shape)
            signs = size_of_each[..., 1:, :, :] * signs
        elif size != 1.0:  # of a gate: no product is needed
            signs = size * signs
        jittered += signs
        return moved


class SharedWeights(Noise):
    """No noise; a model's weights are widened once, for all models that share arrays with it."""

    def __init__(self, model: Model) -> None:
        self._model = model  # kept, so that no other array gets the identity of one of its own
        self._wide = {}  # by identity of the array
        for array in model.arrays.values():
            self._wide[id(array)] = array.astype(np.float64)

    def weight(self, name: str, weight: Array) -> Array:
        wide = self._wide.get(id(weight))
        return super().weight(name, weight) if wide is None else wide


class _ValueJitter(Jitter):
    """Leaves the weights as they are."""

    def __init__(self, runs: int, seed: int, exact: Noise) -> None:
        super().__init__(runs, seed)
        self._exact = exact

    def weight(self, name: str, weight: Array) -> Array:
        return self._exact.weight(name, weight)


def output_scale(output: Output) -> Array:
    """S `(output_size,)`: the summed magnitude of the last operation's terms; never quite 0.

    The largest over all rows and steps.
    """
    output_size = output.terms.shape[-1]
    by_channel = output.terms.reshape(-1, output_size)  # rows and steps, (answers, output_size)
    terms: Array = by_channel.max(axis=0)
    return np.maximum(terms, SMALLEST_SCALE)


class Definition(Protocol):
    """A float64 definition: `forward` of a model, or a known bug's version of it."""

    def __call__(
        self, x: Array, noise: Noise | None = None, *, lengths: Array | None = None
    ) -> Output: ...


def is_large(model: Model) -> bool:
    """Whether its jittered runs go one after another."""
    return max(stage.hidden_size for stage in model.recurrent) >= LARGE_HIDDEN


Input: TypeAlias = "tuple[Array, Array | None]"  # x, and lengths where its rows have them
Answered: TypeAlias = "tuple[Input, Output]"


def noise_floors(
    definition: Definition, answered: Sequence[Answered], *, large: bool
) -> list[float]:
    """F of each input with its exact answer.

    The largest move of its outputs over the jittered runs, in units of S.
    """
    floors = [0.0] * len(answered)
    for jitter in _jitters(large):
        for index, entry in enumerate(answered):
            jitter.restart()
            move = _largest_move(definition, entry, jitter)
            floors[index] = float(np.maximum(floors[index], move))  # not max(): NaN must stay
    return floors


def _jitters(large: bool) -> Iterator[Jitter]:
    """All runs, at once or one after another."""
    if not large:
        yield Jitter(RUNS, seed=0)
        return
    for seed in range(RUNS):
        yield Jitter(1, seed)


def floor_without_weights(definition: Definition, answered: Answered, exact: Noise) -> float:
    """F of an input but for the rounding of the weights, which `exact` widens."""
    return _largest_move(definition, answered, _ValueJitter(RUNS, 0, exact))


def _largest_move(definition: Definition, answered: Answered, jitter: Jitter) -> float:
    (x, lengths), output = answered
    jittered = definition(x, jitter, lengths=lengths).y  # (runs, batch, [seq,] output_size)
    # y without runs goes along them by broadcasting
    return float(relative_error(jittered, output.y, output_scale(output)).max())


# A division by zero is infinite in both: their difference is NaN, and so is F; nothing is judged.
@np.errstate(invalid="ignore")
def relative_error(y: Array, expected: Array, scale: Array) -> Array:
    """`|y - expected| / scale` per channel; where the scale is 0 only an error of 0 is finite."""
    error = np.abs(y - expected)  # (..., output_size)
    is_zero = scale == 0  # a set that was read from a file may hold it
    safe = np.where(scale > 0, scale, 1.0)
    ratio: Array = np.where(is_zero & (error > 0), np.inf, error / safe)
    return ratio
