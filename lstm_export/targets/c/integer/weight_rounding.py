"""Which whole weights are rounded upwards, so that a row's errors cancel on real inputs.

Weights are rounded column by column; what a row has lost so far is given to the columns to come, as
much as their values go along with those that are done. This is the rounding of Frantar et al., GPTQ
(2022), with every weight kept beside its exact value: the generated code stays the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ....model import Array, Model
from .arithmetic import float64
from .formats import Formats, InputFormat, chosen
from .rounding import whole_model
from .rows import Rows, packed
from .stages import Counter
from .whole_model import WholeModel

DAMPING = 0.01  # of the mean square of a column: values to come are not quite as those seen


@dataclass
class Met(Counter):
    """What the weights of every matrix are multiplied with.

    Attributes:
        moments: by the matrix's name `(columns, columns)`: sums of products of two columns' values.
        exact: by name the weights before they are rounded.
    """

    moments: dict[str, Array] = field(default_factory=dict)
    exact: dict[str, Array] = field(default_factory=dict)

    def meet(self, rows: Rows, values: Array) -> None:
        flat = float64(values.reshape(-1, values.shape[-1]))  # (batch * seq, columns)
        before = self.moments.get(rows.name, 0.0)
        self.moments[rows.name] = before + flat.T @ flat
        self.exact[rows.name] = rows.exact


def fitted(
    model: Model,
    inputs: Iterable[Array],
    weight_bits: int,
    given: Mapping[int, InputFormat] | None = None,
) -> tuple[Formats, WholeModel]:
    """The formats and the whole numbers with the least error on real inputs.

    Args: as of `chosen`.

    Raises:
        UnsupportedModel: a stage has no integer form, or values do not fit.
    """
    inputs = list(inputs)
    formats = chosen(model, inputs, weight_bits, given)
    nearest = whole_model(model, formats)
    met = Met()
    for x in inputs:
        nearest.answers(nearest.counts(x), met)
    up = {}
    for name, moments in met.moments.items():
        is_up = ups(met.exact[name], moments)  # (rows, columns)
        up[name] = packed(is_up)
    formats = replace(formats, up=up)
    return formats, whole_model(model, formats)


def ups(exact: Array, moments: Array) -> Array:
    """Which weights `(rows, columns)` are rounded upwards, by the moments of what they meet."""
    columns = len(moments)
    mean = moments.trace() / columns  # of the squared values of a column
    damped = moments + DAMPING * (mean or 1.0) * np.eye(columns)
    order = np.argsort(-moments.diagonal(), kind="stable")  # the largest values first
    inverse = np.linalg.inv(damped[np.ix_(order, order)])
    shares = np.linalg.cholesky(inverse).T  # upper: inverse == shares.T @ shares
    left = exact[:, order]  # (rows, columns): weights, with what columns before them lost
    lower = np.floor(left)
    rounded_up = np.zeros(exact.shape, bool)
    for place, column in enumerate(order):
        is_nearer = left[:, place] >= lower[:, place] + 0.5
        # What is exact stays: it may be the largest number that a weight has room for.
        has_room = exact[:, column] > lower[:, place]
        is_up = is_nearer & has_room
        rounded_up[:, column] = is_up
        # (rows,): what later columns take over, each by its share
        lost = (left[:, place] - lower[:, place] - is_up) / shares[place, place]
        later = shares[place, place + 1 :]
        left[:, place + 1 :] -= np.outer(lost, later)
    return rounded_up
