"""Signing in by a provider of identities: who it vouches for gets in with an account, and nobody on a lie."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gateway.console.access import Role
from gateway.console.oidc import check
from gateway.core.errors import SettingsError
from gateway.settings import Settings
from tests.console.provider import CLIENT, SECRET, Provider
from tests.console.site import Site, Visitor, a_site


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("oidc")
    secret = folder / "secret"
    secret.write_text(f"{SECRET}\n")
    given = {"oidc_issuer": provider.url, "oidc_client_id": CLIENT, "oidc_secret_file": secret}
    with a_site(folder, **given) as made:
        admin = made.signed_in("admin-1", Role.ADMIN)
        answer = admin.post("/accounts", id="reader-7", role=["viewer"], subject="person-77")
        assert answer.status_code == 200, answer.text
        yield made


@pytest.fixture(autouse=True)
def honest(provider: Provider) -> Iterator[None]:
    yield
    provider.name, provider.lies, provider.forged = "person-77", {}, False


def away(visitor: Visitor) -> str:
    """To the provider and back again: the path by which the browser comes back."""
    assert "/oidc" in visitor.get("/login").text
    there = visitor.get("/oidc").headers["location"]
    back = httpx.get(there, trust_env=False).headers["location"]
    return back.removeprefix("http://127.0.0.1:8464")


def test_whom_the_provider_knows_and_who_has_an_account_gets_a_session(site: Site):
    visitor = site.visitor()
    answer = visitor.get(away(visitor))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "reader-7" in visitor.get("/account").text
    assert site.acts()[-1] == ("signed-in", "reader-7")
    assert b"person-77" not in b"".join(
        one.read_bytes() for one in site.settings.state.rglob("*") if one.is_file()
    )


def test_whom_the_provider_knows_without_an_account_stays_outside(site: Site, provider: Provider):
    provider.name = "somebody-else"
    visitor = site.visitor()
    answer = visitor.get(away(visitor))
    assert answer.status_code == 403
    assert "have no account here" in answer.text
    assert visitor.get("/account").status_code == 303


@pytest.mark.parametrize(
    "lies",
    [
        {"iss": "https://evil.example"},
        {"aud": "another client"},
        {"nonce": "another sign-in"},
        {"exp": int(time.time()) - 3600},
        {"sub": None},
    ],
    ids=lambda lies: next(iter(lies)),
)
def test_a_token_that_says_anything_else_is_refused(site: Site, provider: Provider, lies: dict[str, object]):
    provider.lies = lies
    visitor = site.visitor()
    assert visitor.get(away(visitor)).status_code in (401, 403)
    assert visitor.get("/account").status_code == 303


def test_a_token_of_another_key_is_refused(site: Site, provider: Provider):
    provider.forged = True
    visitor = site.visitor()
    assert visitor.get(away(visitor)).status_code == 401


def test_who_comes_back_is_who_left_and_once(site: Site):
    visitor, victim = site.visitor(), site.visitor()
    path = away(visitor)
    assert victim.get(path).status_code == 401
    path = away(visitor)
    assert visitor.get(path.replace("state=", "state=x")).status_code == 401
    assert visitor.get(path).status_code == 303
    assert (
        visitor.get(path).status_code == 303
    )  # Signed in already: led to the overview, with no new session.
    assert site.visitor().get(path).status_code == 401


def test_without_a_provider_there_is_no_such_way_in(tmp_path: Path):
    with a_site(tmp_path) as site:
        site.account("reader-1", Role.VIEWER)
        assert "/oidc" not in site.visitor().get("/login").text
        assert site.visitor().get("/oidc").status_code == 409


def test_the_clients_secret_does_not_cross_a_network_in_clear(tmp_path: Path):
    given = {"oidc_client_id": "x", "oidc_secret_file": tmp_path / "none"}
    with pytest.raises(SettingsError, match="https"):
        check(Settings(oidc_issuer="http://login.example.org", **given))
    with pytest.raises(SettingsError, match="cannot be read"):
        check(Settings(oidc_issuer="https://login.example.org", **given))
