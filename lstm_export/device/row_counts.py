"""Counts of a stream's rows: answered, dropped, or without an answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class RowCounts:
    """Counts of rows.

    Attributes:
        answered: with an answer.
        filling: without, because a first window was not yet full.
        after_gaps: without, because a gap in time had emptied the window.
        empty_cells: without, because a cell was empty.
        late: dropped, for they were earlier than the row before.
        duplicates: of the time of the row before: dropped, or taken in its place.
    """

    answered: int = 0
    filling: int = 0
    after_gaps: int = 0
    empty_cells: int = 0
    late: int = 0
    duplicates: int = 0

    @property
    def unanswered(self) -> int:
        """Rows that got no answer, and would have got one had they come in time and whole."""
        return self.after_gaps + self.empty_cells + self.late

    @property
    def share_unanswered(self) -> float:
        """`unanswered` of all that could have been answered; 0 where there were none."""
        rows = self.answered + self.unanswered
        return self.unanswered / rows if rows else 0.0

    def describe(self) -> str:
        """One line on rows without an answer; empty where every row got one or filled a window."""
        counts = {
            "unanswered after gaps in time": self.after_gaps,
            "with an empty cell": self.empty_cells,
            "late": self.late,
            "of a time that had come before": self.duplicates,
        }
        parts = [f"{count:,} {what}" for what, count in counts.items() if count]
        if not parts:
            return ""
        return f"{self.answered:,} rows answered, {', '.join(parts)}"
