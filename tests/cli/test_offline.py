"""`onward offline`: the same decisions from the command line."""

from __future__ import annotations

import pytest

from gateway.keys import load_key
from gateway.ledger import Ledger
from tests.ledgers import a_signer


@pytest.fixture
def started(place) -> None:
    """A state folder with an empty ledger."""
    place.state.mkdir()
    load_key(place.state / "keys", create=True)
    Ledger(place.state / "ledger.db", a_signer()).close()


def enter(onward, agent: str, *more: str, stdin: str = ""):
    what = ("--carrier", "paper", "--category", "contact", "--purpose", "support", "--origin", "EU")
    return onward(
        "offline",
        "enter",
        *("--agent", agent, *what, "--reference", "FILE-7", "--as", "staff-1", "--json"),
        *more,
        stdin=stdin,
    )


def test_SCOPE_3_paper_for_an_assured_agent_is_handed_on_and_for_a_lapsed_one_it_is_not(
    onward, started: None
):
    refused = enter(onward, "example-analytics")
    assert (refused.code, refused.json["action"]) == (1, "block")
    said = enter(onward, "example-llm", "--identifiers", stdin="EMAIL_ADDRESS anna.lindqvist@example.org\n")
    assert (said.code, said.json["action"], "anna" in said.out) == (0, "pass", False)
    assert onward("offline", "waiting", "--json").json == [said.json["id"]]
    assert onward("offline", "handed", said.json["id"], "--as", "staff-1").code == 0
    assert onward("offline", "handed", said.json["id"], "--as", "staff-1").code == 1
    followed = onward("ledger", "show", said.json["id"]).json["followed_by"]
    assert [one["action"] for one in followed] == ["sent", "offline-sent"]
