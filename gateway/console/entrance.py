"""Signing in and out, first passwords, one's own account.

Rules kept here and nowhere else:
 * Whoever signs in gets a new session, whatever the browser brought along.
 * What failed is not told apart: no such account, no password, a wrong one.
 * After too many failures, of an account from one place or from one place at all, nobody is let in for a while.
"""

from __future__ import annotations

import hmac
import re
from urllib.parse import urlsplit

from starlette.responses import Response

from gateway.console import passwords
from gateway.console.access import Role
from gateway.console.service import now
from gateway.console.visit import MONTH_S, Visit
from gateway.store.accounts import Account

ID = re.compile(r"[a-z0-9][a-z0-9-]{1,39}")
"""Ids of accounts stand in the ledger: roles or numbers."""
MOST_OF_ACCOUNT = 5
MOST_OF_PLACE = 30
MOST_OF_ALL = 40
"""Failures of one account from all places."""


def login(visit: Visit, fault: str = "", status: int = 200) -> Response:
    """The page that asks who is there."""
    if visit.session is not None:
        return visit.go("/")
    if visit.console.first_token is not None:
        return visit.go("/welcome")
    onward = _inside(visit.asked("next") or visit.text("next"))
    return visit.page(
        "login.html",
        status=status,
        fault=fault,
        next=onward,
        oidc=visit.console.settings.oidc_issuer is not None,
    )


def sign_in(visit: Visit) -> Response:
    """Let somebody in, or not."""
    console, account_id = visit.console, visit.text("id")
    place = visit.request.client.host if visit.request.client else ""
    keys = (
        (f"{account_id}@{place}", MOST_OF_ACCOUNT),
        (f"@{place}", MOST_OF_PLACE),
        (account_id, MOST_OF_ALL),
    )
    throttle = console.throttle
    if any(throttle.blocked(key, most) for key, most in keys):
        return login(visit, "login.wait", 429)
    password = visit.form.get("password")
    account = console.accounts.get(account_id) if ID.fullmatch(account_id) else None
    secret = console.accounts.secret_of(account_id) if account is not None else None
    fitting = passwords.fits(secret, password if isinstance(password, str) else "")
    if account is None or not account.active or not fitting:
        # All three, also when the first is over its limit already.
        over = [throttle.failed(key) == most for key, most in keys]
        if account is not None and any(over):
            console.act("sign-in-stopped", account.id)
        return login(visit, "login.failed", 401)
    throttle.forget(keys[0][0])
    return let_in(visit, account, "password", _inside(visit.text("next")))


def let_in(visit: Visit, account: Account, how: str, onward: str = "/") -> Response:
    """A new session; whatever one the browser brought along ends."""
    console = visit.console
    console.act("signed-in", account.id, how=how)
    brought = visit.request.cookies.get(visit.cookie("session"))
    if brought:
        console.accounts.end(brought)
    response = visit.go(onward or "/")
    visit.set_cookie(response, "session", console.accounts.begin(account.id, now()))
    visit.forget_cookie(response, "visit")
    return response


def sign_out(visit: Visit) -> Response:
    """End the session."""
    visit.console.accounts.end(visit.request.cookies[visit.cookie("session")])
    visit.console.act("signed-out", visit.by)
    response = visit.go("/login")
    visit.forget_cookie(response, "session")
    return response


def welcome(visit: Visit, fault: str = "", status: int = 200) -> Response:
    """The page for whoever holds an invitation, or the first token of all."""
    first = visit.console.first_token is not None
    return visit.page("welcome.html", status=status, fault=fault, first=first, given=visit.text("id"))


def accept(visit: Visit) -> Response:
    """Make the first account, or set the password of an invited one."""
    console, token = visit.console, visit.text("token")
    place = f"welcome@{visit.request.client.host if visit.request.client else ''}"
    if console.throttle.blocked(place, MOST_OF_PLACE):
        return welcome(visit, "login.wait", 429)
    first = console.first_token is not None and hmac.compare_digest(
        token.encode(), console.first_token.encode()
    )
    account_id = visit.text("id") if first else console.accounts.invited(token, now())
    if account_id is None:
        console.throttle.failed(place)
        return welcome(visit, "welcome.token", 401)
    password = visit.form.get("password")
    fault = (
        "account.id-form" if not ID.fullmatch(account_id) else passwords.fault_of(str(password), account_id)
    )
    if fault or password != visit.form.get("again"):
        return welcome(visit, fault or "password.differ", 400)
    if first:
        account = Account(id=account_id, roles=frozenset({Role.ADMIN}))
        # On the ledger first: an account that is not on record must not be.
        console.act("account-added", account_id, about=account_id, roles=[Role.ADMIN], first=True)
        console.accounts.put(account)
        console.first_token = None
    console.act("password-set", account_id, about=account_id)
    console.accounts.set_secret(account_id, passwords.hashed(str(password)))
    found = console.accounts.get(account_id)
    assert found is not None
    return let_in(visit, found, "invitation")


def set_language(visit: Visit) -> Response:
    """Remember in which language somebody reads."""
    chosen = visit.text("language")
    response = visit.go(_inside(visit.text("back")) or "/")
    if chosen in visit.console.catalogues:
        response.set_cookie(
            "onward-language",
            chosen,
            max_age=MONTH_S,
            path="/",
            secure=visit.console.secure,
            httponly=True,
            samesite="lax",
        )
    return response


def own_account(visit: Visit, fault: str = "", status: int = 200) -> Response:
    """What is on file of who asks."""
    return visit.page("account.html", status=status, fault=fault, account=visit.account)


def change_password(visit: Visit) -> Response:
    """Set a new password for who asks; all sessions end but the new one."""
    console, new = visit.console, str(visit.form.get("password"))
    key = f"password@{visit.by}"
    if console.throttle.blocked(key, MOST_OF_ACCOUNT):
        return own_account(visit, "login.wait", 429)
    if not passwords.fits(console.accounts.secret_of(visit.by), str(visit.form.get("old"))):
        console.throttle.failed(key)
        return own_account(visit, "password.old", 401)
    fault = passwords.fault_of(new, visit.by)
    if fault or new != visit.form.get("again"):
        return own_account(visit, fault or "password.differ", 400)
    console.act("password-set", visit.by, about=visit.by)
    console.accounts.set_secret(visit.by, passwords.hashed(new))
    return let_in(visit, visit.account, "password", "/account?done=password")


def _inside(path: str) -> str:
    """The path, if it lies in the console; nothing otherwise. Browsers read a backslash like a slash."""
    parts = urlsplit(path)
    inside = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if inside and not parts.scheme and not parts.netloc else ""
