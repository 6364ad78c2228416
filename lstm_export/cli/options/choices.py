"""The values that options can take.

These are the library's words, repeated here so that --help need not import it; tests compare them.
"""

from __future__ import annotations

from enum import Enum

# Of `series` and `training`
Missing = Enum("Missing", {"refuse": "refuse", "drop": "drop", "ffill": "ffill"}, type=str)
UnknownLevel = Enum("UnknownLevel", {"error": "error", "other": "other"}, type=str)
Scaler = Enum("Scaler", {"standard": "standard", "minmax": "minmax"}, type=str)
SplitBy = Enum("SplitBy", {"time": "time", "group": "group"}, type=str)
Loss = Enum("Loss", {"mse": "mse", "mae": "mae", "huber": "huber"}, type=str)
Predict = Enum(
    "Predict",
    {"level": "level", "change": "change", "correction": "correction", "auto": "auto"},
    type=str,
)

# Of `chains.outline`
Readout = Enum("Readout", {"last": "last", "hidden": "hidden", "all": "all"}, type=str)

# Of `bundle`, `device.row_stream` and `scale.sharing`
Mode = Enum("Mode", {"window": "window", "state": "state"}, type=str)
Late = Enum("Late", {"error": "error", "drop": "drop"}, type=str)
Duplicate = Enum("Duplicate", {"error": "error", "drop": "drop", "last": "last"}, type=str)
On = Enum("On", {"local": "local", "ray": "ray", "spark": "spark", "dask": "dask"}, type=str)

# Of `evaluation`
Part = Enum(
    "Part", {"all": "all", "train": "train", "validation": "validation", "test": "test"}, type=str
)
