"""Every case of the corpus, as the gateway treats it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from gateway.core.model import Action, Message, Refuse, Release, Replace
from tests.carriers.case import PERSON, Case
from tests.carriers.corpus import CASES
from tests.carriers.coverage import DOCUMENT, GROUPS, document
from tests.carriers.files import as_zip
from tests.carriers.gateway import Gateway
from tests.carriers.leaks import UnjudgedError, leaked

MOST_MISSES = 0.05
"""Share of the adversarial cases that may be missed."""

each_case = pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    gateway = Gateway(tmp_path_factory.mktemp("gateway"))
    yield gateway
    gateway.close()


@each_case
def test_SCOPE_4_nothing_of_a_person_arrives_in_any_carrier(case: Case, gateway: Gateway):
    message = case.build(PERSON).message()
    planted = leaked(message, case.plants(PERSON))
    assert planted, "the search for leaks finds nothing of what was planted"

    verdict = gateway.examine(message)

    match verdict:
        case Replace(message=changed):
            assert not case.refused
            assert bool(leaked(changed, planted)) == bool(case.missed)
        case Refuse(reason=reason):
            assert case.refused, reason
        case Release():
            assert case.missed


@each_case
def test_INTEG_1_what_holds_nobody_passes_to_the_byte(case: Case, gateway: Gateway):
    verdict = gateway.examine((case.benign or case.build)(case.twin).message())

    # A release is of the message as it came.
    assert isinstance(verdict, Release), verdict


@pytest.mark.parametrize("flag", ["encrypted", "method"])
def test_nobody_says_that_nothing_leaks_of_an_archive_that_the_search_cannot_look_into(flag: str):
    packed = bytearray(as_zip({"a.txt": b"sabine.koehler@example.org " * 9}))
    for mark, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = packed.index(mark) + place
        packed[at : at + 2] = b"\1\0" if flag == "encrypted" else packed[at : at + 2]
        packed[at + 2 : at + 4] = b"\x08\0" if flag == "encrypted" else b"\x61\0"
    # Nothing that any method unpacks.
    begun, end = packed.index(b"a.txt") + len("a.txt"), packed.index(b"PK\1\2")
    packed[begun:end] = b"\xff" * (end - begun)

    with pytest.raises(UnjudgedError):
        leaked(Message("POST", b"/", (), bytes(packed)), ["sabine.koehler@example.org"])


def test_INTEG_1_a_file_that_cannot_be_edited_is_refused_by_rule(gateway: Gateway):
    case = next(case for case in CASES if case.name == "PDF page")

    verdict = gateway.examine(case.build(PERSON).message())

    assert isinstance(verdict, Refuse)
    assert (verdict.action, verdict.reason) == (Action.BLOCK, "uneditable")


def a_frame(text: bytes, before: bytes) -> Message:
    return Message("WEBSOCKET", b"", ((b"content-type", b"text/plain; charset=utf-8"),), text, before)


def test_SCOPE_4_a_value_over_two_websocket_messages_ends_with_the_first(gateway: Gateway):
    verdict = gateway.examine(a_frame(b"ler@example.de, please", b"Write to sabine.koeh"))

    assert isinstance(verdict, Replace)
    assert verdict.message.body == b"[EMAIL_ADDRESS], please"
    assert isinstance(gateway.examine(a_frame(b"the next one", b"sabine.koehler@example.de")), Release)
    iban = gateway.examine(a_frame(b"32 0130 00 today", b"IBAN DE89 3704 0044 05"))
    assert isinstance(iban, Replace)
    assert iban.message.body == b"[IBAN_CODE] today"


def test_few_cases_are_missed_and_only_adversarial_ones():
    missed = [case for case in CASES if case.missed]
    adversarial = [case for case in CASES if case.adversarial]

    assert all(case.adversarial for case in missed)
    assert len(missed) <= MOST_MISSES * len(adversarial)


def test_every_carrier_has_a_case_and_every_case_a_carrier():
    named = {name for case in CASES for name in case.carriers}
    known = {one.name for carriers in GROUPS.values() for one in carriers}

    assert named - known == set()
    assert known - named == set()


def test_names_of_cases_are_their_own():
    assert [name for name, count in Counter(case.name for case in CASES).items() if count > 1] == []


def test_the_coverage_table_is_up_to_date():
    assert DOCUMENT.read_text() == document(), "run `make coverage`"
