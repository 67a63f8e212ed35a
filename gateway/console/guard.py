"""What stands before every page: who may ask, from where, how much, and what browsers may do with the answer.

Rules kept here and nowhere else:
 * A route answers those alone whom the table lets in; what is not in the table does not exist.
 * Whatever changes something is a POST, with a token that only our own pages have.
 * Only hosts by which the console is known are answered, so that no foreign name leads to it.
 * A body that is longer than `MAX_BODY_BYTES` is not read.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from urllib.parse import quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.console.access import Page
from gateway.console.service import Console, now
from gateway.console.visit import Visit
from gateway.core.errors import OnwardError
from gateway.core.review import NotAllowed

log = logging.getLogger(__name__)

Handler = Callable[[Visit], Response]

MAX_BODY_BYTES = 10 * 2**20
MAX_FIELDS = 400
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # With `no-referrer` browsers would say of our own forms that they come from nowhere.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cache-control": "no-store",
}
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class Guard:
    """Around the whole application: host, size, headers."""

    def __init__(self, app: ASGIApp, console: Console) -> None:
        self._app, self._console = app, console
        known = urlsplit(console.url)
        self._hosts = {known.netloc.lower()}
        if known.hostname in (*LOOPBACK, "::1"):
            self._hosts |= {f"{one}:{known.port}" for one in LOOPBACK}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = MutableHeaders(raw=message["headers"])
                for name, value in HEADERS.items():
                    given.setdefault(name, value)
                if self._console.secure:
                    given["strict-transport-security"] = "max-age=31536000"
                message["headers"] = given.raw
            await send(message)

        if headers.get("host", "").lower() not in self._hosts:
            refused: Response = PlainTextResponse("The console is not known under this name.", 421)
        elif not headers.get("content-length", "0").isdigit() or "transfer-encoding" in headers:
            refused = PlainTextResponse("Send the length of the body.", 411)
        elif int(headers.get("content-length", "0")) > MAX_BODY_BYTES:
            refused = PlainTextResponse("The body is too large.", 413)
        else:
            await self._app(scope, receive, with_headers)
            return
        await refused(scope, receive, with_headers)


def guarded(console: Console, page: Page, handler: Handler) -> Callable[..., object]:
    """What answers a route: the handler, for those whom the page lets in."""

    async def answer(request: Request) -> Response:
        visit = await run_in_threadpool(_visit, console, request)
        if page.roles is not None and visit.session is None:
            return _to_the_door(visit)
        if page.roles is not None and not visit.may(*page.roles):
            return visit.page("refused.html", status=403, title="refused.role", why="refused.role-why")
        if page.method == "POST":
            if not _of_ours(request, console):
                return visit.page("refused.html", status=403, title="refused.form", why="refused.form-why")
            async with request.form(max_files=4, max_fields=MAX_FIELDS, max_part_size=MAX_BODY_BYTES) as form:
                visit.form = FormData(form)
                if not visit.csrf_fits(form.get("csrf")):
                    return visit.page(
                        "refused.html", status=403, title="refused.form", why="refused.form-why"
                    )
                return await run_in_threadpool(_answered, visit, handler)
        return await run_in_threadpool(_answered, visit, handler)

    return answer


def _visit(console: Console, request: Request) -> Visit:
    visit = Visit(console, request, None)
    token = request.cookies.get(visit.cookie("session"), "")
    if token:
        # A page that renews itself is nobody's doing: it must not keep a session from ending.
        visit.session = console.accounts.session(token, now(), use="x-live" not in request.headers)
    return visit


def _answered(visit: Visit, handler: Handler) -> Response:
    try:
        return handler(visit)
    except NotAllowed as error:
        return visit.page("refused.html", status=409, title="refused.act", why="", said=str(error))
    except OnwardError as error:
        log.error("%s", error)
        return visit.page("refused.html", status=503, title="refused.fault", why="", said=str(error))


def _to_the_door(visit: Visit) -> Response:
    request = visit.request
    if request.method != "GET" or "x-live" in request.headers:
        return visit.page("refused.html", status=401, title="refused.over", why="refused.over-why")
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return visit.go(f"/login?next={quote(asked)}" if asked != "/" else "/login")


def _of_ours(request: Request, console: Console) -> bool:
    """Whether a form was sent by a page of this very address, as far as the browser tells."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    host = request.headers.get("host", "").lower()
    fitting = origin is None or urlsplit(origin).netloc.lower() == host
    return site in ("same-origin", "none") and fitting


def on_error(console: Console) -> Callable[[Request, Exception], Response]:
    """What is said where there is no such page, or a form cannot be read."""

    def answer(request: Request, error: Exception) -> Response:
        visit = _visit(console, request)
        status = error.status_code if isinstance(error, HTTPException) else 400
        if isinstance(error, MultiPartException) or status != 404:
            return visit.page("refused.html", status=status, title="refused.form", why="refused.form-why")
        return visit.page("refused.html", status=404, title="refused.none", why="refused.none-why")

    return answer
