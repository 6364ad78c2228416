"""The I-94 table as several series, and an untrained model of it: what every engine answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lstm_export.bundle import Artifact, make_bundle, write_bundle
from lstm_export.device import Session
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


def rows_of(table: Table, rows: Any) -> Table:
    """Some rows of a table, by their numbers or a slice."""
    return Table({name: column[rows] for name, column in table.columns.items()})


def assert_same(found: Any, session: Session) -> None:
    """Bit for bit what a single call answers, in the order of stations and hours."""
    expected = session.predict_table(stations())
    columns = {name: np.asarray(found[name]) for name in expected.names}
    order = np.lexsort((columns["hour"], columns["station"].astype(str)))
    in_order = np.lexsort((expected["hour"], expected.text("station")))
    assert len(order) == len(in_order) > 10_000
    for name in expected.names:
        column = columns[name][order]
        if name in ("hour", "station"):
            as_expected = column.astype(expected[name].dtype).astype(str)
            np.testing.assert_array_equal(as_expected, expected.text(name)[in_order])
        else:
            assert column.dtype == np.float32
            np.testing.assert_array_equal(column, expected[name][in_order], name)
