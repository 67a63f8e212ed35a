"""A gateway that exports: no transfer waits for the collector, and what comes out names nobody."""

from __future__ import annotations

import json
from pathlib import Path

import httpx

from gateway.demo.agents import Certificate
from tests.canary import spellings
from tests.end_to_end.harness import RecordingAgent, gateway_running
from tests.observability.test_siem import Collector, eventually


def test_transfers_go_on_without_the_collector_and_all_is_exported_once_it_is_there(
    tmp_path: Path, certificate: Certificate, agents: dict[str, RecordingAgent], ports: dict[str, int]
):
    collector = Collector(away=True)
    more = {"siem": f"tcp://127.0.0.1:{collector.port}", "log_format": "json"}
    with gateway_running(tmp_path, certificate, ports, **more) as gateway:
        with httpx.Client(proxy=gateway.proxy, verify=str(gateway.authority), timeout=30) as client:
            mail = {"mail": "kanarienvogel@example.org"}
            answers = {
                name: client.post(agents[name].url, json=mail).status_code for name in ("assured", "lapsed")
            }
        assert answers["assured"] == 200
        eventually(lambda: "events cannot be exported" in gateway.log.read_text())
        collector.listen()
        eventually(lambda: len(collector.messages) >= len(gateway.records()) + 1)
        assert "onward_siem_waiting_records" in gateway.metrics()
        assert gateway.stop() == 0
        events = [json.loads(one.partition(b" - {")[2].join([b"{", b""])) for one in collector.messages]
        assert [one["metadata"]["sequence"] for one in events] == list(range(1, len(events) + 1))
        decided = [one["finding_info"]["uid"] for one in events if one.get("activity_name") == "Create"]
        assert decided == [record["id"] for record in gateway.records()]
        said = b"".join(collector.messages)
        assert [one for one in spellings("kanarienvogel@example.org") if one in said] == []
        lines = [json.loads(line) for line in gateway.log.read_text().splitlines()]
        assert {tuple(line) for line in lines} == {("time", "level", "logger", "process", "message")}
        collector.close()
