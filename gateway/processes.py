"""Processes that the gateway starts for itself: how they are started, confined and spoken to.

They are started plainly, not by `multiprocessing`: that would load the parent's main module, proxy and all, into each.
What is said crosses a socket pair as pickles behind their length. A child trusts its parent; a parent builds from an
answer plain values and this project's types, nothing else, since a child may have read what strangers wrote.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import pickle
import signal
import struct
import sys
from typing import IO, Any

from gateway.dumps import forbid_core_dumps

LENGTH = struct.Struct("!Q")
"""What stands before each pickle: its length in bytes."""
MAX_ANSWER_BYTES = 2**29
_PR_SET_PDEATHSIG = 1
_PLAIN = frozenset({"set", "frozenset", "bytearray", "complex"})


def command(module: str, function: str, *numbers: int) -> list[str]:
    """The command of a process that calls `function` of `module` with these numbers, under this one's import path."""
    end = len(numbers) + 1
    boot = (
        f"import sys; sys.path[:] = sys.argv[{end}:]; "
        f"from {module} import {function}; {function}(*map(int, sys.argv[1:{end}]))"
    )
    return [sys.executable, "-c", boot, *map(str, numbers), *sys.path]


def confine(parent: int) -> None:
    """In the child: no core dumps, gone with the parent, deaf to the terminal and to the service manager."""
    forbid_core_dumps()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The parent drains at SIGTERM and needs its children for that; it ends them itself.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def frame(said: object) -> bytes:
    """As it crosses."""
    payload = pickle.dumps(said, protocol=5)
    return LENGTH.pack(len(payload)) + payload


def receive(stream: IO[bytes]) -> bytes | None:
    """The next pickle; None once the other side has closed its end."""
    header = stream.read(LENGTH.size)
    if len(header) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(header)
    payload = stream.read(length)
    return payload if len(payload) == length else None


def answer_from(payload: bytes) -> object:
    """The parent's reading of an answer. Raises UnpicklingError where it would build anything it may not."""
    try:
        return _AnswerUnpickler(io.BytesIO(payload)).load()
    except Exception as error:
        raise pickle.UnpicklingError(f"a child's answer cannot be read: {type(error).__name__}") from error


class _AnswerUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if module == "builtins" and name in _PLAIN:
            return super().find_class(module, name)
        if module.startswith("gateway.") and "." not in name:
            found = super().find_class(module, name)
            if isinstance(found, type) and found.__module__ == module:
                return found
        raise pickle.UnpicklingError(f"a child may not answer with {module}.{name}")
