"""Requests of data subjects: on record with their clocks, answered from the ledger, told to whoever got the data."""

from __future__ import annotations

import contextlib
import json
import random
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.core.model import Origin
from gateway.core.review import NotAllowed
from gateway.core.rights import Identity, Mark, RequestState
from gateway.keys import Key
from gateway.ledger import Outcome
from gateway.ledger.cases import faults_in
from gateway.people.answer import answer_to
from gateway.people.desk import REQUEST
from gateway.people.registering import Follower
from gateway.people.search import Basis
from gateway.reports.forms import as_csv, as_html, as_json
from gateway.store.registers import Consent, Registers
from tests.databases import run
from tests.ledgers import reading, verified
from tests.people.conftest import ANNA, KEY, MONDAY, RULES_HERE, Office, a_transfer, print_of
from tests.policy.builders import day

BEN = "EMAIL_ADDRESS ben.krol@example.org"
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


def test_CHOICE_3_a_request_gets_an_id_and_a_due_date(office: Office):
    request = office.receive("access")

    assert request.id.startswith("R2")
    assert office.desk.due(request) == day("2026-12-23")
    assert office.acts(request.id) == ["request-received"]
    assert office.desk.cases.find(REQUEST, request.id) == request


@pytest.mark.parametrize(
    ("origin", "received", "due"),
    [
        (Origin.EU, "2026-01-31", "2026-03-02"),
        (Origin.CH, "2026-01-31", "2026-03-02"),
        (Origin.CH, "2026-07-23", "2026-08-22"),
        (Origin.EU, "2026-07-23", "2026-08-24"),
        (Origin.UNKNOWN, "2026-07-23", "2026-08-22"),
    ],
)
def test_ACCESS_1_the_law_of_the_persons_origin_sets_the_time(origin: Origin, received: str, due: str):
    law = RULES_HERE.rights_law
    request = _a_request(origin=origin, received=day(received))

    assert law.due(request) == day(due)


@pytest.mark.parametrize("channel", RULES_HERE.rights.channels)
def test_ACCESS_4_a_request_by_phone_or_any_other_channel_has_the_same_due_date(
    office_file: Office, channel: str
):
    request = office_file.receive("access", channel=channel)

    assert (request.channel, office_file.desk.due(request)) == (channel, day("2026-12-23"))


def test_the_clock_stands_still_while_identity_is_asked_for(office_file: Office):
    desk = office_file.desk
    request = office_file.receive("access")

    assert desk.due(desk.ask_identity(request.id, MONDAY + timedelta(days=2))) is None
    shown = desk.identity_shown(request.id, MONDAY + timedelta(days=12))
    assert desk.due(shown) == day("2027-01-04")  # Ten days more; that is a Saturday, and moves.
    with pytest.raises(NotAllowed, match="already"):
        desk.ask_identity(request.id, MONDAY + timedelta(days=13))


def test_a_request_is_extended_once_in_time_and_only_where_the_law_says_so(office_file: Office):
    desk = office_file.desk
    request = office_file.receive("access")
    with pytest.raises(NotAllowed, match="reason"):
        desk.extend(request.id, MONDAY, " ")
    assert desk.due(desk.extend(request.id, day("2026-12-23"), "many systems")) == day("2027-02-23")
    with pytest.raises(NotAllowed, match="already"):
        desk.extend(request.id, day("2026-12-23"), "still many")
    late = office_file.receive("access")
    with pytest.raises(NotAllowed, match="was due"):
        desk.extend(late.id, day("2026-12-24"), "forgotten")
    swiss = office_file.receive("access", origin=Origin.CH)
    with pytest.raises(NotAllowed, match="no extension"):
        desk.extend(swiss.id, MONDAY, "many systems")


def test_ACCESS_5_a_refusal_needs_a_ground_that_holds_and_a_reason(office_file: Office):
    desk = office_file.desk
    request = office_file.receive("access")
    with pytest.raises(NotAllowed, match="reason"):
        desk.refuse(request.id, MONDAY, "excessive", "  ")
    with pytest.raises(NotAllowed, match="no ground here"):
        desk.refuse(request.id, MONDAY, "legal-claims", "we are in court")
    assert desk.cases.find(REQUEST, request.id).state is RequestState.OPEN
    refused = desk.refuse(request.id, MONDAY, "excessive", "the ninth this month")
    assert (refused.state, refused.ground) == (RequestState.REFUSED, "excessive")
    assert "supervisory authority" in desk.appeal()
    with pytest.raises(NotAllowed, match="has ended"):
        desk.done(request.id, MONDAY, "letter 7")


