"""A sample of every report in every form, from what really went through the demonstration's gateway.

A person who was in its transfers asks for access, somebody complains, and a disk is handed to the lapsed agent, so
that no report is empty.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.complaints import ComplaintsDesk
from gateway.core.assessment import Officer
from gateway.core.model import Origin
from gateway.core.offline import OfflineTransfer
from gateway.core.ruleset import RuleSet
from gateway.keys import Key, load_key
from gateway.ledger.cases import Cases
from gateway.offline import OfflineDesk
from gateway.people.answer import answer_to
from gateway.people.desk import Intake, PeopleDesk
from gateway.people.marks import read_marks
from gateway.reports import assess, registers
from gateway.reports.checks import Seen
from gateway.reports.model import Report
from gateway.reports.notice import notice
from gateway.reports.traffic import Period, traffic_in
from gateway.reports.written import FormName, in_form
from gateway.review import holdkey
from gateway.review.vault import Vault
from gateway.rulefiles import load_rules
from gateway.runtime import ledger_place, registers_path
from gateway.settings import Settings, load_settings
from gateway.store.registers import Registers

PERSON = ("IBAN_CODE DE89 3704 0044 0532 0130 00", "PERSON Sabine Köhler")
OFFICER = "officer-1"


def write_reports(config: Path, folder: Path) -> list[Path]:
    """Write every report into the folder; the files. Raises OnwardError."""
    settings = load_settings(config, os.environ)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for report in _reports(settings):
        for form in get_args(FormName):
            file = folder / f"{report.kind}.{form}"
            file.write_bytes(in_form(report, form))
            written.append(file)
    return written


def _reports(settings: Settings) -> Iterator[Report]:
    place, now = ledger_place(settings), datetime.now(UTC)
    officer = Ed25519PrivateKey.generate()
    rules = _with_officer(load_rules(settings.rules), officer)
    key = load_key(settings.state / "keys", create=False)
    cases = Cases(place, settings.gateway_id, rules.digest, OFFICER)
    _hand_on_a_disk(settings, rules, key)
    desk = ComplaintsDesk(cases, rules)
    desk.receive("post", Origin.EU, now.date(), "DEMO-2", "a mail in spite of an opt-out", ())
    yield _answer(PeopleDesk(cases, rules, key, registers_path(settings)), now)
    traffic = traffic_in(place, Period(now.date() - timedelta(days=30), now.date()))
    with closing(Registers(registers_path(settings))) as kept:
        grants = kept.grants()
    yield notice(traffic, grants, rules, now)
    yield registers.processing(traffic, rules, now)
    yield registers.transfers(traffic, rules, now)
    yield registers.expiry(rules, now)
    yield registers.blocked(traffic, rules, now)
    seen = Seen(traffic=traffic, grants=grants, published=None, results=None, case_faults=())
    made = assess.make(cases, rules, seen, now)
    signed = assess.sign(cases, rules, made.id, officer, now.date())
    yield assess.report(signed, rules, assess.due(cases, rules, now.date()), now)


def _with_officer(rules: RuleSet, key: Ed25519PrivateKey) -> RuleSet:
    officer = Officer(id=OFFICER, public_key=key.public_key().public_bytes_raw().hex())
    return replace(rules, assessment=replace(rules.assessment, officers=(officer,)), memory={})


def _hand_on_a_disk(settings: Settings, rules: RuleSet, key: Key) -> None:
    keys = settings.state / "keys"
    desk = OfflineDesk(
        ledger_place(settings),
        rules,
        key,
        Vault(holdkey.load(ledger_place(settings), keys)),
        registers_path(settings),
        settings.gateway_id,
        "staff-1",
    )
    desk.enter(
        OfflineTransfer(
            agent="demo-lapsed",
            carrier="disk",
            categories=("contact", "financial"),
            origin=Origin.EU,
            purpose="support",
            people=40,
            reference="DEMO-1",
        )
    )


def _answer(desk: PeopleDesk, now: datetime) -> Report:
    intake = Intake(
        right="access",
        channel="phone",
        origin=Origin.EU,
        received=now.date(),
        reference="DEMO-3",
        marks=read_marks(PERSON, desk.rules.detection.category_of, desk.key),
    )
    request = desk.receive(intake, now.date())
    desk.identity_shown(request.id, now.date())
    return answer_to(request, desk.search(request.id), desk.rules, now)
