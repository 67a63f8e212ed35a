"""An inspector that fails where and how a request's `x-fault` header says; runs in real worker processes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from gateway.core.model import Finding, Inspection, Message
from gateway.decode import Decoded
from gateway.inspection import Anonymized
from gateway.inspector import Inspector


class Fatal(BaseException):
    """What no `except Exception` catches."""


def fail(kind: str) -> None:
    match kind:
        case "ValueError":
            raise ValueError("Sabine Köhler")  # A careless library puts what it was given into its message.
        case "MemoryError":
            raise MemoryError
        case "RecursionError":
            raise RecursionError
        case "BaseException":
            raise Fatal
        case "hang":
            time.sleep(3600)


def fault_in(message: Message) -> tuple[str, str]:
    value = next((value for name, value in message.headers if name == b"x-fault"), b"")
    stage, _, kind = value.decode().partition(":")
    return stage, kind


class FaultyInspector(Inspector):
    _message: Message | None = None

    def _decode(self, message: Message) -> Decoded:
        self._message = message
        stage, kind = fault_in(message)
        if stage == "decode":
            fail(kind)
        return super()._decode(message)

    def _inspect(self, decoded: Decoded, agent: str, before: bytes = b"") -> Inspection:
        assert self._message is not None
        stage, kind = fault_in(self._message)
        if stage == "detect":
            fail(kind)
        return super()._inspect(decoded, agent, before)

    def _anonymize(self, message: Message, remove: tuple[Finding, ...], agent: str) -> Anonymized:
        stage, kind = fault_in(message)
        if stage == "transform":
            fail(kind)
        return super()._anonymize(message, remove, agent)


def build_faulty_inspector(*arguments: Any) -> Callable[[object], object]:
    return FaultyInspector.loaded(*arguments)
