"""People who choose, ask and are answered, in a running gateway."""

from __future__ import annotations

import contextlib
import io
import json
import sys

import httpx
import pytest

from gateway.cli import main
from tests.end_to_end.harness import GatewayProcess, RecordingAgent


class Staff:
    """A client before the gateway, and staff with its commands."""

    def __init__(self, gateway: GatewayProcess, agent: RecordingAgent) -> None:
        self.gateway, self.agent = gateway, agent
        self._client = httpx.Client(proxy=gateway.proxy, verify=str(gateway.authority), timeout=30)

    def send(self, mail: str) -> int:
        return self._client.post(self.agent.url, json={"mail": mail}).status_code

    def onward(self, *arguments: str, stdin: str = "") -> str:
        """A command, in this process: one of its own for each would cost seconds of imports."""
        said = io.StringIO()
        with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said):
            patch.setattr(sys, "argv", ["onward", *arguments, "--config", str(self.gateway.config)])
            patch.setattr(sys, "stdin", io.StringIO(stdin))
            with pytest.raises(SystemExit) as end:
                main()
        assert end.value.code == 0
        return said.getvalue()

    def receive(self, right: str, mail: str, *more: str) -> dict[str, object]:
        arguments = ("--right", right, "--channel", "phone", "--reference", "CRM-1", "--as", "staff-1")
        line = f"EMAIL_ADDRESS {mail}\n"
        said = self.onward("requests", "receive", *arguments, *more, "--json", stdin=line)
        return dict(json.loads(said))


@pytest.fixture(scope="module")
def staff(gateway: GatewayProcess, agents: dict[str, RecordingAgent]) -> Staff:
    return Staff(gateway, agents["assured"])


def test_CHOICE_1_ACCESS_4_an_opt_out_by_phone_holds_from_the_next_request_on(staff: Staff):
    assert staff.send("ines.abreu@example.org") == 200
    staff.receive("opt-out", "ines.abreu@example.org", "--agent", "assured")
    assert staff.send("Ines.Abreu@example.org") == 403
    assert staff.send("rui.abreu@example.org") == 200
    assert staff.gateway.records()[-2]["reason"] == "opted-out"


def test_CHOICE_2_an_objection_to_a_purpose_holds_from_the_next_request_on(staff: Staff):
    assert staff.send("lea.brandt@example.org") == 200
    staff.receive("objection", "lea.brandt@example.org", "--purpose", "support")
    assert staff.send("lea.brandt@example.org") == 403


def test_ACCESS_1_ACCESS_2_what_really_went_is_answered_and_its_recipient_gets_a_task(staff: Staff):
    mail = "olga.petersen@example.org"
    assert staff.send(mail) == 200
    assert staff.send(mail) == 200
    request = str(staff.receive("erasure", mail, "--origin", "EU")["id"])
    staff.onward("requests", "identity", request, "--shown", "--as", "staff-1")
    answer = json.loads(staff.onward("requests", "answer", request, "--as", "staff-1"))
    rows = answer["sections"]["transfers"]["rows"]
    assert [row["record"] for row in rows] == [one["id"] for one in staff.gateway.records()[-2:]]
    assert {(row["agent"], row["received"]) for row in rows} == {("Agent assured (Agent)", "received")}
    tasks = json.loads(staff.onward("requests", "tasks", request, "--json"))
    assert [(one["agent"], one["state"]) for one in tasks] == [("assured", "open")]
