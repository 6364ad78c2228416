"""Sound files that hold other objects than a state_dict."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from tests.kit.checkpoint_files import (
    Rebuilt,
    checkpoint,
    foreign,
    model,
    saved,
    state,
    zipped,
)

from .case import Case


def _module() -> bytes:
    """The pickle of a module, as torch writes the parts of one."""
    return (
        b"\x80\x02"
        + foreign("models.LSTMModel", {"training": True, "_parameters": {}, "_modules": {}})
        + b"."
    )


def _own(**changes: Any) -> bytes:
    content = {
        "format_version": 1,
        "state_dict": {},
        "chain": [],
        "signature": {},
        "facts": {},
        "windows": None,
    }
    return saved({**content, **changes})


def _script_without_weights() -> bytes:
    files = {
        "m/data.pkl": b"\x80\x02c__torch__\nM\n)\x81}b.",
        "m/constants.pkl": b"\x80\x02).",
        "m/code/a.py": b"",
    }
    return zipped(files)


def _copies(*names: str) -> Callable[[], bytes]:
    """A model and copies of it with other values."""
    shifted = range(len(names))
    return lambda: saved(
        {
            name: {key: value + by for key, value in state().items()}
            for name, by in zip(names, shifted, strict=True)
        }
    )


OBJECTS: list[Case] = [
    (
        "a whole pickled module",
        lambda: checkpoint(_module()),
        "whole pickled module .models.LSTMModel.; opening it would",
    ),
    (
        "a module within a dict",
        lambda: checkpoint(b"\x80\x02}U\x03net" + _module()[2:-1] + b"s."),
        "under 'net'",
    ),
    (
        "a payload that would run",
        lambda: checkpoint(b"\x80\x02cos\nsystem\nX\x04\0\0\0echo\x85R."),
        "os.system.*not run",
    ),
    (
        "a payload beside nothing",
        lambda: saved({"a": Rebuilt(print, "ran")}),
        "without tensors.*print under 'a'",
    ),
    ("a tensor alone", lambda: saved(torch.zeros(3)), "single tensor"),
    ("a list of numbers", lambda: saved([1, 2]), "list without tensors"),
    ("an optimizer alone", lambda: saved({"state": {}, "param_groups": []}), "optimizer"),
    ("an empty dict", lambda: saved({}), "dict without tensors"),
    (
        "several state_dicts",
        lambda: saved({"g": state(), "d": state()}),
        "'g' .6 tensors., 'd' .6 tensors.; choose",
    ),
    (
        "a model and its average",
        _copies("model", "ema"),
        "copies of one model.*'ema' is an average",
    ),
    ("folds", _copies("fold_0", "fold_1"), "each is a model of its own"),
    ("a best and a last model", _copies("best", "last"), "choose one with --key"),
    (
        "an LSTM apart from its head",
        lambda: saved({"lstm": model().lstm.state_dict(), "fc": model().fc.state_dict()}),
        "apart from its head.*join them",
    ),
    ("a TorchScript archive without weights", _script_without_weights, "holds no weights"),
    ("our own format, newer", lambda: _own(format_version=99), "format version is 99"),
    (
        "our own format, incomplete",
        lambda: saved({"format_version": 1, "state_dict": {}}),
        "lacks chain",
    ),
    (
        "our own format, with other fields",
        lambda: _own(signature={"input_size": 3}),
        "stored signature cannot be read",
    ),
]
