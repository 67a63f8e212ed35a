"""Section 3 of the policy: where data comes from, whose it is, and for what it may be used."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.core.agent import Agent
from gateway.core.choice import Choices
from gateway.core.decide import Decision
from gateway.core.model import Action, Declared
from gateway.core.source import UNLISTED, OriginDeclaration, Source, SourceMatch, Sources
from tests.policy.builders import (
    RULES,
    TODAY,
    a_name,
    a_source,
    an_agent,
    an_identifier,
    assurance,
    day,
    decided,
    tia,
)

SHOP = a_source(
    id="shop",
    match=SourceMatch(networks=("192.0.2.0/24",), users=("shop",)),
    origin=OriginDeclaration(
        origins=("EU",), approver="anna", reference="R-1", valid_until=day("2026-12-31")
    ),
    purposes=("orders", "billing"),
    trusted=True,
)
PAYROLL = a_source(
    id="payroll",
    match=SourceMatch(datasets=("payroll",)),
    origin=OriginDeclaration(
        origins=("outside",), approver="anna", reference="R-2", valid_until=day("2026-12-31")
    ),
)
DESK = a_source(id="desk", match=SourceMatch(networks=("192.0.2.128/25",)), purposes=("support",))
SOURCES = Sources([SHOP, PAYROLL, DESK], RULES.purpose_ids)
BOTH = {"EU", "CH"}


def known(client: str = "192.0.2.1", user: str = "", on=TODAY, **said: str):
    return SOURCES.attribute(client, user, Declared(**said), on)


def test_COLLECT_1_the_longest_network_wins_and_the_login_name_beats_it():
    assert known("192.0.2.1").source is SHOP
    assert known("192.0.2.129").source is DESK
    assert known("192.0.2.129", user="shop").source is SHOP
    assert known("::ffff:192.0.2.1").source is SHOP


def test_COLLECT_1_an_unlisted_source_is_unattributed_and_of_unknown_origin():
    stranger = known("198.51.100.1", origins="outside", purpose="support")

    assert (stranger.source, stranger.declared, stranger.purpose) == (None, BOTH, None)


def test_SCOPE_1_what_a_source_is_vouched_for_narrows_the_unknown_until_its_last_day():
    assert known().declared == {"EU"}
    assert known(on=day("2027-01-01")).declared == BOTH


@pytest.mark.parametrize(
    ("said", "declared"),
    [("EU", {"EU"}), ("eu, ch", {"EU"}), ("CH", BOTH), ("outside", BOTH), ("Mars", {"EU"}), ("", {"EU"})],
)
def test_SCOPE_1_a_header_narrows_further_and_a_contradiction_leaves_nothing_known(
    said: str, declared: set[str]
):
    assert known(origins=said).declared == declared


def test_SCOPE_1_a_source_that_is_not_trusted_is_not_believed():
    assert known("192.0.2.129", origins="outside", purpose="billing", dataset="payroll").declared == BOTH
    assert known("192.0.2.129", purpose="billing").purpose == "support"


def test_SCOPE_1_a_dataset_outside_narrows_unknown_data_and_never_what_a_finding_shows():
    payroll = known(dataset="payroll")

    assert (payroll.source, payroll.declared) == (PAYROLL, frozenset())
    assert decided(None, a_name(), declared=payroll.declared).action is Action.PASS
    assert decided(None, an_identifier("DE"), declared=payroll.declared).action is Action.BLOCK


CLIENTS = a_source(role="processor", client="A Client")


def test_COLLECT_2_client_owned_data_to_an_agent_with_only_module_2_is_held():
    def under(module: int, source: Source) -> Decision:
        clauses = assurance("scc-2021", "2022-01-01", tia=tia(), module=module)
        return decided(an_agent(clauses, country="IN"), an_identifier("DE"), source=source)

    held = under(2, CLIENTS)

    assert (held.action, held.clauses[0], held.status) == (Action.HOLD, "COLLECT-2", "contract_incomplete")
    assert under(2, a_source()).action is Action.PASS
    assert under(3, CLIENTS).action is Action.PASS


@pytest.mark.parametrize(
    ("agent", "action"),
    [
        (an_agent(assurance("established-in-eea"), country="DE"), Action.PASS),
        (an_agent(assurance("eu-us-dpf", until="2026-01-01")), Action.BLOCK),
        (an_agent(), Action.BLOCK),
        (None, Action.BLOCK),
    ],
    ids=["in the EEA", "lapsed", "none", "unknown"],
)
def test_COLLECT_2_client_owned_data_is_never_edited_on_the_companys_own_account(
    agent: Agent | None, action: Action
):
    assert decided(agent, a_name(), source=CLIENTS).action is action


def test_COLLECT_3_a_card_number_to_an_analytics_agent_is_stopped():
    analytics = an_agent(assurance("eu-us-dpf", until="2027-01-01"), categories=("usage",))
    card = an_identifier("DE", "CREDIT_CARD")

    decision = decided(analytics, card)

    assert (decision.action, decision.rule) == (Action.ANONYMIZE, "outside-profile")


def test_INTEG_1_a_category_the_source_may_not_send_is_taken_out():
    agent = an_agent(assurance("eu-us-dpf", until="2027-01-01"))
    narrow = a_source(categories=("identity",))

    decision = decided(agent, an_identifier("DE"), source=narrow)

    assert (decision.action, decision.clauses[0]) == (Action.ANONYMIZE, "INTEG-1")
    assert [one.category for one in decision.remove] == ["identifier_national"]


def test_PURPOSE_2_a_marketing_agent_fed_from_the_support_desk_is_stopped():
    marketing = an_agent(assurance("established-in-eea"), country="DE", purposes=("marketing",))

    decision = decided(marketing, a_name(), source=DESK)

    assert (decision.action, decision.rule) == (Action.BLOCK, "purpose-mismatch")


def test_PURPOSE_2_a_purpose_found_compatible_is_allowed():
    billing = an_agent(assurance("established-in-eea"), country="DE", purposes=("support",))

    assert (
        decided(billing, a_name(), source=a_source(purposes=("orders",)), purpose="support").action
        is Action.PASS
    )


def test_PURPOSE_2_a_purpose_no_catalogue_lists_fits_nobody_and_its_words_are_not_kept():
    said = known(purpose="Anna Schmidt")

    assert said.purpose == UNLISTED
    agent = an_agent(assurance("established-in-eea"), country="DE")
    assert "Schmidt" not in decided(agent, a_name(), purpose=said.purpose).why


def test_CHOICE_1_an_opt_out_blocks_whatever_the_assurance():
    agent = an_agent(assurance("established-in-eea"), country="DE")
    person = replace(a_name(), fingerprint="hmac-1")

    decision = decided(agent, person, choices=Choices(opted_out=frozenset({"hmac-1"})))

    assert (decision.action, decision.clauses[0]) == (Action.BLOCK, "CHOICE-1")


def test_CHOICE_1_removal_takes_the_whole_record_of_who_opted_out_and_leaves_the_others():
    rules = replace(RULES, decision=replace(RULES.decision, opted_out=Action.ANONYMIZE), memory={})
    agent = an_agent(assurance("established-in-eea"), country="DE")

    def finding(address: str, mark: str):
        return replace(a_name(), address=f"body.json:/people/{address}", fingerprint=mark)

    hers, also_hers, his = finding("0/name", "p-1"), finding("0/mail", "p-2"), finding("1/name", "p-3")
    choices = Choices(opted_out=frozenset({"p-2"}))

    decision = decided(agent, hers, also_hers, his, choices=choices, rules=rules)

    assert (decision.action, decision.remove) == (Action.ANONYMIZE, (hers, also_hers))
