"""The Merkle tree against the definitions of RFC 9162, section 2.1, written out as they stand there."""

from __future__ import annotations

import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_path,
    grew_from,
    includes,
    inclusion_path,
    leaf_hash,
    root_of,
)

SIZES = st.integers(1, 70)


def mth(entries: list[bytes]) -> bytes:
    """Section 2.1.1."""
    if not entries:
        return hashlib.sha256().digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    k = largest_power_of_two_below(len(entries))
    return hashlib.sha256(b"\x01" + mth(entries[:k]) + mth(entries[k:])).digest()


def path(m: int, entries: list[bytes]) -> list[bytes]:
    """Section 2.1.3.1."""
    if len(entries) == 1:
        return []
    k = largest_power_of_two_below(len(entries))
    if m < k:
        return [*path(m, entries[:k]), mth(entries[k:])]
    return [*path(m - k, entries[k:]), mth(entries[:k])]


def proof(m: int, entries: list[bytes]) -> list[bytes]:
    """Section 2.1.4.1."""

    def subproof(m: int, entries: list[bytes], whole: bool) -> list[bytes]:
        if m == len(entries):
            return [] if whole else [mth(entries)]
        k = largest_power_of_two_below(len(entries))
        if m <= k:
            return [*subproof(m, entries[:k], whole), mth(entries[k:])]
        return [*subproof(m - k, entries[k:], False), mth(entries[:k])]

    return subproof(m, entries, True)


def largest_power_of_two_below(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def entries_of(count: int) -> list[bytes]:
    return [f"entry {number}".encode() for number in range(count)]


def subtrees(entries: list[bytes]):
    """What a store keeps: the hash of each complete subtree, as the frontier gave it."""
    known, frontier = {}, Frontier()
    for entry in entries:
        frontier, completed = frontier.add(leaf_hash(entry))
        known |= {(one.level, one.index): one.hash for one in completed}
    return lambda level, index: known[level, index]


def test_hashes_are_those_of_the_published_test_vectors():
    """The eight entries and roots that implementations of Certificate Transparency are tested with."""
    inputs = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
    entries = [bytes.fromhex(one) for one in inputs]
    roots = [mth(entries[:count]).hex() for count in (0, 1, 2, 3, 8)]
    assert roots == [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]
    assert root_of(8, subtrees(entries)).hex() == roots[-1]


@given(st.lists(st.binary(max_size=8), max_size=40))
def test_the_root_is_the_rfcs_hash_of_the_list_however_it_was_grown(entries):
    frontier = Frontier()
    for entry in entries:
        frontier, _ = frontier.add(leaf_hash(entry))
    assert frontier.root() == mth(entries)
    assert root_of(len(entries), subtrees(entries)) == mth(entries)


def test_an_empty_tree_has_the_hash_of_nothing():
    assert Frontier().root() == root_of(0, subtrees([])) == EMPTY_ROOT == mth([])


@given(SIZES, st.data())
def test_an_inclusion_path_is_that_of_the_rfc_and_verifies(size, data):
    entries, index = entries_of(size), data.draw(st.integers(0, size - 1))
    found = inclusion_path(index, size, subtrees(entries))
    assert found == path(index, entries)
    assert includes(leaf_hash(entries[index]), index, size, found, mth(entries))


@given(SIZES, st.data())
@settings(max_examples=200)
def test_an_inclusion_path_proves_nothing_else(size, data):
    entries, index = entries_of(size), data.draw(st.integers(0, size - 1))
    found, root, leaf = (
        inclusion_path(index, size, subtrees(entries)),
        mth(entries),
        leaf_hash(entries[index]),
    )
    other = data.draw(st.integers(-1, size).filter(lambda one: one != index))
    assert not includes(leaf, other, size, found, root)
    assert not includes(leaf_hash(b"another"), index, size, found, root)
    assert not includes(leaf, index, size, [*found, root], root)
    assert not includes(leaf, index, size, found, mth(entries_of(size + 1)))
    if found:
        assert not includes(leaf, index, size, found[:-1], root)
        place = data.draw(st.integers(0, len(found) - 1))
        changed = bytes([found[place][0] ^ 1]) + found[place][1:]
        assert not includes(leaf, index, size, [*found[:place], changed, *found[place + 1 :]], root)


@given(SIZES, st.data())
@settings(max_examples=200)
def test_a_consistency_path_is_that_of_the_rfc_and_verifies(new, data):
    entries, old = entries_of(new), data.draw(st.integers(1, new))
    found = consistency_path(old, new, subtrees(entries))
    assert found == proof(old, entries)
    assert grew_from(old, new, mth(entries[:old]), mth(entries), found)


@given(st.integers(2, 70), st.data())
@settings(max_examples=200)
def test_a_consistency_path_proves_nothing_else(new, data):
    entries, old = entries_of(new), data.draw(st.integers(1, new - 1))
    found, old_root, root = consistency_path(old, new, subtrees(entries)), mth(entries[:old]), mth(entries)
    rewritten = [b"forged", *entries[1:]]
    assert not grew_from(old, new, mth(rewritten[:old]), root, found)
    assert not grew_from(old, new, old_root, mth(rewritten), found)
    assert not grew_from(old, new, old_root, root, found[:-1])
    assert not grew_from(old, new, old_root, root, [*found, root])
    place = data.draw(st.integers(0, len(found) - 1))
    changed = bytes([found[place][0] ^ 1]) + found[place][1:]
    assert not grew_from(old, new, old_root, root, [*found[:place], changed, *found[place + 1 :]])
