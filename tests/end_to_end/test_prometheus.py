"""A real Prometheus, with the shipped configuration, before a running gateway."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.end_to_end.harness import GatewayProcess, RecordingAgent, free_port
from tests.observability.kit import KIT, expressions_of, promtool

WITHIN_S = 120
"""Many times what it takes, for machines that are busy with other things."""


class Prometheus:
    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def ask(self, page: str, **parameters: str) -> Any:
        answer = self._client.get(page, params=parameters).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def firing(self) -> list[dict[str, str]]:
        with contextlib.suppress(httpx.ConnectError):
            return [one["labels"] for one in self.ask("alerts")["alerts"] if one["state"] == "firing"]
        return []


@pytest.fixture(scope="module")
def prometheus(gateway: GatewayProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """The shipped configuration with this gateway's address, and faster."""
    folder: Path = tmp_path_factory.mktemp("prometheus")
    shipped = (KIT / "prometheus.yml").read_text("utf-8")
    config = shipped.replace("127.0.0.1:9464", f"127.0.0.1:{gateway.metrics_port}").replace("15s", "1s")
    (folder / "prometheus.yml").write_text(config)
    for name in ("recording.yml", "alerts.yml"):
        (folder / name).write_bytes((KIT / name).read_bytes())
    port = free_port()
    command = [
        "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1/", trust_env=False) as client:
            yield Prometheus(client)
    finally:
        process.kill()
        process.wait()


def test_a_transfer_to_an_agent_whose_assurance_has_lapsed_makes_the_alert_fire(
    prometheus: Prometheus, gateway: GatewayProcess, agents: dict[str, RecordingAgent]
):
    with httpx.Client(proxy=gateway.proxy, verify=str(gateway.authority), timeout=30) as client:
        for name in ("assured", "lapsed"):
            client.post(agents[name].url, json={"mail": "anna.nowak@example.org"})
    until = time.monotonic() + WITHIN_S
    while not (lapsed := [one for one in prometheus.firing() if one["alertname"] == "OnwardAssuranceLapsed"]):
        assert time.monotonic() < until, "the alert does not fire"
        time.sleep(0.2)
    assert {one["agent"] for one in lapsed} == {"lapsed"}
    assert {one["origin"] for one in lapsed} == {"EU", "CH"}
    assert {(one["instance"], one["severity"], one["team"]) for one in lapsed} == {
        ("gateway-1", "critical", "compliance")
    }
    assert [one["health"] for one in prometheus.ask("targets")["activeTargets"]] == ["up"]
    rules = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
    assert {rule["health"] for rule in rules} <= {"ok", "unknown"}


def test_prometheus_answers_what_the_dashboards_ask(prometheus: Prometheus):
    boards = [json.loads(file.read_text("utf-8")) for file in (KIT / "grafana" / "dashboards").glob("*.json")]
    asked = [one.replace("$instance", ".*") for board in boards for one in expressions_of(board)]
    answers = {one: prometheus.ask("query", query=one)["result"] for one in asked}
    assert len(answers) > 40
    (status,) = (one for one in asked if "onward_assurance_status" in one)
    assert {(one["metric"]["agent"], one["metric"]["status"]) for one in answers[status]} == {
        ("assured", "certified"),
        ("lapsed", "lapsed"),
    }


def test_promtool_has_nothing_against_the_metrics_of_a_running_gateway(gateway: GatewayProcess):
    assert promtool("check", "metrics", text=gateway.metrics()) == ""
