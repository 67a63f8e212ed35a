"""Unmodified clients, both HTTP versions: what passes is the same to the byte, else only spans differ."""

from __future__ import annotations

import hashlib
import json
import random
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.end_to_end.harness import GatewayProcess, RecordingAgent

REQUESTS_PER_CLIENT = 75
PLACEHOLDER = re.compile(r"\[[A-Z][A-Z0-9_]*\]")
PEOPLE = ("Sabine Köhler", "Agnieszka Wiśniewska", "Lars Nygaard", "Chiara Lombardi", "Jean Dupont")


def clean_body(number: int) -> bytes:
    """Nobody in it, but much that a careless gateway would change: number formats, escapes, spaces, key order."""
    return (
        b'{ "z": %d.50, "a":1.0e+2,"event" : "page\\u005fload",\t"ok":true, "path":"\\/v1\\/items", "n":-0.0,\r\n'
        b'"nested":{"b":[1,2 ,3],"a":null} , "build":"2026.11.%d" }' % (number, number % 28)
    )


def personal_body(number: int) -> bytes:
    name = PEOPLE[number % len(PEOPLE)]
    address = f"person{number}@example.de"
    return json.dumps(
        {"customer name": name, "note": f"Kontakt: {address}, dringend", "n": number},
        ensure_ascii=number % 2 == 0,
        indent=number % 3 or None,
    ).encode()


def by_curl(version: str) -> Callable[[GatewayProcess, str, bytes, Path], str]:
    def send(gateway: GatewayProcess, url: str, body: bytes, folder: Path) -> str:
        file = folder / "body"
        file.write_bytes(body)
        command = ["curl", "-sS", version, "-x", gateway.proxy, "--cacert", str(gateway.authority)]
        command += ["-H", "content-type: application/json", "--data-binary", f"@{file}", url]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    return send


def by_httpx(http2: bool) -> Callable[[GatewayProcess, str, bytes, Path], str]:
    clients: dict[str, httpx.Client] = {}

    def send(gateway: GatewayProcess, url: str, body: bytes, folder: Path) -> str:
        if not clients:
            clients["one"] = httpx.Client(
                http2=http2, proxy=gateway.proxy, verify=str(gateway.authority), timeout=30
            )
        answer = clients["one"].post(url, content=body, headers={"content-type": "application/json"})
        assert answer.http_version == ("HTTP/2" if http2 else "HTTP/1.1")
        return answer.text

    return send


CLIENTS = {
    "curl HTTP/1.1": by_curl("--http1.1"),
    "curl HTTP/2": by_curl("--http2"),
    "httpx HTTP/1.1": by_httpx(http2=False),
    "httpx HTTP/2": by_httpx(http2=True),
}


@pytest.mark.parametrize("client", CLIENTS)
def test_INTEG_1_passed_bodies_are_identical_and_anonymized_ones_differ_only_in_the_spans_found(
    client: str, gateway: GatewayProcess, agents: dict[str, RecordingAgent], tmp_path: Path
):
    send = CLIENTS[client]
    order = random.Random(client)
    for number in range(REQUESTS_PER_CLIENT):
        kind = order.choice(["clean", "assured", "lapsed"])
        body = clean_body(number) if kind == "clean" else personal_body(number)
        agent = agents["unregistered" if kind == "clean" else kind]
        before = len(agent.bodies)

        digest = send(gateway, agent.url, body, tmp_path)

        assert len(agent.bodies) == before + 1
        received = agent.bodies[-1]
        assert digest == hashlib.sha256(received).hexdigest()
        if kind == "lapsed":
            assert_differs_in_spans_only(body.decode(), received.decode())
        else:
            assert hashlib.sha256(received).hexdigest() == hashlib.sha256(body).hexdigest()


def assert_differs_in_spans_only(sent: str, received: str) -> None:
    """Everything outside the placeholders stands in the original, in order; nothing inside them is left."""
    pieces = PLACEHOLDER.split(received)
    assert len(pieces) >= 3
    assert re.fullmatch(".+?".join(re.escape(piece) for piece in pieces), sent, re.DOTALL)
    assert json.loads(received).keys() == json.loads(sent).keys()
    for value in ("@example.de", json.loads(sent)["customer name"]):
        assert value not in json.dumps(json.loads(received), ensure_ascii=False)
