"""How the weights of a recurrent layer lie in the C source, and how they are rounded.

A group is 16 units, the last one 9 to 24 (or all units there are). Its rows are one feature each, x
first, then h, and follow each other; a row holds the group's sums side by side: gate by gate, unit
by unit. The rows of the gates that go through a sigmoid, and their biases, are halved, which is
exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ....errors import InputError
from ....model import GRU, LSTM, RNN, Array, Cell, Model, Recurrent

GROUP = 16  # units
LARGEST = 24  # units of the last group
# The order of the gates in the C source: those with a sigmoid first, the one with tanh last.
C_GATES = {
    LSTM: ("input", "forget", "output", "cell"),
    GRU: ("reset", "update", "new"),
    RNN: ("hidden",),
}
BITS = {"float32": 32, "int16": 16, "int8": 8}


def known_storage(weights: str) -> int:
    """The bits of a recurrent weight that is stored as `weights`.

    Raises:
        InputError: it is no key of BITS.
    """
    if weights not in BITS:
        raise InputError(f"weights cannot be stored as {weights!r}; choose {', '.join(BITS)}")
    return BITS[weights]


@dataclass(frozen=True, eq=False)
class CellArrays:
    """One layer in one direction as the C source holds it.

    Attributes:
        weights: float32 or uint32 words `(rows, sums)` of every group, those of x, then those of h.
            In float32 the first row of a part holds biases: of an LSTM and an RNN before x the sum
            of both, of a GRU before x and before h.
        scale: `(gates * hidden_size,)` of words, in the order of the sums; None in float32.
        bias: the same, of a GRU those of x, then those of h.
    """

    weights: tuple[Array, ...]
    scale: Array | None = None
    bias: Array | None = None


def cell_arrays(stage: Recurrent, cell: Cell, bits: int) -> CellArrays:
    """Arrange one layer in one direction."""
    order = _order(stage)  # (sums,)
    half = _halves(stage)  # (sums,), in torch's order
    # (sums, features) each, in the order of the C source
    w_x = (cell.weight_ih * half[:, np.newaxis])[order]
    w_h = (cell.weight_hh * half[:, np.newaxis])[order]
    b_x = (cell.bias_ih * half)[order]
    b_h = (cell.bias_hh * half)[order]
    biases = [b_x + b_h]
    if isinstance(stage, GRU):  # its reset gate acts on b_h alone
        biases = [b_x, b_h]
    if bits == 32:
        of_x = np.vstack([biases[0], w_x.T])  # (rows, sums), the bias on top
        of_h = np.vstack([*biases[1:], w_h.T])
        return CellArrays((*_groups(of_x, stage), *_groups(of_h, stage)))
    # One scale for a sum: products with x and with h are added before it is applied.
    scale = _scale(np.concatenate([w_x, w_h], axis=1), bits)
    words_x = _words(w_x, scale, bits).T  # (words, sums)
    words_h = _words(w_h, scale, bits).T
    groups = (*_groups(words_x, stage), *_groups(words_h, stage))
    return CellArrays(groups, scale, np.concatenate(biases))


def cell_weights(stage: Recurrent, cell: Cell, held: CellArrays, bits: int) -> tuple[Array, Array]:
    """weight_ih and weight_hh that `held` stands for: the inverse of `cell_arrays`, but for biases.

    Exact, unless halving a weight lost a bit: below 2^-125 it may. `cell` tells shapes.
    """
    count = len(held.weights) // 2
    of_x = np.concatenate(held.weights[:count], axis=1).T  # (sums, features or words)
    of_h = np.concatenate(held.weights[count:], axis=1).T
    weight_ih = _as_torch_stacks(_columns(of_x, cell.weight_ih, held, bits), stage)
    weight_hh = _as_torch_stacks(_columns(of_h, cell.weight_hh, held, bits), stage)
    return weight_ih, weight_hh


def _as_torch_stacks(rows: Array, stage: Recurrent) -> Array:
    """Rows `(sums, features)` of a C source, whole again and in torch's order."""
    matrix = np.empty(rows.shape, rows.dtype)
    matrix[_order(stage)] = rows
    halves = _halves(stage)[:, np.newaxis]
    return (matrix / halves).astype(np.float32)


def _columns(rows: Array, like: Array, held: CellArrays, bits: int) -> Array:
    """The weights in rows `(sums, features or words)` of a C source, in the shape of `like`."""
    if held.scale is None:
        return rows[:, -like.shape[1] :]  # biases come first
    scale = held.scale.astype(np.float64)[:, np.newaxis]  # (sums, 1)
    return _weights(rows, like, bits) * scale


