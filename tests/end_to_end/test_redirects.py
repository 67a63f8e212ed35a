"""A redirect of one agent opens no way to another: what follows it is judged for whom it reaches."""

from __future__ import annotations

import httpx
import pytest

from tests.end_to_end.harness import GatewayProcess, RecordingAgent

LETTER = {"name": "Sabine Köhler", "iban": "DE89 3704 0044 0532 0130 00"}


def follow(gateway: GatewayProcess, agent: RecordingAgent, status: int, place: str) -> httpx.Response:
    """What a client that follows redirects ends with, after the agent sent it to `place`."""
    with httpx.Client(
        proxy=gateway.proxy, verify=str(gateway.authority), timeout=30, follow_redirects=True
    ) as client:
        return client.post(agent.url, json=LETTER, headers={"x-redirect": f"{status} {place}"})


@pytest.mark.parametrize("status", [307, 308])
@pytest.mark.parametrize(("name", "reason"), [("unregistered", "unregistered"), ("lapsed", "not-assured")])
def test_ONWARD_1_a_body_that_is_sent_on_by_redirect_is_judged_by_the_agent_it_would_reach(
    status: int, name: str, reason: str, gateway: GatewayProcess, agents: dict[str, RecordingAgent]
):
    before = {one: len(agent.bodies) for one, agent in agents.items()}

    answer = follow(gateway, agents["assured"], status, agents[name].url)

    assert (answer.status_code, answer.json()["reason"]) == (403, reason)
    assert [one.status_code for one in answer.history] == [status]
    arrived = {one: len(agent.bodies) - before[one] for one, agent in agents.items()}
    assert arrived == {"assured": 1, "lapsed": 0, "unregistered": 0}
    first, second = gateway.records()[-2:]
    assert (first["agent"], first["action"]) == ("assured", "pass")
    assert (second["id"], second["action"]) == (answer.json()["decision_id"], "block")


def test_SEC_4_a_redirect_does_not_lead_into_the_company(
    gateway: GatewayProcess, agents: dict[str, RecordingAgent]
):
    place = f"http://169.254.169.254:{agents['lapsed'].port}/latest/meta-data"
    answer = follow(gateway, agents["assured"], 307, place)

    assert (answer.status_code, answer.json()["reason"]) == (403, "internal-target")
