"""One worker process: its confinement, its loop, and what may cross back to the parent.

Rules kept here and nowhere else:
 * An error is told as its type and place, never with its text, which may hold personal data.
 * A worker reads what strangers wrote, so its answers may build plain values and this project's types, nothing else.
 * A process that ran out of memory says so and ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import io
import os
import pickle
import resource
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import IO, Any, NoReturn

from gateway.core.errors import InspectionError, SpliceError
from gateway.dumps import forbid_core_dumps

Handler = Callable[[object], object]
Factory = Callable[[], Handler]

LENGTH = struct.Struct("!Q")
"""What stands before each pickle: its length in bytes."""
MAX_ANSWER_BYTES = 2**29
_PR_SET_PDEATHSIG = 1
_PLAIN = frozenset({"set", "frozenset", "bytearray", "complex"})


@dataclass(frozen=True, slots=True)
class Failure:
    """What a worker says of an error."""

    reason: str
    where: str


def answer_from(payload: bytes) -> object:
    """The parent's reading of an answer. Raises UnpicklingError where it would build anything it may not."""
    try:
        return _AnswerUnpickler(io.BytesIO(payload)).load()
    except Exception as error:
        raise pickle.UnpicklingError(f"a worker's answer cannot be read: {type(error).__name__}") from error


class _AnswerUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if module == "builtins" and name in _PLAIN:
            return super().find_class(module, name)
        if module.startswith("gateway.") and "." not in name:
            found = super().find_class(module, name)
            if isinstance(found, type) and found.__module__ == module:
                return found
        raise pickle.UnpicklingError(f"a worker may not answer with {module}.{name}")


def work(descriptor: int, parent: int, memory_limit_bytes: int) -> NoReturn:
    """Body of a worker process: build the handler, then answer until the other side closes."""
    _confine(memory_limit_bytes, parent)
    connection = socket.socket(fileno=descriptor)
    # Made beforehand: when memory has run out there is none left to say so.
    exhausted = _frame(Failure("out-of-memory", "the inspection needed more memory than a worker may use"))
    stream = connection.makefile("rb")
    handler: Handler | None = None
    while (request := _receive(stream)) is not None:
        try:
            if handler is None:
                handler = pickle.loads(request)()  # noqa: S301 - from our parent
                # Rules and model stay: to look at them with each collection of garbage is a fifth of all time.
                gc.freeze()
                answer: object = "ready"
            else:
                answer = handler(pickle.loads(request))  # noqa: S301 - from our parent
            frame = _frame(answer)
        except MemoryError:
            connection.sendall(exhausted)
            break  # What is left of this process is not worth keeping.
        except BaseException as error:  # noqa: BLE001 - border: a refusal for this request; the pool fails closed
            where = _place(error)
            if handler is None:
                where += (
                    f": {error}"  # No transfer was read yet, so the text tells of files and settings only.
                )
            frame = _frame(Failure(_reason(error), where))
        connection.sendall(frame)
    os._exit(0)


def _confine(memory_limit_bytes: int, parent: int) -> None:
    """No core dumps, bounded memory, gone with the parent, deaf to the terminal and to the service manager."""
    forbid_core_dumps()
    resource.setrlimit(resource.RLIMIT_AS, (memory_limit_bytes, memory_limit_bytes))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The parent drains at SIGTERM and needs its workers for that; it ends them itself.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _receive(stream: IO[bytes]) -> bytes | None:
    """One frame; None once the parent has closed its end."""
    header = stream.read(LENGTH.size)
    if len(header) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(header)
    payload = stream.read(length)
    return payload if len(payload) == length else None


def _frame(answer: object) -> bytes:
    payload = pickle.dumps(answer, protocol=5)
    return LENGTH.pack(len(payload)) + payload


def _reason(error: BaseException) -> str:
    match error:
        case InspectionError():
            return error.reason
        case SpliceError():
            return "splice"
    return "inspection-error"


def _place(error: BaseException) -> str:
    """Type and innermost line of ours that an error came through; of anybody's, if it came through none of ours."""
    frames = [
        (str(frame.f_globals.get("__name__", "")), PurePath(frame.f_code.co_filename).name, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    ours = [one for one in frames if one[0].startswith("gateway.") and one[0] != __name__]
    if not frames:
        return type(error).__name__
    _, file, line = (ours or frames)[-1]
    return f"{type(error).__name__} at {file}:{line}"
