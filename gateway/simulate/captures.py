"""Captured traffic as transfers: HAR files of browsers and tools, and flow files of mitmproxy.

What a capture holds is inspected as if it had just arrived. Only requests count; what cannot be read is an error, since
a simulation that leaves something out says nothing.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gateway.core.errors import CaptureError
from gateway.core.model import Inspection, Message
from gateway.core.source import UNATTRIBUTED
from gateway.simulate.replay import Before

Inspect = Callable[[Message], Inspection]


def from_har(file: Path, inspect: Inspect) -> Iterator[Before]:
    """The requests of a HAR file (HTTP Archive 1.2). Raises CaptureError."""
    try:
        entries = json.loads(file.read_bytes())["log"]["entries"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise CaptureError(f"{file}: is no HAR file: {type(error).__name__}") from error
    for place, entry in enumerate(entries):
        try:
            request = entry["request"]
            message = _har_message(request)
            at = datetime.fromisoformat(entry["startedDateTime"])
            url = request["url"]
        except (ValueError, LookupError, TypeError) as error:
            raise CaptureError(
                f"{file}: log.entries.{place}: cannot be read: {type(error).__name__}"
            ) from error
        yield _before(url, message, at.astimezone(UTC).date(), inspect)


def _har_message(request: Any) -> Message:
    parts = urlsplit(request["url"])
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    headers = [(h["name"].lower().encode(), h["value"].encode("utf-8")) for h in request["headers"]]
    posted = request.get("postData") or {}
    text = posted.get("text") or ""
    body = base64.b64decode(text) if posted.get("encoding") == "base64" else text.encode("utf-8")
    if body and not any(name == b"content-type" for name, _ in headers):
        headers.append((b"content-type", posted.get("mimeType", "").encode()))
    # A HAR holds bodies decoded; a coding named in the head would be undone twice.
    left_out = (b"content-encoding", b"content-length")
    kept = tuple(one for one in headers if one[0] not in left_out and not one[0].startswith(b":"))
    return Message(request["method"], (target or "/").encode(), kept, body)


def from_flows(file: Path, inspect: Inspect) -> Iterator[Before]:
    """The requests of a flow file as mitmproxy saves them. Raises CaptureError."""
    # Here and not above: only this reads flow files.
    from mitmproxy import exceptions, http
    from mitmproxy.io import FlowReader

    try:
        with file.open("rb") as stream:
            for flow in FlowReader(stream).stream():
                if not isinstance(flow, http.HTTPFlow):
                    continue
                request = flow.request
                message = Message(
                    request.method,
                    request.data.path,
                    tuple((name.lower(), value) for name, value in request.headers.fields),
                    request.raw_content or b"",
                )
                day = datetime.fromtimestamp(request.timestamp_start, UTC).date()
                yield _before(request.url, message, day, inspect)
    except (OSError, exceptions.FlowReadException) as error:
        raise CaptureError(f"{file}: is no flow file of mitmproxy: {type(error).__name__}") from error


def _before(url: str, message: Message, day: date, inspect: Inspect) -> Before:
    parts = urlsplit(url)
    return Before(
        host=parts.hostname or "",
        port=parts.port or (80 if parts.scheme == "http" else 443),
        path=parts.path or "/",
        day=day,
        agent="",
        action="",
        rule="",
        clauses=(),
        inspection=inspect(message),
        known=UNATTRIBUTED,
    )
