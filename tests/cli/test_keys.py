"""`onward keys`: versions of the fingerprint key, and the key of held transfers."""

from __future__ import annotations

import os

import pytest

from gateway.keys import hold_key, load_key
from gateway.ledger import custody
from gateway.ledger.acting import new_act, writing
from gateway.ledger.append import append
from gateway.ledger.place import place_of
from gateway.review import holdkey
from tests.ledgers import a_ledger


@pytest.fixture
def known(place) -> None:
    """A ledger that knows the keys of its state folder."""
    place.state.mkdir()
    keys, ledger = place.state / "keys", place_of(place.state / "ledger.db")
    key = load_key(keys, create=True)
    hold_key(keys, create=True)
    with a_ledger(ledger):
        pass
    with writing(ledger) as connection:
        append(connection, [new_act("clock-jumped", "gateway", "gateway-1", "d" * 64)])
    custody.introduce(ledger, key, "gateway-1", "d" * 64)
    holdkey.introduce(ledger, keys, "gateway-1", "d" * 64)


def states(onward) -> list[tuple[int, str]]:
    return [(one["version"], one["state"]) for one in onward("keys", "list", "--json").json]


def test_a_version_is_made_used_and_destroyed_on_record(onward, known: None):
    assert states(onward) == [(1, "here")]
    assert onward("keys", "shred", "1", "--yes").code == 3, "the version in use"
    assert onward("keys", "rotate").code == 0
    assert onward("keys", "shred", "1", "--yes").code == 0
    assert states(onward) == [(1, "destroyed"), (2, "here")]
    assert "destroyed" in onward("keys", "list").out
    unknown = onward("keys", "shred", "9", "--yes")
    assert (unknown.code, "knows no version 9" in " ".join(unknown.err.split())) == (3, True)


def test_a_lost_key_of_held_transfers_is_made_anew_by_command_alone(onward, place, known: None):
    needless = onward("keys", "renew-hold")
    assert (needless.code, "nothing is lost" in needless.err) == (3, True)
    (place.state / "keys" / "hold.key").unlink()
    assert onward("keys", "renew-hold").code == 0
    assert hold_key(place.state / "keys", create=False)


def test_an_act_names_the_systems_user_beside_who_the_command_was_told(onward, known: None):
    assert onward("keys", "rotate").code == 0
    acts = onward("ledger", "tail", "--acts", "--json").json
    assert (acts[-1]["by"], acts[-1]["uid"]) == ("operator", os.getuid())
    assert "key-introduced" in onward("ledger", "tail", "--acts").out
