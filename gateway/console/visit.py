"""One request as pages see it: who asks, in which language, with which form; and the answers they give."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from gateway.console.access import PAGES, Role
from gateway.console.service import Console
from gateway.console.words import Words, preferred
from gateway.store.accounts import Account, Session

MONTH_S = 30 * 86400


@dataclass(slots=True)
class Visit:
    """A request on its way to its answer."""

    console: Console
    request: Request
    session: Session | None
    form: FormData = field(default_factory=FormData)
    _visitor: str = ""
    _new_visitor: bool = False

    def __post_init__(self) -> None:
        self._visitor = self.request.cookies.get(self.cookie("visit"), "")
        if not 20 <= len(self._visitor) <= 64:
            self._visitor, self._new_visitor = secrets.token_urlsafe(24), True

    def cookie(self, name: str) -> str:
        """A cookie's name; by TLS with the prefix that keeps it to this host."""
        return f"__Host-onward-{name}" if self.console.secure else f"onward-{name}"

    @property
    def account(self) -> Account:
        """Who asks. Only where a page is not for anybody."""
        assert self.session is not None
        return self.session.account

    @property
    def by(self) -> str:
        """The id of who asks."""
        return self.account.id

    def may(self, *roles: Role) -> bool:
        """Whether who asks has one of these roles."""
        return self.session is not None and not self.session.account.roles.isdisjoint(roles)

    @property
    def open_paths(self) -> frozenset[str]:
        """Pages that who asks may open."""
        found = (one for one in PAGES if one.method == "GET" and one.roles is not None)
        return frozenset(one.path for one in found if one.roles is not None and self.may(*one.roles))

    @property
    def csrf(self) -> str:
        """What a form has to hold: of the session, or before one of a cookie that other sites cannot read."""
        return self.session.csrf if self.session is not None else self._visitor

    def csrf_fits(self, given: object) -> bool:
        """Whether a form comes from one of our own pages."""
        if self.session is None and self._new_visitor:
            return False
        return isinstance(given, str) and hmac.compare_digest(given.encode(), self.csrf.encode())

    @property
    def words(self) -> Words:
        """In the language that was chosen, or that the browser prefers."""
        known = self.console.catalogues
        chosen = self.request.cookies.get("onward-language", "")
        if chosen not in known:
            chosen = preferred(self.request.headers.get("accept-language", ""), known)
        return Words(chosen, known[chosen])

    def name(self, kind: str, word: str) -> str:
        """A word of the rules or the ledger as people say it: as the catalogue has it, or the rules themselves."""
        words, rules = self.words, self.console.rules
        if kind != "category" or words.has(f"category.{word}"):
            return words.name(kind, word)
        texts = rules.texts.languages.get(words.language, {})
        return texts.get(f"category/{word}") or (
            rules.categories[word].name if word in rules.categories else word
        )

    def text(self, name: str, default: str = "") -> str:
        """A field of the form, without the space around it."""
        value = self.form.get(name, default)
        return value.strip() if isinstance(value, str) else default

    def texts(self, name: str) -> list[str]:
        """All values of a field that may be there several times."""
        return [one.strip() for one in self.form.getlist(name) if isinstance(one, str) and one.strip()]

    def file(self, name: str) -> UploadFile | None:
        """A file of the form; None where none was chosen."""
        value = self.form.get(name)
        return value if isinstance(value, UploadFile) and value.filename else None

    def asked(self, name: str) -> str:
        """A value of the address."""
        return self.request.query_params.get(name, "").strip()

    @property
    def place(self) -> str:
        """The path of the page that is shown; after a form, of the page it stood on."""
        path = self.request.url.path
        return (
            path
            if self.request.method == "GET" or path in self.open_paths
            else path.rpartition("/")[0] or "/"
        )

    def page(self, template: str, *, status: int = 200, **context: Any) -> Response:
        """A page from a template."""
        words = self.words
        done = self.asked("done")
        text = self.console.templates.get_template(template).render(
            t=words.say,
            name=self.name,
            language=words.language,
            languages=sorted(self.console.catalogues),
            visit=self,
            path=self.place,
            csrf=Markup('<input type="hidden" name="csrf" value="{}">').format(self.csrf),
            done=words.say(f"done.{done}") if words.has(f"done.{done}") else "",
            **({"fault": ""} | context),
        )
        response = HTMLResponse(text, status)
        if self.session is None and self._new_visitor:
            self.set_cookie(response, "visit", self._visitor)
        return response

    def set_cookie(self, response: Response, name: str, value: str) -> None:
        """A cookie that scripts cannot read and other sites cannot use."""
        response.set_cookie(
            self.cookie(name), value, path="/", secure=self.console.secure, httponly=True, samesite="lax"
        )

    def forget_cookie(self, response: Response, name: str) -> None:
        """Take a cookie back."""
        response.delete_cookie(
            self.cookie(name), path="/", secure=self.console.secure, httponly=True, samesite="lax"
        )

    def go(self, path: str, **query: str) -> Response:
        """On to another page of ours, as a new request."""
        return RedirectResponse(f"{path}?{urlencode(query)}" if query else path, 303)