def rounded(model: Model, bits: int) -> Model:
    """The model whose recurrent weights are exactly those that the words and scales stand for."""
    if bits == 32:
        return model
    stages = []
    for stage in model.stages:
        stages.append(_rounded(stage, bits) if isinstance(stage, Recurrent) else stage)
    return replace(model, stages=tuple(stages))


def _rounded(stage: Recurrent, bits: int) -> Recurrent:
    weights = dict(stage.weights)
    for cell in stage.cells():
        rows = np.concatenate([cell.weight_ih, cell.weight_hh], axis=1)  # (sums, features)
        scale = _scale(rows, bits).astype(np.float64)  # (sums,)
        for key, matrix in (("weight_ih", cell.weight_ih), ("weight_hh", cell.weight_hh)):
            words = _words(matrix, scale, bits)
            values = _weights(words, matrix, bits) * scale[:, np.newaxis]
            weights[key + cell.suffix] = values.astype(np.float32)
    return replace(stage, weights=weights)


def group_units(hidden_size: int) -> Iterator[range]:
    """The units of every group."""
    start = 0
    while hidden_size - start > LARGEST:
        yield range(start, start + GROUP)
        start += GROUP
    yield range(start, hidden_size)


def _order(stage: Recurrent) -> Array:
    """Which row of torch's stacked gates each sum is: `(gates * hidden_size,)`."""
    size = stage.hidden_size
    gates = C_GATES[type(stage)]
    rows = []
    for units in group_units(size):
        for gate in gates:
            start = stage.gates.index(gate) * size
            rows.append(np.arange(start + units.start, start + units.stop))
    return np.concatenate(rows)


def _halves(stage: Recurrent) -> Array:
    """0.5 for every row, in torch's order, whose gate is a sigmoid; else 1."""
    # sigmoid(v) = (1 + tanh(v / 2)) / 2: the runtime has one function for all gates
    sigmoids = C_GATES[type(stage)][:-1]
    by_gate = [0.5 if gate in sigmoids else 1.0 for gate in stage.gates]
    return np.repeat(by_gate, stage.hidden_size).astype(np.float32)


def _groups(rows: Array, stage: Recurrent) -> Iterator[Array]:
    """`rows (n, sums)` cut into groups of units."""
    gates = len(stage.gates)
    for units in group_units(stage.hidden_size):
        yield rows[:, gates * units.start : gates * units.stop]


def _scale(rows: Array, bits: int) -> Array:
    """float32 `(rows,)`: what the top of a word, as an integer of 32 bits, is multiplied by."""
    largest = np.abs(rows).max(axis=1).astype(np.float64)
    # the largest weight is the largest integer of so many bits, which stands on top of 32
    step = largest / (2 ** (bits - 1) - 1) / 2.0 ** (32 - bits)
    return np.where(step > 0, step, 1.0).astype(np.float32)


def _words(rows: Array, scale: Array, bits: int) -> Array:
    """uint32 `(rows, ceil(columns / (32 / bits)))`: weights of a row in words, the first lowest.

    The part of a word above bit k is read with the bits below it as a fraction; each weight is
    rounded with that fraction counted, so that its error stays half a step.
    """
    in_word = 32 // bits
    step = scale.astype(np.float64)[:, np.newaxis] * 2.0 ** (32 - bits)  # (rows, 1)
    wanted = rows.astype(np.float64) / step  # (rows, columns), in steps
    missing = -rows.shape[1] % in_word
    wanted = np.pad(wanted, ((0, 0), (0, missing)))
    words = np.zeros((len(rows), wanted.shape[1] // in_word), np.int64)
    limit = 2 ** (bits - 1)
    mask = 2**bits - 1
    for place in range(in_word):
        fraction = words / 2.0 ** (bits * place)  # what the weights below leave
        nearest = np.rint(wanted[:, place::in_word] - fraction)
        whole = np.clip(nearest, -limit, limit - 1).astype(np.int64)
        words |= (whole & mask) << (bits * place)  # two's complement of so many bits
    return words.astype(np.uint32)


def _weights(words: Array, like: Array, bits: int) -> Array:
    """float64 in the shape of `like`: what the C source multiplies, before the scale.

    float32 rounds as it does there.
    """
    in_word = 32 // bits
    # (in_word,): each weight moved to the top of a word, the bits below it still under it
    shifts = (32 - bits - bits * np.arange(in_word)).astype(np.uint32)
    tops = (words[:, :, np.newaxis] << shifts).astype(np.uint32)  # (rows, words, in_word)
    padded = tops.view(np.int32).reshape(len(words), -1)
    weights: Array = padded[:, : like.shape[1]].astype(np.float32)
    return weights.astype(np.float64)
