"""`onward requests`: the same steps from the command line."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from gateway.detect import normalize
from gateway.keys import fingerprint, load_key
from gateway.ledger import FindingSummary
from tests.ledgers import AwaitedLedger, a_record, a_signer

ANNA = "EMAIL_ADDRESS anna.lindqvist@example.org\n"


@pytest.fixture
def filled(place) -> Path:
    """A ledger in which one agent has received Anna's address."""
    place.state.mkdir()
    key = load_key(place.state / "keys", create=True)
    mark = fingerprint(key, "EMAIL_ADDRESS", normalize("EMAIL_ADDRESS", ANNA.split()[1]))
    summary = FindingSummary("EMAIL_ADDRESS", "contact", None, "body.json", 1, (mark,))

    async def fill() -> None:
        record = a_record("t-1", agent="example-llm", action="pass")
        await writer.append(type(record)(**{**_fields(record), "findings": (summary,)}))

    writer = AwaitedLedger(place.state / "ledger.db", a_signer())
    asyncio.run(fill())
    writer.close()
    return place.folder


def _fields(record) -> dict[str, object]:
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def receive(onward, right: str, *more: str, stdin: str = ANNA):
    return onward(
        "requests",
        "receive",
        *("--right", right, "--channel", "phone", "--reference", "CRM-7", "--as", "staff-1", "--json"),
        *more,
        stdin=stdin,
    )


def test_from_intake_to_answer(onward, filled: Path):
    said = receive(onward, "erasure", "--origin", "EU")
    assert said.code == 0, said.err
    request = said.json["id"]
    assert "anna" not in said.out.lower()
    assert onward("requests", "list").code == 0
    assert onward("requests", "identity", request, "--shown", "--as", "staff-1").code == 0
    summed = onward("requests", "search", request, "--as", "staff-1", "--json").json
    assert [(one["agent"], one["count"]) for one in summed["flows"]] == [("example-llm", 1)]
    said = onward("requests", "search", request, "--as", "staff-1")
    assert "newer records are not indexed yet" in said.err
    (task,) = onward("requests", "tasks", "--json").json
    assert task["agent"] == "example-llm"
    refused = onward("requests", "done", request, "--as", "staff-1", "--reference", "letter 1")
    assert (refused.code, "tasks are open" in refused.err) == (1, True)
    assert onward("requests", "told", task["id"], "--as", "staff-1").code == 0
    assert onward("requests", "close", task["id"], "--as", "staff-1", "--proof", "mail 3").code == 0
    assert onward("requests", "done", request, "--as", "staff-1", "--reference", "letter 1").code == 0
    assert onward("requests", "show", request, "--json").json["state"] == "done"
    assert onward("ledger", "verify").code == 0


@pytest.mark.parametrize("form", ["json", "csv", "html", "pdf"])
def test_ACCESS_1_the_answer_in_every_form_and_language(onward, filled: Path, form: str):
    request = receive(onward, "access").json["id"]
    out = filled / f"answer.{form}"
    arguments = ("--format", form, "--out", str(out), "--language", "de")
    said = onward("requests", "answer", request, "--as", "staff-1", *arguments)
    assert said.code == 0, said.err
    content = out.read_bytes()
    assert out.stat().st_mode & 0o077 == 0
    if form == "pdf":
        assert content.startswith(b"%PDF-")
    else:
        assert "t-1" in content.decode()
    if form == "json":
        assert json.loads(content)["title"] == "Ihre personenbezogenen Daten: was an wen ging"


def test_what_is_not_allowed_is_said_and_an_overdue_request_ends_the_list_with_1(onward, filled: Path):
    said = receive(onward, "access", stdin="anna.lindqvist@example.org\n")
    assert (said.code, "line 1" in said.err, "anna" in said.err) == (1, True, False)
    assert receive(onward, "access", "--on", "2026-01-05").code == 0
    listed = onward("requests", "list")
    assert (listed.code, "LATE" in listed.out) == (1, True)
    assert onward("requests", "index", "--anew").code == 0


def test_ACCESS_5_more_time_a_fee_and_a_refusal_need_their_grounds(onward, filled: Path):
    request = receive(onward, "access", "--origin", "EU").json["id"]
    added = onward(
        "requests", "identifiers", request, "--as", "staff-1", stdin="PHONE_NUMBER +47 22 12 34 56"
    )
    assert (added.code, "22 12" in added.out + added.err) == (0, False)
    said = onward("requests", "extend", request, "--reason", "many records", "--as", "staff-1")
    assert said.code == 0, said.err
    ground = ("--ground", "excessive", "--as", "staff-1")
    said = onward(
        "requests", "charge", request, "--fee", "EUR 20", *ground, "--reason", "tenth of this month"
    )
    assert said.code == 0, said.err
    nonsense = onward(
        "requests", "refuse", request, "--ground", "no-time", "--reason", "x", "--as", "staff-1"
    )
    assert (nonsense.code, "no-time" in nonsense.err) == (1, True)
    said = onward("requests", "refuse", request, *ground, "--reason", "repeated")
    assert said.code == 0, said.err
    assert onward("requests", "show", request, "--json").json["state"] == "refused"