def test_ACCESS_5_a_fee_needs_a_ground_that_allows_one(office_file: Office):
    desk = office_file.desk
    request = office_file.receive("access")
    with pytest.raises(NotAllowed, match="no ground to charge"):
        desk.charge(request.id, "rights-of-others", "third parties", "20 EUR")
    with pytest.raises(NotAllowed, match="amount"):
        desk.charge(request.id, "excessive", "the ninth", "")
    assert desk.charge(request.id, "excessive", "the ninth", "20 EUR").fee == "20 EUR"


async def test_ACCESS_1_the_answer_lists_every_transfer_of_the_person_and_no_content(office: Office):
    await office.sent(
        a_transfer("t-1", "mailer", ANNA, purpose="support"),
        a_transfer("t-2", "crm", BEN),
        a_transfer("t-3", "crm", ANNA, BEN, action="block"),
        a_transfer("t-4", "shop", ANNA),
    )
    request = office.receive("access")
    found = office.desk.search(request.id)

    assert [(one.id, one.agent, one.received) for one in found] == [
        ("t-1", "mailer", "yes"),
        ("t-3", "crm", "no"),
        ("t-4", "shop", "yes"),
    ]
    assert found[0].categories == ("contact",)
    assert found[0].purpose == "support"
    assert office.acts(request.id) == ["request-received", "request-searched"]
    report = answer_to(request, found, RULES_HERE, NOW)
    document = json.loads(as_json(report))
    assert [row["record"] for row in document["sections"]["transfers"]["rows"]] == ["t-1", "t-3", "t-4"]
    assert {row["agent"] for row in document["sections"]["recipients"]["rows"]} == {
        "Mailer (Agent, Inc.)",
        "Shop (Agent, Inc.)",
    }
    for said in (as_json(report), as_csv(report), as_html(report)):
        assert "anna" not in said.lower()


async def test_ACCESS_1_what_left_after_removal_says_who_stayed_in(office: Office):
    await office.sent(
        a_transfer("gone", "mailer", ANNA, BEN, action="anonymize"),
        a_transfer("kept", "crm", ANNA, BEN, action="anonymize", left=(print_of(ANNA),)),
        a_transfer("refused", "shop", ANNA),
        Outcome("refused", "2026-11-24T10:00:01.000+00:00", "gateway-1", "d" * 64, "not-released"),
    )
    request = office.receive("access")

    received = {one.id: one.received for one in office.desk.search(request.id)}

    assert received == {"gone": "no", "kept": "yes", "refused": "no"}


async def test_ACCESS_1_the_summary_says_of_every_person_what_the_records_say(office: Office):
    name, phone = "PERSON Anna Lindqvist", "PHONE_NUMBER +46 70 174 06 35"
    chance = random.Random(7)
    for number in range(120):
        lines = chance.sample((ANNA, BEN, name, phone), chance.randint(1, 4))
        record = a_transfer(
            f"t-{number}",
            chance.choice(("mailer", "crm", "shop")),
            *lines,
            action=chance.choice(("pass", "anonymize", "block")),
            purpose=chance.choice(("support", None)),
            left=tuple(print_of(one) for one in lines if chance.random() < 0.3),
        )
        await office.sent(replace(record, at=f"2026-11-24T10:{number // 60:02}:{number % 60:02}.000+00:00"))
        if record.action != "block" and chance.random() < 0.3:
            await office.sent(Outcome(record.id, record.at, "gateway-1", "d" * 64, "not-released"))

    for lines in ((ANNA,), (BEN, name), (ANNA, name, phone), (name,)):
        request = office.receive("access", *lines)
        found = office.desk.search(request.id)
        summed: dict[tuple[object, ...], list[str]] = {}
        for one in found:
            summed.setdefault(_alike(one), []).append(one.at)
        flows = office.desk.summary(request.id).flows
        assert {_alike(one): (one.count, one.first, one.last) for one in flows} == {
            alike: (len(times), times[0], times[-1]) for alike, times in summed.items()
        }
        assert len(flows) == len(summed)


