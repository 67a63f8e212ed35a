"""When the times of the law run out."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.clock import first_to_run_out, months_after, runs_out
from gateway.core.law import Clock, Rest
from tests.policy.builders import RULES, day

DAYS = st.dates(date(2000, 1, 1), date(2090, 1, 1))


@pytest.mark.parametrize(
    ("clock", "begins", "ends"),
    [
        ("access-request", "2026-11-23", "2026-12-23"),
        ("access-request", "2026-01-31", "2026-03-02"),  # The last of February is a Saturday.
        ("access-request", "2027-01-29", "2027-03-01"),  # So it is here, where the month has no 29th.
        ("access-request", "2028-01-31", "2028-02-29"),
        ("swiss-access-request", "2026-11-23", "2026-12-23"),
        ("swiss-access-request", "2027-01-29", "2027-02-28"),  # Days move to no working day.
        ("marketing-objection", "2026-11-23", "2026-11-23"),
        ("breach-authority", "2026-11-23", "2026-11-26"),
        ("complaint", "2026-11-23", "2027-01-07"),
        ("panel-advice", "2026-11-23", "2027-01-22"),
        ("panel-compliance", "2026-11-23", "2026-12-18"),
    ],
)
def test_clocks_run_out_on_the_day_that_the_rules_say(clock: str, begins: str, ends: str):
    assert runs_out(RULES.clock_of[clock], day(begins), RULES.rest) == day(ends)


def test_an_extension_is_of_months_more_and_a_holiday_moves_the_end():
    access = RULES.clock_of["access-request"]
    rest = Rest(weekdays=(6, 7), holidays=(day("2026-12-23"), day("2026-12-24"), day("2026-12-25")))

    assert runs_out(access, day("2026-11-23"), RULES.rest, extended=True) == day("2027-02-23")
    assert runs_out(access, day("2026-11-23"), rest) == day("2026-12-28")


@given(begins=DAYS, months=st.integers(0, 30))
def test_a_month_ends_on_the_same_number_or_on_the_last_day(begins: date, months: int):
    ends = months_after(begins, months)

    assert (ends.year * 12 + ends.month) - (begins.year * 12 + begins.month) == months
    assert ends.day == begins.day or (ends.day < begins.day and (ends + timedelta(days=1)).day == 1)


@given(begins=DAYS, pause=st.integers(0, 90), extended=st.booleans())
def test_no_clock_runs_out_earlier_for_a_pause_or_an_extension_and_none_on_a_day_of_rest(
    begins: date, pause: int, extended: bool
):
    access = RULES.clock_of["access-request"]
    plain = runs_out(access, begins, RULES.rest)
    later = runs_out(access, begins, RULES.rest, extended=extended, pause_days=pause)

    assert later >= plain + timedelta(days=pause - 3 if pause > 3 else 0)
    assert later.isoweekday() not in RULES.rest.weekdays


@given(begins=DAYS)
def test_of_two_laws_the_first_to_run_out_counts(begins: date):
    clocks: list[Clock] = [RULES.clock_of["access-request"], RULES.clock_of["swiss-access-request"]]
    first = first_to_run_out(clocks, begins, RULES.rest)

    assert first == min(runs_out(one, begins, RULES.rest) for one in clocks)
