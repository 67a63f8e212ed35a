"""A gateway, its console and people in real browsers: what is sent through the proxy is seen, reviewed and released."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from gateway.console.access import Role
from gateway.console.passwords import hashed
from gateway.demo.agents import Certificate, make_certificate
from gateway.store.accounts import Account, Accounts
from tests.canary import found_in, spellings
from tests.console.browser import chromium, context
from tests.end_to_end.harness import READY_WITHIN_S, GatewayProcess, RecordingAgent, free_port

TODAY = datetime.now(UTC).date()
WAIT_MS = 300_000
"""Many times what a page takes, for machines that are busy with other things."""
expect.set_options(timeout=WAIT_MS)
PASSWORD = "a sentence nobody guesses"
OTHERS = {"reviewer-2": Role.REVIEWER, "registrar-1": Role.REGISTRAR, "approver-1": Role.APPROVER}
"""Accounts that are there beside those that are made in the browser."""
BANK = {"customer name": "Sabine Köhler", "iban": "DE89 3704 0044 0532 0130 00"}
PERSON = {"customer name": "Sabine Köhler", "email": "sabine.koehler@example.org", "note": "asks for 4711"}


class Stage:
    """All that takes part."""

    def __init__(self, gateway: GatewayProcess, agents: dict[str, RecordingAgent], browser: Browser) -> None:
        self.gateway, self.agents, self.browser = gateway, agents, browser
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = gateway.folder / "console.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.client = httpx.Client(proxy=gateway.proxy, verify=str(gateway.authority), timeout=60)

    def start(self) -> str:
        """Start the console; the token it prints."""
        command = [sys.executable, "-m", "gateway", "console", "--config", str(self.gateway.config)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([*command, "--port", str(self.port)], stdout=log, stderr=log)
        until = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < until:
            assert self.process.poll() is None, self.log.read_text()
            with contextlib.suppress(httpx.HTTPError):
                httpx.get(f"{self.url}/login", trust_env=False)
                found = re.search(r"enter this token: (\S+)", self.log.read_text())
                assert found is not None
                return found[1]
            time.sleep(0.1)
        raise AssertionError(f"the console does not answer:\n{self.log.read_text()}")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=30)

    def send(self, agent: str, body: object) -> httpx.Response:
        return self.client.post(self.agents[agent].url, json=body)

    def page(self, **more: object) -> Page:
        page = context(self.browser, **more).new_page()  # type: ignore[arg-type]
        page.set_default_timeout(WAIT_MS)
        return page

    def signed_in(self, account: str, **more: object) -> Page:
        page = self.page(**more)
        page.goto(f"{self.url}/login")
        page.fill("#id", account)
        page.fill("#password", PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
        return page


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("stage")
    certificate: Certificate = make_certificate(folder)
    agents = {name: RecordingAgent(certificate) for name in ("assured", "lapsed", "unregistered")}
    gateway = GatewayProcess(folder, certificate, {name: agent.port for name, agent in agents.items()})
    table = gateway.rules / "policy" / "decision.yaml"
    # Whatever is personal is held where it is not blocked, so that people have something to decide.
    every = r"(ordinary|elevated|special|criminal): (pass|anonymize)\w*"
    table.write_text(re.sub(every, r"\1: hold", table.read_text()))
    gateway.start()
    with chromium() as browser:
        stage = Stage(gateway, agents, browser)
        yield stage
        stage.stop()
    gateway.stop()
    for agent in agents.values():
        agent.close()


def test_from_the_first_start_to_a_release(stage: Stage):
    token = stage.start()
    # The first administrator, by the token that was printed.
    admin = stage.page()
    admin.goto(stage.url)
    admin.fill("#token", token)
    admin.fill("#id", "admin-1")
    admin.fill("#password", PASSWORD)
    admin.fill("#again", PASSWORD)
    admin.get_by_role("button", name="Continue").click()
    expect(admin.get_by_text("No transfer in this period")).to_be_visible()
    invite(stage, admin, "reviewer-1", ["reviewer"])

    # What the proxy blocks appears on the open page by itself.
    viewer = stage.signed_in("reviewer-1")
    assert stage.send("unregistered", PERSON).status_code == 403
    blocked = viewer.locator("a.number", has_text="Blocked").locator("b")
    expect(blocked).to_have_text("1")
    blocked.click()
    viewer.locator("table a").first.click()
    expect(viewer.get_by_role("heading", level=1)).to_contain_text("Blocked")
    expect(viewer.get_by_text("stands in the tree of")).to_be_visible()

    # Held, looked at, approved by keyboard alone; the client's retry passes.
    held = stage.send("assured", PERSON)
    assert held.json()["action"] == "hold"
    viewer.goto(f"{stage.url}/reviews")
    viewer.locator("[data-keys] a").first.focus()
    viewer.keyboard.press("Enter")
    viewer.get_by_role("button", name="Show redacted").click()
    expect(viewer.locator("mark", has_text="PERSON").first).to_be_visible()
    text = viewer.locator("main").inner_text()
    assert "Sabine" not in text
    assert "4711" not in text
    assert viewer.get_by_role("button", name="Reveal all").count() == 1
    viewer.get_by_role("button", name="Reveal all").click()
    expect(viewer.locator("pre")).to_contain_text("sabine.koehler@example.org")
    viewer.get_by_label("Reason").focus()
    viewer.keyboard.type("contract 12")
    viewer.keyboard.press("Enter")
    expect(viewer.get_by_role("status")).to_contain_text("Approved")
    assert stage.send("assured", PERSON).status_code == 200
    assert json.loads(stage.agents["assured"].bodies[-1]) == PERSON
    shown = json.loads(stage.gateway.onward("ledger", "show", held.json()["review_id"]).stdout)
    acts = [(one["action"], one["by"]) for one in shown["followed_by"]]
    assert acts == [
        ("review-shown", "reviewer-1"),
        ("review-revealed", "reviewer-1"),
        ("review-approved", "reviewer-1"),
    ]
    viewer.context.close()
    admin.context.close()
    with contextlib.closing(Accounts(stage.gateway.state / "console.db")) as accounts:
        for account, role in OTHERS.items():
            trained = TODAY - timedelta(days=30)
            accounts.put(Account(id=account, roles=frozenset({role}), trained_on=trained))
            accounts.set_secret(account, hashed(PASSWORD))


def test_four_eyes_are_two_accounts(stage: Stage):
    body = bytes(range(128, 256)) * 3
    headers = {"content-type": "application/octet-stream"}
    url = stage.agents["assured"].url
    review = stage.client.post(url, content=body, headers=headers).json()["review_id"]
    for account, said in (("reviewer-1", "second reviewer"), ("reviewer-2", "Approved.")):
        page = stage.signed_in(account)
        page.goto(f"{stage.url}/reviews/{review}")
        page.get_by_label("Reason").fill("ticket 7")
        page.get_by_role("button", name="Approve").click()
        expect(page.get_by_role("status")).to_contain_text(said)
        page.context.close()
    assert stage.client.post(url, content=body, headers=headers).status_code == 200


def test_an_agent_counts_once_a_second_person_has_approved_it_and_lapses_by_date(
    stage: Stage, tmp_path: Path
):
    assert stage.send("unregistered", BANK).json()["reason"] == "unregistered"
    contract = tmp_path / "certificate.pdf"
    contract.write_bytes(b"%PDF-1.7 an invented certificate")
    registrar = stage.signed_in("registrar-1")
    registrar.goto(f"{stage.url}/agents/new")
    for one in ("eu-us-dpf", "swiss-us-dpf"):
        registrar.locator(f"input[value={one}]").check()
    registrar.get_by_role("button", name="Continue").click()
    registrar.fill("#id", "new-agent")
    registrar.fill("#name", "<b>New agent</b>")
    registrar.fill("#entity", "New, Inc.")
    registrar.fill("#country", "US")
    registrar.fill("#match", f"localhost:{stage.agents['unregistered'].port}")
    registrar.fill("#countries", "US")
    registrar.fill("#review_due", str(TODAY + timedelta(days=200)))
    registrar.locator("input[name=purpose][value=support]").check()
    for one in ("identity", "contact", "financial"):
        registrar.locator(f"input[name=category][value={one}]").check()
    for one in ("eu-us-dpf", "swiss-us-dpf"):
        registrar.locator(f"input[name='{one}.from']").fill(str(TODAY - timedelta(days=100)))
        registrar.locator(f"input[name='{one}.until']").fill(str(TODAY + timedelta(days=100)))
        registrar.locator(f"input[name='{one}.reference']").fill("DPF-7")
        registrar.locator(f"input[name='{one}.file']").set_input_files(contract)
        for item in registrar.locator(f"input[name='{one}.shown']").all():
            item.check()
    registrar.fill("#note", "support tool")
    registrar.get_by_role("button", name="Propose").click()
    expect(registrar.get_by_role("status")).to_contain_text("Proposed")
    expect(registrar.get_by_text("You proposed it")).to_be_visible()
    draft = registrar.url.partition("?")[0]
    assert stage.send("unregistered", BANK).json()["reason"] == "unregistered"

    decide(stage, draft, contract, "another document", "not one of those")
    decide(stage, draft, contract, None, "In force")
    decided(stage, "hold", "certified")

    # The same certification, as if it had run out yesterday.
    registrar.goto(f"{stage.url}/agents/new-agent/change")
    text = registrar.locator("#text").input_value()
    text = text.replace(str(TODAY + timedelta(days=100)), str(TODAY - timedelta(days=1)))
    registrar.fill("#text", text.replace(f"checked_on: {TODAY}", f"checked_on: {TODAY - timedelta(days=90)}"))
    registrar.fill("#note", "not renewed")
    registrar.get_by_role("button", name="Propose").click()
    expect(registrar.get_by_role("status")).to_contain_text("Proposed")
    decide(stage, registrar.url.partition("?")[0], contract, None, "In force", document=False)
    decided(stage, "block", "lapsed")
    registrar.goto(f"{stage.url}/agents/new-agent")
    expect(registrar.locator("h1")).to_have_text("<b>New agent</b>")
    expect(registrar.locator("dl .badge").first).to_have_text("Lapsed")
    registrar.context.close()


def decide(
    stage: Stage, draft: str, contract: Path, other: str | None, said: str, *, document: bool = True
) -> None:
    """Somebody else looks at a draft, compares the document and approves."""
    page = stage.signed_in("approver-1")
    page.goto(draft)
    if document:
        content = contract.read_bytes() if other is None else other.encode()
        page.locator("input[name=document]").set_input_files(
            {"name": "copy.pdf", "mimeType": "application/pdf", "buffer": content}
        )
    page.get_by_role("button", name="Approve and put into force").click()
    expect(page.locator("main")).to_contain_text(said)
    page.context.close()


def decided(stage: Stage, action: str, status: str) -> None:
    """The gateway follows the changed register within a second or so."""
    until = time.monotonic() + READY_WITHIN_S
    while True:
        stage.send("unregistered", BANK)
        record = stage.gateway.records()[-1]
        if (record["action"], record["status"], record["agent"]) == (action, status, "new-agent"):
            return
        assert time.monotonic() < until, record
        time.sleep(0.5)


def test_no_value_of_a_transfer_is_left_in_logs_tallies_accounts_or_file_names(stage: Stage):
    stage.stop()
    values = [one for value in ("Sabine Köhler", "sabine.koehler@example.org") for one in spellings(value)]
    assert found_in([stage.gateway.state, stage.gateway.log, stage.log], values) == []
    assert "reviews/" not in stage.log.read_text()


def invite(stage: Stage, admin: Page, account: str, roles: list[str]) -> None:
    """An account with a training of last month, and its password."""
    admin.goto(f"{stage.url}/accounts")
    add = admin.locator("section", has=admin.get_by_role("heading", name="Add an account"))
    add.locator("#id").fill(account)
    for role in roles:
        add.locator(f"input[value={role}]").check()
    add.locator("input[name=trained_on]").fill(str(TODAY - timedelta(days=30)))
    add.locator("input[name=reveals]").check()
    add.get_by_role("button").click()
    token = admin.locator(".token").inner_text()
    page = stage.page()
    page.goto(f"{stage.url}/welcome")
    page.fill("#token", token)
    page.fill("#password", PASSWORD)
    page.fill("#again", PASSWORD)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    page.context.close()
