"""What can be chosen about a training run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ..errors import InputError
from ..model import TableFormat
from ..model.calendar_names import HOLIDAY
from ..model.calendar_steps import CALENDAR_STEPS
from ..series import Missing, group_columns
from .option_values import Loss, Predict, Scaler, SplitBy, UnknownLevel, check_values

_LISTS = ("targets", "features", "categorical", "calendar", "split", "missing_values", "quantiles")

STEPS = 3200  # of Adam: fewer leave a small table's error well above what more would reach
LEAST_EPOCHS = 20
MOST_EPOCHS = 100
LEAST_PATIENCE = 8


@dataclass(frozen=True)
class TrainingOptions:
    """Everything that decides a training run, with defaults for small models and tables.

    Attributes:
        targets: the columns to predict.
        features: the input columns, exactly these; None takes every numeric column but time and
            group, with horizon 0 also without the targets.
        exclude_past: with features None, leave out the targets: their past is no input.
        categorical: columns of text, which become a column of 0 and 1 for each of their levels;
            that of `group` may be among them.
        unknown_level: what happens later to a text that the table does not hold: an "error", or it
            is "other", and 0 in all of these columns.
        window: rows that the model sees.
        horizon: rows ahead to predict, t+1 .. t+horizon from a window ending at t; 0 predicts at t
            itself.
        time: the time column; without one every row follows the one before it.
        calendar: inputs derived from the time column, names of `series.CALENDAR`.
        country: whose public holidays the calendar feature `holiday` holds: "US", "DE-BY", ...
        group: the column that tells one series from another, or several with commas between; no
            window crosses two.
        pad: also learn from stretches of a group without a gap that are shorter than a window: of
            all the rows that they have, padded in the batch, where padding is never read.
        split: shares of training, validation and test.
        split_by: "time" gives the first rows of every group to training and its last to the test;
            "group" gives each part whole groups, drawn by the seed. By default in time, and by
            groups with `pad`, whose short groups have no rows to share out.
        split_seed: decides the draw of groups in place of `seed`, so that runs of other seeds have
            the same groups; None for `seed`.
        missing: what to do with empty cells: refuse, drop the row, or ffill from the row before.
        missing_values: words for a missing cell beside the usual ones, such as "?" and "-999".
        time_format: how times are written, as `datetime.strptime` reads it; None for ISO 8601,
            numbers, or dates as 20240131.
        timezone: in which times without an offset are, such as "Europe/Berlin"; calendars are in
            it, and answers in UTC.
        decimal: "." or ",", what stands before a number's fraction.
        separator: between the cells of a CSV file; None for the likeliest by its header.
        skip_rows: lines of a text file that stand before its header.
        step: time from a row to the next, in seconds or in the unit of the time column; None for
            the most common one.
        calendar_step: a step that is not always as long, in place of `step`: "business-day",
            "month", "quarter" or "year"; None for what nearly all rows show.
        tolerance: by how much a step may differ before it is a gap: in the unit of `step`, or in
            steps of the calendar.
        units: unit by column name, for people.
        scaler: "standard" (mean, standard deviation) or "minmax" (to -1 .. 1), fitted on the
            training part.
        hidden_size: width of the LSTM's state.
        num_layers: stacked LSTM layers.
        dropout: share of values dropped between layers and before the output while training.
        epochs: passes over the training windows at most; by default about as many as make
            `STEPS` steps of Adam, 20 to 100.
        batch_size: windows a step of Adam.
        learning_rate: Adam's, falling to a tenth along a cosine over `epochs`.
        loss: "mse", "mae" or "huber", in scaled units.
        predict: the "level" of the targets; their "change" from the window's last value, or the
            "correction" of a ridge regression on as many of its last rows as are best on
            validation, either of which the model adds to the answer. "auto" takes the better on
            validation of level and change after a few epochs, and corrects a regression that is
            better than the model trained to its end.
        quantiles: levels between 0 and 1, in rising order: the model also answers these quantiles,
            learned with the pinball loss.
        interval: share of the truth that an interval around each answer should hold, calibrated on
            the validation part; 0 for none.
        averaging: share of the moving average of the weights that each step keeps; the average is
            the model, which smooths out the last batches. 0 takes the weights as they are.
        clip: largest norm of the gradient; 0 leaves gradients as they are.
        patience: epochs without a better validation loss before training stops; 0 never stops
            early; by default a quarter of `epochs`, 8 at least.
        seed: decides initial weights, order of windows, dropout and, without `split_seed`, the
            draw of groups.
        seeds: how many seeds are trained, from `seed` on; the best on validation is the model.
        ensemble: the model holds the networks of all seeds, and answers their mean.
        backtest: how many runs on earlier rows alone are judged on the rows that followed.
        device: "auto", "cpu", "cuda", "cuda:1", "mps", ...
        real_windows: keep 32 windows of the data for later verification.

    Raises:
        InputError: a value is out of range, or the columns contradict each other.
    """

    targets: tuple[str, ...]
    features: tuple[str, ...] | None = None
    exclude_past: bool = False
    categorical: tuple[str, ...] = ()
    unknown_level: UnknownLevel = "error"
    window: int = 24
    horizon: int = 1
    time: str | None = None
    calendar: tuple[str, ...] = ()
    country: str | None = None
    group: str | None = None
    pad: bool = False
    split: tuple[float, float, float] = (0.7, 0.15, 0.15)
    split_by: SplitBy | None = None
    split_seed: int | None = None
    missing: Missing = "refuse"
    missing_values: tuple[str, ...] = ()
    time_format: str | None = None
    timezone: str | None = None
    decimal: str = "."
    separator: str | None = None
    skip_rows: int = 0
    step: float | None = None
    calendar_step: str | None = None
    tolerance: float | None = None
    units: Mapping[str, str] = field(default_factory=dict)
    scaler: Scaler = "standard"
    hidden_size: int = 32
    num_layers: int = 1
    dropout: float = 0.0
    epochs: int | None = None
    batch_size: int = 64
    learning_rate: float = 6e-3
    loss: Loss = "mse"
    predict: Predict = "auto"
    quantiles: tuple[float, ...] = ()
    interval: float = 0.0
    averaging: float = 0.995
    clip: float = 1.0
    patience: int | None = None
    seed: int = 0
    seeds: int = 1
    ensemble: bool = False
    backtest: int = 0
    device: str = "auto"
    real_windows: bool = True

    def __post_init__(self) -> None:
        for name in _LISTS:
            self._as_tuple(name)
        if self.split_by is None:
            object.__setattr__(self, "split_by", "group" if self.pad else "time")
        self._check_columns()
        self._check_groups()
        check_values(vars(self))
        self._check_times()
        self._check_quantiles()
        self._check_runs()
        self._check_predict()

    def _as_tuple(self, name: str) -> None:
        """A single name, or a list of them, is as good as a tuple."""
        value = vars(self)[name]
        if value is not None:
            values = (value,) if isinstance(value, str) else tuple(value)
            object.__setattr__(self, name, values)

    def _check_columns(self) -> None:
        if not self.targets:
            raise InputError(
                "no target is named; name at least one column to predict with --target"
            )
        self._check_names("target", self.targets)
        self._check_names("feature", (*(self.features or ()), *self.categorical))
        derived = self.calendar or self.categorical
        if self.features is not None and not self.features and not derived:
            raise InputError(
                "no feature is named, and no calendar feature; name at least one input with "
                "--features"
            )
        if self.exclude_past and self.features is not None:
            raise InputError(
                "--exclude-past is for inputs that are not named; leave it out, "
                "or leave the targets out of --features"
            )
        if self.calendar and self.time is None:
            raise InputError(
                f"calendar features ({', '.join(self.calendar)}) need a time column; "
                "name it with --time"
            )
        if (HOLIDAY in self.calendar) != (self.country is not None):
            raise InputError(
                "the calendar feature holiday and a country go together: name both, such as "
                "--calendar holiday --country US"
            )
        both = [name for name in self.targets if self.features and name in self.features]
        if both and self.horizon == 0:
            raise InputError(
                f"with horizon 0 the target {both[0]!r} cannot be a feature: "
                "the input would be the answer"
            )

    def _check_groups(self) -> None:
        if self.pad and self.group is None:
            raise InputError(
                "--pad learns from short groups, but no column tells groups apart; name it with "
                "--group"
            )
        if self.split_by == "group" and self.group is None:
            raise InputError(
                "--split-by group shares out whole groups, but no column tells groups apart; name "
                "it with --group"
            )

    def _check_names(self, role: str, names: Sequence[str]) -> None:
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"{role} {name!r} is named twice")
            # a series may be known by an input of its own, as text
            names_series = name in self.group_columns and name not in self.categorical
            if name == self.time or names_series:
                raise InputError(
                    f"column {name!r} cannot be a {role} and the time or group column at once; "
                    "leave it out of one of them"
                )

    def _check_times(self) -> None:
        _ = self.table_format  # raises where a cell cannot be written so
        if self.calendar_step is not None and self.step is not None:
            raise InputError("a step and a step of the calendar are two steps: choose one")
        if self.calendar_step not in (None, *CALENDAR_STEPS):
            raise InputError(
                f"calendar_step is {self.calendar_step!r}, expected one of "
                f"{', '.join(CALENDAR_STEPS)}"
            )
        for name in ("time_format", "timezone", "step", "calendar_step", "tolerance"):
            if vars(self)[name] is not None and self.time is None:
                flag = "step" if name == "calendar_step" else name.replace("_", "-")
                raise InputError(f"--{flag} is about a time column; name it with --time")
        if self.step is not None and not 0 < self.step < math.inf:
            raise InputError(
                f"step is {self.step:g}, expected more than 0, such as 3600 for an hour"
            )
        if self.tolerance is not None and not 0 <= self.tolerance < math.inf:
            raise InputError(f"tolerance is {self.tolerance}, expected 0 or more")

    @property
    def group_columns(self) -> tuple[str, ...]:
        """The columns that tell series apart, if there are any."""
        if self.group is None:
            return ()
        return (self.group, *group_columns(self.group, ()))

    @property
    def table_format(self) -> TableFormat:
        """How the table's cells are written.

        Raises:
            InputError: an option is none of what there is.
        """
        return TableFormat(
            missing_values=self.missing_values,
            time_format=self.time_format,
            timezone=self.timezone,
            decimal=self.decimal,
            separator=self.separator,
            skip_rows=self.skip_rows,
        )

    def _check_quantiles(self) -> None:
        if self.quantiles and self.interval:
            raise InputError("--quantiles and --interval are two ways to the same: choose one")
        if self.interval and not self.split[1]:
            raise InputError(
                "an interval is calibrated on the validation part; give that a share with --split"
            )

    def _check_predict(self) -> None:
        if self.predict == "correction" and self.pad:
            raise InputError(
                "a correction needs whole windows; leave out --pad, or give --predict level"
            )
        if self.predict != "change":
            return
        if not self.horizon:
            raise InputError(
                "horizon 0 has no last value to predict a change from; give --predict level"
            )
        has_all = self.features is None or set(self.targets) <= set(self.features)
        if self.exclude_past or not has_all:
            raise InputError(
                "a change is predicted from the target's last value: name the targets among the "
                "--features, or give --predict level"
            )

    def _check_runs(self) -> None:
        if self.ensemble and self.seeds == 1:
            raise InputError("an ensemble has several members; say how many with --seeds")
        if self.seeds > 1 and not self.ensemble and not self.split[1]:
            raise InputError(
                "the best seed is chosen on validation; give that a share with --split"
            )
        if self.backtest and not self.split[2]:
            raise InputError("a backtest judges on test parts; give them a share with --split")
        if self.backtest and self.split_by == "group":
            raise InputError("a backtest goes back in time; give --split-by time")

    def for_windows(self, windows: int) -> TrainingOptions:
        """These options with the numbers that follow from how many windows are trained on."""
        steps_an_epoch = -(-windows // self.batch_size)  # rounded up
        epochs = self.epochs or min(max(round(STEPS / steps_an_epoch), LEAST_EPOCHS), MOST_EPOCHS)
        patience = max(LEAST_PATIENCE, epochs // 4) if self.patience is None else self.patience
        return replace(self, epochs=epochs, patience=patience)

    @property
    def seed_of_groups(self) -> int:
        """The seed of their draw."""
        return self.seed if self.split_seed is None else self.split_seed

    @property
    def seeds_of_members(self) -> range:
        """The seeds of the networks in the model: one, or those of an ensemble."""
        return range(self.seed, self.seed + (self.seeds if self.ensemble else 1))

    def tried(self, predict: Predict, epochs: int) -> TrainingOptions:
        """These options for a first look: a few epochs of one way to predict."""
        alone = replace(self, seeds=1, ensemble=False)
        return replace(alone, predict=predict, epochs=epochs, interval=0.0, patience=0)

    def to_record(self) -> dict[str, Any]:
        """A JSON-ready mapping of every option."""
        record = asdict(self)
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in record.items()
        }
