"""Values planted in every place of a request, also of broken ones: none is repeated in any place or writing."""

from __future__ import annotations

import base64
import contextlib
import gzip
import itertools
import json
import logging
import os
import re
import resource
import signal
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h2.config
import h2.connection
import pytest

import gateway.logs
from gateway.demo.agents import Certificate
from tests.databases import KINDS, Cluster
from tests.end_to_end.harness import GatewayProcess, RecordingAgent, gateway_running

PEOPLE = (f"kanarien{number:04d}vogel" for number in itertools.count())
"""Words that stand nowhere else; each is planted once."""


def planted() -> str:
    return f"{next(PEOPLE)}@example.de"


def requests(host: str) -> Iterator[bytes]:
    """Requests with a value in each place, well formed and not."""
    length = "Content-Length: 2\r\n\r\n{}"
    fixed = f"Host: {host}\r\nContent-Type: application/json\r\n"
    v = planted
    yield from (
        text.encode()
        for text in (
            # Heads.
            f"POST /{v()}/x?m={v()}&{v()}=1 HTTP/1.1\r\n{fixed}{length}",
            f"POST / HTTP/1.1\r\n{fixed}X-User: {v()}\r\nCookie: a={v()}; {v().replace('@', '.')}=1\r\n{length}",
            f"POST / HTTP/1.1\r\n{fixed}Referer: https://a.example/{v()}\r\nUser-Agent: {v()}\r\n{length}",
            f"POST / HTTP/1.1\r\n{fixed}X-{v().replace('@', '-')}: 1\r\n{length}",
            f"POST / HTTP/1.1\r\n{fixed}Authorization: Bearer {v()}\r\nProxy-Authorization: Basic {v()}\r\n{length}",
            f"POST / HTTP/1.1\r\n{fixed}Accept: {v()}\r\nContent-Encoding: {v()}\r\n{length}",
            f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Type: {v()}; charset={v()}\r\n{length}",
            f"POST / HTTP/1.1\r\n{fixed}Upgrade: {v()}\r\nConnection: upgrade\r\n{length}",
            f"POST / HTTP/1.1\r\n{fixed}Expect: {v()}\r\nTE: {v()}\r\n{length}",
            # Broken heads.
            f"{v()} / HTTP/1.1\r\n{fixed}{length}",
            f"POST / HTTP/{v()}\r\n{fixed}{length}",
            f"POST /{v()}\r\n\r\n",
            f"POST / HTTP/1.1\r\n{v()}\r\n{fixed}{length}",
            f"POST / HTTP/1.1\r\n{fixed}{v()} : x\r\n{length}",
            f"POST / HTTP/1.1\r\n{fixed}X: a\r\n {v()}\r\n{length}",
            f"POST / HTTP/1.1\r\n{fixed}Content-Length: {v()}\r\n\r\nab",
            f"POST / HTTP/1.1\r\n{fixed}Transfer-Encoding: {v()}\r\n\r\nab",
            f"POST / HTTP/1.1\r\n{fixed}Trailer: {v()}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            f"POST / HTTP/1.1\r\n{fixed}Transfer-Encoding: chunked\r\n\r\n{v()}\r\nx\r\n0\r\n\r\n",
            f"POST / HTTP/1.1\r\n{fixed}Transfer-Encoding: chunked\r\n\r\n1;a={v()}\r\nxy\r\n0\r\n\r\n",
            f"POST / HTTP/1.1\r\n{fixed}Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX: {v()}\r\n\r\n",
            f"POST / HTTP/1.1\r\nHost: {v()}\r\n{length}",
            f"POST https://{v()}/ HTTP/1.1\r\n{fixed}{length}",
            f"{v()}",
            f"\x00\x01{v()}\r\n\r\n",
        )
    )
    bodies = [
        ("application/json", json.dumps({v(): v(), "n": [v()]}).encode()),
        ("application/json", b'{"broken": "%s' % v().encode()),
        ("application/x-www-form-urlencoded", f"a={v()}&{v()}=b&c=%zz{v()}".encode()),
        ("text/csv", f"mail\r\n{v()}\r\n\"{v()}".encode()),
        ("application/xml", f"<a b='{v()}'>{v()}<!-- {v()} --></b>".encode()),
        ("text/html", f"<p title={v()}>{v()}</p><script>x='{v()}'</script>".encode()),
        ("text/plain; charset=utf-16", f"{v()}".encode("utf-16")),
        ("text/plain; charset=klingon", v().encode()),
        ("application/octet-stream", b"\x00" + v().encode()),
        ("application/pdf", b"%PDF-1.4 " + v().encode()),
        ("multipart/form-data; boundary=b", f'--b\r\nContent-Disposition: form-data; name="{v()}"; filename="{v()}"\r\n'
         f"\r\n{v()}\r\n--b--".encode()),
        ("multipart/form-data; boundary=b", f"--b\r\n{v()}".encode()),
        ("application/json", json.dumps({"a": base64.b64encode(v().encode()).decode()}).encode()),
        ("application/json", json.dumps({"a": v().encode().hex()}).encode()),
    ]  # fmt: skip
    for kind, body in bodies:
        head = f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        yield f"{head}\r\n".encode() + body
    for coding in ("gzip", "gzip, gzip", "br", "nonsense"):
        body = gzip.compress(v().encode()) + v().encode()
        head = f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n"
        yield f"{head}\r\n".encode() + body
    # What breaks off.
    yield f"POST / HTTP/1.1\r\n{fixed}Content-Length: 99\r\n\r\n{v()}".encode()
    yield f"POST /{v()} HTTP/1.1\r\nX: {v()}".encode()


