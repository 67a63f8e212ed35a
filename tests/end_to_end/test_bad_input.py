"""Broken, lying and oversized input: a clear answer, nothing leaves, and nothing recorded is lost."""

from __future__ import annotations

import contextlib
import gzip
import json
import resource
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gateway.demo.agents import Certificate
from tests.end_to_end.harness import GatewayProcess, RecordingAgent, gateway_running

CANARY = "kanarienvogel.person@example.de"
JSON = {"content-type": "application/json"}
LIMIT = 10 * 2**20


def post(gateway: GatewayProcess, agent: RecordingAgent, content: object, **headers: str) -> httpx.Response:
    with httpx.Client(proxy=gateway.proxy, verify=str(gateway.authority), timeout=60) as client:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return client.post(agent.url, content=content, headers=JSON | named)  # type: ignore[arg-type]


def truncated_multipart() -> bytes:
    return (
        b'--b\r\nContent-Disposition: form-data; name="f"; filename="a.csv"\r\n'
        b"Content-Type: text/csv\r\n\r\nname;email\r\nX;" + CANARY.encode()
    )


BAD = {
    "malformed JSON": (b'{"email": "%s", ' % CANARY.encode(), {}),
    "lying Content-Encoding": (b'{"email": "%s"}' % CANARY.encode(), {"content_encoding": "gzip"}),
    "unknown Content-Encoding": (b'{"email": "%s"}' % CANARY.encode(), {"content_encoding": "rot13"}),
    "truncated gzip": (gzip.compress(CANARY.encode() * 50)[:-9], {"content_encoding": "gzip"}),
    "bytes after gzip": (gzip.compress(b"{}") + CANARY.encode(), {"content_encoding": "gzip"}),
    "truncated multipart": (truncated_multipart(), {"content_type": "multipart/form-data; boundary=b"}),
    "three hundred levels": (b'{"a":' * 300 + b'"%s"' % CANARY.encode() + b"}" * 300, {}),
    "decompression bomb": (gzip.compress(CANARY.encode() + bytes(64 * 2**20)), {"content_encoding": "gzip"}),
    "bomb in a bomb": (
        gzip.compress(gzip.compress(CANARY.encode() + bytes(64 * 2**20))),
        {"content_encoding": "gzip, gzip"},
    ),
    "entity expansion": (
        b'<!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;">]><a>&c;%s</a>' % CANARY.encode(),
        {"content_type": "application/xml"},
    ),
    "binary": (
        bytes(one ^ 0xA5 for one in CANARY.encode() * 20),
        {"content_type": "application/octet-stream"},
    ),
}
"""Bodies that cannot be read as what they say they are."""


@pytest.mark.parametrize("fault", BAD)
def test_what_cannot_be_read_is_refused_with_a_reason_and_recorded(
    fault: str, gateway: GatewayProcess, agents: dict[str, RecordingAgent]
):
    body, headers = BAD[fault]
    for name, status in (("unregistered", "block"), ("lapsed", "block"), ("assured", "hold")):
        before = len(agents[name].bodies)

        answer = post(gateway, agents[name], body, **headers)

        assert answer.status_code == 403
        problem = answer.json()
        assert problem["reason"] in ("uninspectable", "unregistered", "not-assured")
        assert problem["action"] == status
        assert len(agents[name].bodies) == before
        record = gateway.records()[-1]
        assert record["id"] == problem["decision_id"]
        assert record["unread"]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b'{"email": "%s", "n": "\xff\xfe\xfa"}' % CANARY.encode(), {}),
        (CANARY.encode(), {"content_type": "text/plain; charset=klingon"}),
    ],
    ids=["wrong charset", "unknown charset"],
)
def test_SCOPE_4_text_in_a_wrong_or_unknown_charset_is_read_by_its_look(
    body: bytes, headers: dict[str, str], gateway: GatewayProcess, agents: dict[str, RecordingAgent]
):
    before = len(agents["unregistered"].bodies)

    refused = post(gateway, agents["unregistered"], body, **headers)
    passed = post(gateway, agents["assured"], body, **headers)

    assert (refused.status_code, passed.status_code) == (403, 200)
    assert len(agents["unregistered"].bodies) == before
    assert agents["assured"].bodies[-1] == body
    entities = {finding["entity"] for record in gateway.records()[-2:] for finding in record["findings"]}
    assert entities == {"EMAIL_ADDRESS"}


