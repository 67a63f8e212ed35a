"""Agents that ask for a client certificate get the gateway's own for them, or nothing at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.origin import Origin
from tests.proxy.gateway import Proxy
from tests.proxy.test_wire import curl


@pytest.fixture
def certificate(proxy: Proxy, asking: Origin) -> Iterator[Path]:
    """A certificate that the agent takes, where the gateway looks for it."""
    file = proxy.certificates / "localhost.pem"
    shutil.copy(asking.authority.with_name("origin.pem"), file)
    yield file
    file.unlink()


def test_without_a_certificate_nothing_reaches_an_agent_that_asks_for_one(
    proxy: Proxy, asking: Origin
) -> None:
    status, answer = curl(proxy, "--data", "Ola Nordmann", f"https://localhost:{asking.port}/")
    assert status == 502
    assert b"could not be reached" in answer
    assert b"Nordmann" not in answer
    assert asking.octets == 0
    assert proxy.examiner.outcomes == ["failed"]


@pytest.mark.usefixtures("certificate")
def test_the_certificate_for_an_agent_is_shown_to_it_after_the_inspection(
    proxy: Proxy, asking: Origin
) -> None:
    status, _ = curl(proxy, "--data", "Ola Nordmann", f"https://localhost:{asking.port}/")
    assert status == 200
    assert [one.body for one in asking.received] == [b"Ola Nordmann"]
    assert [one.message.body for one in proxy.examiner.transfers] == [b"Ola Nordmann"]
