"""Which pages there are, and which roles may use each. What is not in this table is refused.

The application is built from the table and the tests try every route with every role against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Role(StrEnum):
    """What an account may do; one account may have several."""

    VIEWER = "viewer"
    REVIEWER = "reviewer"
    APPROVER = "approver"
    REGISTRAR = "registrar"
    ADMIN = "admin"


ANYBODY: frozenset[Role] | None = None
"""Also those who have not signed in."""
EVERYBODY = frozenset(Role)
REVIEW = frozenset({Role.REVIEWER})
APPROVE = frozenset({Role.APPROVER})
REGISTER = frozenset({Role.REGISTRAR})
DRAFTS = frozenset({Role.REGISTRAR, Role.APPROVER})
ADMINISTER = frozenset({Role.ADMIN})


@dataclass(frozen=True, slots=True)
class Page:
    """One route: method and path, the name of what answers it, and who may ask."""

    method: Literal["GET", "POST"]
    path: str
    name: str
    roles: frozenset[Role] | None


PAGES: tuple[Page, ...] = (
    Page("GET", "/login", "login", ANYBODY),
    Page("POST", "/login", "sign_in", ANYBODY),
    Page("GET", "/welcome", "welcome", ANYBODY),
    Page("POST", "/welcome", "accept", ANYBODY),
    Page("POST", "/language", "set_language", ANYBODY),
    Page("POST", "/logout", "sign_out", EVERYBODY),
    Page("GET", "/account", "own_account", EVERYBODY),
    Page("POST", "/account/password", "change_password", EVERYBODY),
    Page("GET", "/", "overview", EVERYBODY),
    Page("GET", "/overview.csv", "overview_csv", EVERYBODY),
    Page("GET", "/live", "live", EVERYBODY),
    Page("GET", "/transfers", "transfers", EVERYBODY),
    Page("GET", "/transfers.csv", "transfers_csv", EVERYBODY),
    Page("GET", "/transfers/{id}", "transfer", EVERYBODY),
    Page("GET", "/transfers/{id}/receipt", "receipt", EVERYBODY),
    Page("GET", "/accounts", "accounts", ADMINISTER),
    Page("POST", "/accounts", "add_account", ADMINISTER),
    Page("POST", "/accounts/{id}", "change_account", ADMINISTER),
    Page("POST", "/accounts/{id}/invite", "invite_again", ADMINISTER),
)
