"""Whatever fails in whatever stage, nothing reaches the agent, the client is told, and the refusal is on record."""

from __future__ import annotations

import asyncio
import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import gateway.engine
import gateway.runtime
from gateway.demo.agents import Certificate
from gateway.ledger import LedgerReader, Recorder
from gateway.proxy.serve import serve_until
from gateway.runtime import ledger_place
from gateway.settings import Settings
from tests.end_to_end.faulty import build_faulty_inspector, fail
from tests.end_to_end.harness import RecordingAgent, free_port, rules_for

KINDS = ("ValueError", "MemoryError", "RecursionError", "BaseException", "hang")
NAMES = {"name": "Sabine Köhler"}
TIME_LIMIT_S = 1.5


class InProcessGateway:
    """The whole gateway in a thread of this process, so that its stages can be made to fail."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.fault: tuple[str, str] | None = None
        """Stage and kind of the fault to come, for stages that run in this process."""
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        url = f"http://127.0.0.1:{settings.metrics_port}/readyz"
        until = time.monotonic() + 90
        while True:
            try:
                urllib.request.urlopen(url, timeout=2).close()
                return
            except OSError:
                assert self._thread.is_alive()
                assert time.monotonic() < until
                time.sleep(0.1)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(serve_until(self._stop, self.settings))
        self._loop.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=60)

    def send(self, agent: RecordingAgent, fault: str = "") -> httpx.Response:
        authority = self.settings.state / "ca" / "mitmproxy-ca-cert.pem"
        proxy = f"http://127.0.0.1:{self.settings.listen_port}"
        with httpx.Client(proxy=proxy, verify=str(authority), timeout=30) as client:
            return client.post(agent.url, json=NAMES, headers={"x-fault": fault})

    def records(self) -> list[dict]:
        reader = LedgerReader(ledger_place(self.settings))
        try:
            return reader.tail(1000)
        finally:
            reader.close()


@pytest.fixture(scope="module")
def faulty(
    tmp_path_factory: pytest.TempPathFactory, certificate: Certificate, ports: dict[str, int]
) -> Iterator[InProcessGateway]:
    folder: Path = tmp_path_factory.mktemp("faulty")
    settings = Settings(
        rules=rules_for(folder, **ports),
        state=folder / "state",
        listen_port=free_port(),
        metrics_port=free_port(),
        allowed_ports=tuple(ports.values()),
        allow_internal=tuple(f"localhost:{port}" for port in ports.values()),
        upstream_ca=certificate.authority,
        time_limit_s=TIME_LIMIT_S,
        ledger_timeout_s=1.0,
    )
    decide, append = gateway.engine.decide_by_registers, Recorder.append
    started: list[InProcessGateway] = []

    def faulty_decide(*arguments):
        if started and started[0].fault and started[0].fault[0] == "decide":
            kind = started[0].fault[1]
            if kind == "hang":
                time.sleep(
                    TIME_LIMIT_S * 3
                )  # A hang of the loop itself cannot be longer here: the test shares it.
            fail(kind if kind != "hang" else "")
        return decide(*arguments)

    async def faulty_append(self, *record, **more):
        if started and started[0].fault and started[0].fault[0] == "record":
            if started[0].fault[1] == "hang":
                await asyncio.sleep(3600)
            fail(started[0].fault[1])
        return await append(self, *record, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gateway.runtime, "build_inspector", build_faulty_inspector)
        patch.setattr(gateway.engine, "decide_by_registers", faulty_decide)
        patch.setattr(Recorder, "append", faulty_append)
        started.append(InProcessGateway(settings))
        yield started[0]
        started[0].fault = None
        started[0].stop()


def wait_until_well(gateway: InProcessGateway, agent: RecordingAgent) -> None:
    """Until a lost worker is replaced, requests are refused; that is not what is tested here."""
    until = time.monotonic() + 60
    while gateway.send(agent).status_code != 200:
        assert time.monotonic() < until
        time.sleep(0.2)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stage", ["decode", "detect", "decide", "transform", "record"])
def test_SEC_2_a_fault_in_any_stage_lets_nothing_through(
    stage: str,
    kind: str,
    faulty: InProcessGateway,
    agents: dict[str, RecordingAgent],
    capfd: pytest.CaptureFixture[str],
):
    agent = agents["lapsed"]  # Names to it are anonymized, so every stage runs.
    wait_until_well(faulty, agent)
    arrived, recorded = len(agent.bodies), len(faulty.records())

    in_process = stage in ("decide", "record")
    faulty.fault = (stage, kind) if in_process else None
    answer = faulty.send(agent, f"{stage}:{kind}")
    faulty.fault = None

    assert len(agent.bodies) == arrived
    assert answer.status_code == 503
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["decision_id"]
    assert "Köhler" not in answer.text
    new = [record for record in faulty.records()[recorded:] if record["action"] == "block"]
    if stage == "record":
        assert problem["recorded"] is False
    else:
        assert [record["reason"] for record in new], f"no record of the refusal: {problem['reason']}"
        assert (problem["reason"], problem["decision_id"]) in [(one["reason"], one["id"]) for one in new]
        assert (problem["reason"] == "time-limit") == (kind == "hang")
        assert "Köhler" not in json.dumps(new, ensure_ascii=False)
    said = capfd.readouterr()
    assert "Köhler" not in said.out + said.err


def test_after_all_faults_the_gateway_still_works(
    faulty: InProcessGateway, agents: dict[str, RecordingAgent]
):
    wait_until_well(faulty, agents["lapsed"])

    assert json.loads(agents["lapsed"].bodies[-1]) == {"name": "[PERSON]"}
