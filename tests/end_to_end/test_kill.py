"""A gateway or its recorder killed at any moment: nothing has left that is not on record, and the record verifies."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import threading
import time
from pathlib import Path

import httpx

from gateway.demo.agents import Certificate
from gateway.keys import body_digest, load_key
from gateway.ledger import LedgerReader
from tests.databases import children_of
from tests.end_to_end.harness import GatewayProcess, RecordingAgent, gateway_running

KILLS = int(os.environ.get("ONWARD_TEST_KILLS", "20"))
CLIENTS = 4


def test_every_request_that_reached_an_agent_is_on_record_after_each_kill(
    tmp_path: Path, certificate: Certificate
):
    agents = {name: RecordingAgent(certificate) for name in ("assured", "unregistered")}
    chance = random.Random(20)
    with gateway_running(tmp_path, certificate, {n: a.port for n, a in agents.items()}) as gateway:
        for round_number in range(KILLS):
            with load_on(gateway, agents, round_number):
                time.sleep(chance.uniform(0.2, 1.2))
                if round_number % 2:
                    kill_recorder(gateway)
                    time.sleep(chance.uniform(0.2, 2.0))
                gateway.kill()
            gateway.start()
            verified = gateway.onward("ledger", "verify", "--json")
            assert json.loads(verified.stdout)["ok"], verified.stdout
        key = load_key(gateway.state / "keys", create=False)
        decided = gateway.records()
        released = [record["body"] for record in decided if record["action"] == "pass"]
        with contextlib.closing(LedgerReader(gateway.place)) as reader:
            outcomes = {one["about"]: one["action"] for one in reader.after(0, 10**9, kind="outcome")}
    arrived = [body for agent in agents.values() for body in agent.bodies]
    cut_short = sum(agent.cut_short for agent in agents.values())
    for agent in agents.values():
        agent.close()

    # The load has ended, so every release is closed: by its answer, or as unknown after a kill.
    assert outcomes.keys() == {record["id"] for record in decided if record["action"] == "pass"}
    assert {"answered-2xx", "unknown"} <= set(outcomes.values())
    assert len(arrived) > KILLS, "the load never got through; the test shows nothing"
    assert [body for body in arrived if body_digest(key, body) not in set(released)] == []
    # A body that the kill cut short cannot be told by its digest, but it must be among the released all the same.
    assert len(arrived) + cut_short <= len(released)


def kill_recorder(gateway: GatewayProcess) -> None:
    """SIGKILL to the process that records, while the gateway lives."""
    assert gateway.process is not None
    for child in children_of(gateway.process.pid):
        with contextlib.suppress(OSError):
            if b"gateway.ledger.recording" in Path(f"/proc/{child}/cmdline").read_bytes():
                os.kill(child, signal.SIGKILL)


@contextlib.contextmanager
def load_on(gateway: GatewayProcess, agents: dict[str, RecordingAgent], round_number: int):
    """Clients that send one request after the other until the gateway is gone."""
    done = threading.Event()

    def send_all(client_number: int) -> None:
        with httpx.Client(proxy=gateway.proxy, verify=str(gateway.authority), timeout=5) as client:
            for number in range(10_000):
                agent = agents["assured" if number % 2 else "unregistered"]
                body = {"round": round_number, "client": client_number, "n": number, "ok": True}
                try:
                    client.post(agent.url, json=body)
                except httpx.HTTPError:
                    if done.is_set():
                        return

    threads = [threading.Thread(target=send_all, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join()
