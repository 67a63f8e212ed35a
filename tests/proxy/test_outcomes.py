"""What became of a release is told to the examiner: once, and whatever happens."""

from __future__ import annotations

import httpx
import pytest

from gateway.core.model import Message, Replace, Transfer
from tests.origin import Origin
from tests.proxy.gateway import Proxy, block


def post(proxy: Proxy, url: str, **more: object) -> httpx.Response:
    with httpx.Client(proxy=proxy.url, verify=str(proxy.authority), timeout=20) as client:
        return client.post(url, content=b"a body", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["/v1/in"])
def test_an_answer_is_told_by_its_class(proxy: Proxy, origin: Origin, path: str):
    status = post(proxy, f"https://localhost:{origin.port}{path}").status_code
    assert proxy.examiner.outcomes == [f"answered-{status // 100}xx"]


def test_an_agent_that_does_not_answer_is_told_as_failed(proxy: Proxy):
    post(proxy, "http://127.0.0.1:53/")
    assert proxy.examiner.outcomes == ["failed"]


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("http2", [False, True])
def test_a_client_whose_agent_does_not_answer_is_told_the_decision(proxy: Proxy, scheme: str, http2: bool):
    with httpx.Client(proxy=proxy.url, verify=str(proxy.authority), timeout=20, http2=http2) as client:
        for _ in range(2):
            answer = client.post(f"{scheme}://127.0.0.1:53/", content=b"a body")
            assert answer.status_code == 502
            told = answer.json()
            assert (told["reason"], told["decision_id"]) == ("agent-failed", proxy.examiner.transfers[-1].id)
        page = client.post(f"{scheme}://127.0.0.1:53/", content=b"a body", headers={"accept": "text/html"})
    assert "agent-failed" in page.text
    assert proxy.examiner.transfers[-1].id in page.text


def test_a_refusal_has_no_outcome(proxy: Proxy, origin: Origin):
    proxy.examiner.decide = block
    post(proxy, f"https://localhost:{origin.port}/v1/in")
    assert proxy.examiner.outcomes == []


def test_a_release_that_cannot_be_put_on_the_wire_is_told_as_not_released(proxy: Proxy, origin: Origin):
    def other_headers(transfer: Transfer) -> Replace:
        return Replace(transfer.id, Message("POST", b"/", ((b"x-other", b"1"),), b""))

    proxy.examiner.decide = other_headers
    assert post(proxy, f"https://localhost:{origin.port}/v1/in").status_code == 503
    assert proxy.examiner.outcomes == ["not-released"]
