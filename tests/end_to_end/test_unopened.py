"""SCOPE-3: what nobody can look into leaves by rule alone, on record as uninspected; and never to the unassured."""

from __future__ import annotations

import contextlib
from pathlib import Path

import httpx

from gateway.demo.agents import Certificate
from tests.end_to_end.harness import RecordingAgent, gateway_running
from tests.end_to_end.test_bad_input import wait_for_metric

RULE = (
    "  - {{agent: {agent}, protocols: [tls], reason: The client pins., approver: DPO, reference: D-1, "
    "valid_from: 2020-01-01, valid_until: 2999-12-31}}\n"
)


def test_SCOPE_3_a_client_that_pins_reaches_the_agent_a_rule_names_if_it_is_assured(
    tmp_path: Path, certificate: Certificate, agents: dict[str, RecordingAgent], ports: dict[str, int]
):
    with gateway_running(tmp_path, certificate, ports) as gateway:
        rules = "".join(RULE.format(agent=name) for name in ("assured", "lapsed"))
        file = gateway.rules / "policy" / "uninspected.yaml"

        def post(agent: RecordingAgent) -> str:
            # It trusts the agent's own authority, and not the gateway's.
            with httpx.Client(proxy=gateway.proxy, verify=str(certificate.authority), timeout=20) as client:
                return client.post(agent.url, json={"name": "Sabine Köhler"}).text

        def arrived(agent: RecordingAgent) -> bool:
            before = len(agent.bodies)
            with contextlib.suppress(httpx.ConnectError):
                post(agent)
            return len(agent.bodies) > before

        assert not arrived(agents["assured"])
        file.write_text(f"schema: 1\nuninspected:\n{rules}")
        wait_for_metric(gateway, 'onward_uninspected_expiry_timestamp_seconds{agent="assured"}')

        assert arrived(agents["assured"])
        assert not arrived(agents["lapsed"])

        wait_for_metric(gateway, 'agent="lapsed",origin="none",reason="tls-not-opened"')
        *_, passed, refused = gateway.records()
        assert (passed["agent"], passed["action"], passed["reason"]) == ("assured", "pass", "uninspected")
        assert passed["rule"] == "uninspected/tls"
        assert passed["unread"] == ["connection: unopened"]
        assert "DPO" in passed["why"]
        assert refused["reason"] == "tls-not-opened"
        assert 'reason="uninspected"' in gateway.metrics()
