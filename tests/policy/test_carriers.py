"""Chapters 1 and 2 on the wire: the form in which data travels changes nothing about what follows from it."""

from __future__ import annotations

import json

import pytest

from gateway.core.decide import Decision, Facts, decide
from gateway.core.model import Action, DataClass, Inspection, Message
from gateway.decode import Limits
from gateway.inspection import Inspect
from gateway.inspector import Inspector
from gateway.keys import Key
from gateway.settings import Settings
from tests.carriers.case import PERSON, Wire
from tests.carriers.documents import mail
from tests.carriers.files import a_docx
from tests.decode.files import a_pdf
from tests.policy.builders import RULES, TODAY, an_agent, assurance

LAPSED = an_agent(assurance("eu-us-dpf", "2024-01-01", "2025-01-01"))
FORMS = {
    "JSON": Wire(json.dumps({"note": PERSON.text}).encode(), "application/json"),
    "mail": Wire(mail(PERSON, "base64").as_bytes(), "message/rfc822"),
    "DOCX": Wire(a_docx(PERSON)),
    "PDF": Wire(a_pdf(PERSON.text), "application/pdf"),
}


@pytest.fixture(scope="module")
def inspector() -> Inspector:
    return Inspector.loaded(
        RULES.detection,
        Settings().model,
        Limits(),
        frozenset(RULES.transport.untouched_headers),
        Key(1, bytes(32)),
    )


def inspected(inspector: Inspector, message: Message) -> Inspection:
    answer = inspector(Inspect(message))
    assert isinstance(answer, Inspection)
    return answer


def decided(inspection: Inspection) -> Decision:
    return decide(Facts(LAPSED, TODAY), inspection, RULES)


@pytest.mark.parametrize("form", FORMS)
def test_SCOPE_3_the_same_person_gets_the_same_decision_in_every_form(form: str, inspector: Inspector):
    first = inspected(inspector, FORMS["JSON"].message())
    inspection = inspected(inspector, FORMS[form].message())

    assert inspection.unread == ()
    found = {(one.entity, one.fingerprint) for one in inspection.findings}
    assert found >= {(one.entity, one.fingerprint) for one in first.findings} != set()
    decision, other = decided(inspection), decided(first)
    assert (decision.action, decision.rule, decision.classes) == (other.action, other.rule, other.classes)


@pytest.mark.parametrize(
    ("factor", "value", "data_class"),
    [
        ({"pesel": "44051401359"}, "identification number", DataClass.ELEVATED),
        ({"iban": PERSON.iban}, "economic", DataClass.ELEVATED),
        ({"date_of_birth": "14.03.1984", "postcode": "10115", "sex": "f"}, "indirect", DataClass.ORDINARY),
    ],
)
def test_DEF_2_who_is_not_named_is_identified_all_the_same(
    factor: dict[str, str], value: str, data_class: DataClass, inspector: Inspector
):
    message = Wire(json.dumps(factor).encode(), "application/json").message()

    decision = decided(inspected(inspector, message))

    assert data_class in decision.classes
    assert decision.action is not Action.PASS


@pytest.mark.parametrize(
    "account", ["member_id", "memberId", "customer number", "user_id", "account_id", "username"]
)
def test_COLLECT_4_the_same_event_with_and_without_an_account_is_decided_differently(
    account: str, inspector: Inspector
):
    event = {"event": "page_view", "database": "patents", "page": "/databases/patents/7", "seconds": 42}

    def of(body: dict[str, object]) -> Decision:
        return decided(inspected(inspector, Wire(json.dumps(body).encode(), "application/json").message()))

    tied, loose = of({account: "M-4471203", **event}), of(event)

    assert loose.action is Action.PASS
    assert tied.action is not Action.PASS
    assert tied.classes == (DataClass.ORDINARY,)


def test_COLLECT_4_every_account_of_an_event_is_taken_out(inspector: Inspector):
    event = {
        "user_id": "M-4471203",
        "customer_id": 88123,
        "page": "/patents/7",
        "event": "view",
        "seconds": 42,
    }
    inspection = inspected(inspector, Wire(json.dumps(event).encode(), "application/json").message())

    assert {one.address.rpartition("/")[2] for one in inspection.findings} == set(event) - {"seconds"}
    assert {one.category for one in inspection.findings} == {"identifier_account", "usage"}
