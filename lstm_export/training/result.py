"""What a training run yields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..model import Array, Model
from .answers import MODEL, Answers
from .data_report import DataReport
from .history import Epoch
from .intervals import Coverage
from .option_values import Predict
from .unfinished import UNFINISHED


@dataclass(frozen=True)
class Score:
    """The error of one predictor for one target on one part, in the target's units.

    Attributes:
        part: "train", "validation" or "test".
        predictor: "model", or a baseline: "persistence", "same time last week", "ridge", ...
        target: the column.
        rmse: root mean square error over all windows and steps ahead.
        mae: mean absolute error over them.
        windows: how many windows it was taken over; fewer where a baseline has no value for some.
    """

    part: str
    predictor: str
    target: str
    rmse: float
    mae: float
    windows: int


@dataclass(frozen=True)
class SeedRun:
    """One seed of several.

    Attributes:
        seed: the seed.
        validation_loss: the lowest, by which the best is chosen, in scaled units; None without a
            validation part.
        scores: of its network alone on the latest part.
    """

    seed: int
    validation_loss: float | None
    scores: tuple[Score, ...]


@dataclass(frozen=True)
class Origin:
    """A run on the table's earlier rows alone, judged on those that followed.

    Attributes:
        first: time, or row of the table without one, of the first row that it was judged on.
        last: of the last.
        scores: of the model and its baselines there.
    """

    first: str
    last: str
    scores: tuple[Score, ...]


@dataclass(frozen=True)
class Trial:
    """One trial of a search.

    Attributes:
        options: the values of the options that are searched over, by name.
        rmse: on the shared validation windows, over all targets in units of their spread; None for
            a trial that gave no model.
        epochs: that it was trained for.
        failure: why it gave no model; empty where it did.
    """

    options: Mapping[str, float]
    rmse: float | None
    epochs: int
    failure: str = ""


@dataclass(frozen=True)
class Searched:
    """A search over options, judged on validation alone.

    Attributes:
        trials: in the order of training; the first had the options as they were given.
        best: which of them the model is from, counted from 0.
        windows: validation windows that every trial has, and on which it was judged.
        interrupted: whether Ctrl-C ended it.
    """

    trials: tuple[Trial, ...]
    best: int
    windows: int
    interrupted: bool = False


WHAT = {
    "level": "the level",
    "change": "the change from the last value",
    "correction": "what a ridge regression leaves, which the model adds",
}


@dataclass(frozen=True)
class Choice:
    """What is predicted, and why; errors are on validation, over all targets in units of their
    spread.

    Attributes:
        predict: "level", "change" or "correction".
        epochs: that level and change were tried for; 0 where they were not.
        level_rmse: of the level.
        change_rmse: of the change.
        network_rmse: of the model that was trained first, where a ridge regression was better.
        ridge_rmse: of this regression.
        ridge_rows: how many of a window's last rows it sees.
    """

    predict: Predict
    epochs: int = 0
    level_rmse: float = 0.0
    change_rmse: float = 0.0
    network_rmse: float | None = None
    ridge_rmse: float | None = None
    ridge_rows: int | None = None

    @property
    def is_made(self) -> bool:
        """Whether anything was compared."""
        return self.epochs > 0 or self.ridge_rmse is not None

    def describe(self) -> str:
        """In a sentence; empty where nothing was compared."""
        if not self.is_made:
            return ""
        reasons = []
        if self.epochs:
            epochs = "an epoch" if self.epochs == 1 else f"{self.epochs} epochs"
            reasons.append(
                f"after {epochs} each, RMSE on validation in standard deviations: "
                f"level {self.level_rmse:.3g}, change {self.change_rmse:.3g}"
            )
        if self.ridge_rmse is not None:
            rows = "row" if self.ridge_rows == 1 else f"{self.ridge_rows} rows"
            reasons.append(
                f"trained to the end, RMSE on validation {self.network_rmse:.3g}, of ridge on the "
                f"last {rows} {self.ridge_rmse:.3g}"
            )
        return f"predicts {WHAT[self.predict]}: {'; '.join(reasons)}"


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """A trained model and everything worth knowing about how it came to be.

    Attributes:
        model: the whole chain, scalers included: raw units in and out.
        windows: up to 32 windows of the validation part, or of the training part where there is
            none: float32 `(windows, window, input_size)`, raw units; None when they were not to be
            kept.
        data: what became of the table's rows.
        metrics: the model beside its baselines, by part and target.
        history: every epoch; of an ensemble those of its best member on validation.
        best_epoch: the epoch whose weights the model has.
        facts: seed, sha256 of the data file, options, versions; JSON-ready.
        warnings: what the data may do to the model, one sentence each.
        coverage: how much of each part its intervals hold; empty where it has none.
        interrupted: whether Ctrl-C, or the end of another process that trained along, ended the
            training; the model is then the best so far.
        lost: what became of that other process; empty where all is well.
        choice: what is predicted, the level or the change, and why.
        seeds: the runs of all seeds, where there were several.
        backtest: the runs on earlier rows, where there were any.
        search: the trials, where other options were tried, too.
        unfinished: where an interrupted run stood, for it to go on from.
        answers: of the model and its baselines to the latest part there is.
    """

    model: Model
    windows: Array | None
    data: DataReport
    metrics: tuple[Score, ...]
    history: tuple[Epoch, ...]
    best_epoch: int
    facts: Mapping[str, Any]
    answers: Answers
    warnings: tuple[str, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    choice: Choice | None = None
    seeds: tuple[SeedRun, ...] = ()
    backtest: tuple[Origin, ...] = ()
    search: Searched | None = None
    interrupted: bool = False
    lost: str = ""
    unfinished: Mapping[str, Any] | None = None

    def score(self, part: str, predictor: str = MODEL, target: str | None = None) -> Score:
        """One entry of `metrics`; the first target unless named.

        Raises:
            KeyError: there is no such entry.
        """
        for score in self.metrics:
            is_asked = (score.part, score.predictor) == (part, predictor)
            if is_asked and target in (None, score.target):
                return score
        raise KeyError(f"no score of {predictor} on the {part} part")

    def unfinished_record(self) -> dict[str, Any]:
        """What a checkpoint holds besides, for an interrupted run to go on from."""
        return {} if self.unfinished is None else {UNFINISHED: self.unfinished}

    def to_record(self) -> dict[str, Any]:
        """What a checkpoint keeps: all but the arrays and the account of the data, JSON-ready."""
        certainty = {
            "coverage": [asdict(entry) for entry in self.coverage],
            "seeds": [asdict(run) for run in self.seeds],
            "backtest": [asdict(origin) for origin in self.backtest],
            "choice": asdict(self.choice) if self.choice and self.choice.is_made else None,
            "search": asdict(self.search) if self.search else None,
        }
        return {
            **self.facts,
            **{name: found for name, found in certainty.items() if found},
            "metrics": [asdict(score) for score in self.metrics],
            "history": [asdict(epoch) for epoch in self.history],
            "best_epoch": self.best_epoch,
            "interrupted": self.interrupted,
            "warnings": list(self.warnings),
        }
