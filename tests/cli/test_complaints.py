"""`onward complaints`: the same steps from the command line."""

from __future__ import annotations

import pytest

from gateway.ledger import Ledger
from tests.ledgers import a_signer


@pytest.fixture
def started(place) -> None:
    """A state folder with an empty ledger."""
    place.state.mkdir()
    Ledger(place.state / "ledger.db", a_signer()).close()


def test_COMPL_1_COMPL_3_from_intake_to_the_swiss_authority(onward, started: None):
    more = ("--reference", "CRM-3", "--about", "mails", "--as", "staff-1", "--json")
    said = onward("complaints", "receive", "--channel", "post", "--origin", "CH", *more)
    assert said.code == 0, said.err
    complaint = said.json["id"]
    assert onward("complaints", "list").code == 0
    refused = onward("complaints", "refer", complaint, "--to", "eu-panel", "--as", "staff-1")
    assert (refused.code, "does not go to" in refused.err) == (1, True)
    assert onward("complaints", "refer", complaint, "--as", "staff-1").code == 0
    assert onward("complaints", "advise", complaint, "--as", "staff-1").code == 0
    closing = ("--outcome", "upheld", "--remedy", "data erased", "--as", "staff-1")
    assert onward("complaints", "close", complaint, *closing).code == 0
    shown = onward("complaints", "show", complaint, "--json").json
    assert (shown["state"], shown["path"], shown["owner"]) == ("closed", "fdpic", "staff-1")


def test_COMPL_2_an_unanswered_complaint_of_last_year_ends_the_list_with_1(onward, started: None):
    more = ("--reference", "CRM-3", "--about", "mails", "--as", "staff-1", "--on", "2025-01-02")
    assert onward("complaints", "receive", "--channel", "post", *more).code == 0
    listed = onward("complaints", "list")
    assert (listed.code, "no answer by 2025-02-16" in listed.err) == (1, True)


def test_COMPL_2_an_answered_complaint_has_an_owner_and_is_not_late(onward, started: None):
    more = ("--reference", "CRM-4", "--about", "mails", "--as", "staff-1", "--on", "2025-01-02", "--json")
    complaint = onward("complaints", "receive", "--channel", "phone", *more).json["id"]
    assert onward("complaints", "assign", complaint, "--owner", "staff-2", "--as", "staff-1").code == 0
    assert (
        onward(
            "complaints",
            "answer",
            complaint,
            "--outcome",
            "explained",
            "--on",
            "2025-02-10",
            "--as",
            "staff-2",
        ).code
        == 0
    )
    shown = onward("complaints", "show", complaint, "--json").json
    assert (shown["owner"], shown["state"]) == ("staff-2", "answered")
    assert onward("complaints", "list").code == 0
    unknown = onward("complaints", "assign", "c-99", "--owner", "staff-2", "--as", "staff-1")
    assert (unknown.code, "c-99" in unknown.err) == (1, True)
