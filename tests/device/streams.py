"""Streams of a model as a bundle with both artifacts opens them, and inputs for them."""

from __future__ import annotations

import numpy as np

from lstm_export.device import (
    OnnxStreamRunner,
    Session,
    load_onnx_stream,
)
from lstm_export.model import Array, Model


def streaming(model: Model) -> OnnxStreamRunner:
    from lstm_export.targets.onnx.writer import to_bytes

    return load_onnx_stream(to_bytes(model, 17, stateful=True))


def session_of(model: Model) -> Session:
    """As a bundle with both artifacts is opened."""
    from lstm_export.device import load_onnx
    from lstm_export.targets.onnx.writer import to_bytes

    return Session(
        load_onnx(to_bytes(model, 17)),
        model.signature,
        twin=lambda: streaming(model),
        least_steps=model.least_steps,
    )


def inputs(model: Model, *shape: int) -> Array:
    """Inputs within the training ranges."""
    columns = model.signature.features
    low, high = ([getattr(column, end) for column in columns] for end in ("low", "high"))
    return np.random.default_rng(2).uniform(low, high, (*shape, len(columns))).astype(np.float32)
