"""From a table to a trained model: series, windows, fit."""

from .data_report import DataReport
from .fit import fit
from .history import Epoch, Progress
from .intervals import Coverage
from .options import TrainingOptions
from .ranks import is_first
from .result import Origin, Score, Searched, SeedRun, TrainingResult, Trial
from .search_space import Search

__all__ = [
    "Coverage",
    "DataReport",
    "Epoch",
    "Origin",
    "Progress",
    "Score",
    "Search",
    "Searched",
    "SeedRun",
    "TrainingOptions",
    "TrainingResult",
    "Trial",
    "fit",
    "is_first",
]