@pytest.fixture(scope="module", params=KINDS)
def chatty(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    certificate: Certificate,
    ports: dict[str, int],
) -> Iterator[GatewayProcess]:
    """A gateway on a host that allows core dumps, whose logs hold all that its libraries want to say."""
    folder = tmp_path_factory.mktemp("chatty")
    database = {}
    if request.param == "postgresql":
        database["database"] = request.getfixturevalue("cluster").new_database()
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONASYNCIODEBUG", "1")
        patch.setenv("ONWARD_LOG_LEVEL", "debug")
        patch.setenv("TMPDIR", str(folder / "tmp"))
        (folder / "tmp").mkdir()
        patch.chdir(folder / "tmp")
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
        limits = {"head_limit_s": 1.0, "receive_limit_s": 1.0}
        try:
            with gateway_running(folder, certificate, ports, **limits, **database) as running:
                yield running
        finally:
            resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))


def exchange(gateway: GatewayProcess, port: int, authority: Path, data: bytes, *, tls: bool) -> bytes:
    """What the gateway says to these bytes inside a tunnel, until it closes or has nothing more to say."""
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=5) as sock:
        sock.sendall(f"CONNECT localhost:{port} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
        said = sock.recv(4096)
        talk = sock
        if tls:
            context = ssl.create_default_context(cafile=str(authority))
            talk = context.wrap_socket(sock, server_hostname="localhost")
        talk.settimeout(3)
        with contextlib.suppress(OSError):
            talk.sendall(data)
            while more := talk.recv(65536):
                said += more
                if b'"contact"' in said and said.rstrip().endswith(b"}"):
                    break
        talk.close()
    return said


def test_no_value_is_repeated_anywhere_in_any_writing(
    chatty: GatewayProcess, agents: dict[str, RecordingAgent], cluster: Cluster
) -> None:
    port = agents["unregistered"].port
    first = int(planted()[8:12])
    asked = [(request, tls) for tls in (True, False) for request in requests(f"localhost:{port}")]
    with ThreadPoolExecutor(8) as several:
        answers = list(
            several.map(lambda one: exchange(chatty, port, chatty.authority, one[0], tls=one[1]), asked)
        )
    # Outside of a tunnel and in HTTP/2. The host that a request goes to is on record, and no place for values.
    for line in (
        f"CONNECT {planted()}:443 HTTP/1.1\r\n\r\n",
        f"GET http://agent.example.de/{planted()} HTTP/1.1\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", chatty.port), timeout=5) as sock:
            sock.sendall(line.encode())
            answers.append(sock.recv(65536))
    answers.append(over_http2(chatty, port))

    assert int(planted()[8:12]) - first >= 140
    places = {
        "answers": b"\0".join(answers),
        "log": chatty.log.read_bytes(),
        "metrics": chatty.metrics().encode(),
        "file names": "\0".join(
            map(str, [*chatty.state.rglob("*"), *(chatty.folder / "tmp").rglob("*")])
        ).encode(),
    }
    folders = [chatty.state, chatty.folder / "tmp"]
    if chatty.database is not None:
        # Its files with their write-ahead log and its own log, and its rows, which it may keep compressed.
        folders.append(cluster.folder)
        places["rows"] = cluster.dump(chatty.database)
    for path in (path for folder in folders for path in folder.rglob("*")):
        with contextlib.suppress(FileNotFoundError):  # Databases take files of theirs away meanwhile.
            if path.is_file():
                places[str(path)] = path.read_bytes()
    found = [(name, sign) for name, content in places.items() for sign in WRITINGS if sign.search(content)]
    assert found == []


