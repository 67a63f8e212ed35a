"""Transfers on paper, on disk and by phone: decided by the same rules, on the same ledger (SCOPE-3)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.core.model import Action, Origin
from gateway.core.offline import OfflineTransfer
from gateway.core.review import NotAllowed, Reviewer, ReviewFile
from gateway.ledger import Place
from gateway.offline import OfflineDesk
from gateway.people.marks import read_identifiers
from gateway.people.search import search
from gateway.review.acts import Office
from gateway.review.vault import Vault
from gateway.store.registers import Refusal, Registers
from tests.ledgers import a_ledger, reading
from tests.people.conftest import ANNA, KEY, print_of
from tests.policy.builders import RULES, TODAY, an_agent, assurance

CERTIFIED = (assurance("eu-us-dpf", "2026-06-01"), assurance("swiss-us-dpf", "2026-06-01"))
LAPSED = (assurance("eu-us-dpf", "2024-01-01", "2025-01-01"),)
ASSURED = an_agent(*CERTIFIED, id="assured")
CLERK = ReviewFile(reviewers=(Reviewer(id="r-1", trained_on=TODAY), Reviewer(id="r-2", trained_on=TODAY)))
RULES_HERE = replace(
    RULES,
    agents=(ASSURED, an_agent(*LAPSED, id="lapsed")),
    review=CLERK,
    memory={},
)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[OfflineDesk]:
    place = Place.of(tmp_path / "ledger.db", tmp_path)
    with a_ledger(place):
        registers = tmp_path / "registers.db"
        yield OfflineDesk(place, RULES_HERE, KEY, Vault(bytes(32)), registers, "gateway-1", "staff-1")


def an_entry(*identifiers: str, **changes: object) -> OfflineTransfer:
    values: dict[str, object] = {
        "agent": "assured",
        "carrier": "paper",
        "categories": ("contact",),
        "origin": Origin.EU,
        "purpose": "support",
        "people": 3,
        "reference": "FILE-7",
        "marks": read_identifiers(identifiers, RULES.detection.category_of, KEY),
    }
    return OfflineTransfer(**(values | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("carrier", ["paper", "disk", "phone"])
def test_SCOPE_3_an_offline_transfer_to_a_lapsed_agent_is_refused_and_on_record(
    desk: OfflineDesk, carrier: str
):
    record = desk.enter(an_entry(agent="lapsed", carrier=carrier, categories=("financial",)))

    assert (record.action, record.status) == (Action.BLOCK, "lapsed")
    with reading(desk.place) as reader:
        kept = reader.get(record.id)
    assert kept is not None
    assert (kept["host"], kept["method"], kept["source"]) == ("offline", carrier.upper(), "staff:staff-1")
    assert "SCOPE-3" in kept["clauses"]
    assert desk.waiting() == []
    with pytest.raises(NotAllowed, match="waits to be handed on"):
        desk.handed(record.id, "sent")


def test_SCOPE_3_one_to_an_assured_agent_passes_and_its_outcome_is_told_once(desk: OfflineDesk):
    record = desk.enter(an_entry())

    assert (record.action, record.reason) == (Action.PASS, "assured")
    assert [one.count for one in record.findings] == [3]
    assert desk.waiting() == [record.id]
    desk.handed(record.id, "sent")
    assert desk.waiting() == []
    with pytest.raises(NotAllowed, match="waits to be handed on"):
        desk.handed(record.id, "sent")


def test_a_restart_of_the_gateway_leaves_open_what_staff_has_still_to_hand_on(tmp_path: Path):
    place = Place.of(tmp_path / "ledger.db", tmp_path)
    with a_ledger(place):
        desk = OfflineDesk(
            place, RULES_HERE, KEY, Vault(bytes(32)), tmp_path / "registers.db", "gateway-1", "staff-1"
        )
        record = desk.enter(an_entry())
    with a_ledger(place):
        assert desk.waiting() == [record.id]


def test_ONWARD_1_an_agent_that_is_in_no_register_gets_nothing_on_paper_either(desk: OfflineDesk):
    assert desk.enter(an_entry(agent="courier")).action is Action.BLOCK


def test_FRAME_2_swiss_data_on_paper_needs_a_swiss_assurance(desk: OfflineDesk):
    only_eu = an_agent(CERTIFIED[0], id="assured")
    desk = replace(desk, rules=replace(RULES_HERE, agents=(only_eu,), memory={}))

    assert desk.enter(an_entry()).action is Action.PASS
    assert desk.enter(an_entry(origin=Origin.CH)).status == "out_of_scope"
    assert desk.enter(an_entry(origin=Origin.UNKNOWN)).action is not Action.PASS


def test_CHOICE_1_who_opted_out_stays_out_of_paper_too(desk: OfflineDesk):
    assert desk.enter(an_entry(ANNA)).action is Action.PASS
    with closing(Registers(desk.registers)) as registers:
        registers.refuse([Refusal(print_of(ANNA), "opt-out", "*", TODAY)])
    assert desk.enter(an_entry(ANNA)).reason == "opted-out"


def test_ACCESS_1_a_person_is_found_in_what_went_on_paper(desk: OfflineDesk):
    record = desk.enter(an_entry(ANNA))
    (marks,) = read_identifiers([ANNA], RULES.detection.category_of, KEY)

    assert [one.id for one in search(desk.place, marks, ())] == [record.id]


def test_SEC_3_what_nobody_looked_into_is_held_and_passes_in_the_same_words_after_two_approvals(
    desk: OfflineDesk,
):
    disk = an_entry(carrier="disk", unread=True)
    held = desk.enter(disk)
    assert (held.action, held.review) == (Action.HOLD, held.id)
    assert desk.enter(disk).review == held.id
    for reviewer in ("r-1", "r-2"):
        assert desk.enter(disk).action is Action.HOLD
        Office(desk.place, CLERK, "d" * 64, "gateway-1", reviewer).approve(held.id, None, "contract 12")
    assert desk.enter(replace(disk, reference="FILE-8")).action is Action.HOLD
    passed = desk.enter(disk)
    assert (passed.action, passed.reason, passed.review) == (Action.PASS, "approved", held.id)
    assert desk.enter(disk).action is Action.HOLD  # It was for once.


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"categories": ()}, "at least one category"),
        ({"categories": ("contacts",)}, "no category"),
        ({"purpose": "fun"}, "no purpose"),
        ({"people": 0}, "at least one"),
        ({"reference": " "}, "reference"),
        ({"source": "attic"}, "no source"),
        ({"origin": Origin.OUTSIDE}, "source that vouches"),
    ],
)
def test_an_entry_that_fits_no_list_is_refused_and_not_on_record(
    desk: OfflineDesk, changes: dict[str, object], said: str
):
    with pytest.raises(NotAllowed, match=said):
        desk.enter(an_entry(**changes))
    with reading(desk.place) as reader:
        assert reader.head().seq == 0


def test_an_identifier_of_a_kind_that_is_not_named_is_told(desk: OfflineDesk):
    with pytest.raises(NotAllowed, match="name it as well"):
        desk.enter(an_entry("IBAN_CODE DE89 3704 0044 0532 0130 00"))
