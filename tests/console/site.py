"""A console over a small ledger of its own, and people who use it as browsers do."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import httpx

from gateway.console import passwords
from gateway.console.access import Role
from gateway.console.app import build_app
from gateway.console.service import Console
from gateway.keys import load_key
from gateway.ledger import Signer
from gateway.ledger.record import Entry
from gateway.runtime import ledger_place
from gateway.settings import Settings, shipped
from gateway.store.accounts import Account
from tests.ledgers import KEY, AwaitedLedger

PASSWORD = "a sentence nobody guesses"
_HASH = passwords.hashed(PASSWORD)
TODAY = datetime.now(UTC).date()


class Site:
    """One console and its folders."""

    def __init__(self, folder: Path, entries: Iterable[Entry] = (), **settings: object) -> None:
        self.folder, self.rules = folder, folder / "rules"
        shutil.copytree(shipped("rules"), self.rules)
        self.settings = Settings(rules=self.rules, state=folder / "state", **settings)  # type: ignore[arg-type]
        self.settings.state.mkdir(mode=0o700)
        load_key(self.settings.state / "keys", create=True)
        self.place = ledger_place(self.settings)
        self.write(entries)
        self.console = Console(self.settings)
        self.app = build_app(self.console)
        self.loop = asyncio.Runner()

    def write(self, entries: Iterable[Entry]) -> None:
        """Put entries on the ledger as a gateway does."""
        ledger = AwaitedLedger(self.place, Signer(KEY, self.settings.gateway_id), timeout_s=30)
        for one in entries:
            ledger.note(one)
        ledger.close()

    def acts(self) -> list[tuple[str, str]]:
        """Which acts are on the ledger, and whose they are."""
        return [(one["action"], one["by"]) for one in self.console.reader.tail(1000, kind="act")]

    def account(
        self, account_id: str, *roles: Role, trained_on: date | None = None, reveals: bool = False
    ) -> None:
        """Somebody with a password."""
        trained = trained_on or TODAY - timedelta(days=10)
        account = Account(id=account_id, roles=frozenset(roles), trained_on=trained, reveals=reveals)
        self.console.accounts.put(account)
        self.console.accounts.set_secret(account_id, _HASH)
        self.console.first_token = None

    def visitor(self) -> Visitor:
        """Somebody who is not signed in."""
        return Visitor(self)

    def signed_in(self, account_id: str, *roles: Role, **more: object) -> Visitor:
        """Somebody new who is."""
        self.account(account_id, *roles, **more)  # type: ignore[arg-type]
        visitor = Visitor(self)
        answer = visitor.post("/login", id=account_id, password=PASSWORD)
        assert answer.status_code == 303, answer.text
        return visitor


class Visitor:
    """A browser: cookies, and forms with the token of the page they stand on."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(site.app), base_url=site.console.url)
        self._csrf = ""

    @property
    def cookies(self) -> httpx.Cookies:
        return self._http.cookies

    def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One request as it is, without any token."""
        return self._site.loop.run(self._http.request(method, path, **more))

    def get(self, path: str, **headers: str) -> httpx.Response:
        answer = self.send("GET", path, headers=headers)
        found = re.search(r'name="csrf" value="([^"]+)"', answer.text)
        if found:
            self._csrf = unescape(found[1])
        return answer

    def post(
        self, path: str, *, page: str = "", files: dict[str, tuple[str, bytes]] | None = None, **form: object
    ) -> httpx.Response:
        """Send the form of a page; of the login page, or of the own account, where none is named."""
        asked = self.get(page or "/account")
        if asked.status_code == 303:
            self.get(asked.headers["location"])
        data = {name: value for name, value in form.items() if value is not None}
        return self.send("POST", path, data={"csrf": self._csrf, **data}, files=files)


@contextlib.contextmanager
def a_site(folder: Path, entries: Iterable[Entry] = (), **settings: object) -> Iterator[Site]:
    site = Site(folder, entries, **settings)
    yield site
    site.console.close()
    site.loop.close()
