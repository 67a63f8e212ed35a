"""`mitmdump -s addons/onward.py`: the front stays whatever becomes of the script."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gateway.settings import shipped
from tests.origin import Origin

HERE = Path(__file__).parents[2]


def started(script: Path, origin: Origin, *options: str) -> tuple[subprocess.Popen[bytes], int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environ = {
        **os.environ,
        "ORIGIN_PORT": str(origin.port),
        "PYTHONPATH": os.pathsep.join([str(HERE), os.environ["PYTHONPATH"]]),
    }
    process = subprocess.Popen(
        [
            Path(sys.executable).with_name("mitmdump"), "-s", str(script), "-p", str(port),
            "--listen-host", "127.0.0.1", "--set", f"confdir={script.parent}", *options,
        ],
        env=environ, cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return process, port


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A copy of the script with a scripted decision."""
    source = (shipped("addons") / "onward.py").read_text()
    copy = tmp_path / "onward.py"
    copy.write_text(
        source.replace("from gateway.proxy.script import", "from tests.proxy.mitmdump_script import")
    )
    return copy


@pytest.fixture
def mitmdump(script: Path, plain: Origin) -> Iterator[int]:
    process, port = started(script, plain)
    for _ in range(1200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        assert process.poll() is None, "mitmdump ended"
        time.sleep(0.05)
    try:
        yield port
    finally:
        process.terminate()
        process.communicate(timeout=30)


def statuses(port: int, origin: Origin) -> list[int]:
    """Status of a request that may pass, and of one that may not."""
    with httpx.Client(proxy=f"http://127.0.0.1:{port}", timeout=30) as client:
        return [
            client.post(f"http://localhost:{origin.port}{path}", content="Ola").status_code
            for path in ("/pass", "/no")
        ]


@pytest.mark.parametrize("change", ["syntax error", "deleted", "touched"])
def test_a_script_that_breaks_does_not_take_the_front_with_it(
    mitmdump: int, script: Path, plain: Origin, change: str
) -> None:
    assert statuses(mitmdump, plain) == [200, 403]
    match change:
        case "syntax error":
            script.write_text("def load(loader:\n")
        case "deleted":
            script.unlink()
        case "touched":
            os.utime(script, (time.time() + 10, time.time() + 10))
    time.sleep(1.5)  # mitmproxy looks at the file once a second.
    assert statuses(mitmdump, plain) == [200, 403]
    assert [one.target for one in plain.received] == [b"/pass", b"/pass"]


@pytest.mark.parametrize("option", ["ignore_hosts=.*", "ssl_insecure=true"])
def test_mitmdump_does_not_start_with_an_unsafe_option(script: Path, plain: Origin, option: str) -> None:
    process, _ = started(script, plain, "--set", option)
    output, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert option.partition("=")[0].encode() in output
