"""What a core allows generated C, as work to time in the same rounds: multiply-adds from registers,
and reading the weights again and again from the cache that they lie in. Multiply-adds are those of
weights and, in floats, those of an LSTM's gates.

A step reads all weights. A sequence takes its layers one after the other: recurrent weights are
read at every step, those of the input once for four steps where it is wider than 2, or, in whole
numbers, once for sixteen. In a batch each weight serves many rows, and multiply-adds are the limit.
"""

from __future__ import annotations

import ctypes
import statistics
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from lstm_export.model import Model
from lstm_export.targets.c.emit.layout import BITS

Repeat = Callable[[int], object]  # does what one call of the model takes, so many times

COMPUTE = "multiply-adds"
READ = "reading {}"  # weights as a key of BITS
# A unit of an LSTM takes five tanh, each of them a square, 8 multiply-adds and a product, and 6 for
# its gates, c and h; it has four rows of weight_hh.
MULTIPLY_ADDS_A_ROW = (5 * 10 + 6) / 4
SUMS = 12  # vectors that c_loops.c adds to at once
BLOCK = 8  # vectors that it reads at once
STEPS_A_READ = 4  # see MODEL_FOUR of the runtime
PRODUCTS = 32  # of int16 that an instruction of VNNI adds; for 64 of int8 weights it takes two
WHOLE_STEPS_A_READ = 16  # see MODEL_SAMPLES of the runtime


def limits(
    model: Model, shape: tuple[int, int], loop: ctypes.CDLL, vector_floats: int
) -> dict[str, Repeat]:
    """COMPUTE, and for a single row READ with each storage of weights."""
    batch, seq = shape
    products = sum(array.size for key, array in model.arrays.items() if "weight" in key)
    rows = sum(len(array) for key, array in model.arrays.items() if "weight_hh" in key)
    multiply_adds = products + MULTIPLY_ADDS_A_ROW * rows  # a step
    rounds = multiply_adds * batch * seq / (SUMS * vector_floats)
    found: dict[str, Repeat] = {
        COMPUTE: lambda calls: loop.multiply_adds(ctypes.c_size_t(round(calls * rounds)))
    }
    if batch == 1:
        for weights in BITS:
            parts = _parts(model, seq, BITS[weights], STEPS_A_READ, 3)
            found[READ.format(weights)] = _reading(parts, loop, BLOCK * vector_floats)
    return found


def whole_limits(
    model: Model, shape: tuple[int, int], loop: ctypes.CDLL, weight_bits: int
) -> dict[str, Repeat]:
    """The same of whole numbers: COMPUTE, and for a single row READ; none without VNNI."""
    batch, seq = shape
    sums = ctypes.c_int.in_dll(loop, "whole_sums").value
    if not sums:
        return {}
    products = sum(array.size for key, array in model.arrays.items() if "weight" in key)
    rounds = products * batch * seq / (sums * PRODUCTS)
    found: dict[str, Repeat] = {
        COMPUTE: lambda calls: loop.whole_multiply_adds(ctypes.c_size_t(round(calls * rounds)))
    }
    if batch == 1:
        parts = _parts(model, seq, weight_bits, WHOLE_STEPS_A_READ, 1)
        found[READ.format(f"int{weight_bits}")] = _reading(parts, loop, BLOCK * 16)
    return found


def _parts(
    model: Model, seq: int, bits: int, steps_a_read: int, narrowest: int
) -> list[tuple[int, float]]:
    """Floats that are read together, and how often; inputs of `narrowest` columns are multiplied
    ahead of the steps.
    """
    recurrent = {key: array for key, array in model.arrays.items() if "weight_" in key}
    if seq == 1:
        return [(sum(array.size for array in recurrent.values()) * bits // 32, 1.0)]
    parts = []
    for key, array in recurrent.items():
        is_ahead = "weight_ih" in key and array.shape[1] >= narrowest
        parts.append((array.size * bits // 32, seq / steps_a_read if is_ahead else float(seq)))
    return parts


def _reading(parts: Sequence[tuple[int, float]], loop: ctypes.CDLL, block: int) -> Repeat:
    data = np.ones(max(floats for floats, _ in parts) + block, np.float32)

    def repeat(calls: int) -> None:
        for floats, times in parts:
            whole = max(block, floats // block * block)
            turns = max(1, round(calls * times * floats / whole))
            loop.read_all(
                ctypes.c_void_p(data.ctypes.data), ctypes.c_size_t(whole), ctypes.c_size_t(turns)
            )

    return repeat


def share(times: Mapping[str, Sequence[float]], ours: str, weights: str) -> float:
    """The median over the rounds of the nearer limit in units of our time in the same round."""
    reading = times.get(READ.format(weights), times[COMPUTE])
    rounds = zip(times[COMPUTE], reading, times[ours], strict=True)
    return statistics.median(max(compute, read) / mine for compute, read, mine in rounds)
