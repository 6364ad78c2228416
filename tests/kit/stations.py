"""The I-94 table as several series, and an untrained model of it: what every engine answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lstm_export.bundle import Artifact, make_bundle, write_bundle
from lstm_export.model import Array, Column, LastStep, Model, Signature
from lstm_export.series import Table, read_table
from tests.kit.builders import linear, lstm, scaler

TRAFFIC = Path(__file__).parents[2] / "lstm_export" / "data" / "i94_traffic.csv.gz"
MEASURED = ("volume", "temp_c", "clouds_pct")


def stations() -> Table:
    """Quarters of the years 2016 to 2018 as stations; times as dates, numbers as float64."""
    read = read_table(TRAFFIC)
    hours = read["hour"].astype(str).astype("datetime64[s]")
    quarters = hours.astype("datetime64[M]").astype(np.int64) // 3
    columns: dict[str, Array] = {
        "hour": hours,
        "station": np.array([f"q{quarter}" for quarter in quarters], object),
    }
    columns |= {name: read.numbers(name) for name in MEASURED}
    return Table(columns)


def write_stations_bundle(path: Path, **changed: Any) -> Path:
    """A window of two days, six hours ahead; `changed` fields of the signature."""
    from lstm_export.targets.onnx.writer import to_bytes

    random = np.random.default_rng(94)
    width = len(MEASURED) + 2
    stages = (
        scaler("scale", width, random, ratio=1.0),
        lstm("lstm", width, 16, 1, random),
        LastStep("last"),
        linear("fc", 16, 6, random),
    )
    features = tuple(Column(name) for name in (*MEASURED, "hour_sin", "hour_cos"))
    signature = Signature(
        width,
        6,
        features,
        features[:1],
        window=48,
        horizon=6,
        time="hour",
        time_step=3600.0,
        calendar=("hour",),
        group="station",
    )
    model = Model(stages, replace(signature, **changed), origin="stored")
    artifact = Artifact("onnx", ".onnx", to_bytes(model, 17))
    write_bundle(path, make_bundle(model, [], [artifact]))
    return path
