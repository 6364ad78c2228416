"""How a model came to be, for its checkpoint."""

from __future__ import annotations

import hashlib
import platform
from typing import Any

import numpy as np

from ..files import read_bytes
from ..series import Table
from ..version import __version__
from .options import TrainingOptions


def facts_of(table: Table, options: TrainingOptions) -> dict[str, Any]:
    """Seed, the file and its sha256, options, versions; JSON-ready."""
    import torch

    data: dict[str, Any] = {"rows": len(table)}
    if table.path:
        data["file"] = table.path.name
        data["sha256"] = hashlib.sha256(read_bytes(table.path, "a table")).hexdigest()
    versions = {
        "lstm_export": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": str(torch.__version__),
    }
    return {
        "seed": options.seed,
        "data": data,
        "options": options.to_record(),
        "versions": versions,
    }
