"""Held transfers in a running gateway: kept encrypted, decided by people, passed when they come again."""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from gateway.cli import main
from gateway.demo.agents import Certificate
from tests.canary import found_in, spellings
from tests.databases import Cluster
from tests.end_to_end.harness import GatewayProcess, RecordingAgent

TODAY = datetime.now(UTC).date()
REVIEWERS = f"""
  - {{id: r-1, trained_on: {TODAY - timedelta(days=10)}, reveals: true}}
  - {{id: r-2, trained_on: {TODAY - timedelta(days=10)}}}
  - {{id: untrained, trained_on: {TODAY - timedelta(days=900)}, reveals: true}}
"""
PERSON = {"customer name": "Sabine Köhler", "email": "sabine.koehler@example.org", "note": "asks for 4711"}


class Desk:
    """A gateway that holds ordinary data for its assured agent, and a client before it."""

    def __init__(self, gateway: GatewayProcess, agent: RecordingAgent) -> None:
        self.gateway, self.agent = gateway, agent
        self._client = httpx.Client(proxy=gateway.proxy, verify=str(gateway.authority), timeout=30)

    def send(self, body: object, **headers: str) -> httpx.Response:
        if isinstance(body, bytes):
            headers = {"content-type": "application/octet-stream"} | headers
            return self._client.post(self.agent.url, content=body, headers=headers)
        return self._client.post(self.agent.url, json=body, headers=headers)

    def hold(self, body: object) -> str:
        answer = self.send(body)
        assert answer.status_code == 403, answer.text
        return str(answer.json()["review_id"])

    def onward(self, *arguments: str, code: int = 0, stdin: str = "") -> str:
        """A command, in this process: one of its own for each would cost seconds of imports."""
        said = io.StringIO()
        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(said),
        ):
            patch.setattr(sys, "argv", ["onward", *arguments, "--config", str(self.gateway.config)])
            patch.setattr(sys, "stdin", io.StringIO(stdin))
            with pytest.raises(SystemExit) as end:
                main()
        assert end.value.code == code, said.getvalue()
        return said.getvalue()

    def acts(self, review: str) -> list[str]:
        shown = json.loads(self.onward("ledger", "show", review))
        return [one["action"] for one in shown["followed_by"]]


@contextlib.contextmanager
def a_desk(folder: Path, certificate: Certificate, **settings: str) -> Iterator[Desk]:
    agent = RecordingAgent(certificate)
    gateway = GatewayProcess(folder, certificate, {"assured": agent.port}, **settings)
    table = gateway.rules / "policy" / "decision.yaml"
    # Whatever is personal is held, if it is not blocked.
    table.write_text(
        re.sub(r"(ordinary|elevated|special|criminal): (pass|anonymize)\w*", r"\1: hold", table.read_text())
    )
    review = gateway.rules / "policy" / "review.yaml"
    review.write_text(re.sub(r"reviewers: \[\].*", f"reviewers:{REVIEWERS.rstrip()}", review.read_text()))
    gateway.start()
    yield Desk(gateway, agent)
    gateway.stop()
    agent.close()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, certificate: Certificate) -> Iterator[Desk]:
    with a_desk(tmp_path_factory.mktemp("review"), certificate) as desk:
        yield desk


def test_a_held_transfer_gets_a_review_id_and_word_when_to_come_again(desk: Desk):
    answer = desk.send(PERSON)
    problem = answer.json()
    assert (answer.status_code, problem["action"]) == (403, "hold")
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["review_id"] == problem["decision_id"]
    again = desk.send(PERSON).json()
    assert again["review_id"] == problem["review_id"] != again["decision_id"]
    listed = json.loads(desk.onward("review", "list", "--json"))
    assert [(one["id"], one["state"]) for one in listed] == [(problem["review_id"], "open")]
    desk.onward("review", "refuse", problem["review_id"], "--as", "r-1", "--reason", "not needed")


def test_SEC_4_the_redacted_look_and_the_reveal_are_both_on_record_and_only_the_reveal_shows(desk: Desk):
    review = desk.hold(PERSON | {"n": 1})
    shown = desk.onward("review", "show", review, "--as", "r-2")
    assert "[PERSON]" in shown
    assert "Sabine" not in shown
    assert "4711" not in shown
    assert "may not see" in desk.onward("review", "reveal", review, "--as", "r-2", code=1)
    assert desk.acts(review) == ["review-shown"]
    assert "sabine.koehler@example.org" in desk.onward("review", "reveal", review, "--as", "r-1")
    assert desk.acts(review) == ["review-shown", "review-revealed"]


def test_an_approved_transfer_passes_once_and_only_the_very_same(desk: Desk):
    review = desk.hold(PERSON | {"n": 2})
    desk.onward("review", "approve", review, "--as", "r-1", "--reason", "contract 12")
    assert desk.send(PERSON | {"n": 3}).status_code == 403
    assert desk.send(PERSON | {"n": 2}, **{"x-request": "Anna Lindqvist"}).status_code == 403
    assert desk.send(PERSON | {"n": 2}, **{"x-request": "77"}).status_code == 200
    assert json.loads(desk.agent.bodies[-1]) == PERSON | {"n": 2}
    record = desk.gateway.records()[-1]
    assert (record["action"], record["reason"], record["review"]) == ("pass", "approved", review)
    assert "SEC-3" in record["clauses"]
    assert desk.send(PERSON | {"n": 2}).status_code == 403


