"""Agents and one gateway for the whole folder; tests that break their gateway start their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.demo.agents import Certificate, make_certificate
from tests.end_to_end.harness import GatewayProcess, RecordingAgent, gateway_running

AGENTS = ("assured", "lapsed", "unregistered")


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def agents(certificate: Certificate) -> Iterator[dict[str, RecordingAgent]]:
    started = {name: RecordingAgent(certificate) for name in AGENTS}
    yield started
    for agent in started.values():
        agent.close()


@pytest.fixture(scope="session")
def ports(agents: dict[str, RecordingAgent]) -> dict[str, int]:
    return {name: agent.port for name, agent in agents.items()}


@pytest.fixture(scope="session")
def gateway(
    tmp_path_factory: pytest.TempPathFactory, certificate: Certificate, ports: dict[str, int]
) -> Iterator[GatewayProcess]:
    folder: Path = tmp_path_factory.mktemp("gateway")
    with gateway_running(folder, certificate, ports) as running:
        yield running
