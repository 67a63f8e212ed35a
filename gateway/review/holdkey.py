"""The key that held transfers are sealed with, and that the ledger knows which one it is.

The ledger keeps a check value of it. So a key that was lost is not made anew in silence, which would lose what is held
and every approval; and another gateway's key is noticed before anything is sealed with it.
"""

from __future__ import annotations

import dataclasses
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection

from gateway.core.errors import KeyFileError
from gateway.core.review import State
from gateway.keys import Key, check_value, hold_key, replace_hold_key
from gateway.ledger.acting import acts_in, new_act, writing
from gateway.ledger.append import append, tree_in
from gateway.ledger.place import Place
from gateway.ledger.reader import LedgerReader
from gateway.review import rows

INTRODUCED = "hold-key-introduced"


def load(place: Place, folder: Path) -> bytes:
    """The key; made only where the ledger knows of none. Raises KeyFileError or LedgerError."""
    with closing(LedgerReader(place)) as reader, reader.connection() as connection:
        known = _known(connection)
        held = rows.listed(connection, rows.LIVE)
    secret = hold_key(folder, create=known is None and not held)
    if known not in (None, _check(secret)):
        raise KeyFileError(
            f"{folder / 'hold.key'}: is not the key that the ledger knows; gateways that share a ledger share it, so "
            "copy it from the first gateway, or put it back from the backup"
        )
    return secret


def introduce(place: Place, folder: Path, gateway: str, rules: str) -> None:
    """Put on record which key is in use, as soon as there is a record. Raises KeyFileError or LedgerError."""
    with writing(place) as connection:
        if _known(connection) is None and tree_in(connection).head.seq:
            details = {"check": _check(hold_key(folder, create=False))}
            append(connection, [new_act(INTRODUCED, "gateway", gateway, rules, details=details)])


def renew(place: Place, folder: Path, by: str, gateway: str, rules: str) -> int:
    """A new key in place of a lost one; what waits or was approved under that one ends. How many reviews did.

    Raises:
        KeyFileError: the known key is there, or the new one cannot be written.
        LedgerError: the ledger cannot be written.
    """
    with writing(place) as connection:
        known = _known(connection)
        if known is None:
            raise KeyFileError(f"{folder / 'hold.key'}: the ledger knows no key yet; the gateway makes one")
        if (folder / "hold.key").exists() and _check(hold_key(folder, create=False)) == known:
            raise KeyFileError(f"{folder / 'hold.key'}: is the key that the ledger knows; nothing is lost")
        acts = []
        live = rows.listed(connection, rows.LIVE)
        for one in live:
            rows.change(connection, one, dataclasses.replace(one, state=State.EXPIRED))
            acts.append(new_act("review-expired", by, gateway, rules, about=one.id, agent=one.agent))
        details = {"check": _check(replace_hold_key(folder))}
        append(connection, [*acts, new_act(INTRODUCED, by, gateway, rules, details=details)])
    return len(live)


def _known(connection: Connection) -> str | None:
    acts = acts_in(connection, (INTRODUCED,))
    return str(acts[-1]["details"]["check"]) if acts else None


def _check(secret: bytes) -> str:
    return check_value(Key(0, secret))
