"""Accounts as an administrator keeps them: roles, training, invitations. Each change is an act on the ledger."""

from __future__ import annotations

from datetime import date
from typing import Any

from starlette.responses import Response

from gateway.console.access import Role
from gateway.console.entrance import ID
from gateway.console.oidc import subject_of
from gateway.console.service import now
from gateway.console.visit import Visit
from gateway.core.review import NotAllowed
from gateway.store.accounts import Account


def accounts(visit: Visit, fault: str = "", status: int = 200, *, token: str = "", to: str = "") -> Response:
    """All accounts."""
    return visit.page(
        "accounts.html",
        status=status,
        fault=fault,
        found=visit.console.accounts.all(),
        roles=tuple(Role),
        token=token,
        to=to,
        training_days=visit.console.rules.review.training_days,
    )


def add_account(visit: Visit) -> Response:
    """Add an account; the page shows its invitation, once."""
    account_id = visit.text("id")
    if not ID.fullmatch(account_id):
        return accounts(visit, "account.id-form", 400)
    if visit.console.accounts.get(account_id) is not None:
        return accounts(visit, "account.taken", 409)
    _keep(visit, _read(visit, Account(id=account_id, roles=frozenset())), "account-added")
    return _invited(visit, account_id)


def change_account(visit: Visit) -> Response:
    """Change roles, training or state of an account. Its sessions end."""
    before = _found(visit)
    after = _read(visit, before)
    others = [one for one in visit.console.accounts.all() if one.id != before.id]
    if not any(Role.ADMIN in one.roles and one.active for one in (*others, after)):
        raise NotAllowed(f"{before.id} is the last administrator; make somebody else one first")
    _keep(visit, after, "account-changed")
    return visit.go("/accounts", done="account")


def invite_again(visit: Visit) -> Response:
    """Give an account a new invitation, e.g. after its password was lost."""
    return _invited(visit, _found(visit).id)


def _found(visit: Visit) -> Account:
    account = visit.console.accounts.get(visit.request.path_params["id"])
    if account is None:
        raise NotAllowed("there is no such account")
    return account


def _read(visit: Visit, before: Account) -> Account:
    trained = visit.text("trained_on")
    try:
        day = date.fromisoformat(trained) if trained else None
        roles = frozenset(Role(one) for one in visit.texts("role"))
    except ValueError:
        raise NotAllowed(
            "write the day of the training as e.g. 2026-11-24, and choose roles of the list"
        ) from None
    if not roles:
        raise NotAllowed("choose at least one role")
    return Account(
        id=before.id,
        roles=frozenset(roles),
        trained_on=day,
        reveals=visit.text("reveals") == "yes",
        active=visit.text("active", "yes") == "yes",
    )


def _keep(visit: Visit, account: Account, action: str) -> None:
    details: dict[str, Any] = {
        "roles": sorted(account.roles),
        "trained_on": account.trained_on.isoformat() if account.trained_on else None,
        "reveals": account.reveals,
        "active": account.active,
    }
    visit.console.act(action, visit.by, about=account.id, **details)
    name = visit.text("subject")
    visit.console.accounts.put(account, subject=subject_of(visit.console.settings, name) if name else None)


def _invited(visit: Visit, account_id: str) -> Response:
    visit.console.act("account-invited", visit.by, about=account_id)
    return accounts(visit, token=visit.console.accounts.invite(account_id, now()), to=account_id)
