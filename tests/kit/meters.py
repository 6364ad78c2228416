"""Electricity meters: a model of a table with several series, its bundle, and such tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lstm_export.bundle import Artifact, make_bundle, write_bundle
from lstm_export.model import Array, Column, LastStep, Model, Signature
from lstm_export.series import Table
from tests.kit.builders import linear, lstm, scaler

WINDOW = 6
START = np.datetime64("2024-01-01T00:00:00")
SIZES = {"kwh": (0.0, 9.0), "temp_c": (-30.0, 45.0)}  # what training saw


def meters_model(hidden_size: int = 8) -> Model:
    """Two measured columns, two of the calendar, a window of 6, two steps ahead."""
    random = np.random.default_rng(0)
    stages = (
        scaler("scale", 4, random, ratio=1.0),
        lstm("lstm", 4, hidden_size, 1, random),
        LastStep("last"),
        linear("fc", hidden_size, 2, random),
    )
    measured = tuple(Column(name, low=low, high=high) for name, (low, high) in SIZES.items())
    signature = Signature(
        4,
        2,
        (*measured, Column("hour_sin"), Column("hour_cos")),
        measured[:1],
        window=WINDOW,
        horizon=2,
        time="time",
        time_step=3600.0,
        calendar=("hour",),
        group="meter",
    )
    return Model(stages, signature, origin="stored")


def write_meters_bundle(path: Path, hidden_size: int = 8) -> Path:
    """With both ONNX artifacts."""
    from lstm_export.targets.onnx.writer import to_bytes

    model = meters_model(hidden_size)
    artifacts = [
        Artifact("onnx", ".onnx", to_bytes(model, 17)),
        Artifact("onnx-stream", ".stream.onnx", to_bytes(model, 17, stateful=True)),
    ]
    write_bundle(path, make_bundle(model, [], artifacts))
    return path


def readings(meters: tuple[str, ...], rows: int, start: int = 0, seed: int = 0) -> Table:
    """`rows` hours of each meter, from `start` hours on, one meter after another."""
    random = np.random.default_rng(seed)
    hours = START + np.arange(start, start + rows) * np.timedelta64(1, "h")
    columns: dict[str, Array] = {
        "time": np.tile(hours, len(meters)),
        "meter": np.repeat(np.array(meters, object), rows),
    }
    for name, (low, high) in SIZES.items():
        columns[name] = random.uniform(low, high, rows * len(meters)).round(3)
    return Table(columns)
