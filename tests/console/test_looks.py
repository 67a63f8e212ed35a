"""Every page in a real browser, on a desk and on a phone, by day and by night: readable for all, and no script runs.

`make screenshots` also keeps what it looks like.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page

from gateway.agentfiles import as_yaml
from gateway.console.access import PAGES, Role
from gateway.core.review import Review, State
from gateway.ledger import FindingSummary, Record
from gateway.ledger.acting import writing
from gateway.review import rows
from tests.console.browser import SCHEMES, WIDTHS, chromium, context, faults, too_wide
from tests.console.site import PASSWORD, Site, Visitor, a_site
from tests.end_to_end.harness import free_port
from tests.ledgers import a_record

SHOTS = os.environ.get("ONWARD_SCREENSHOTS")
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"
DEPENDENT = ("color-contrast", "target-size", "scrollable-region-focusable", "link-in-text-block")
NOW = datetime.now(UTC)
WHY = (
    "Example Analytics had an assurance that has run out (judged for EU data). EU-U.S. Data Privacy Framework ran out "
    "on 2025-10-01. The transfer holds personal data of class elevated."
)
HELD = f"{3:012x}-0123456789abcdef"


def history() -> Iterator[Record]:
    """Four weeks of traffic that looks like a company's."""
    kinds = (
        ("example-llm", "pass", "certified", "assured", "identity"),
        ("example-mail", "pass", "intra_eea", "assured", "contact"),
        ("example-crm", "pass", "contract_complete", "assured", "contact"),
        ("example-analytics", "anonymize", "lapsed", "not-assured", "online_identifier"),
        ("example-analytics", "block", "lapsed", "not-assured", "financial"),
        ("unregistered", "block", "unknown_agent", "unregistered", "identity"),
        ("example-llm", "hold", "certified", "condition-missing", "health"),
    )
    for number in range(260):
        weight = (number * 7919) % 100
        agent, action, status, reason, category = kinds[
            0 if weight < 40 else 1 if weight < 62 else 2 if weight < 74 else 3 + weight % 4
        ]
        day = NOW - timedelta(days=27 * (1 - number / 260) ** 1.1, hours=weight % 9)
        made = a_record(
            f"{number:012x}-0123456789abcdef",
            agent=agent,
            action="hold" if number == 3 else action,
            at=day.isoformat(timespec="milliseconds"),
            host=HOSTILE if number == 7 else "api.example.org",
            why=HOSTILE if number == 7 else WHY,
        )
        yield replace(
            made,
            status=status,
            reason=reason,
            clauses=("ASSUR-2", "ONWARD-3", "DEF-1", "FRAME-1")[: 2 + number % 3],
            origins=("EU", "CH")[: 1 + (number % 4 == 0)],
            unread=("body.json: too deep",) if number % 41 == 0 else (),
            findings=(
                FindingSummary("PERSON", category, None, "body.json", 1 + number % 3, ("1:" + "a" * 32,)),
            ),
            evidence=("PERSON: PL (hint)",),
        )


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, dict[str, str]]]:
    """A console whose every page has something to show."""
    with a_site(tmp_path_factory.mktemp("busy"), history(), console_port=free_port()) as site:
        site.console.follower.step()
        staff = site.signed_in("officer-1", *Role, reveals=True)
        form = {"channel": "phone", "origin": "EU", "reference": "CRM-12"}
        staff.post("/people", right="erasure", person="EMAIL_ADDRESS anna@example.org", **form)
        staff.post("/complaints", about=f"a mail in spite of an opt-out {HOSTILE}", **form)
        agent = next(one for one in site.console.rules.agents if one.id == "example-crm")
        text = as_yaml(agent).replace("Example CRM Ltd", HOSTILE).replace("2027-01-31", "2027-12-31")
        staff.post("/drafts", text=text, note="reviewed", files={"evidence": ("c.pdf", b"contract")})
        offline = {
            "agent": "example-mail",
            "carrier": "paper",
            "purpose": "support",
            "origin": "EU",
            "people": "3",
        }
        staff.post("/offline", category=["contact"], reference="BOX-1", **offline)
        # After the key of held transfers was made, which a ledger with some never does.
        review = Review(HELD, "example-llm", State.OPEN, NOW, NOW + timedelta(days=7), 2)
        with writing(site.place) as connection:
            rows.hold(connection, review, "identity", None)
        staff.post("/assessments")
        server = uvicorn.Server(
            uvicorn.Config(site.app, port=site.settings.console_port, lifespan="off", log_config=None)
        )
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.02)
        # Asked before there is a browser, whose event loop is the thread's only one.
        yield site, paths(site)
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def url(busy: tuple[Site, dict[str, str]]) -> str:
    return busy[0].console.url


