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
    Page("GET", "/oidc", "oidc", ANYBODY),
    Page("GET", "/oidc/back", "oidc_back", ANYBODY),
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
    Page("GET", "/reviews", "reviews", REVIEW),
    Page("GET", "/reviews/{id}", "review", REVIEW),
    Page("POST", "/reviews/{id}/look", "look", REVIEW),
    Page("POST", "/reviews/{id}/reveal", "reveal", REVIEW),
    Page("POST", "/reviews/{id}/approve", "approve_review", REVIEW),
    Page("POST", "/reviews/{id}/refuse", "refuse_review", REVIEW),
    Page("POST", "/reviews/{id}/false-positive", "false_positive", REVIEW),
    Page("GET", "/agents", "agents", EVERYBODY),
    Page("GET", "/agents/new", "new_agent", REGISTER),
    Page("GET", "/agents/{id}", "agent", EVERYBODY),
    Page("GET", "/agents/{id}/lapse", "lapse", EVERYBODY),
    Page("GET", "/agents/{id}/change", "change_agent", REGISTER),
    Page("GET", "/drafts", "drafts", DRAFTS),
    Page("POST", "/drafts", "propose", REGISTER),
    Page("GET", "/drafts/{id}", "draft", DRAFTS),
    Page("POST", "/drafts/{id}/approve", "approve_draft", APPROVE),
    Page("POST", "/drafts/{id}/refuse", "refuse_draft", APPROVE),
    Page("GET", "/people", "people", REGISTER),
    Page("POST", "/people", "receive_request", REGISTER),
    Page("POST", "/people/search", "search_person", REGISTER),
    Page("POST", "/people/consent", "consent", REGISTER),
    Page("GET", "/people/{id}", "request", REGISTER),
    Page("POST", "/people/{id}/{step}", "request_step", REGISTER),
    Page("POST", "/tasks/{id}/{step}", "task_step", REGISTER),
    Page("GET", "/complaints", "complaints", REGISTER),
    Page("POST", "/complaints", "receive_complaint", REGISTER),
    Page("GET", "/complaints/{id}", "complaint", REGISTER),
    Page("POST", "/complaints/{id}/{step}", "complaint_step", REGISTER),
    Page("GET", "/offline", "offline", REGISTER),
    Page("POST", "/offline", "enter_offline", REGISTER),
    Page("POST", "/offline/{id}/{step}", "offline_step", REGISTER),
    Page("GET", "/reports", "reports", EVERYBODY),
    Page("POST", "/reports", "report", EVERYBODY),
    Page("GET", "/assessments", "assessments", EVERYBODY),
    Page("POST", "/assessments", "make_assessment", REGISTER),
    Page("GET", "/assessments/{id}", "assessment", EVERYBODY),
    Page("POST", "/assessments/{id}/file", "assessment_file", EVERYBODY),
    Page("GET", "/rules", "rules", EVERYBODY),
    Page("POST", "/rules/simulate", "simulate", EVERYBODY),
    Page("GET", "/accounts", "accounts", ADMINISTER),
    Page("POST", "/accounts", "add_account", ADMINISTER),
    Page("POST", "/accounts/{id}", "change_account", ADMINISTER),
    Page("POST", "/accounts/{id}/invite", "invite_again", ADMINISTER),
)
