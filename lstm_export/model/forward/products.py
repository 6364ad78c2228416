"""The two matrix products of a recurrent layer, and what a row that has ended keeps."""

from __future__ import annotations

import numpy as np

from ..arrays import Array
from .context import transposed

# Multiply-adds of a product up to which OpenBLAS computes it on the thread that asks (its
# SMP_THRESHOLD_MIN times GEMM_MULTITHREAD_THRESHOLD).
ON_ONE_THREAD = 2**18
# Multiply-adds, about a millisecond, up to which waking other threads takes longer than it saves.
NOT_WORTH_THREADS = 2**22


def input_product(x: Array, weight: Array) -> Array:
    """`x (seq, *runs, batch, size)` times the transposed `weight (*runs, out, size)`.

    All steps in one product, or in a few where BLAS would wake its threads for little.
    """
    by_run = np.moveaxis(x, 0, -3)  # (*runs, seq, batch, size)
    *runs, seq, batch, size = by_run.shape
    rows = by_run.reshape(*runs, seq * batch, size)
    products = _row_products(rows, transposed(weight))  # (*runs, seq * batch, out)
    by_step = products.reshape(*runs, seq, batch, -1)
    return np.moveaxis(by_step, -3, 0)  # (seq, *runs, batch, out)


def _row_products(rows: Array, weight: Array) -> Array:
    """`rows (*runs, rows, size) @ weight (*runs, size, out)`."""
    count = rows.shape[-2]
    size, out = weight.shape[-2:]
    at_once = ON_ONE_THREAD // (size * out)
    if at_once == 0 or count * size * out > NOT_WORTH_THREADS:
        product: Array = rows @ weight
        return product
    products = np.empty((*rows.shape[:-1], out))
    for first in range(0, count, at_once):
        block = slice(first, first + at_once)
        np.matmul(rows[..., block, :], weight, out=products[..., block, :])
    return products


def state_product(h: Array, weight: Array) -> Array:
    """`h (*runs, batch, size) @ weight (*runs, size, out)`.

    Two or three rows go one by one: BLAS takes longer for a product that flat than for its rows.
    """
    if h.shape[-2] not in (2, 3):
        product: Array = h @ weight
        return product
    rows = h[..., np.newaxis, :]  # (*runs, batch, 1, size)
    row_products = rows @ weight[..., np.newaxis, :, :]  # (*runs, batch, 1, out)
    return row_products[..., 0, :]


def carried(live: Array | None, new: Array, old: Array) -> Array:
    """The new state of the rows that go on, the old one of those that have ended."""
    if live is None:
        return new
    return np.where(live, new, old)
