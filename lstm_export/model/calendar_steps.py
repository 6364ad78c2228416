"""Steps of time that are not always as long: business days, months, quarters, years."""

from __future__ import annotations

from collections.abc import Mapping

# By how many months each is; a business day is none of months.
MONTHS: Mapping[str, int] = {"month": 1, "quarter": 3, "year": 12}
CALENDAR_STEPS = ("business-day", *MONTHS)
