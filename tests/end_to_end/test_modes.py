"""The ways to put the gateway in front: reverse, upstream, SOCKS, with log-in; and taking it out again."""

from __future__ import annotations

import re
import subprocess
import threading
import time
from pathlib import Path

import httpx
import pytest

from gateway.demo.agents import Certificate
from tests.end_to_end.harness import GatewayProcess, RecordingAgent, gateway_running

CLEAN = b'{"event": "page_load", "duration_ms": 182}'
PERSONAL = '{"customer name": "Sabine Köhler"}'.encode()
JSON = {"content-type": "application/json"}


def curl(*arguments: str, body: bytes = CLEAN) -> subprocess.CompletedProcess[bytes]:
    command = ["curl", "-sS", "-m", "20", "-w", "\n%{http_code}", "-H", "content-type: application/json"]
    return subprocess.run(
        [*command, "--data-binary", "@-", *arguments], input=body, capture_output=True, check=False
    )


def status_of(answer: subprocess.CompletedProcess[bytes]) -> int:
    return int(answer.stdout.rpartition(b"\n")[2] or 0)


def test_reverse_mode_decides_by_the_agent_it_stands_in_front_of(
    tmp_path: Path, certificate: Certificate, agents: dict[str, RecordingAgent], ports: dict[str, int]
):
    lapsed = agents["lapsed"]
    with gateway_running(
        tmp_path, certificate, ports, modes=[f"reverse:https://localhost:{lapsed.port}"]
    ) as gateway:
        before = len(lapsed.bodies)

        assert status_of(curl(f"{gateway.proxy}/v1/in")) == 200
        assert status_of(curl(f"{gateway.proxy}/v1/in", body=PERSONAL)) == 200

        assert lapsed.bodies[before:] == [CLEAN, b'{"customer name": "[PERSON]"}']
        assert [record["agent"] for record in gateway.records()] == ["lapsed", "lapsed"]


def test_upstream_mode_sends_what_is_released_through_the_next_proxy(
    tmp_path: Path,
    certificate: Certificate,
    gateway: GatewayProcess,
    agents: dict[str, RecordingAgent],
    ports: dict[str, int],
):
    modes = [f"upstream:{gateway.proxy}"]
    with gateway_running(
        tmp_path, certificate, ports, modes=modes, upstream_ca=str(gateway.authority)
    ) as first:
        before = len(agents["assured"].bodies)
        seen_before = len(gateway.records())

        proxied = ("-x", first.proxy, "--cacert", str(first.authority))
        assert status_of(curl(*proxied, agents["assured"].url, body=PERSONAL)) == 200
        assert status_of(curl(*proxied, agents["unregistered"].url, body=PERSONAL)) == 403

        assert agents["assured"].bodies[before:] == [PERSONAL]
        assert [record["action"] for record in first.records()] == ["pass", "block"]
        assert len(gateway.records()) == seen_before + 1


def test_socks5_mode_inspects_like_any_other(
    tmp_path: Path, certificate: Certificate, agents: dict[str, RecordingAgent], ports: dict[str, int]
):
    with gateway_running(tmp_path, certificate, ports, modes=["socks5"]) as gateway:
        proxied = ("--socks5-hostname", f"127.0.0.1:{gateway.port}", "--cacert", str(gateway.authority))
        before = len(agents["assured"].bodies)

        assert status_of(curl(*proxied, agents["assured"].url, body=PERSONAL)) == 200
        assert status_of(curl(*proxied, agents["unregistered"].url, body=PERSONAL)) == 403

        assert agents["assured"].bodies[before:] == [PERSONAL]


def test_with_log_in_nobody_passes_without_and_the_password_does_not_reach_the_agent(
    tmp_path: Path, certificate: Certificate, agents: dict[str, RecordingAgent], ports: dict[str, int]
):
    with gateway_running(tmp_path, certificate, ports, proxy_auth="team:correct-horse") as gateway:
        proxied = ("-x", gateway.proxy, "--cacert", str(gateway.authority))
        before = len(agents["assured"].bodies)

        refused = curl(*proxied, agents["assured"].url)
        assert refused.returncode != 0
        with httpx.Client(proxy=gateway.proxy) as client:
            plain = client.post("http://agent.example.org/v1/in", content=PERSONAL)
        assert plain.status_code == 407
        assert plain.headers["proxy-authenticate"].startswith("Basic ")
        told = plain.json()
        assert (told["reason"], told["decision_id"]) == ("credentials-missing", gateway.records()[-1]["id"])
        assert len(agents["assured"].bodies) == before

        assert status_of(curl(*proxied, "--proxy-user", "team:correct-horse", agents["assured"].url)) == 200
        assert "proxy-authorization" not in agents["assured"].requests[-1][1]
        # Log-in names may be those of employees.
        assert re.fullmatch(r"user:1:[0-9a-f]{32}", gateway.records()[-1]["source"])
        assert "correct-horse" not in gateway.log.read_text()


@pytest.mark.parametrize("http2", [False, True])
def test_a_request_under_way_is_finished_before_the_gateway_stops(
    http2: bool,
    tmp_path: Path,
    certificate: Certificate,
    agents: dict[str, RecordingAgent],
    ports: dict[str, int],
):
    with gateway_running(tmp_path, certificate, ports) as gateway:
        answers: list[int] = []

        def slow() -> None:
            with httpx.Client(
                http2=http2, proxy=gateway.proxy, verify=str(gateway.authority), timeout=20
            ) as client:
                url = agents["assured"].url.replace("/v1/in", "/slow")
                answers.append(client.post(url, content=CLEAN, headers=JSON).status_code)

        sender = threading.Thread(target=slow)
        sender.start()
        until = time.monotonic() + 20
        while not gateway.ledger.exists() or not gateway.records():
            assert time.monotonic() < until
            time.sleep(0.02)
        assert gateway.stop() == 0
        sender.join()

        assert answers == [200]
        assert gateway.onward("ledger", "verify").returncode == 0
