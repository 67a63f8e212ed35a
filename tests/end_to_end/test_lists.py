"""The operator's lists in a running gateway: what is denied is taken out, what is allowed to one agent reaches it."""

from __future__ import annotations

import json
import ssl
from pathlib import Path

import httpx

from gateway.demo.agents import Certificate
from tests.end_to_end.harness import GatewayProcess, RecordingAgent

LISTS = """\
schema: 1
deny:
  - {entity: PERSON, values: ["project nordlys"]}
allow:
  - {reason: its own contact, values: ["sabine köhler"], agents: [lapsed]}
"""


def test_lists_count_for_the_agents_they_name(
    tmp_path: Path, certificate: Certificate, agents: dict[str, RecordingAgent], ports: dict[str, int]
):
    gateway = GatewayProcess(tmp_path, certificate, ports)
    (gateway.rules / "detection" / "custom" / "ours.yaml").write_text(LISTS)
    gateway.start()
    sent = {"customer name": "Sabine Köhler", "about": "Project Nordlys"}
    before = {name: len(agent.bodies) for name, agent in agents.items()}
    try:
        trust = ssl.create_default_context(cafile=str(gateway.authority))
        with httpx.Client(proxy=gateway.proxy, verify=trust) as client:
            for name in ("lapsed", "unregistered", "lapsed"):
                client.post(f"{agents[name].url}/v1", json=sent)
        records = gateway.records()
    finally:
        gateway.stop()

    assert [json.loads(body) for body in agents["lapsed"].bodies[before["lapsed"] :]] == [
        {"customer name": "Sabine Köhler", "about": "[PERSON]"}
    ] * 2
    assert [sum(one["count"] for one in record["findings"]) for record in records] == [1, 2, 1]
