"""Every framework and every adequacy finding, on the day before it, its first, its last, and the day after.

What is expected is read from the dates of the facts alone, by code that shares nothing with the engine: a list of days,
and whether they lie inside. The facts are read as YAML, not through the gateway's own loader.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from ruamel.yaml import YAML

from gateway.core.agent import Agent
from gateway.core.assurance import standing_on
from gateway.settings import shipped
from tests.policy.builders import RULES, TODAY, an_agent, assurance

LAW = shipped("rules") / "law"
ORIGINS = ("EU", "CH")


def read(name: str) -> Any:
    return YAML(typ="safe").load((LAW / name).read_text("utf-8"))


FRAMEWORKS: list[dict[str, Any]] = read("instruments/frameworks.yaml")["instruments"]
CONTRACTS: list[dict[str, Any]] = read("instruments/contracts.yaml")["instruments"]
FINDINGS: list[dict[str, Any]] = read("adequacy.yaml")["adequacy"]


def days_around(fact: dict[str, Any]) -> Iterator[date]:
    one = timedelta(days=1)
    first, last = fact["valid_from"], fact.get("valid_until")
    yield from (first - one, first)
    yield from (last, last + one) if last else (TODAY,)


def is_in_force(fact: dict[str, Any], day: date) -> bool:
    last = fact.get("valid_until")
    return fact["valid_from"] <= day and (last is None or day <= last)


@pytest.mark.parametrize("fact", FRAMEWORKS, ids=lambda fact: fact["id"])
@pytest.mark.parametrize("origin", ORIGINS)
def test_FRAME_1_FRAME_2_a_framework_counts_from_its_first_day_to_its_last_for_its_origin_alone(
    fact: dict[str, Any], origin: Any
):
    entry = assurance(fact["id"], "1998-10-25", "2099-12-31", without=())
    agent = an_agent(entry)
    for day in days_around(fact):
        status = standing_on(agent, origin, day, RULES).status
        if not is_in_force(fact, day):
            assert status == ("none" if day < fact["valid_from"] else "invalid_framework"), day
        elif origin in fact["origins"]:
            assert status == "certified", day
        else:
            assert status == "out_of_scope", day


def adequate_agent(country: str) -> Agent:
    tests = tuple({one["scope_test"] for one in FINDINGS} - {"none"})
    return an_agent(assurance("adequate-law", "1998-10-25", shown=tests), country=country)


@pytest.mark.parametrize("fact", FINDINGS, ids=lambda fact: f"{fact['country']}-{'+'.join(fact['origins'])}")
@pytest.mark.parametrize("origin", ORIGINS)
def test_ASSUR_4_a_country_is_adequate_while_a_finding_for_that_origin_is_in_force(
    fact: dict[str, Any], origin: Any
):
    agent = adequate_agent(fact["country"])
    law_from = next(
        one["valid_from"]
        for one in read("instruments/law.yaml")["instruments"]
        if one["id"] == "adequate-law"
    )
    for day in days_around(fact):
        found = any(
            is_in_force(one, day)
            for one in FINDINGS
            if one["country"] == fact["country"] and origin in one["origins"]
        )
        status = standing_on(agent, origin, day, RULES).status
        if day < law_from:
            assert status == "none", day
        else:
            assert status == ("adequate" if found else "out_of_scope"), day


@pytest.mark.parametrize("fact", CONTRACTS, ids=lambda fact: fact["id"])
def test_ASSUR_1_a_contract_cannot_be_relied_on_before_its_instrument_or_after_it(fact: dict[str, Any]):
    agent = an_agent(assurance(fact["id"], "1998-10-25"), country="IN")
    origin = next((one for one in fact["origins"] if one in ORIGINS), None)
    if origin is None:
        assert fact["origins"] == ["UK"]
        return
    for day in days_around(fact):
        status = standing_on(agent, origin, day, RULES).status
        if day < fact["valid_from"]:
            assert status == "none", day
        elif not is_in_force(fact, day):
            assert status == "invalid_framework", day
        else:
            assert status != "invalid_framework", day


@pytest.mark.parametrize("year", range(1998, 2033))
def test_every_day_since_1998_has_an_answer(year: int):
    agent = an_agent(*(assurance(fact["id"], "1998-10-25") for fact in FRAMEWORKS))
    for month in range(1, 13):
        for origin in ORIGINS:
            assert standing_on(agent, origin, date(year, month, 25), RULES).reasons  # type: ignore[arg-type]
