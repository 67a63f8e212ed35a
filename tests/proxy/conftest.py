"""One origin of each kind and one proxy for all tests of the front; each test starts with clean records."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.origin import Origin, recording_origin
from tests.proxy.gateway import Proxy, release, running_proxy

CLOSED_PORT = 9
"""An allowed port that nothing listens on."""


@pytest.fixture(scope="session")
def tls_origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Origin]:
    with recording_origin(tmp_path_factory.mktemp("origin")) as origin:
        yield origin


@pytest.fixture(scope="session")
def plain_origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Origin]:
    with recording_origin(tmp_path_factory.mktemp("plain"), tls=False) as origin:
        yield origin


@pytest.fixture(scope="session")
def asking_origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Origin]:
    with recording_origin(tmp_path_factory.mktemp("asking"), asks=True) as origin:
        yield origin


@pytest.fixture(scope="session")
def shared_proxy(
    tmp_path_factory: pytest.TempPathFactory, tls_origin: Origin, plain_origin: Origin, asking_origin: Origin
) -> Iterator[Proxy]:
    ports = (tls_origin.port, plain_origin.port, asking_origin.port)
    authorities = tmp_path_factory.mktemp("authorities") / "authorities.pem"
    authorities.write_bytes(tls_origin.authority.read_bytes() + asking_origin.authority.read_bytes())
    with running_proxy(
        tmp_path_factory.mktemp("authority"),
        authorities,
        ports=(*ports, CLOSED_PORT, 53, 80, 443),
        allow_internal=[f"{host}:{port}" for host in ("localhost", "127.0.0.1") for port in (*ports, 53)],
    ) as proxy:
        yield proxy


@pytest.fixture
def origin(tls_origin: Origin) -> Origin:
    tls_origin.forget()
    return tls_origin


@pytest.fixture
def plain(plain_origin: Origin) -> Origin:
    plain_origin.forget()
    return plain_origin


@pytest.fixture
def asking(asking_origin: Origin) -> Origin:
    """It serves only who shows a certificate of its authority."""
    asking_origin.forget()
    return asking_origin


@pytest.fixture
def proxy(shared_proxy: Proxy) -> Proxy:
    examiner = shared_proxy.examiner
    examiner.decide, examiner.record = release, lambda transfer: None
    examiner.transfers.clear()
    examiner.refused.clear()
    examiner.outcomes.clear()
    examiner.unopened.clear()
    examiner.passed_unopened.clear()
    shared_proxy.failures.clear()
    return shared_proxy