def test_an_approval_until_a_day_lets_it_pass_again_and_again_within_the_longest_time(desk: Desk):
    review = desk.hold(PERSON | {"n": 4})
    far, near = str(TODAY + timedelta(days=60)), str(TODAY + timedelta(days=3))
    arguments = ("review", "approve", review, "--as", "r-1", "--reason", "x", "--until")
    assert "within 30 days" in desk.onward(*arguments, far, code=1)
    desk.onward(*arguments, near, "--propose-rule")
    assert [desk.send(PERSON | {"n": 4}).status_code for _ in range(3)] == [200] * 3
    assert desk.acts(review)[:2] == ["review-approved", "rule-proposed"]


def test_a_refused_transfer_stays_refused_and_nothing_is_kept_of_it(desk: Desk):
    review = desk.hold(PERSON | {"n": 5})
    desk.onward("review", "refuse", review, "--as", "r-2", "--reason", "no ground")
    assert "has ended" in desk.onward("review", "approve", review, "--as", "r-1", "--reason", "x", code=1)
    assert "not kept" in desk.onward("review", "reveal", review, "--as", "r-1", code=1)
    assert desk.send(PERSON | {"n": 5}).status_code == 403


def test_SEC_3_what_could_not_be_read_needs_four_eyes(desk: Desk):
    body = bytes(range(128, 256)) * 3
    review = desk.hold(body)
    desk.onward("review", "approve", review, "--as", "r-1", "--reason", "x")
    assert desk.send(body).status_code == 403
    assert "second reviewer" in desk.onward(
        "review", "approve", review, "--as", "r-1", "--reason", "x", code=1
    )
    desk.onward("review", "approve", review, "--as", "r-2", "--reason", "x")
    assert desk.send(body).status_code == 200
    assert desk.agent.bodies[-1] == body


def test_SEC_1_an_untrained_or_unknown_reviewer_decides_nothing(desk: Desk):
    review = desk.hold(PERSON | {"n": 6})
    for command in ("approve", "refuse", "false-positive"):
        for reviewer in ("untrained", "nobody"):
            desk.onward("review", command, review, "--as", reviewer, "--reason", "x", code=1)
    assert desk.acts(review) == []


def test_a_false_positive_counts_no_more_and_enters_the_evaluation_set(desk: Desk):
    body = {"customer name": "Meridian Aurelia"}
    review = desk.hold(body)
    desk.onward("review", "false-positive", review, "--as", "r-1", "--reason", "a product")
    evaluation = json.loads(desk.onward("review", "evaluation"))
    assert {(one["review"], one["entity"]) for one in evaluation} == {(review, "PERSON")}
    assert "Meridian" not in json.dumps(evaluation)
    until = time.monotonic() + 60
    while desk.send(body).status_code != 200:
        assert time.monotonic() < until, "the gateway does not learn of it"
        time.sleep(0.5)
    assert json.loads(desk.agent.bodies[-1]) == body


def test_a_transfer_too_large_to_keep_is_held_without_its_content(desk: Desk):
    body = {"customer name": "Sabine Köhler", "filler": "x " * 600_000}
    review = desk.hold(body)
    assert "not kept" in desk.onward("review", "reveal", review, "--as", "r-1", code=1)


def test_what_is_held_stands_nowhere_in_clear_and_the_ledger_verifies(desk: Desk):
    desk.hold(PERSON | {"n": 7})
    values = [
        spelling for value in ("Sabine Köhler", "sabine.koehler@example.org") for spelling in spellings(value)
    ]
    assert found_in([desk.gateway.state, desk.gateway.log], values) == []
    assert "Ledger verified" in desk.onward("ledger", "verify")


def test_after_a_rotation_of_the_key_older_fingerprints_are_still_found_and_false_positives_still_count(
    desk: Desk,
):
    before = fingerprints(desk)
    assert "version 2" in desk.onward("keys", "rotate")
    until = time.monotonic() + 60
    while "version 2 of the fingerprint key is in use" not in desk.gateway.log.read_text():
        assert time.monotonic() < until, "the gateway goes on with the old key"
        time.sleep(0.2)
    assert desk.send({"customer name": "Meridian Aurelia"}).status_code == 200
    review = desk.hold(PERSON | {"n": 8})
    found = next(one for one in desk.gateway.records() if one["id"] == review)["findings"]
    new = {known for one in found for known in one["fingerprints"]}
    assert all(known.startswith("2:") for known in new)
    after = fingerprints(desk)
    assert after[1:] == before
    assert after[0] in new
    desk.onward("keys", "shred", "1", "--yes")
    assert fingerprints(desk) == after[:1]
    assert "Ledger verified" in desk.onward("ledger", "verify")


def fingerprints(desk: Desk) -> list[str]:
    return desk.onward("detect", "fingerprint", "EMAIL_ADDRESS", stdin=PERSON["email"]).split()


def test_on_a_server_too_an_approved_transfer_passes_once_and_a_refused_one_never(
    tmp_path: Path, certificate: Certificate, cluster: Cluster
):
    with a_desk(tmp_path, certificate, database=cluster.new_database()) as desk:
        review, other = desk.hold(PERSON | {"n": 1}), desk.hold(PERSON | {"n": 2})
        assert "sabine.koehler@example.org" in desk.onward("review", "reveal", review, "--as", "r-1")
        desk.onward("review", "approve", review, "--as", "r-1", "--reason", "contract 12")
        desk.onward("review", "refuse", other, "--as", "r-2", "--reason", "no ground")

        answers = [desk.send(PERSON | {"n": number}).status_code for number in (1, 1, 2)]

        assert answers == [200, 403, 403]
        assert json.loads(desk.agent.bodies[-1]) == PERSON | {"n": 1}
        assert desk.acts(review) == ["review-revealed", "review-approved"]
        assert "Ledger verified" in desk.onward("ledger", "verify")
        values = [spelling for value in PERSON.values() for spelling in spellings(value)]
        assert found_in([desk.gateway.state, desk.gateway.log, cluster.data], values) == []
