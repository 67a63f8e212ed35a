"""One inspection process: its loop, and what it says of errors.

Rules kept here and nowhere else:
 * An error is told as its type and place, never with its text, which may hold personal data.
 * A process that ran out of memory says so and ends.
"""

from __future__ import annotations

import gc
import os
import pickle
import resource
import socket
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import NoReturn

from gateway.core.errors import InspectionError, SpliceError
from gateway.processes import confine, frame, receive

Handler = Callable[[object], object]
Factory = Callable[[], Handler]


@dataclass(frozen=True, slots=True)
class Failure:
    """What a worker says of an error."""

    reason: str
    where: str


def work(descriptor: int, parent: int, memory_limit_bytes: int) -> NoReturn:
    """Body of a worker process: build the handler, then answer until the other side closes."""
    confine(parent)
    resource.setrlimit(resource.RLIMIT_AS, (memory_limit_bytes, memory_limit_bytes))
    connection = socket.socket(fileno=descriptor)
    # Made beforehand: when memory has run out there is none left to say so.
    exhausted = frame(Failure("out-of-memory", "the inspection needed more memory than a worker may use"))
    stream = connection.makefile("rb")
    handler: Handler | None = None
    while (request := receive(stream)) is not None:
        try:
            if handler is None:
                handler = pickle.loads(request)()  # noqa: S301 - from our parent
                # Rules and model stay: to look at them with each collection of garbage is a fifth of all time.
                gc.freeze()
                answer: object = "ready"
            else:
                answer = handler(pickle.loads(request))  # noqa: S301 - from our parent
            said = frame(answer)
        except MemoryError:
            connection.sendall(exhausted)
            break  # What is left of this process is not worth keeping.
        except BaseException as error:  # noqa: BLE001 - border: a refusal for this request; the pool fails closed
            where = _place(error)
            if handler is None:
                where += (
                    f": {error}"  # No transfer was read yet, so the text tells of files and settings only.
                )
            said = frame(Failure(_reason(error), where))
        connection.sendall(said)
    os._exit(0)


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
