"""Who gets in: the first start, invitations, sessions, failures; and what forms and addresses cannot do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.console.access import Role
from gateway.console.serve import check
from gateway.core.errors import SettingsError
from gateway.settings import Settings
from gateway.store.accounts import ABSOLUTE, IDLE, Account, Accounts
from tests.console.site import PASSWORD, Site, a_site

NOW = datetime(2031, 5, 4, 10, tzinfo=UTC)


def test_the_first_account_needs_the_token_that_the_console_printed_and_there_is_no_default_password(
    fresh: Site,
):
    visitor = fresh.visitor()
    assert visitor.get("/login").headers["location"] == "/welcome"
    assert "first administrator" in visitor.get("/welcome").text
    form = {"id": "office-1", "password": PASSWORD, "again": PASSWORD}
    assert visitor.post("/welcome", token="wrong", **form).status_code == 401
    token = fresh.console.first_token
    assert (
        visitor.post("/welcome", token=token, **form | {"password": "short", "again": "short"}).status_code
        == 400
    )
    assert visitor.post("/welcome", token=token, **form).status_code == 303
    assert "office-1" in visitor.get("/account").text
    assert fresh.acts() == [
        ("account-added", "office-1"),
        ("password-set", "office-1"),
        ("signed-in", "office-1"),
    ]
    assert fresh.visitor().post("/welcome", token=token, **form | {"id": "office-2"}).status_code == 401
    assert [one.id for one in fresh.console.accounts.all()] == ["office-1"]


def test_an_invited_account_sets_its_own_password_once(site: Site):
    admin = site.signed_in("admin-1", Role.ADMIN)
    page = admin.post(
        "/accounts", id="reviewer-7", role=["reviewer"], trained_on="2026-01-05", subject=""
    ).text
    token = page.split('class="token">')[1].split("<")[0]
    invited = site.visitor()
    form = {"token": token, "password": PASSWORD, "again": PASSWORD}
    assert invited.post("/welcome", **form).status_code == 303
    assert "Reviewer" in invited.get("/account").text
    assert site.visitor().post("/welcome", **form).status_code == 401
    account = site.console.accounts.get("reviewer-7")
    assert account is not None
    assert account.trained_on is not None
    assert token.encode() not in b"".join(one.read_bytes() for one in site.settings.state.glob("console.db*"))


def test_whoever_signs_in_gets_a_session_that_nobody_knew_before(site: Site):
    site.account("reader-1", Role.VIEWER)
    visitor = site.visitor()
    visitor.cookies.set("onward-session", "planted-by-somebody-else")
    visitor.post("/login", id="reader-1", password=PASSWORD)
    first = visitor.cookies.get("onward-session", domain="127.0.0.1")
    assert first not in (None, "planted-by-somebody-else")
    assert visitor.get("/account").status_code == 200
    visitor.post("/account/password", old=PASSWORD, password=f"{PASSWORD} 2", again=f"{PASSWORD} 2")
    assert visitor.cookies.get("onward-session", domain="127.0.0.1") != first
    thief = site.visitor()
    thief.cookies.set("onward-session", str(first))
    assert thief.get("/account").status_code == 303
    visitor.post("/logout")
    assert visitor.get("/account").status_code == 303


def test_after_five_failures_of_an_account_even_the_right_password_has_to_wait(fresh: Site):
    fresh.account("reader-1", Role.VIEWER)
    visitor = fresh.visitor()
    tried = [visitor.post("/login", id="reader-1", password="wrong").status_code for _ in range(5)]
    assert tried == [401] * 5
    assert visitor.post("/login", id="reader-1", password=PASSWORD).status_code == 429
    assert fresh.acts() == [("sign-in-stopped", "reader-1")]


def test_an_account_that_is_switched_off_or_not_there_gets_the_same_answer_as_a_wrong_password(site: Site):
    site.account("reader-1", Role.VIEWER)
    site.console.accounts.put(Account(id="reader-1", roles=frozenset({Role.VIEWER}), active=False))
    pages = {
        site.visitor().post("/login", id=one, password=PASSWORD).status_code
        for one in ("reader-1", "nobody", "Anna Lindqvist")
    }
    assert pages == {401}


def test_a_change_of_an_account_ends_its_sessions_and_the_last_administrator_stays(fresh: Site):
    admin = fresh.signed_in("admin-1", Role.ADMIN)
    reader = fresh.signed_in("reader-1", Role.VIEWER)
    assert admin.post("/accounts/reader-1", role=["viewer"], active="no").status_code == 303
    assert reader.get("/account").status_code == 303
    answer = admin.post("/accounts/admin-1", role=["viewer"], active="yes")
    assert answer.status_code == 409
    assert "last administrator" in answer.text
    assert ("account-changed", "admin-1") in fresh.acts()


def test_a_session_ends_by_idleness_and_by_age_and_what_renews_itself_does_not_use_it(tmp_path: Path):
    accounts = Accounts(tmp_path / "console.db")
    accounts.put(Account(id="reader-1", roles=frozenset({"viewer"})))
    token = accounts.begin("reader-1", NOW)
    assert accounts.session(token, NOW + IDLE) is not None
    at = NOW + IDLE
    while at + IDLE < NOW + ABSOLUTE:
        at += IDLE
        assert accounts.session(token, at) is not None
    assert accounts.session(token, NOW + ABSOLUTE + timedelta(seconds=1)) is None
    token = accounts.begin("reader-1", NOW)
    assert accounts.session(token, NOW + IDLE, use=False) is not None
    assert accounts.session(token, NOW + IDLE + timedelta(seconds=1)) is None
    accounts.close()


@pytest.mark.parametrize(
    "onward",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\t/evil",
    ],
)
def test_signing_in_leads_nowhere_but_into_the_console(site: Site, onward: str):
    site.account("reader-1", Role.VIEWER)
    answer = site.visitor().post("/login", id="reader-1", password=PASSWORD, next=onward)
    assert answer.headers["location"] == "/"


def test_signing_in_leads_to_the_page_that_was_asked_for(site: Site):
    site.account("reader-1", Role.VIEWER)
    visitor = site.visitor()
    door = visitor.get("/account?x=1").headers["location"]
    assert door == "/login?next=/account%3Fx%3D1"
    assert 'name="next" value="/account?x=1"' in visitor.get(door).text


def test_a_form_without_the_token_of_its_session_or_from_another_site_changes_nothing(site: Site):
    admin, other = site.signed_in("admin-8", Role.ADMIN), site.signed_in("admin-9", Role.ADMIN)
    form = {"id": "intruder", "role": "admin", "subject": ""}
    token = other.get("/accounts").text.split('name="csrf" value="')[1].split('"')[0]
    assert admin.send("POST", "/accounts", data=form).status_code == 403
    assert admin.send("POST", "/accounts", data=form | {"csrf": token}).status_code == 403
    own = admin.get("/accounts").text.split('name="csrf" value="')[1].split('"')[0]
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        assert admin.send("POST", "/accounts", data=form | {"csrf": own}, headers=headers).status_code == 403
    assert admin.send("POST", "/login", data={"id": "x", "password": "y"}).status_code == 403
    assert site.console.accounts.get("intruder") is None


def test_every_answer_forbids_foreign_scripts_frames_and_guessing(site: Site):
    visitor = site.signed_in("reader-1", Role.VIEWER)
    for path in ("/account", "/login", "/static/console.css", "/no-such-page"):
        headers = visitor.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
    site.account("reader-2", Role.VIEWER)
    cookie = site.visitor().post("/login", id="reader-2", password=PASSWORD).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie


def test_by_tls_cookies_are_kept_to_the_host_and_browsers_are_told_to_stay(tmp_path: Path):
    with a_site(tmp_path, console_url="https://onward.example.org") as site:
        site.account("reader-1", Role.VIEWER)
        answer = site.visitor().post("/login", id="reader-1", password=PASSWORD)
        assert "__Host-onward-session=" in answer.headers["set-cookie"]
        assert "Secure" in answer.headers["set-cookie"]
        assert "max-age" in answer.headers["strict-transport-security"]


def test_another_name_for_the_console_is_not_answered(site: Site):
    answer = site.visitor().send("GET", "/login", headers={"host": "evil.example"})
    assert answer.status_code == 421


def test_a_body_that_is_too_large_is_not_read(site: Site):
    answer = site.visitor().send("POST", "/login", content=b"x" * (10 * 2**20 + 1))
    assert answer.status_code == 413


def test_passwords_do_not_cross_a_network_in_clear():
    with pytest.raises(SettingsError, match="console_certificate"):
        check(Settings(console_host="0.0.0.0"))
    check(Settings(console_host="0.0.0.0", console_url="https://onward.example.org"))
    check(Settings())


def test_pages_speak_the_language_of_the_browser_or_the_one_that_was_chosen(site: Site):
    visitor = site.signed_in("reader-1", Role.VIEWER)
    assert "Ihr Konto" in visitor.get("/account", **{"accept-language": "fr, de;q=0.8, en;q=0.5"}).text
    assert visitor.post("/language", language="de", back="/account").headers["location"] == "/account"
    assert '<html lang="de">' in visitor.get("/account").text
