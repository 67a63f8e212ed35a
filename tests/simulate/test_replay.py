"""What was decided is decided anew under other rules, and what comes out differently is counted by agent and clause."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from mitmproxy.io import FlowWriter
from mitmproxy.test import tflow, tutils

from gateway.core.decide import Facts, decide
from gateway.core.errors import CaptureError
from gateway.core.model import Finding, Inspection, Message, Unread
from gateway.core.origin import nexus_of
from gateway.core.register import Register
from gateway.core.ruleset import RuleSet
from gateway.core.source import Sources
from gateway.engine import summarize
from gateway.ledger.record import Record
from gateway.rulebook import Snapshot
from gateway.simulate.captures import from_flows, from_har
from gateway.simulate.page import page
from gateway.simulate.replay import Outcome, Records, count, ending, replay
from tests.policy.builders import (
    RULES,
    TODAY,
    a_name,
    an_agent,
    an_identifier,
    assurance,
    day,
    inspected,
)

AGENT = an_agent(assurance("eu-us-dpf", until="2027-01-01"))
HERE = replace(RULES, agents=(AGENT,), memory={})


def snapshot(rules: RuleSet = HERE) -> Snapshot:
    return Snapshot(rules, Register(rules.agents), Sources(rules.sources, rules.purpose_ids))


def a_record(*findings: Finding, host: str = "agent.example.org", unread: tuple[Unread, ...] = ()) -> dict:
    """What the engine records of a transfer."""
    here = snapshot()
    agent = here.register.find(host, 443, "/")
    inspection = inspected(*findings, unread=unread)
    decision = decide(Facts(agent, TODAY), inspection, HERE)
    record = Record(
        id="d-1",
        at=datetime(2026, 11, 24, tzinfo=UTC).isoformat(timespec="milliseconds"),
        gateway="g",
        agent=decision.agent,
        host=host,
        port=443,
        method="POST",
        action=decision.action,
        status=decision.status,
        reason=decision.reason,
        rule=decision.rule,
        why=decision.why,
        clauses=decision.clauses,
        origins=decision.origins,
        classes=decision.classes,
        evidence=nexus_of(findings, HERE).evidence,
        rules="",
        source="",
        bytes=0,
        body="",
        findings=summarize(findings),
        unread=tuple(one.reason for one in unread),
    )
    return json.loads(json.dumps(asdict(record)))


def outcome_of(records: list[dict], rules: RuleSet = HERE, on=None) -> Outcome:
    here, outcome = snapshot(rules), Outcome("digest", on)
    for _ in count(replay(map(Records(here).read, records), here, on), outcome):
        pass
    return outcome


RECORDS = [
    a_record(an_identifier("DE")),
    a_record(a_name()),
    a_record(),
    a_record(an_identifier("DE"), host="unknown.example.org"),
    a_record(unread=(Unread("body:", "bad-syntax"),)),
]


def test_under_the_same_rules_on_the_same_day_nothing_changes():
    outcome = outcome_of(RECORDS)

    assert (outcome.total, outcome.changed) == (5, 0)


def test_if_the_eu_us_framework_ended_today_what_rests_on_it_changes_and_is_told_by_agent_and_clause():
    outcome = outcome_of(RECORDS, ending(HERE, "eu-us-dpf", TODAY))

    assert dict(outcome.agents) == {("agent", "pass", "block"): 1}
    assert outcome.clauses["FRAME-1", "pass", "block"] == 1
    assert "could be relied on until 2026-11-23 only" in outcome.examples["agent", "pass", "block"]


def test_the_day_it_ends_is_the_first_it_does_not_count():
    assert outcome_of(RECORDS, ending(HERE, "eu-us-dpf", day("2026-11-25"))).changed == 0


def test_on_another_day_the_agents_are_worth_what_they_are_then():
    assert outcome_of(RECORDS, on=day("2027-01-02")).changed == 1


def test_what_no_rule_decided_stays():
    refused = a_record(an_identifier("DE")) | {"rule": "failure", "reason": "time-limit", "action": "block"}

    outcome = outcome_of([refused], ending(HERE, "eu-us-dpf", TODAY))

    assert (outcome.changed, outcome.stayed) == (0, 1)


def test_the_page_holds_the_figures_and_runs_nothing():
    outcome = outcome_of(RECORDS, ending(HERE, "eu-us-dpf", TODAY))

    html = page(outcome, "What if <it> ended")

    tags: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: tags.append(tag)  # type: ignore[method-assign]
    parser.feed(html)
    assert "script" not in tags
    assert tags.count("rect") == 12
    assert "5 transfers, of which 1 come out differently" in html
    assert "What if &lt;it&gt; ended" in html


def holds_an_identifier(message: Message) -> Inspection:
    return inspected(*([an_identifier("DE")] if b"44051401359" in message.body else []))


@pytest.fixture
def har(tmp_path: Path) -> Path:
    request = {
        "method": "POST",
        "url": "https://agent.example.org/v1?x=1",
        "headers": [{"name": "Content-Type", "value": "application/json"}],
        "postData": {"mimeType": "application/json", "text": '{"id": 44051401359}'},
    }
    entry = {"startedDateTime": "2026-11-24T10:00:00.000Z", "request": request}
    file = tmp_path / "captured.har"
    file.write_text(json.dumps({"log": {"version": "1.2", "entries": [entry]}}))
    return file


def test_the_requests_of_a_har_file_are_inspected_and_decided(har: Path):
    ((before, after),) = replay(from_har(har, holds_an_identifier), snapshot())

    assert (before.host, before.day, after.agent, after.action) == (
        "agent.example.org",
        TODAY,
        "agent",
        "pass",
    )


def test_a_har_file_that_cannot_be_read_is_an_error_with_its_place(har: Path):
    har.write_text(har.read_text().replace('"method": "POST", ', ""))

    with pytest.raises(CaptureError, match=r"log\.entries\.0"):
        list(from_har(har, holds_an_identifier))


@pytest.fixture
def flows(tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "captured.mitm"
    request = tutils.treq(host="agent.example.org", port=443, scheme=b"https", content=b"44051401359")
    with file.open("wb") as stream:
        FlowWriter(stream).add(tflow.tflow(req=request))
    return file


def test_the_requests_of_a_flow_file_are_inspected_and_decided(flows: Path):
    ((before, after),) = replay(from_flows(flows, holds_an_identifier), snapshot(), TODAY)

    assert (before.host, after.agent, after.action) == ("agent.example.org", "agent", "pass")


def test_a_file_that_holds_no_flows_is_an_error(tmp_path: Path):
    (tmp_path / "no.mitm").write_bytes(b"nothing")

    with pytest.raises(CaptureError):
        list(from_flows(tmp_path / "no.mitm", holds_an_identifier))
