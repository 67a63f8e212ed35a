"""Logging: to standard error, and nothing of what was sent."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Literal

Form = Literal["text", "json"]


class _NoPayload(logging.Filter):
    """Lets other libraries say only that something went wrong and where: their texts hold what they were sent."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("gateway"):
            record.exc_info = None
            return True
        if record.levelno < logging.ERROR:
            return False
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else "an error"
        record.msg, record.args, record.exc_info = (
            f"{kind} in a library, see {record.filename}:{record.lineno}",
            (),
            None,
        )
        return True


class _Json(logging.Formatter):
    """One object a line, always with the same fields."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
        }
        return json.dumps(fields, ensure_ascii=False)


def set_up_logging(level: int | str = "info", form: Form = "text") -> None:
    """Log to standard error: our own messages, and of others only type and place of errors."""
    handler = logging.StreamHandler(sys.stderr)
    text = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(_Json() if form == "json" else text)
    handler.addFilter(_NoPayload())
    name = level.upper() if isinstance(level, str) else level
    logging.basicConfig(level=name, handlers=[handler], force=True)
    # The filter lets no less of it through, and mitmproxy makes and hands round an entry for every request.
    logging.getLogger("mitmproxy").setLevel(logging.ERROR)


def form_in_use() -> Form:
    """How this process logs, for those that it starts."""
    formatters = [handler.formatter for handler in logging.getLogger().handlers]
    return "json" if any(isinstance(one, _Json) for one in formatters) else "text"
