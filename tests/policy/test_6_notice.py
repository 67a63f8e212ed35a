"""Section 6 of the policy: what people are told, made from what really flowed."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, replace
from datetime import timedelta

import pytest

from gateway.core.company import OwnCertification, PolicyVersion
from gateway.core.notice import PartyType, Published
from gateway.core.ruleset import RuleSet
from gateway.reports.forms import as_html, as_json
from gateway.reports.notice import notice, undisclosed
from gateway.reports.registers import expiry
from gateway.reports.traffic import Period, Traffic
from tests.ledgers import a_record
from tests.policy.builders import NOON, RULES, TODAY, a_grant, an_agent, assurance, day, with_company

AGENT = an_agent(assurance("eu-us-dpf", "2025-01-01", "2027-01-01"), id="helpdesk", name="Helpdesk")
PERIOD = Period(day("2026-01-01"), TODAY)
PAGE = b"Who receives personal data from us"


def rules_with(
    *types: PartyType, published: bool = True, rules: RuleSet = RULES, **changes: object
) -> RuleSet:
    page = Published(
        version="2026-1",
        address="https://www.example.org/privacy",
        sha256=hashlib.sha256(PAGE).hexdigest(),
        types=types,
    )
    notice_file = replace(rules.notice, published=page if published else None)
    return replace(rules, agents=(AGENT,), notice=notice_file, memory={}, **changes)


def traffic_of(*records: dict[str, object]) -> Traffic:
    traffic = Traffic(PERIOD)
    for number, changes in enumerate(records):
        record = a_record(f"id-{number}", agent="helpdesk", action="pass")
        traffic.add({**asdict(record), "unread": [], "rule": "table/certified/ordinary", **changes})
    return traffic


SUPPORT = PartyType(role="processor", purpose="support", country="US")


def test_NOTICE_1_a_type_seen_on_the_wire_but_absent_from_the_published_notice_is_an_alarm():
    traffic = traffic_of({"purpose": "support"})

    assert undisclosed(traffic, rules_with(SUPPORT)) == []
    (alarm,) = undisclosed(traffic, rules_with(replace(SUPPORT, country="CH")))
    assert "helpdesk" in alarm
    assert "NOTICE-1" in alarm


def test_NOTICE_1_the_notice_lists_types_purposes_and_safeguards_of_what_really_flowed():
    sent, stopped = {"purpose": "support"}, {"action": "block", "agent": "other"}
    page = as_html(notice(traffic_of(sent, stopped), (), rules_with(SUPPORT), NOON))

    assert "agent that acts on our behalf" in page
    assert "EU-U.S. Data Privacy Framework" in page
    assert "other" not in page


def test_NOTICE_1_what_was_taken_out_before_it_left_is_not_told_as_disclosed():
    gone, kept = {"action": "anonymize", "left": []}, {"action": "anonymize", "left": ["1:" + "a" * 32]}

    assert traffic_of(gone).received == {}
    assert set(traffic_of(kept).received) == {"helpdesk"}


@pytest.mark.parametrize("language", ["en", "de"])
def test_NOTICE_2_NOTICE_3_the_notice_says_how_to_reach_the_company_and_what_to_choose(language: str):
    page = as_html(notice(traffic_of(), (), rules_with(), NOON, language))

    for words in (RULES.contact.address, RULES.contact.email, RULES.contact.phone):
        assert words in page
    assert ("opt out" if language == "en" else "widersprechen") in page
    assert ("copy" if language == "en" else "Kopie") in page


@pytest.mark.parametrize("exemption", ["EXC-NOTICE-INQUIRY", "EXC-NOTICE-LAW", "EXC-NOTICE-INTERESTS"])
def test_NOTICE_4_NOTICE_5_NOTICE_6_a_waiver_keeps_an_agent_out_of_the_notice_until_it_expires(
    exemption: str,
):
    grant = a_grant(exemption, agent="helpdesk", expires_at=NOON + timedelta(days=30))
    traffic, rules = traffic_of({"purpose": "support"}), rules_with()

    def told(later: timedelta, one=grant) -> bool:
        return "agent that acts" in as_json(notice(traffic, [one], rules, NOON + later))

    assert not told(timedelta(days=29))
    assert told(timedelta(days=30))
    assert told(timedelta(), replace(grant, approver=None, approved_at=None))


def test_CERT_1_the_notice_stops_claiming_a_certification_that_ran_out_and_the_calendar_says_so():
    own = OwnCertification(
        instrument="eu-us-dpf", valid_from=day("2026-01-01"), valid_until=TODAY, reference="R"
    )
    rules = rules_with(SUPPORT, rules=with_company(certifications=(own,)))

    assert "We are certified" in as_json(notice(traffic_of(), (), rules, NOON))
    assert "We are certified" not in as_json(notice(traffic_of(), (), rules, NOON + timedelta(days=1)))
    assert "CERT-1)" not in as_json(expiry(rules, NOON))
    assert "claim it nowhere (CERT-1)" in as_json(expiry(rules, NOON + timedelta(days=1)))


def test_CONTACT_2_DOC_1_the_notice_shows_the_version_in_force_and_since_when():
    versions = (
        PolicyVersion(version="2011-1", title="Old", effective_from=day("2011-07-29")),
        PolicyVersion(version="2027-1", title="New", effective_from=day("2027-01-01")),
    )
    rules = rules_with(rules=with_company(policy=versions))

    assert "2011-07-29" in as_html(notice(traffic_of(), (), rules, NOON))
    assert "2027-01-01" in as_html(notice(traffic_of(), (), rules, NOON + timedelta(days=60)))


def test_CONTACT_1_the_contact_record_changed_once_is_changed_in_the_notice():
    contact = replace(RULES.contact, phone="+41 44 555 00 00")

    assert "+41 44 555 00 00" in as_html(notice(traffic_of(), (), rules_with(contact=contact), NOON))


def test_a_published_notice_is_named_by_a_safe_address_and_a_digest():
    with pytest.raises(ValueError, match="https"):
        Published(version="1", address="http://example.org", sha256="0" * 64, types=())
    with pytest.raises(ValueError, match="64 hexadecimal"):
        Published(version="1", address="https://example.org", sha256="0", types=())
