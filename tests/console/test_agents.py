"""Agents in the console: their worth today and over time, what a lapse would change, drafts that two people make."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from itertools import pairwise

import pytest

from gateway.agentfiles import as_yaml, with_agent
from gateway.console.access import Role
from gateway.console.timeline import spans
from gateway.rulefiles import load_rules
from tests.console.site import TODAY, Site, Visitor, a_site
from tests.ledgers import a_record

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    records = [
        a_record(
            f"{n:012x}-0123456789abcdef", agent="example-llm", action="pass", at=f"{TODAY}T00:00:00.000+00:00"
        )
        for n in range(5)
    ]
    with a_site(tmp_path_factory.mktemp("agents"), records) as made:
        made.console.follower.step()
        yield made


@pytest.fixture(scope="module")
def registrar(site: Site) -> Visitor:
    return site.signed_in("registrar-1", Role.REGISTRAR)


@pytest.fixture(scope="module")
def approver(site: Site) -> Visitor:
    return site.signed_in("approver-1", Role.APPROVER)


def proposed(visitor: Visitor, text: str, **more: object) -> str:
    answer = visitor.post("/drafts", text=text, note="renewal", **more)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].partition("?")[0]


def test_ONWARD_3_spans_follow_each_other_day_by_day_and_end_with_the_assurance(site: Site):
    rules = site.console.rules
    agent = next(one for one in rules.agents if one.id == "example-llm")
    found = spans(agent, "EU", TODAY, rules)
    assert all(b.first == a.last + timedelta(days=1) and a.status != b.status for a, b in pairwise(found))
    end = agent.assurances[0].valid_until
    assert end in [one.last for one in found if one.status == "certified"]


def test_an_agents_page_shows_worth_grounds_and_picture(registrar: Visitor):
    page = unescape(registrar.get("/agents/example-crm").text)
    for said in ("Contract complete", "Example CRM Ltd", "CON-2022-117", "<svg", "measures_effective"):
        assert said in page


def test_what_a_lapse_would_change_is_tried_on_the_newest_transfers(registrar: Visitor):
    page = registrar.get("/agents/example-llm/lapse").text
    assert "Of the newest 5 transfers, 5 would come out differently" in page
    assert "Nothing went to this agent yet" in registrar.get("/agents/example-mail/lapse").text


def test_ONWARD_4_a_draft_counts_only_once_somebody_else_approved_it(
    site: Site, registrar: Visitor, approver: Visitor
):
    agent = next(one for one in site.console.rules.agents if one.id == "example-mail")
    text = as_yaml(agent).replace("Example Mail Service", HOSTILE)
    draft = proposed(registrar, text, files={"evidence": ("c.pdf", b"contract")})
    both = site.signed_in("both-1", Role.REGISTRAR, Role.APPROVER)
    own = proposed(both, text)
    assert "four eyes" in both.post(f"{own}/approve").text
    other = {"document": ("c.pdf", b"forged")}
    assert "not one of those" in approver.post(f"{draft}/approve", files=other).text
    assert load_rules(site.rules).digest == site.console.rules.digest
    assert approver.post(f"{draft}/approve", files={"document": ("c.pdf", b"contract")}).status_code == 303
    assert "was approved by approver-1 already" in approver.post(f"{draft}/approve").text
    assert HOSTILE in [one.name for one in load_rules(site.rules).agents]
    for path in ("/agents", "/agents/example-mail", draft, "/drafts"):
        assert HOSTILE not in registrar.get(path).text
    assert "&lt;img src=x" in registrar.get("/agents").text
    acts = [one for one in site.acts() if one[0].startswith("agent-")]
    assert acts == [
        ("agent-proposed", "registrar-1"),
        ("agent-proposed", "both-1"),
        ("agent-approved", "approver-1"),
    ]


def test_a_file_of_several_agents_keeps_the_others_and_its_comments(site: Site):
    agent = next(one for one in site.console.rules.agents if one.id == "example-crm")
    name, text = with_agent(site.rules, agent)
    assert name == "examples.yaml"
    assert b"# Invented agents that show how an entry is written" in text
    (site.rules / "agents" / name).write_bytes(text)
    assert agent in load_rules(site.rules).agents


def test_a_draft_that_could_not_be_in_force_is_told_by_field_and_not_kept(registrar: Visitor, site: Site):
    before = site.acts()
    for text, said in (
        ("id: x", "match: Field required"),
        ("- a list", "write the fields of one agent"),
        ("id: [", "no YAML"),
        (as_yaml(site.console.rules.agents[0]).replace("eu-us-dpf", "no-such"), "no-such"),
    ):
        answer = registrar.post("/drafts", text=text, note="x")
        assert answer.status_code == 409
        assert said in unescape(answer.text)
    assert site.acts() == before


def test_refused_drafts_stay_refused(registrar: Visitor, approver: Visitor, site: Site):
    draft = proposed(registrar, as_yaml(site.console.rules.agents[0]))
    assert "needs a reason" in approver.post(f"{draft}/refuse", reason=" ").text
    assert approver.post(f"{draft}/refuse", reason="not renewed").status_code == 303
    assert "was refused" in approver.post(f"{draft}/approve").text
