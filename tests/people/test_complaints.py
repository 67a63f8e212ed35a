"""Complaints: each has an owner and a clock, and a way on when it is not resolved."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.complaints import COMPLAINT, ComplaintsDesk
from gateway.core.complaint import Complaint, ComplaintState
from gateway.core.model import Origin
from gateway.core.review import NotAllowed
from tests.people.conftest import ANNA, MONDAY, RULES_HERE, Office, a_transfer
from tests.policy.builders import day

LAW = RULES_HERE.complaints_law


def a_complaint(**changes: object) -> Complaint:
    values: dict[str, object] = {
        "id": "C-1",
        "channel": "post",
        "origin": Origin.EU,
        "received": MONDAY,
        "reference": "CRM-1",
        "owner": "staff-1",
        "about": "mails in spite of an opt-out",
    }
    return Complaint(**(values | changes))  # type: ignore[arg-type]


async def test_COMPL_1_a_complaint_has_owner_due_date_and_the_ledger_entries_it_concerns(office: Office):
    await office.sent(a_transfer("t-1", "crm", ANNA))
    desk = ComplaintsDesk(office.desk.cases, RULES_HERE)
    with pytest.raises(NotAllowed, match="no entry of the ledger"):
        desk.receive("post", Origin.EU, MONDAY, "CRM-1", "mails", ["t-2"])
    complaint = desk.receive("post", Origin.EU, MONDAY, "CRM-1", "mails", ["t-1"])

    assert (complaint.owner, complaint.records) == ("staff-1", ("t-1",))
    assert LAW.due(complaint) == MONDAY + timedelta(days=45)
    assert desk.assign(complaint.id, "staff-2").owner == "staff-2"
    assert desk.cases.find(COMPLAINT, complaint.id).owner == "staff-2"
    assert office.acts(complaint.id) == ["complaint-received", "complaint-assigned"]
    assert len(desk.alarms(MONDAY + timedelta(days=46))) == 1


@pytest.mark.parametrize("missing", ["owner", "about", "reference"])
def test_COMPL_1_none_is_kept_without_owner_matter_and_file(missing: str):
    with pytest.raises(NotAllowed, match=missing):
        a_complaint(**{missing: " "})


@pytest.mark.parametrize(("days", "red"), [(45, False), (46, True)])
def test_COMPL_2_day_46_without_answer_is_red(days: int, red: bool):
    alarms = list(LAW.alarms(a_complaint(), MONDAY + timedelta(days=days)))

    assert [("COMPL-2" in one) for one in alarms] == ([True] if red else [])


def test_COMPL_2_an_answer_has_an_outcome_and_a_late_one_stays_told():
    with pytest.raises(NotAllowed, match="outcome"):
        LAW.answer(a_complaint(), MONDAY, "", "")
    late = LAW.answer(a_complaint(), MONDAY + timedelta(days=50), "upheld", "opt-out entered")

    assert late.state is ComplaintState.ANSWERED
    assert len(list(LAW.alarms(late, MONDAY + timedelta(days=51)))) == 1
    assert LAW.close(late, MONDAY + timedelta(days=60), "", "").state is ComplaintState.CLOSED


def test_COMPL_3_two_clocks_run_after_a_referral_and_missed_advice_or_compliance_is_an_alarm():
    referred = LAW.refer(a_complaint(), day("2026-12-01"), None)
    assert (referred.path, LAW.due(referred)) == ("eu-panel", day("2027-01-30"))
    assert len(list(LAW.alarms(referred, day("2027-01-31")))) == 1
    advised = LAW.advise(referred, day("2027-01-15"))
    assert LAW.due(advised) == day("2027-02-09")
    assert not list(LAW.alarms(advised, day("2027-02-09")))
    (alarm,) = LAW.alarms(advised, day("2027-02-10"))
    assert "COMPL-3" in alarm
    with pytest.raises(NotAllowed, match="comply"):
        LAW.close(advised, day("2027-02-01"), "upheld", "")
    closed = LAW.close(advised, day("2027-02-01"), "upheld", "data erased")
    assert closed.complied_on == day("2027-02-01")


def test_COMPL_3_swiss_complaints_go_to_their_own_authority_and_nowhere_else():
    swiss = a_complaint(origin=Origin.CH)
    assert LAW.refer(swiss, MONDAY, None).path == "fdpic"
    with pytest.raises(NotAllowed, match="does not go to 'eu-panel'"):
        LAW.refer(swiss, MONDAY, "eu-panel")
    with pytest.raises(NotAllowed, match="name the authority"):
        LAW.refer(replace(swiss, origin=Origin.UNKNOWN), MONDAY, None)


def test_no_step_is_taken_out_of_order():
    with pytest.raises(NotAllowed, match="this needs one"):
        LAW.advise(a_complaint(), MONDAY)
    with pytest.raises(NotAllowed, match="lies before"):
        LAW.answer(a_complaint(), MONDAY - timedelta(days=1), "upheld", "")
    closed = a_complaint(state=ComplaintState.CLOSED)
    with pytest.raises(NotAllowed, match="this needs one"):
        LAW.answer(closed, MONDAY, "upheld", "")
