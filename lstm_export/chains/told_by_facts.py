"""What the plain values beside the weights tell: window, horizon, and sizes to compare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..model import Model, Recurrent

LARGEST_STEPS = 100_000
# Keys that mean one thing wherever they were met; `input_size` is a window to some and a width to
# others, and is not among them.
WINDOW = (
    "window",
    "window_size",
    "seq_len",
    "seq_length",
    "sequence_length",
    "lookback",
    "look_back",
    "input_chunk_length",
    "context_length",
)
HORIZON = (
    "horizon",
    "pred_len",
    "forecast_horizon",
    "output_chunk_length",
    "prediction_length",
)
HIDDEN_SIZE = ("hidden_size", "hidden_dim", "lstm_hidden_size")
_RECORDS = ("hyper_parameters", "config", "args", "hparams", "params", "model_kwargs", "kwargs")

_Told = tuple[str, int]  # key, value


def with_steps(model: Model, facts: Mapping[str, Any]) -> tuple[Model, tuple[str, ...]]:
    """The model with the window and horizon that the file names, and a note on each.

    A horizon is taken only where it is the number of outputs: of several targets nothing tells
    in which order their steps lie.
    """
    signature = model.signature
    notes: list[str] = []
    window = _told(facts, WINDOW)
    if window is not None:
        signature = replace(signature, window=window[1])
        notes.append(f"the window, {window[1]} steps, is the file's {window[0]}")
    horizon = _told(facts, HORIZON)
    if horizon is not None and signature.output_size == horizon[1]:
        signature = replace(signature, horizon=horizon[1])
        notes.append(f"the horizon, {horizon[1]} steps, is the file's {horizon[0]}")
    notes += _other_size(model, facts)
    return replace(model, signature=signature), tuple(notes)


def _told(facts: Mapping[str, Any], keys: tuple[str, ...]) -> _Told | None:
    """The one value that the file gives under any of these keys; None where there are two."""
    found = [(key, value) for key, value in _values(facts) if key in keys]
    return found[0] if len({value for _, value in found}) == 1 else None


def _values(facts: Mapping[str, Any]) -> Iterator[_Told]:
    """Whole positive numbers at the root and in the usual records."""
    records = [facts, *(facts[name] for name in _RECORDS if isinstance(facts.get(name), Mapping))]
    for record in records:
        for key, value in record.items():
            if type(value) is int and 0 < value <= LARGEST_STEPS:
                yield key, value


def _other_size(model: Model, facts: Mapping[str, Any]) -> list[str]:
    """A hidden_size beside the weights that no recurrent layer has: they may not belong
    together."""
    told = _told(facts, HIDDEN_SIZE)
    sizes = sorted({each.hidden_size for each in model.stages if isinstance(each, Recurrent)})
    if told is None or told[1] in sizes:
        return []
    found = ", ".join(map(str, sizes))
    return [f"the file says {told[0]} {told[1]}, its weights have {found}"]
