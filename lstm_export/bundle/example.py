"""The program in a bundle that shows how to predict on a device. Users run it as it stands.

Names come from the signature while it runs; the text itself holds none but in comments, in a form
of our own making.
"""

from __future__ import annotations

from ..model import Column, Signature
from .names import in_source

DEFAULT_STEPS = 16  # of the made-up input, where the model knows no window

_PROGRAM = '''\
"""Predict once with the model of a bundle: python example.py model.bundle

Needs only: pip install lstm-export (numpy and onnxruntime; no torch).
"""

import sys

import numpy as np

import lstm_export

if len(sys.argv) != 2:
    sys.exit("usage: python example.py model.bundle")
session = lstm_export.load(sys.argv[1])

{predict}
'''

_ARRAY = """\
# One time step, in the order that the model expects. Put your own numbers here.
step = [
{values}
]
x = np.array([[step] * {seq}], dtype=np.float32)  # (batch, seq, input_size) = {shape}
y = session(x)

# The answer to the last step; its columns and units:
for column, value in zip(session.signature.outputs, y.reshape(-1, {output_size})[-1]):
    print(f"{{column.name}}: {{value:.6g}} {{column.unit}}")"""

_TABLE = """\
# A table, one row a time step; the calendar columns are derived from the time.
# One value for each column, in the order of the model's signature. Put your own rows here.
values = [
{values}
]
rows = {seq}
step = np.timedelta64({microseconds}, "us")
signature = session.signature
table = {{signature.time: np.datetime64("2026-01-01T00:00:00") + np.arange(rows) * step}}
for column, value in zip(signature.measured, values):
    table[column.name] = np.full(rows, value)
predictions = session.predict_table(table)
for name in predictions.names:
    print(f"{{name}}: {{predictions.text(name)[-1]}}")"""


def example(signature: Signature) -> str:
    """A short program that loads a bundle and predicts from made-up inputs.

    They lie in the middle of the ranges seen in training.
    """
    others = signature.group or signature.calendar_step or signature.categories
    is_simple_table = signature.calendar and not others
    predict = _table(signature) if is_simple_table else _array(signature)
    return _PROGRAM.format(predict=predict)


def _table(signature: Signature) -> str:
    microseconds = round((signature.time_step or 1.0) * 1e6)
    return _TABLE.format(
        values=_values(signature.measured),
        seq=signature.window or DEFAULT_STEPS,
        microseconds=microseconds,
    )


def _array(signature: Signature) -> str:
    seq = signature.window or DEFAULT_STEPS
    return _ARRAY.format(
        values=_values(features_of(signature)),
        seq=seq,
        shape=f"(1, {seq}, {signature.input_size})",
        output_size=signature.output_size,
    )


def features_of(signature: Signature) -> tuple[Column, ...]:
    """The columns of x; `x0`, `x1`, ... where their names are unknown."""
    unnamed = tuple(Column(f"x{index}") for index in range(signature.input_size))
    return signature.features or unnamed


def _values(columns: tuple[Column, ...]) -> str:
    """One value a line, with its column's name and unit as a comment."""
    lines = []
    for column in columns:
        comment = f"{in_source(column.name)} {in_source(column.unit)}"
        lines.append(f"    {_middle(column):.6g},  # {comment}".rstrip())
    return "\n".join(lines)


def _middle(column: Column) -> float:
    if column.low is None or column.high is None:
        return 0.0
    return column.low / 2 + column.high / 2  # their sum may be too large