async def test_a_summary_waits_for_no_index_and_says_up_to_which_record_it_looked(office: Office):
    await office.sent(a_transfer("t-1", "mailer", ANNA))
    request = office.receive("access")
    fresh = office.desk.summary(request.id)
    assert (fresh.flows, fresh.looked.through) == ((), 0)
    assert fresh.looked.newest == 3  # The transfer, the request, and this look.

    office.desk.search(request.id)
    await office.sent(a_transfer("t-2", "mailer", ANNA))
    later = office.desk.summary(request.id)

    assert [one.count for one in later.flows] == [1]
    assert (later.looked.through, later.looked.newest) == (4, 6)


async def test_a_shared_name_alone_is_kept_apart_and_opens_no_task(office: Office):
    name = "PERSON Anna Lindqvist"
    await office.sent(a_transfer("named", "crm", name), a_transfer("both", "mailer", name, ANNA))
    request = office.receive("erasure", ANNA, name)
    found = office.desk.search(request.id)

    assert {one.id: one.namesake for one in found} == {"named": True, "both": False}
    document = json.loads(as_json(answer_to(request, found, RULES_HERE, NOW)))
    assert [row["record"] for row in document["sections"]["transfers"]["rows"]] == ["both"]
    assert "rows" not in document["sections"]["namesakes"]
    office.desk.identity_shown(request.id, MONDAY)
    assert [task.agent for task in office.desk.tasks(request.id)] == ["mailer"]


async def test_ACCESS_2_an_erasure_opens_one_task_for_each_recipient_closed_only_with_proof(office: Office):
    desk = office.desk
    await office.sent(
        a_transfer("1", "mailer", ANNA),
        a_transfer("2", "mailer", ANNA),
        a_transfer("3", "crm", ANNA),
        a_transfer("4", "shop", ANNA, action="block"),
    )
    request = office.receive("erasure")
    assert desk.tasks(request.id) == []  # Nobody is told before the person has shown who they are.
    with pytest.raises(NotAllowed, match="shown who they are"):
        desk.open_tasks(request.id)
    desk.identity_shown(request.id, MONDAY)
    tasks = desk.tasks(request.id)
    assert sorted(task.agent for task in tasks) == ["crm", "mailer"]
    with pytest.raises(NotAllowed, match="tasks are open"):
        desk.done(request.id, MONDAY, "letter 8")
    with pytest.raises(NotAllowed, match="with proof only"):
        desk.close_task(tasks[0].id, MONDAY, " ")
    desk.told(tasks[0].id, MONDAY)
    for task in tasks:
        desk.close_task(task.id, MONDAY, f"mail of {task.agent}")
    await office.sent(a_transfer("5", "shop", ANNA))
    with pytest.raises(NotAllowed, match="open for shop"):  # It got the data meanwhile.
        desk.done(request.id, MONDAY, "letter 8")
    (new,) = [task for task in desk.tasks(request.id) if task.agent == "shop"]
    desk.close_task(new.id, MONDAY, "out of business since June", impossible=True)
    assert desk.done(request.id, MONDAY, "letter 8").state is RequestState.DONE
    assert verified(office.place).ok


def test_nobody_gets_an_answer_who_has_not_shown_who_they_are(office_file: Office):
    request = office_file.receive("access")
    with pytest.raises(NotAllowed, match="has not shown"):
        office_file.desk.done(request.id, MONDAY, "letter 9")


@pytest.mark.parametrize(
    ("right", "given", "kept"),
    [
        ("opt-out", {}, ("opt-out", "*")),
        ("opt-out", {"agent": "crm"}, ("opt-out", "crm")),
        ("objection", {"purpose": "marketing"}, ("objection", "marketing")),
    ],
)
def test_CHOICE_1_CHOICE_2_a_request_is_in_the_registers_with_its_intake(
    office_file: Office, right: str, given: dict[str, str], kept: tuple[str, str]
):
    request = office_file.receive(right, **given)

    with _registers(office_file) as registers:
        agent = RULES_HERE.agents[1]
        chosen = registers.choices([print_of(ANNA)], agent, "marketing", MONDAY)
    assert (chosen.opted_out if right == "opt-out" else chosen.objected) == {print_of(ANNA)}
    assert request.state is RequestState.DONE
    with reading(office_file.place) as reader:
        (act,) = reader.about(request.id)
    assert (act["details"]["choice"]["kind"], act["details"]["choice"]["scope"]) == kept


