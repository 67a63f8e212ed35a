"""The chain: what is linked verifies, and whatever else is shown does not."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.chain import EMPTY, GENESIS, Head, Link, canonical, link, verify

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def chained(*bodies: str) -> list[Link]:
    links, head = [], EMPTY
    for body in bodies:
        links.append(link(head, body))
        head = Head(links[-1].seq, links[-1].hash)
    return links


def test_hashes_are_what_they_always_were():
    """Frozen: other values would break every ledger there is."""
    assert GENESIS == "14b9922ad37e3a1e3bffb7a0d2c8d2c0946135693ef1a27bde752a7b2550dbaa"
    assert [one.hash for one in chained('{"id":"a"}', '{"id":"b"}')] == [
        "fbeff4b30cee84ec8a360e3f87f4ca118569a4991b9a1ec893b964f5902440a6",
        "65a634f39df2dce5c8490546cbe7afe062b77028c8f4ae53ed6e9e22a0e0f258",
    ]


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_the_canonical_form_is_one_spelling_that_says_the_same(body):
    spelled = canonical(body)
    assert json.loads(spelled) == body
    assert spelled.isascii()
    assert canonical(dict(reversed(body.items()))) == spelled


@given(st.lists(st.text(), max_size=8))
def test_an_untouched_chain_verifies(bodies):
    links = chained(*bodies)
    found = verify(links)
    assert (found.ok, found.records) == (True, len(bodies))
    assert verify(links, found.head).ok


@given(st.lists(st.text(), min_size=1, max_size=8), st.data())
def test_a_changed_body_is_named(bodies, data):
    links = chained(*bodies)
    place = data.draw(st.integers(0, len(links) - 1))
    other = data.draw(st.text().filter(lambda body: body != links[place].body))
    links[place] = Link(place + 1, other, links[place].hash)
    assert (verify(links).ok, verify(links).seq) == (False, place + 1)


@given(st.integers(2, 8), st.data())
def test_a_record_hashed_anew_after_a_change_breaks_the_next(count, data):
    links = chained(*map(str, range(count)))
    place = data.draw(st.integers(0, count - 2))
    before = Head(place, links[place - 1].hash if place else GENESIS)
    links[place] = link(before, "forged")
    assert (verify(links).ok, verify(links).seq) == (False, place + 2)


@given(st.integers(1, 8), st.data())
def test_a_missing_record_is_named(count, data):
    links = chained(*map(str, range(count)))
    place = data.draw(st.integers(0, count - 1))
    head = Head(links[-1].seq, links[-1].hash)
    del links[place]
    assert (verify(links, head).ok, verify(links, head).seq) == (False, place + 1)


def test_a_cut_tail_is_seen_only_against_a_head_known_from_elsewhere():
    links = chained("a", "b", "c")
    head = Head(3, links[2].hash)
    assert verify(links[:2]).ok
    found = verify(links[:2], head)
    assert (found.ok, found.seq) == (False, 3)
    assert "cut or an old copy" in found.fault


def test_a_chain_that_grew_since_its_head_was_noted_verifies():
    links = chained("a", "b", "c")
    assert verify(links, Head(2, links[1].hash)).ok


def test_a_chain_made_anew_does_not_hold_the_head_of_the_old():
    head = Head(2, chained("a", "b")[1].hash)
    found = verify(chained("x", "b", "c"), head)
    assert (found.ok, found.seq) == (False, 2)


def test_the_place_is_part_of_the_hash():
    assert link(Head(1, GENESIS), "a").hash != link(Head(0, GENESIS), "a").hash
