"""Each route with each role: let in or refused as the table says, and nothing beside the table."""

from __future__ import annotations

import pytest

from gateway.console.access import PAGES, Page, Role
from gateway.console.app import HANDLERS
from tests.console.site import Site, Visitor

WHO = (None, *Role)
UNENDING = ("live",)
"""Answered for as long as somebody listens; who may is tried where it is."""


def test_every_route_of_the_table_has_one_answer_and_there_are_no_others(site: Site):
    names = [page.name for page in PAGES]
    assert sorted(names) == sorted(set(names)) == sorted(HANDLERS)
    assert len({(page.method, page.path) for page in PAGES}) == len(PAGES)


@pytest.fixture(scope="module")
def people(site: Site) -> dict[Role | None, Visitor]:
    """One account for each role, and somebody who has none."""
    return {None: site.visitor()} | {role: site.signed_in(f"{role}-1", role) for role in Role}


@pytest.mark.parametrize("role", WHO)
@pytest.mark.parametrize(
    "page", [one for one in PAGES if one.name not in UNENDING], ids=lambda page: f"{page.method} {page.path}"
)
def test_a_route_answers_exactly_the_roles_of_the_table(
    people: dict[Role | None, Visitor], page: Page, role: Role | None
):
    path = page.path.replace("{id}", "no-such").replace("{form}", "json").replace("{kind}", "expiry")
    # Without a token a form goes no further than the guard, so nothing changes whoever is let in.
    answer = people[role].send(page.method, path)
    if page.roles is None:
        assert answer.status_code in ((200, 303, 409) if page.method == "GET" else (403,))
    elif role is None:
        assert answer.status_code == (303 if page.method == "GET" else 401)
        assert page.method == "POST" or answer.headers["location"].startswith("/login")
    elif role not in page.roles:
        assert answer.status_code == 403
        assert "Not for this account" in answer.text
    elif page.method == "GET":
        assert "Not for this account" not in answer.text
        assert answer.status_code in (200, 303, 404, 409)
    else:
        assert answer.status_code == 403
        assert "The form was not accepted" in answer.text


@pytest.mark.parametrize("role", WHO)
@pytest.mark.parametrize(
    "path", ["/no-such-page", "/accounts/x/delete", "/static/../service.py", "/docs", "/.git"]
)
def test_what_is_not_in_the_table_does_not_exist(
    people: dict[Role | None, Visitor], path: str, role: Role | None
):
    for method in ("GET", "POST", "PUT", "DELETE"):
        assert people[role].send(method, path).status_code in (404, 405)


def test_menus_show_only_what_may_be_opened(people: dict[Role | None, Visitor]):
    assert 'href="/accounts"' in people[Role.ADMIN].get("/account").text
    assert 'href="/accounts"' not in people[Role.VIEWER].get("/account").text
