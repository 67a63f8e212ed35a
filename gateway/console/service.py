"""What all pages of the console share: rules in force, ledger, accounts, words, templates."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2

from gateway.console.follower import Follower
from gateway.console.throttle import Throttle
from gateway.console.words import load_catalogues
from gateway.core.ruleset import RuleSet
from gateway.ledger import LedgerReader
from gateway.ledger.acting import new_act, writing
from gateway.ledger.append import append
from gateway.ledger.cases import Cases
from gateway.rulebook import Rulebook
from gateway.runtime import ledger_place
from gateway.settings import Settings
from gateway.store.accounts import Accounts
from gateway.store.tallies import Tallies

FOLDER = Path(__file__).parent
TONES = {
    **dict.fromkeys(("pass", "intra_eea", "adequate", "certified", "contract_complete"), "good"),
    **dict.fromkeys(("approved", "done", "answered", "closed", "signed", "used"), "good"),
    **dict.fromkeys(("anonymize", "false-positive", "open", "referred", "advised"), "plain"),
    **dict.fromkeys(("hold", "contract_incomplete", "claimed", "out_of_scope", "waits-for-second"), "care"),
    "expired": "care",
}
"""How words of the ledger and the rules are coloured; all others are red."""


class Console:
    """One running console. Pages read through `reader`, which can only read; acts go where commands' acts go."""

    def __init__(self, settings: Settings) -> None:
        """Open everything. Raises OnwardError: no ledger yet, broken rules, accounts that cannot be opened."""
        self.settings = settings
        self.place = ledger_place(settings)
        self.rulebook = Rulebook(settings.rules)
        self.reader = LedgerReader(self.place)
        self.accounts = Accounts(settings.state / "console.db")
        self.tallies = Tallies(settings.state / "tallies.db")
        self.follower = Follower(self.place, self.tallies, self.refresh_rules)
        self.listeners = 0
        """Pages that wait for news."""
        self.throttle = Throttle()
        self.catalogues = load_catalogues()
        self.templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.templates.globals["tone"] = lambda word: TONES.get(str(word), "bad")
        self.first_token = None if self.accounts.all() else secrets.token_urlsafe(18)
        """Lets whoever reads it from the console's own output make the first account; of no use once there is one."""

    @property
    def url(self) -> str:
        """The address under which browsers reach the console."""
        settings = self.settings
        scheme = "https" if settings.console_certificate else "http"
        return (settings.console_url or f"{scheme}://{settings.console_host}:{settings.console_port}").rstrip(
            "/"
        )

    @property
    def secure(self) -> bool:
        """Whether browsers reach it by TLS."""
        return self.url.startswith("https://")

    @property
    def rules(self) -> RuleSet:
        """The rules in force, as far as the console has looked."""
        return self.rulebook.current.rules

    def refresh_rules(self) -> bool:
        """Look at the folder of the rules; whether others are in force now. Broken ones change nothing."""
        if not self.rulebook.changed():
            return False
        snapshot = self.rulebook.read()
        if snapshot is None:
            return False
        self.rulebook.current = snapshot
        return True

    def cases(self, by: str) -> Cases:
        """Cases as this account changes them."""
        return Cases(self.place, self.settings.gateway_id, self.rules.digest, by)

    def act(self, action: str, by: str, *, about: str | None = None, agent: str = "", **details: Any) -> None:
        """Put an act on the ledger. Raises LedgerError."""
        act = new_act(
            action, by, self.settings.gateway_id, self.rules.digest, about=about, agent=agent, details=details
        )
        with writing(self.place) as connection:
            append(connection, [act])

    def close(self) -> None:
        """Let go of everything."""
        self.follower.close()
        self.reader.close()
        self.tallies.close()
        self.accounts.close()


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)
