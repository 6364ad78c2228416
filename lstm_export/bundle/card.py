"""The model card of a bundle: what the model takes and gives, how it was trained and verified."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..model import Column, Model, Signature
from ..version import __version__
from .example import features_of
from .names import in_code, in_page

NOT_JUDGED = "cannot be judged"  # the verdict of a set on which float32 means too little
LONGEST_CHAIN = 1000  # characters of the line that shows it

_CARD = """\
# Model card

{summary}

Written by lstm-export {version}. This page lies in a bundle, one file: a plain zip with the model's
weights (`weights.npz`), the exported files, the answers that they must give (`golden.npz`) and the
sha256 of everything (`manifest.json`).

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

Every exported file was compared with a float64 evaluation of the model's equations, on inputs
chosen to look for trouble. Allowed is eight times what float32 rounding itself does to this model,
plus eight float32 spacings of 1. Errors are relative to S, the summed magnitude of the last
operation's terms.

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

_KINDS = {
    ("GRU",): "A GRU",
    ("LSTM",): "An LSTM",
    ("RNN",): "An RNN",
    ("GRU", "LSTM"): "A chain of LSTM and GRU",
}


def card(
    model: Model, artifacts: Mapping[str, Mapping[str, Any]], training: Mapping[str, Any]
) -> str:
    """The page in Markdown; `artifacts` are the manifest's entries, with the parity of each."""
    signature = model.signature
    axes = "batch, seq" if model.returns_every_step else "batch"
    return _CARD.format(
        summary=_summary(model),
        version=__version__,
        input_size=signature.input_size,
        window=_window(signature),
        features=_columns(features_of(signature)),
        y_shape=f"({axes}, {signature.output_size})",
        outputs=_columns(signature.outputs),
        chain=in_code(model.describe(), LONGEST_CHAIN),
        parameters=f"{model.parameters:,}",
        weights_sha256=model.weights_sha256,
        origin=in_page(model.origin),
        training=_training(training),
        parity=_parity(artifacts),
    )


def _summary(model: Model) -> str:
    signature = model.signature
    kinds = sorted({stage.kind for stage in model.recurrent})
    what = _KINDS.get(tuple(kinds), f"A chain of {' and '.join(kinds)}")
    if not signature.targets:
        sizes = f"{signature.input_size} values to {signature.output_size}"
        return f"{what} that maps sequences of {sizes}."
    names = ", ".join(in_page(target.name) for target in signature.targets)
    return f"{what} that predicts {names}{_ahead(signature.horizon)}."


def _ahead(horizon: int | None) -> str:
    if horizon is None:
        return ""
    if horizon == 0:
        return " at the last step"
    if horizon == 1:
        return " one step ahead"
    return f" for the next {horizon} steps"


def _window(signature: Signature) -> str:
    if not signature.window:
        return "any number of steps"
    windows = f"trained on windows of {signature.window} steps"
    if signature.calendar_step:
        return f"{windows}, one step being one {signature.calendar_step}"
    if not signature.time or not signature.time_step:
        return windows
    if signature.calendar:
        return f"{windows}, one step being {signature.time_step:g} s"
    # Times that count instead of telling the time have steps in their own unit.
    return f"{windows}, one step being {signature.time_step:g} of `{in_code(signature.time)}`"


def _columns(columns: Iterable[Column]) -> str:
    rows = ["| column | unit | range in training |", "|---|---|---|"]
    for column in columns:
        rows.append(f"| {in_page(column.name)} | {in_page(column.unit)} | {_range(column)} |")
    return "\n".join(rows)


def _range(column: Column) -> str:
    if column.low is None or column.high is None:
        return "unknown"
    return f"{column.low:.6g} to {column.high:.6g}"


def _training(training: Mapping[str, Any]) -> str:
    """The scores as a table, then the facts that are one value; the rest is in the manifest."""
    metrics = training.get("metrics", ())
    scores = [score for score in metrics if isinstance(score, dict) and "rmse" in score]
    facts = []
    for key, value in sorted(training.items()):
        if isinstance(value, str | int | float):
            facts.append(f"- {in_page(str(key))}: {in_page(str(value))}")
    blocks = []
    if scores:
        blocks.append(_scores(scores))
    if facts:
        blocks.append("\n".join(facts))
    if not blocks:
        return ""
    return "\n\n".join(["## Training", *blocks, ""]) + "\n"


def _scores(scores: Iterable[Mapping[str, Any]]) -> str:
    rows = ["| part | target | predictor | RMSE | MAE |", "|---|---|---|---|---|"]
    for score in scores:
        names = [in_page(str(score.get(key, ""))) for key in ("part", "target", "predictor")]
        errors = [f"{score.get(key, 0):.4g}" for key in ("rmse", "mae")]
        rows.append(_row([*names, *errors]))
    return "\n".join(rows)


def _parity(artifacts: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        "| file | verdict | golden sets | largest error | allowed there |",
        "|---|---|---|---|---|",
    ]
    for entry in artifacts.values():
        report = entry["parity"]
        judged = [result for result in report.get("sets", ()) if result["verdict"] != NOT_JUDGED]
        errors = ["-", "-"]
        if judged:
            worst = max(judged, key=_share_of_bound)
            errors = [f"{worst['error']:.1e}", f"{worst['bound']:.1e}"]
        verdict = report.get("verdict", "-")
        file = in_page(entry["file"])
        rows.append(_row([file, verdict, str(len(judged)), *errors]))
    costs = [_cost(entry) for entry in artifacts.values() if "cost" in entry["parity"]]
    return "\n".join([*rows, *costs])


def _cost(entry: Mapping[str, Any]) -> str:
    """The cost of whole numbers, for the output that they move most."""
    cost = entry["parity"]["cost"]
    worst = max(cost["outputs"], key=_share_of_spread)
    amount = f"{worst['largest']:.2g} {worst['unit']}".strip()
    return (
        f"\n{in_page(entry['file'])} computes in whole numbers. Every answer has to equal that of "
        f"their definition; against float64 they move {in_page(worst['name'])} by up to "
        f"{in_page(amount)} on {in_page(cost['source'])}."
    )


def _share_of_spread(output: Mapping[str, Any]) -> float:
    spread = output["spread"] or 1  # 0 where every answer is the same
    return float(output["largest"]) / float(spread)


def _share_of_bound(result: Mapping[str, Any]) -> float:
    error = float(result["error"])
    if not result["bound"]:  # whole numbers: equal, or not
        return 0.0 if error == 0 else float("inf")
    return error / float(result["bound"])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
