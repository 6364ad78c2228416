"""From a table to a trained model: series, windows, fit."""

from .data_report import DataReport
from .fit import fit
from .intervals import Coverage
from .loop import Epoch, Progress
from .options import TrainingOptions
from .result import Score, TrainingResult

__all__ = [
    "Coverage",
    "DataReport",
    "Epoch",
    "Progress",
    "Score",
    "TrainingOptions",
    "TrainingResult",
    "fit",
]
