"""The tests themselves have no network: what passes here passes on a machine that is cut off."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

ASK = "import socket; socket.create_connection(('192.0.2.1', 443), timeout=1)"
LOOK_UP = "import socket; socket.getaddrinfo('publicsuffix.example', 443)"


def test_no_host_but_this_one_is_reached():
    with pytest.raises(OSError, match="no network during the tests"):
        socket.create_connection(("192.0.2.1", 443), timeout=1)
    with pytest.raises(socket.gaierror, match="no names are looked up"):
        socket.getaddrinfo("publicsuffix.example", 443)


@pytest.mark.parametrize(("code", "said"), [(ASK, "no network"), (LOOK_UP, "no names are looked up")])
def test_processes_that_tests_start_reach_no_other_host_either(code: str, said: str):
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert said in result.stderr
