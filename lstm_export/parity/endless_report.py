"""Windows against one endless stream: the record of the comparison, and its text for people."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

MOST_TOLD = 4  # targets, in sentences


@dataclass(frozen=True)
class ColumnDifference:
    """One target, over all steps ahead, in its own unit.

    Attributes:
        rmse: root mean square of stream minus window.
        largest: the largest of them.
        window_rmse: error of the windows' answers against what was measured, where the data holds
            it.
        stream_rmse: the same for the stream's answers.
        known_rmse: the model's error from its training, where it is known.
    """

    name: str
    unit: str
    rmse: float
    largest: float
    window_rmse: float | None
    stream_rmse: float | None
    known_rmse: float | None


@dataclass(frozen=True)
class EndlessReport:
    """Windows against a stream.

    Attributes:
        data: what was run.
        window: steps of a window.
        predictions: answers that were compared.
        longest: steps that the longest stream had seen at its last answer.
    """

    data: str
    window: int
    predictions: int
    longest: int
    columns: tuple[ColumnDifference, ...]

    def to_record(self) -> dict[str, Any]:
        """A JSON-ready mapping."""
        return asdict(self)

    def text(self) -> str:
        """For people: a line for each target."""
        seen = f"{self.predictions:,} predictions, streams of up to {self.longest:,} steps"
        compared = f"as an endless stream instead of windows of {self.window} steps"
        lines = [f"{compared} ({self.data}: {seen})"]
        lines += [f"  {_line(column)}" for column in self.columns]
        return "\n".join(lines)

    def sentences(self) -> tuple[str, ...]:
        """For people, of the first few targets what the stream changes; each stands by itself."""
        sentences = []
        for column in self.columns[:MOST_TOLD]:
            unit = f" {column.unit}" if column.unit else ""
            difference = f"{column.rmse:.2g}{unit} RMSE, {column.largest:.2g}{unit} at most"
            what = f"as an endless stream {column.name} differs by {difference}"
            sentences.append(f"{what}, on {self.data}")
        return tuple(sentences)


def _line(column: ColumnDifference) -> str:
    unit = f" {column.unit}" if column.unit else ""
    difference = f"{column.rmse:.4g}{unit} RMSE, at most {column.largest:.4g}{unit}"
    text = f"{column.name}: the answers differ by {difference}"
    if column.known_rmse:
        share = column.rmse / column.known_rmse
        text += f"; the model's own error was {column.known_rmse:.4g}, so that is {share:.1%}"
    if column.window_rmse is not None:
        errors = f"{column.window_rmse:.4g} on windows, {column.stream_rmse:.4g} as a stream"
        text += f"; error against this data {errors}"
    return text
