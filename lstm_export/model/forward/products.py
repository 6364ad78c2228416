"""The two matrix products of a recurrent layer, and what a row that has ended keeps."""

from __future__ import annotations

import numpy as np

from ..arrays import Array
from .context import transposed


def input_product(x: Array, weight: Array) -> Array:
    """`x (seq, *runs, batch, size)` times the transposed `weight (*runs, out, size)`.

    All steps in one product.
    """
    by_run = np.moveaxis(x, 0, -3)  # (*runs, seq, batch, size)
    *runs, seq, batch, size = by_run.shape
    rows = by_run.reshape(*runs, seq * batch, size)
    products = rows @ transposed(weight)  # (*runs, seq * batch, out)
    by_step = products.reshape(*runs, seq, batch, -1)
    return np.moveaxis(by_step, -3, 0)  # (seq, *runs, batch, out)


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
