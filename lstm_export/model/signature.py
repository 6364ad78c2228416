"""What goes into a model and what comes out: sizes, names, units, ranges and time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from numbers import Real
from typing import Any

from ..errors import InputError, UnsupportedModel
from .calendar_names import calendar_columns
from .calendar_steps import CALENDAR_STEPS
from .category import Category
from .table_format import TableFormat

MAX_WINDOW = 10**6  # steps; a stream keeps them all
# A record holds these only where they are set.
LATER_KEYS = (
    "shortest",
    "time_tolerance",
    "table_format",
    "quantiles",
    "calendar_step",
    "categories",
    "country",
)

_UNREADABLE = "the stored signature cannot be read: {}; export the model again"


@dataclass(frozen=True)
class Column:
    """One input feature or one target: its name, its unit, and the range seen in training."""

    name: str
    unit: str = ""
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not isinstance(self.unit, str):
            got = f"a column is named {self.name!r} with unit {self.unit!r}"
            raise UnsupportedModel(f"{got}, expected text")
        for bound in (self.low, self.high):
            if not _is_number_or_none(bound):
                got = f"column {self.name} ranges to {bound!r}"
                raise UnsupportedModel(f"{got}, expected a finite number")


@dataclass(frozen=True)
class Signature:
    """The interface of a model.

    Attributes:
        input_size: width of `x (batch, seq, input_size)`.
        output_size: width of `y`; with names it is `len(targets) * max(horizon, 1)`, target by
            target, and once more for each of `quantiles`.
        features: the columns of `x` in order: numbers, then those of categories, then calendar
            columns; empty where the names are unknown.
        targets: the predicted columns; empty where the names are unknown.
        window: steps of the windows seen in training, if known.
        horizon: steps ahead that are predicted, t+1 .. t+horizon; 0 predicts at t itself.
        time: name of the time column.
        time_step: spacing of the time column, in seconds, or in its own unit when it counts.
        calendar: calendar features derived from `time`, such as `("hour", "weekday")`.
        group: name of the column that tells one series from another.
        shortest: steps of the shortest window seen in training, where series shorter than `window`
            were learned too.
        time_tolerance: by how much a step may differ from `time_step`, in the same unit; None for
            rounding alone.
        table_format: how the cells of its tables are written; None for the usual way.
        calendar_step: spacing of the time column where it is not always as long, one of
            `CALENDAR_STEPS`; `time_step` is None then, and `time_tolerance` counts such steps.
        country: whose public holidays a calendar column holds, such as "US" or "DE-BY".
        categories: columns of text among the inputs.
        quantiles: levels of the quantiles that follow the answers in `y`: as many columns a level,
            in the same order.
    """

    input_size: int
    output_size: int
    features: tuple[Column, ...] = ()
    targets: tuple[Column, ...] = ()
    window: int | None = None
    horizon: int | None = None
    time: str | None = None
    time_step: float | None = None
    calendar: tuple[str, ...] = ()
    group: str | None = None
    shortest: int | None = None
    time_tolerance: float | None = None
    table_format: TableFormat | None = None
    quantiles: tuple[float, ...] = ()
    calendar_step: str | None = None
    categories: tuple[Category, ...] = ()
    country: str | None = None

    def __post_init__(self) -> None:
        self._check_kinds()
        if self.input_size < 1 or self.output_size < 1:
            got = f"input_size={self.input_size}, output_size={self.output_size}"
            raise UnsupportedModel(f"sizes must be positive, got {got}")
        names = len(self.features)
        if names not in (0, self.input_size):
            raise UnsupportedModel(f"{names} feature names for input_size={self.input_size}")
        answers = len(self.targets) * max(self.horizon or 0, 1)
        outputs = answers * (1 + len(self.quantiles))
        if self.targets and outputs != self.output_size:
            raise UnsupportedModel(f"{outputs} named outputs for output_size={self.output_size}")

    def _check_kinds(self) -> None:
        """A signature also comes out of files: its faults must show here and not later."""
        _check_count("input_size", self.input_size)
        _check_count("output_size", self.output_size)
        if self.window is not None:
            _check_count("window", self.window, below=MAX_WINDOW + 1)
        if self.shortest is not None:
            _check_count("shortest", self.shortest)
        if self.horizon is not None:
            _check_count("horizon", self.horizon, least=0)
        for text in (self.time, self.group, self.country, *self.calendar):
            if not isinstance(text, str | None):
                raise UnsupportedModel(f"the signature names a column {text!r}, expected text")
        if not all(type(level) is float and 0 < level < 1 for level in self.quantiles):
            got = f"the signature's quantiles are {self.quantiles!r}"
            raise UnsupportedModel(f"{got}, expected levels between 0 and 1")
        if self.calendar_step not in (None, *CALENDAR_STEPS):
            got = f"the signature's calendar_step is {self.calendar_step!r}"
            raise UnsupportedModel(f"{got}, expected one of {', '.join(CALENDAR_STEPS)}")
        for name in ("time_step", "time_tolerance"):
            value = vars(self)[name]
            if not _is_number_or_none(value):
                got = f"the signature's {name} is {value!r}"
                raise UnsupportedModel(f"{got}, expected a number")

    @property
    def measured(self) -> tuple[Column, ...]:
        """The features that a table must hold as numbers: neither categories nor calendar."""
        of_calendar = len(calendar_columns(self.calendar))
        of_categories = sum(len(category.levels) for category in self.categories)
        # features are in this order: numbers, categories, calendar
        measured = len(self.features) - of_categories - of_calendar
        return self.features[:measured]

    @property
    def answers(self) -> int:
        """How many columns of `y` are answers; the others are their quantiles."""
        return self.output_size // (1 + len(self.quantiles))

    @property
    def outputs(self) -> tuple[Column, ...]:
        """A column for each output.

        `volume[t+1]`, `volume[t+2]`, ...; `rul` for horizon 0; `y0`, `y1`, ... where unnamed. Then
        the quantiles, `volume[t+1] q0.05`, ...
        """
        answers = self._answers()
        outputs = list(answers)
        for level in self.quantiles:
            outputs += [replace(column, name=f"{column.name} q{level:g}") for column in answers]
        return tuple(outputs)

    def _answers(self) -> tuple[Column, ...]:
        if not self.targets:
            return tuple(Column(f"y{index}") for index in range(self.answers))
        if not self.horizon:
            return self.targets
        columns = []
        for target in self.targets:
            names = [f"{target.name}[t+{step}]" for step in range(1, self.horizon + 1)]
            columns += [replace(target, name=name) for name in names]
        return tuple(columns)

    def to_record(self) -> dict[str, Any]:
        """A JSON-ready mapping; `from_record` is its inverse."""
        record = asdict(self)
        for key in LATER_KEYS:
            if record[key] in (None, ()):  # older readers know no such key
                del record[key]
        if self.table_format is not None:
            record["table_format"] = self.table_format.to_record()
        return record

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Signature:
        """Read what `to_record` wrote.

        Raises:
            UnsupportedModel: a field is missing, unknown or of the wrong kind.
        """
        try:
            fields = dict(record)
            for key in ("features", "targets"):
                columns = fields.get(key, ())
                fields[key] = tuple(Column(**column) for column in columns)
            fields["calendar"] = tuple(fields.get("calendar", ()))
            categories = fields.get("categories", ())
            fields["categories"] = tuple(Category.from_record(entry) for entry in categories)
            fields["quantiles"] = tuple(fields.get("quantiles", ()))
            if "table_format" in fields:
                fields["table_format"] = TableFormat.from_record(fields["table_format"])
            return cls(**fields)
        except InputError as error:
            raise UnsupportedModel(_UNREADABLE.format(error)) from error
        except (TypeError, ValueError) as error:
            fault = "a field is missing, unknown or of another kind"
            raise UnsupportedModel(_UNREADABLE.format(fault)) from error


def _check_count(name: str, count: object, least: int = 1, below: int = 2**31) -> None:
    if type(count) is not int or not least <= count < below:
        got = f"the signature's {name} is {count!r}"
        raise UnsupportedModel(f"{got}, expected a positive whole number below {below:,}")


def _is_number_or_none(value: object) -> bool:
    """Whether it is None, or a finite number."""
    if value is None:
        return True
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
