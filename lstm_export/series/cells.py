"""What stands in one cell of a table: a number, a text, or nothing."""

from __future__ import annotations

MISSING_CELLS = ("", "nan", "na", "n/a", "null", "none")  # in any case, blanks around them ignored


def is_null(value: object) -> bool:
    """None, NaN or NaT: only they, of what a cell may hold, are None or differ from themselves."""
    return value is None or value != value  # noqa: PLR0124


def is_given(cell: str) -> bool:
    """Whether a cell of text holds something."""
    return cell.strip().lower() not in MISSING_CELLS


def is_number(cell: str) -> bool:
    """Whether a cell of text is a number as `float` reads it, NaN included."""
    try:
        float(cell)
    except ValueError:
        return False
    return True