@pytest.fixture(scope="module")
def browser(busy: tuple[Site, dict[str, str]]) -> Iterator[Browser]:
    with chromium() as one:
        yield one


@pytest.fixture(scope="module")
def page(url: str, browser: Browser) -> Page:
    one = context(browser).new_page()
    one.set_default_timeout(300_000)
    one.goto(f"{url}/login")
    one.fill("#id", "officer-1")
    one.fill("#password", PASSWORD)
    one.get_by_role("button", name="Sign in").click()
    one.wait_for_url("**/")
    return one


def cases(visitor: Visitor, path: str) -> str:
    """The first case that a list links to."""
    return visitor.get(path).text.split(f'href="{path}/')[1].split('"')[0]


def paths(site: Site) -> dict[str, str]:
    """Where every page that can be looked at is, by its name in the table."""
    visitor = site.signed_in("looker-1", *Role)
    known = {
        "transfer": f"/transfers/{7:012x}-0123456789abcdef",
        "review": f"/reviews/{HELD}",
        "agent": "/agents/example-llm",
        "lapse": "/agents/example-llm/lapse",
        "new_agent": "/agents/new?instrument=eu-us-dpf&instrument=scc-2021",
        "change_agent": "/agents/example-crm/change",
        "draft": f"/drafts/{cases(visitor, '/drafts')}",
        "request": f"/people/{cases(visitor, '/people')}",
        "complaint": f"/complaints/{cases(visitor, '/complaints')}",
        "assessment": f"/assessments/{cases(visitor, '/assessments')}",
    }
    files = ("overview_csv", "transfers_csv", "receipt", "live", "login", "welcome", "oidc", "oidc_back")
    found = [one for one in PAGES if one.method == "GET" and one.name not in files]
    return {one.name: known.get(one.name, one.path) for one in found}


def test_every_page_is_readable_for_all_fits_both_widths_and_runs_nobodys_script(
    busy: tuple[Site, dict[str, str]], url: str, page: Page
):
    ran: list[str] = []
    page.on("dialog", lambda dialog: (ran.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("pageerror", lambda error: ran.append(f"error {error}"))
    page.on(
        "console", lambda said: ran.append(f"{said.text} {said.location}") if said.type == "error" else None
    )
    found: list[str] = []
    for name, path in busy[1].items():
        page.goto(f"{url}{path}")
        for width in WIDTHS:
            page.set_viewport_size({"width": WIDTHS[width], "height": 900})
            for scheme in SCHEMES:
                page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                found += [f"{width} {scheme} {one}" for one in faults(page)]
                found += [f"{width} {path} scrolls sideways"] if too_wide(page) else []
                keep(page, name, width, scheme)
    assert found == []
    assert ran == []


def test_the_door_is_readable_for_all(url: str, browser: Browser):
    for width in WIDTHS:
        for scheme in SCHEMES:
            page = context(browser, width=WIDTHS[width], scheme=scheme).new_page()
            for name in ("login", "welcome"):
                page.goto(f"{url}/{name}")
                assert faults(page, *(() if scheme == "light" else DEPENDENT)) == []
                assert not too_wide(page)
                keep(page, name, width, scheme)
            page.context.close()


def test_the_menu_of_a_phone_and_the_way_past_it_work_by_keyboard(url: str, page: Page):
    page.set_viewport_size({"width": WIDTHS["phone"], "height": 900})
    page.goto(f"{url}/transfers")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    assert not page.locator("#nav").is_visible()
    page.locator("#menu").focus()
    page.keyboard.press("Enter")
    assert page.locator("#nav").is_visible()
    assert page.locator("#menu").get_attribute("aria-expanded") == "true"


def keep(page: Page, name: str, width: str, scheme: str) -> None:
    """A picture for the documentation: the desk by day, the phone by night."""
    if SHOTS is None or (width, scheme) not in (("desk", "light"), ("phone", "dark")):
        return
    Path(SHOTS).mkdir(parents=True, exist_ok=True)
    page.wait_for_timeout(300)
    tall = min(int(page.evaluate("document.documentElement.scrollHeight")), 2200)
    clip = {"x": 0, "y": 0, "width": WIDTHS[width], "height": tall}
    page.screenshot(
        path=f"{SHOTS}/{name}-{width}.jpg",
        type="jpeg",
        quality=72,
        full_page=True,
        clip=clip,  # type: ignore[arg-type]
    )
