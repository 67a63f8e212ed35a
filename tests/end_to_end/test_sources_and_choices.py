"""What is known beforehand, in a running gateway: declared origin and purpose, opt-outs, and shadow mode."""

from __future__ import annotations

import json
import ssl
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from gateway.demo.agents import Certificate
from tests.end_to_end.harness import GatewayProcess, RecordingAgent
from tests.policy.builders import a_grant

TODAY = datetime.now(UTC).date()
SOURCES = f"""\
schema: 1
sources:
  - id: office
    name: Office
    entity: parent
    match: {{networks: ["127.0.0.0/8"]}}
    origin: {{origins: ["EU", "CH", outside], approver: anna, reference: R, valid_until: {TODAY + timedelta(days=9)}}}
    trusted: true
"""
SHADOW = f"""\
schema: 1
unsafe_shadow:
  - {{agent: lapsed, approver: ben, reason: trial, valid_until: {TODAY}}}
"""


def order(folder: Path) -> Path:
    """A request for an exemption: a court's order, for one transfer."""
    now = datetime.now(UTC)
    grant = asdict(
        a_grant(
            "EXC-LEGAL-PROCESS",
            agent="assured",
            categories=("contact",),
            granted_at=now.isoformat(),
            expires_at=(now + timedelta(hours=2)).isoformat(),
        )
    )
    for name in ("approver", "approved_at", "used_at"):
        del grant[name]
    file = folder / "order.yaml"
    file.write_text(json.dumps(grant))
    return file


def test_what_is_declared_and_what_people_chose_decides_and_never_reaches_the_agent(
    tmp_path: Path, certificate: Certificate, agents: dict[str, RecordingAgent], ports: dict[str, int]
):
    gateway = GatewayProcess(tmp_path, certificate, ports)
    (gateway.rules / "sources" / "examples.yaml").write_text(SOURCES)
    (gateway.rules / "policy" / "shadow.yaml").write_text(SHADOW)
    opt_outs = tmp_path / "opt-outs.csv"
    opt_outs.write_text("entity,value\nEMAIL_ADDRESS,lena.vogt@example.org\n")
    gateway.start()
    try:
        trust = ssl.create_default_context(cafile=str(gateway.authority))
        with httpx.Client(proxy=gateway.proxy, verify=trust) as client:

            def status(agent: str, mail: str, **said: str) -> int:
                headers = {f"onward-{name}": value for name, value in said.items()}
                url = f"{agents[agent].url}/v1"
                return client.post(url, json={"mail": mail}, headers=headers).status_code

            before = {name: len(agent.bodies) for name, agent in agents.items()}
            assert status("unregistered", "mia.berg@example.org") == 403
            assert status("unregistered", "mia.berg@example.org", origin="outside") == 200
            assert status("assured", "lena.vogt@example.org", purpose="support") == 200
            assert status("assured", "mia.berg@example.org", purpose="marketing") == 403
            assert status("lapsed", "mia.berg@example.org") == 200  # Refused, but for shadow mode.
            dry = gateway.onward("choices", "import", str(opt_outs), "--kind", "opt-out", "--dry-run")
            assert dry.returncode == 0, dry.stderr
            assert status("assured", "lena.vogt@example.org", purpose="support") == 200
            assert gateway.onward("choices", "import", str(opt_outs), "--kind", "opt-out").returncode == 0
            assert status("assured", "lena.vogt@example.org", purpose="support") == 403
            # EXC-1: what a court asks for leaves once, after a second person has approved it.
            asked = gateway.onward("exemptions", "request", str(order(tmp_path)))
            assert asked.returncode == 0, asked.stderr
            assert status("assured", "lena.vogt@example.org", purpose="support") == 403
            assert gateway.onward("exemptions", "approve", "G-1", "--approver", "ben").returncode == 0
            assert status("assured", "lena.vogt@example.org", purpose="support") == 200
            assert status("assured", "lena.vogt@example.org", purpose="support") == 403
        records, metrics = gateway.records(), gateway.metrics()
    finally:
        gateway.stop()

    heads = [head for name, agent in agents.items() for _, head in agent.requests[before[name] :]]
    assert heads
    assert not [name for head in heads for name in head if name.startswith("onward-")]
    assert json.loads(agents["lapsed"].bodies[-1]) == {"mail": "mia.berg@example.org"}
    told = [(one["reason"], one["would"], one["purpose"]) for one in records]
    assert told == [
        ("unregistered", None, None),
        ("out-of-scope", None, None),
        ("assured", None, "support"),
        ("purpose-mismatch", None, "marketing"),
        ("not-assured", "anonymize", None),
        ("assured", None, "support"),
        ("opted-out", None, "support"),
        ("opted-out", None, "support"),
        ("exemption", None, "support"),
        ("opted-out", None, "support"),
    ]
    assert [one["exemption"] for one in records if one["exemption"]] == ["G-1"]
    assert records[1]["known"] == ["source office", "origin EU+CH+outside by office", "origin by header"]
    assert 'onward_shadowed_total{action="anonymize",agent="lapsed"} 1.0' in metrics
    assert "UNSAFE" in gateway.log.read_text()
