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
