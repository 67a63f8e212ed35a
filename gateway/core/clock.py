"""When a time that the law sets runs out. Pure: every day is handed in.

Rules kept here and nowhere else:
 * A month ends on the day of the same number, or on the last day of a shorter month.
 * An end that moves goes to the next day that is neither a day of rest nor a holiday.
 * Of several clocks the first to run out counts.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from datetime import date, timedelta

from gateway.core.law import Clock, Rest


def months_after(day: date, months: int) -> date:
    """The day of the same number so many months later, or the last one of that month."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return day.replace(year=year, month=month + 1, day=min(day.day, calendar.monthrange(year, month + 1)[1]))


def runs_out(clock: Clock, begins: date, rest: Rest, *, extended: bool = False, pause_days: int = 0) -> date:
    """The last day of a clock that begins on `begins`, stood still `pause_days`, and was perhaps extended.

    Hours count as full days, and none as the same day: whoever keeps a shorter time keeps this one.
    """
    months = (clock.months or 0) + (clock.extension_months or 0 if extended else 0)
    end = months_after(begins, months) + timedelta(days=(clock.days or 0) + pause_days)
    end += timedelta(hours=clock.hours or 0)
    while clock.moves and (end.isoweekday() in rest.weekdays or end in rest.holidays):
        end += timedelta(days=1)
    return end


def first_to_run_out(
    clocks: Iterable[Clock], begins: date, rest: Rest, *, extended: bool = False, pause_days: int = 0
) -> date:
    """The earliest last day of several clocks. Raises ValueError for none."""
    return min(runs_out(one, begins, rest, extended=extended, pause_days=pause_days) for one in clocks)