def stream(size: int) -> Iterator[bytes]:
    piece = (CANARY + " ").encode().ljust(64 * 1024)
    for _ in range(size // len(piece)):
        yield piece


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_of_200_megabytes_is_refused_whether_announced_or_not(
    announced: bool, gateway: GatewayProcess, agents: dict[str, RecordingAgent], tmp_path: Path
):
    size = 200 * 2**20
    before = len(agents["assured"].bodies)
    length = ["-H", f"content-length: {size}"] if announced else ["-H", "transfer-encoding: chunked"]
    command = ["curl", "-sS", "-o", str(tmp_path / "answer"), "-w", "%{http_code}", "-x", gateway.proxy]
    command += ["--cacert", str(gateway.authority), "-T", "-", *length, agents["assured"].url]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as sender:
        assert sender.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            for piece in stream(size):
                sender.stdin.write(piece)
        with contextlib.suppress(BrokenPipeError):
            sender.stdin.close()
        assert sender.stdout is not None
        status = sender.stdout.read()

    assert status == b"413"
    assert json.loads((tmp_path / "answer").read_text())["reason"] == "too-large"
    assert len(agents["assured"].bodies) == before
    assert gateway.records()[-1]["reason"] == "too-large"


def test_no_value_of_a_refused_body_is_anywhere_but_in_the_request(
    gateway: GatewayProcess, agents: dict[str, RecordingAgent]
):
    answer = post(gateway, agents["unregistered"], json.dumps({"email": CANARY}).encode())

    assert answer.status_code == 403
    kept = [path.read_bytes() for path in gateway.state.rglob("*") if path.is_file()]
    for place in (answer.content, gateway.log.read_bytes(), gateway.metrics().encode(), *kept):
        assert b"kanarienvogel" not in place.lower()


def test_CONTACT_1_one_contact_record_is_shown_on_every_refusal_and_changes_everywhere_at_once(
    tmp_path: Path, certificate: Certificate, agents: dict[str, RecordingAgent], ports: dict[str, int]
):
    with gateway_running(tmp_path, certificate, ports) as gateway:
        body = json.dumps({"email": CANARY}).encode()
        contact = gateway.rules / "policy" / "contact.yaml"
        for address in ("compliance@example.org", "privacy@example.com"):
            contact.write_text(contact.read_text().replace("compliance@example.org", address))
            until = time.monotonic() + 20
            while address not in post(gateway, agents["unregistered"], body).text:
                assert time.monotonic() < until
                time.sleep(0.2)

            document = post(gateway, agents["unregistered"], body)
            page = post(gateway, agents["unregistered"], body, accept="text/html,*/*")

            assert document.json()["contact"]["email"] == address
            assert document.headers["content-type"] == "application/problem+json"
            assert page.headers["content-type"].startswith("text/html")
            assert address in page.text
            assert document.json()["contact"]["attention"] in page.text


def test_broken_rules_keep_a_gateway_from_starting_and_name_the_place(
    tmp_path: Path, certificate: Certificate, ports: dict[str, int]
):
    gateway = GatewayProcess(tmp_path, certificate, ports)
    file = gateway.rules / "policy" / "decision.yaml"
    file.write_text(file.read_text().replace("unread: hold}", "unread: maybe}", 1))

    said = gateway.onward("serve")

    assert said.returncode == 1
    assert "decision.yaml:" in said.stderr.replace("\n", "")
    assert "maybe" in said.stderr


def test_rules_broken_at_reload_leave_the_old_ones_in_force_until_they_are_mended(
    tmp_path: Path, certificate: Certificate, agents: dict[str, RecordingAgent], ports: dict[str, int]
):
    with gateway_running(tmp_path, certificate, ports) as gateway:
        body = json.dumps({"email": CANARY}).encode()
        assert post(gateway, agents["assured"], body).status_code == 200
        register = gateway.rules / "agents" / "examples.yaml"
        good = register.read_text()

        register.write_text(good.replace("role: processor", "role: boss", 1))
        wait_for_metric(gateway, "onward_rules_reload_failures_total 1.0")
        assert "examples.yaml:" in gateway.log.read_text()
        assert post(gateway, agents["assured"], body).status_code == 200

        register.write_text(
            good.replace("agents:\n", "agents: []\n", 1).partition("agents: []\n")[0] + "agents: []\n"
        )
        wait_for_metric(gateway, "onward_rules_reload_failing 0.0")
        answer = post(gateway, agents["assured"], body)
        assert (answer.status_code, answer.json()["reason"]) == (403, "unregistered")


def wait_for_metric(gateway: GatewayProcess, line: str) -> None:
    until = time.monotonic() + 30
    while line not in gateway.metrics():
        assert time.monotonic() < until, f"{line} never came"
        time.sleep(0.2)


def test_a_locked_ledger_stops_everything_and_loses_nothing(
    tmp_path: Path, certificate: Certificate, agents: dict[str, RecordingAgent], ports: dict[str, int]
):
    with gateway_running(tmp_path, certificate, ports, ledger_timeout_s=1.0) as gateway:
        assert post(gateway, agents["assured"], b'{"n": 1}').status_code == 200
        before = len(agents["assured"].bodies)
        with contextlib.closing(sqlite3.connect(gateway.ledger, isolation_level=None)) as db:
            db.execute("BEGIN EXCLUSIVE")
            answer = post(gateway, agents["assured"], b'{"n": 2}')
            db.execute("ROLLBACK")

        assert (answer.status_code, answer.json()["reason"]) == (503, "ledger-unavailable")
        assert answer.json()["recorded"] is False
        assert len(agents["assured"].bodies) == before
        until = time.monotonic() + 20
        while post(gateway, agents["assured"], b'{"n": 3}').status_code != 200:
            assert time.monotonic() < until
        assert gateway.onward("ledger", "verify").returncode == 0
        assert len(gateway.records()) >= 2


def test_a_full_disk_stops_everything_and_loses_nothing(
    tmp_path: Path, certificate: Certificate, agents: dict[str, RecordingAgent], ports: dict[str, int]
):
    with (
        small_disk(tmp_path) as state,
        gateway_running(tmp_path, certificate, ports, state=str(state), ledger_timeout_s=2.0) as gateway,
    ):
        gateway.state = state
        assert post(gateway, agents["assured"], b'{"n": 1}').status_code == 200
        with no_space_left(gateway):
            refused = [post(gateway, agents["assured"], b'{"n": %d}' % n) for n in range(50)]
            assert refused[-1].json()["reason"] == "ledger-unavailable"
            before = len(agents["assured"].bodies)
            assert post(gateway, agents["assured"], b'{"n": 99}').status_code == 503
            assert len(agents["assured"].bodies) == before
        until = time.monotonic() + 20
        while post(gateway, agents["assured"], b'{"n": 100}').status_code != 200:
            assert time.monotonic() < until
        assert gateway.onward("ledger", "verify").returncode == 0


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A state folder on a small file system of its own where this user may mount one, else on the common one."""
    mount = folder / "small-disk"
    mount.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(mount)]
    mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield mount / "state"
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(mount)], check=True)


@contextlib.contextmanager
def no_space_left(gateway: GatewayProcess) -> Iterator[None]:
    """Fill the small file system; where there is none, let no file of the gateway grow any more."""
    disk = gateway.state.parent
    assert gateway.process is not None
    if not disk.is_mount():
        largest = max(path.stat().st_size for path in gateway.state.rglob("*") if path.is_file())
        before = resource.prlimit(
            gateway.process.pid, resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY)
        )
        yield
        resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, before)
        return
    ballast = disk / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb") as file:
        while True:
            file.write(bytes(4096))
            file.flush()
    yield
    ballast.unlink()
