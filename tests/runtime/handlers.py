"""Handlers that real worker processes run: each request is a small instruction to behave well or badly."""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from gateway.core.errors import InspectionError, SpliceError


def obeying(name: str = "first") -> Callable[[object], object]:
    """Does what a request says."""

    def handle(request: object) -> object:
        match request:
            case "who":
                return name
            case "pid":
                return os.getpid()
            case ("echo", value):
                return value
            case ("note", str(path), str(word)):
                with Path(path).open("a", encoding="utf-8") as file:
                    file.write(f"{word}\n")
                return word
            case ("wait for", str(path)):
                while not Path(path).exists():
                    time.sleep(0.005)
                return name
            case ("hang", str(path)):
                Path(path).touch()
                while True:
                    time.sleep(1)
            case ("run", str(path)):
                command = ["sh", "-c", 'echo $$ >"$1"; exec sleep 600', "sh", path]
                return subprocess.run(command, check=True).returncode
            case "exhaust memory":
                return len(bytearray(2**36))
            case "exhaust memory in small pieces":
                return [bytearray(4096) for _ in range(2**30)]
            case "raise with personal data":
                raise ValueError("Anna Nowak, anna.nowak@example.org")
            case ("raise in the project", str(address)):
                return Path(address).read_text("no such codec")
            case "exit":
                sys.exit(3)
            case "interrupt":
                raise KeyboardInterrupt
            case "recurse":
                return obeying()(("echo", handle(request)))
            case "crash":
                return ctypes.string_at(0)
            case "splice":
                raise SpliceError("signed")
            case "overloaded":
                raise InspectionError("time-limit", "a slice took too long")
            case "unpicklable":
                return lambda: None
            case "hostile":
                return _Hostile()
            case "chatter":
                print("Anna Nowak")
                print("Anna Nowak", file=sys.stderr)
                return "said"
            case "core limit":
                return resource.getrlimit(resource.RLIMIT_CORE)
            case "dumpable":
                return ctypes.CDLL(None).prctl(3) if sys.platform == "linux" else 0  # PR_GET_DUMPABLE
        raise AssertionError("unknown instruction")

    return handle


class _Hostile:
    """An answer that would run a command in whoever reads it."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch hostile-was-here",)


def broken() -> Callable[[object], object]:
    """Cannot load."""
    raise FileNotFoundError("model names-xx is missing")


def slow() -> Callable[[object], object]:
    """Takes longer to load than any test waits."""
    time.sleep(600)
    return obeying()


def dying() -> Callable[[object], object]:
    """Ends while it loads."""
    os._exit(7)


def greedy() -> Callable[[object], object]:
    """Needs more memory than it may have."""
    bytearray(2**36)
    raise AssertionError("memory was not limited")
