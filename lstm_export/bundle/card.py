"""What a bundle says to people: its model card, and an example that runs on a device."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..model import Column, Model, Signature
from ..version import __version__

_CARD = """\
# Model card

{summary}

Written by lstm-export {version}. This folder is one file, `model.bundle`: a plain zip with the model's weights
(`weights.npz`), the exported files, the answers that they must give (`golden.npz`) and the sha256 of everything
(`manifest.json`).

## What goes in

`x`, float32, `(batch, seq, {input_size})`: {window}.

{features}

## What comes out

`y`, float32, `{y_shape}`.

{outputs}

## The model

`{chain}`

{parameters} weights, sha256 `{weights_sha256}`. Where the order of the stages comes from: {origin}.

{training}## How it was verified

Every exported file was compared with a float64 evaluation of the model's equations, on inputs chosen to look for
trouble. Allowed is eight times what float32 rounding itself does to this model, plus eight float32 spacings of 1.
Errors are in units of the size of the terms that an output is summed from.

{parity}

## How to use it, without torch

```
pip install lstm-export
lstm-export verify model.bundle
lstm-export run model.bundle data.csv -o predictions.csv
python example.py model.bundle
```

```python
import lstm_export

session = lstm_export.load("model.bundle")
y = session(x)
```
"""

_EXAMPLE = '''\
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
{step}
]
x = np.array([[step] * {seq}], dtype=np.float32)  # (batch, seq, input_size) = (1, {seq}, {input_size})
y = session(x)

# The answer to the last step; its columns and units:
for column, value in zip(session.signature.outputs, y.reshape(-1, {output_size})[-1]):
    print(f"{{column.name}}: {{value:.6g}} {{column.unit}}")"""

_TABLE = """\
# A table, one row a time step; the calendar columns are derived from the time. Put your own rows here.
rows = {seq}
table = {{
    {time!r}: np.datetime64("2026-01-01T00:00:00") + np.arange(rows) * np.timedelta64({microseconds}, "us"),
{columns}
}}
predictions = session.predict_table(table)
for name in predictions.names:
    print(f"{{name}}: {{predictions.text(name)[-1]}}")"""


def card(model: Model, artifacts: Mapping[str, Mapping[str, Any]], training: Mapping[str, Any]) -> str:
    """The model card in Markdown; `artifacts` are the manifest's entries, with the parity record of each."""
    signature = model.signature
    return _CARD.format(
        summary=_summary(signature),
        version=__version__,
        input_size=signature.input_size,
        window=_window(signature),
        features=_columns(_features(signature)),
        y_shape=f"(batch, seq, {signature.output_size})"
        if model.returns_every_step
        else f"(batch, {signature.output_size})",
        outputs=_columns(signature.outputs),
        chain=_plain(model.describe()),
        parameters=f"{model.parameters:,}",
        weights_sha256=model.weights_sha256,
        origin=_plain(model.origin),
        training=_training(training),
        parity=_parity(artifacts),
    )


def example(signature: Signature) -> str:
    """A short program that loads a bundle and predicts from made-up inputs in the middle of the training ranges."""
    predict = _table(signature) if signature.calendar and not signature.group else _array(signature)
    return _EXAMPLE.format(predict=predict)


def _table(signature: Signature) -> str:
    columns = "\n".join(
        f"    {column.name!r}: np.full(rows, {_middle(column):.6g}),  # {repr(column.unit)[1:-1]}".removesuffix("  # ")
        for column in signature.measured
    )
    microseconds = round((signature.time_step or 1.0) * 1e6)
    return _TABLE.format(seq=signature.window or 16, time=signature.time, microseconds=microseconds, columns=columns)


def _array(signature: Signature) -> str:
    # repr() keeps a column's name inside its comment, whatever it holds: it escapes every kind of line break.
    step = "\n".join(
        f"    {_middle(column):.6g},  # {repr(column.name)[1:-1]} {repr(column.unit)[1:-1]}".rstrip()
        for column in _features(signature)
    )
    return _ARRAY.format(
        step=step, seq=signature.window or 16, input_size=signature.input_size, output_size=signature.output_size
    )


def _window(signature: Signature) -> str:
    if not signature.window:
        return "any number of steps"
    # Times that count instead of telling the time have steps in their own unit.
    step = f", one step being {signature.time_step:g} of `{_plain(signature.time)}`" if signature.time else ""
    if signature.time and signature.calendar:
        step = f", one step being {signature.time_step:g} s"
    return f"trained on windows of {signature.window} steps{step}"


def _features(signature: Signature) -> tuple[Column, ...]:
    return signature.features or tuple(Column(f"x{index}") for index in range(signature.input_size))


def _middle(column: Column) -> float:
    return 0.0 if column.low is None or column.high is None else (column.low + column.high) / 2


def _summary(signature: Signature) -> str:
    if not signature.targets:
        return f"An LSTM that maps sequences of {signature.input_size} values to {signature.output_size}."
    names = ", ".join(_plain(target.name) for target in signature.targets)
    ahead = {None: "", 0: " at the last step", 1: " one step ahead"}
    steps = ahead.get(signature.horizon, f" for the next {signature.horizon} steps")
    return f"An LSTM that predicts {names}{steps}."


def _columns(columns: Iterable[Column]) -> str:
    rows = ["| column | unit | range in training |", "|---|---|---|"]
    for column in columns:
        known = column.low is not None and column.high is not None
        rows.append(f"| {_plain(column.name)} | {_plain(column.unit)} | {_range(column) if known else 'unknown'} |")
    return "\n".join(rows)


def _range(column: Column) -> str:
    return f"{column.low:.6g} to {column.high:.6g}"


def _training(training: Mapping[str, Any]) -> str:
    """The scores as a table, then the facts that are one value; histories and the like stay in the manifest."""
    scores = [score for score in training.get("metrics", ()) if isinstance(score, dict) and "rmse" in score]
    facts = {key: value for key, value in sorted(training.items()) if isinstance(value, str | int | float)}
    blocks = [_scores(scores)] if scores else []
    if facts:
        blocks.append("\n".join(f"- {_plain(str(key))}: {_plain(str(value))}" for key, value in facts.items()))
    return "\n\n".join(["## Training", *blocks, ""]) + "\n" if blocks else ""


def _scores(scores: Iterable[Mapping[str, Any]]) -> str:
    rows = ["| part | target | predictor | RMSE | MAE |", "|---|---|---|---|---|"]
    for score in scores:
        names = " | ".join(_plain(str(score.get(key, ""))) for key in ("part", "target", "predictor"))
        rows.append(f"| {names} | {score.get('rmse', 0):.4g} | {score.get('mae', 0):.4g} |")
    return "\n".join(rows)


def _parity(artifacts: Mapping[str, Mapping[str, Any]]) -> str:
    rows = ["| file | verdict | golden sets | largest error | allowed there |", "|---|---|---|---|---|"]
    for entry in artifacts.values():
        report = entry["parity"]
        sets = [one for one in report.get("sets", ()) if one["verdict"] != "cannot be judged"]
        worst = max(sets, key=lambda one: float(one["error"]) / float(one["bound"]), default=None)
        cells = [f"{worst['error']:.1e}", f"{worst['bound']:.1e}"] if worst else ["-", "-"]
        rows.append(f"| {entry['file']} | {report.get('verdict', '-')} | {len(sets)} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _plain(text: str) -> str:
    """A name as it may stand in a table cell: one line, no bars or backticks."""
    return " ".join(text.translate({ord("|"): "/", ord("`"): "'"}).split())
