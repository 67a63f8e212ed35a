"""One person in every carrier the gateway reads: nothing of it reaches an agent that must not have it."""

from __future__ import annotations

import gzip
import json
import shutil
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import brotli
import httpx
import pytest

from tests.decode.files import a_picture
from tests.end_to_end.harness import GatewayProcess, RecordingAgent

NAME, EMAIL = "Sabine Köhler", "sabine.koehler@example.de"
TEXT = f"Guten Tag, mein Name ist {NAME}, {EMAIL}."
BOUNDARY = "boundary-of-the-test"


@dataclass(frozen=True)
class Carrier:
    """A request with one person in one place."""

    body: bytes = b""
    content_type: str = "application/json"
    path: str = "/v1/in"
    headers: tuple[tuple[str, str], ...] = ()


def multipart(disposition: str, content: str, content_type: str = "text/plain; charset=utf-8") -> Carrier:
    lines = [
        f"--{BOUNDARY}",
        f"Content-Disposition: form-data; {disposition}",
        f"Content-Type: {content_type}",
    ]
    body = "\r\n".join([*lines, "", content, f"--{BOUNDARY}--", ""])
    return Carrier(body.encode(), f"multipart/form-data; boundary={BOUNDARY}")


def encoded(coding: str, encode: Callable[[bytes], bytes]) -> Carrier:
    return Carrier(encode(json.dumps({"note": TEXT}).encode()), headers=(("content-encoding", coding),))


def form(name: str, value: str) -> Carrier:
    return Carrier(str(httpx.QueryParams({name: value})).encode(), "application/x-www-form-urlencoded")


CARRIERS = {
    "path": Carrier(b"{}", path=f"/v1/users/{EMAIL}/orders"),
    "query": Carrier(b"{}", path=f"/v1/in?email={EMAIL.replace('@', '%40')}"),
    "header": Carrier(b"{}", headers=(("x-user", EMAIL),)),
    "cookie": Carrier(b"{}", headers=(("cookie", f"session=abc; user={EMAIL}"),)),
    "JSON value": Carrier(json.dumps({"note": TEXT}, ensure_ascii=False).encode()),
    "JSON value with escapes": Carrier(json.dumps({"note": TEXT}).encode()),
    "JSON key": Carrier(json.dumps({"users": {EMAIL: {"active": True}}}).encode()),
    "NDJSON": Carrier(b'{"ok":1}\n' + json.dumps({"note": TEXT}).encode() + b"\n", "application/x-ndjson"),
    "form": form("comment", TEXT),
    "multipart text": multipart('name="comment"', TEXT),
    "multipart JSON": multipart('name="data"', json.dumps({"note": TEXT}), "application/json"),
    "multipart CSV": multipart('name="f"; filename="a.csv"', f"name,email\r\n{NAME},{EMAIL}\r\n", "text/csv"),
    "multipart file name": multipart(f'name="f"; filename="{EMAIL}.txt"', "nothing here"),
    "text": Carrier(TEXT.encode(), "text/plain; charset=utf-8"),
    "text in Latin-1": Carrier(TEXT.encode("latin-1"), "text/plain; charset=iso-8859-1"),
    "CSV": Carrier(f"name,email\r\n{NAME},{EMAIL}\r\n".encode(), "text/csv"),
    "HTML": Carrier(f"<p title='x'>Mein Name ist <b>{NAME}</b>, {EMAIL}</p>".encode(), "text/html"),
    "XML": Carrier(
        f"<order><customer>{NAME}</customer><mail>{EMAIL}</mail></order>".encode(), "application/xml"
    ),
    "gzip": encoded("gzip", gzip.compress),
    "deflate": encoded("deflate", zlib.compress),
    "brotli": encoded("br", brotli.compress),
    "gzip twice": encoded("gzip, gzip", lambda body: gzip.compress(gzip.compress(body))),
}
"""Every carrier, with one person in it."""


def send(gateway: GatewayProcess, agent: RecordingAgent, carrier: Carrier) -> httpx.Response:
    url = f"https://localhost:{agent.port}{carrier.path}"
    headers = {"content-type": carrier.content_type, **dict(carrier.headers)}
    with httpx.Client(proxy=gateway.proxy, verify=str(gateway.authority), timeout=30) as client:
        return client.post(url, content=carrier.body, headers=headers)


@pytest.mark.parametrize("carrier", CARRIERS)
def test_SCOPE_4_a_person_in_any_carrier_does_not_reach_an_unregistered_agent(
    carrier: str, gateway: GatewayProcess, agents: dict[str, RecordingAgent]
):
    agent = agents["unregistered"]
    before = len(agent.bodies)

    answer = send(gateway, agent, CARRIERS[carrier])

    assert answer.status_code == 403
    assert answer.json()["reason"] == "unregistered"
    assert len(agent.bodies) == before
    assert EMAIL not in answer.text
    assert NAME not in answer.text


@pytest.mark.parametrize("carrier", CARRIERS)
def test_SCOPE_4_a_person_in_any_carrier_is_taken_out_where_that_can_be_done(
    carrier: str, gateway: GatewayProcess, agents: dict[str, RecordingAgent]
):
    agent = agents["lapsed"]
    before = len(agent.requests)

    answer = send(gateway, agent, CARRIERS[carrier])

    assert answer.status_code == 200
    assert len(agent.requests) == before + 1
    path, headers = agent.requests[-1]
    body = readable(agent.bodies[-1], headers.get("content-encoding", ""))
    for arrived in (path, str(headers), body):
        assert "sabine" not in arrived.lower()
        assert "%40" not in arrived
    assert "EMAIL_ADDRESS" in f"{path} {headers} {body}"


def test_SCOPE_4_what_a_picture_shows_does_not_reach_an_agent_whose_assurance_lapsed(
    gateway: GatewayProcess, agents: dict[str, RecordingAgent]
):
    agent = agents["lapsed"]
    before = len(agent.bodies)

    answer = send(gateway, agent, Carrier(a_picture(text=EMAIL, size=(700, 120)), "image/png"))

    assert answer.status_code == 403
    # Read and not editable where text recognition is installed, else not read.
    assert answer.json()["reason"] == ("uneditable" if shutil.which("tesseract") else "uninspectable")
    assert len(agent.bodies) == before


def readable(body: bytes, codings: str) -> str:
    for coding in reversed([one.strip() for one in codings.split(",") if one.strip()]):
        body = {"gzip": gzip.decompress, "deflate": zlib.decompress, "br": brotli.decompress}[coding](body)
    return body.decode("utf-8", "replace")