def test_a_gateway_that_aborts_leaves_no_core(chatty: GatewayProcess) -> None:
    assert chatty.process is not None
    chatty.process.send_signal(signal.SIGABRT)

    ended = os.waitid(os.P_PID, chatty.process.pid, os.WEXITED | os.WNOWAIT)

    assert ended is not None
    assert (ended.si_code, ended.si_status) == (os.CLD_KILLED, signal.SIGABRT)  # And not CLD_DUMPED.
    chatty.process.wait()


WORD = b"kanarien"
WRITINGS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        WORD,
        WORD.hex().encode(),
        "kanarien".encode("utf-16-le"),
        "kanarien".encode("utf-16-be"),
        b"".join(b"%%%02x" % sign for sign in WORD),
        re.escape(repr(list(WORD)).strip("[]").encode()),
        *(re.escape(base64.b64encode(b"x" * shift + WORD)[2:-4]) for shift in range(3)),
    )
]
"""The beginning of every planted word: clear, hexadecimal, UTF-16, percent, numbers, base64 at each offset."""


def over_http2(gateway: GatewayProcess, port: int) -> bytes:
    """What the gateway says to an HTTP/2 connection that breaks its rules with values."""
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=5) as sock:
        sock.sendall(f"CONNECT localhost:{port} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
        sock.recv(4096)
        context = ssl.create_default_context(cafile=str(gateway.authority))
        context.set_alpn_protocols(["h2"])
        with context.wrap_socket(sock, server_hostname="localhost") as secure:
            config = h2.config.H2Configuration(
                normalize_outbound_headers=False, validate_outbound_headers=False
            )
            conn = h2.connection.H2Connection(config)
            conn.initiate_connection()
            head = [(":method", "POST"), (":scheme", "https"), (":authority", f"localhost:{port}")]
            conn.send_headers(1, [*head, (":path", f"/{planted()}"), (f"X-{planted()}", planted())])
            secure.sendall(conn.data_to_send())
            secure.settimeout(3)
            said = b""
            with contextlib.suppress(OSError):
                while data := secure.recv(65536):
                    said += data
    return said


def test_the_log_says_of_libraries_only_that_something_went_wrong(caplog: pytest.LogCaptureFixture) -> None:
    said = gateway.logs._NoPayload()
    for level in (logging.DEBUG, logging.INFO, logging.WARNING):
        record = logging.LogRecord("mitmproxy.proxy", level, __file__, 1, "kanarien %s", ("vogel",), None)
        assert not said.filter(record)
    record = logging.LogRecord("mitmproxy.proxy", logging.ERROR, __file__, 1, "kanarien %s", ("vogel",), None)
    assert said.filter(record)
    assert "kanarien" not in record.getMessage()