def test_DEF_5_a_withdrawal_ends_the_consent_and_a_repeated_import_does_not_bring_it_back(
    office_file: Office,
):
    consent = Consent(print_of(ANNA), "crm", "US", "support", "v1", day("2026-01-01"), day("2027-12-31"))
    agent = RULES_HERE.agents[1]
    with _registers(office_file) as registers:
        registers.consent([consent])
        assert registers.choices([print_of(ANNA)], agent, "support", MONDAY).consented
        office_file.receive("withdrawal")
        assert not registers.choices([print_of(ANNA)], agent, "support", MONDAY).consented
        registers.consent([consent])
        assert not registers.choices([print_of(ANNA)], agent, "support", MONDAY).consented
        registers.consent([replace(consent, given_on=MONDAY + timedelta(days=1))])
        later = registers.choices([print_of(ANNA)], agent, "support", MONDAY + timedelta(days=1))
        assert later.consented


def test_another_gateway_of_the_same_ledger_follows_what_people_chose(office: Office, tmp_path):
    office.receive("opt-out")
    with (
        contextlib.closing(Follower(office.place, tmp_path / "other.db")) as follower,
        contextlib.closing(Registers(tmp_path / "other.db")) as other,
    ):
        for _ in range(2):
            follower.step()
            assert other.counts()["opt-out"] == 1
        office.receive("opt-out", BEN)
        follower.step()
        assert other.counts()["opt-out"] == 2


async def test_after_a_rotation_the_identifiers_are_asked_for_again(office_file: Office, tmp_path):
    request = office_file.receive("access")
    newer = Key(2, bytes([7]) * 32, (KEY,))
    office_file.desk = replace(office_file.desk, key=newer)
    with pytest.raises(NotAllowed, match="rotated"):
        office_file.desk.search(request.id)
    office_file.desk.identify_again(request.id, office_file.marks(ANNA))
    record = a_transfer("new", "crm", ANNA)
    (one,) = record.findings
    await office_file.sent(
        a_transfer("old", "crm", ANNA),
        replace(record, findings=(replace(one, fingerprints=(print_of(ANNA, newer),)),)),
    )
    assert [one.id for one in office_file.desk.search(request.id)] == ["old", "new"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("anna.lindqvist@example.org", "entity"),
        ("EMAIL_ADDRESS", "no value"),
        ("MAIL anna@example.org", "entity"),
    ],
)
def test_a_line_that_is_no_identifier_is_told_by_its_number_and_never_repeated(
    office_file: Office, line: str, said: str
):
    with pytest.raises(NotAllowed, match=f"line 2: .*{said}") as caught:
        office_file.marks(ANNA, line)
    assert "anna" not in str(caught.value)


def test_no_value_stands_in_the_database(office_file: Office):
    office_file.receive("access", ANNA, "PERSON Anna Lindqvist", "PHONE_NUMBER +46 70 174 06 35")
    for table in ("record", "case_file", "mention"):
        said = repr(run(office_file.place, f"SELECT * FROM {table}")).lower()
        assert "lindqvist" not in said
        assert "1740635" not in said


def test_a_case_that_somebody_changed_by_hand_is_found(office: Office):
    first, second = office.receive("access"), office.receive("erasure")
    with reading(office.place) as reader, reader.connection() as connection:
        assert faults_in(connection) == []
    run(office.place, f"UPDATE case_file SET body = replace(body, 'phone', 'email') WHERE id = '{first.id}'")
    run(office.place, f"DELETE FROM case_file WHERE id = '{second.id}'")
    with reading(office.place) as reader, reader.connection() as connection:
        assert faults_in(connection) == [
            f"case {first.id} is not what the ledger says of it",
            f"case {second.id} is missing",
        ]


def _a_request(**changes: object):
    from gateway.core.rights import Request

    values: dict[str, object] = {
        "id": "R-1",
        "right": "access",
        "channel": "post",
        "origin": Origin.EU,
        "received": MONDAY,
        "reference": "CRM-1",
        "owner": "staff-1",
        "marks": (Mark("EMAIL_ADDRESS", "1:ab"),),
        "identity": Identity.SHOWN,
    }
    return Request(**(values | changes))  # type: ignore[arg-type]


def _registers(office: Office):
    return contextlib.closing(Registers(office.registers))


def _alike(one: Basis) -> tuple[object, ...]:
    return tuple(getattr(one, field.name) for field in fields(Basis))
