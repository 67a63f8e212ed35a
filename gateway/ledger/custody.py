"""Which fingerprint keys the ledger knows, and since when: introduced, and destroyed.

The ledger keeps a check value of each version and no key. So a key that was lost, or that is another gateway's, is
noticed before a fingerprint is made with it, and the age of a key is no matter of file times.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from sqlalchemy import Connection

from gateway.core.errors import KeyFileError
from gateway.core.review import Retention
from gateway.keys import Key, check_value, key_versions, load_key, rotate_key, shred_key
from gateway.ledger.acting import acts_in, new_act, writing
from gateway.ledger.append import append, tree_in
from gateway.ledger.place import Place

INTRODUCED, SHREDDED = "key-introduced", "key-shredded"


@dataclass(frozen=True, slots=True)
class KnownKey:
    """One version of the fingerprint key, as the ledger knows it."""

    version: int
    check: str
    since: datetime
    shredded: bool


def known_keys(connection: Connection) -> list[KnownKey]:
    """All versions that were ever introduced, oldest first."""
    acts = acts_in(connection, (INTRODUCED, SHREDDED))
    shredded = {act["details"]["version"] for act in acts if act["action"] == SHREDDED}
    return [
        KnownKey(
            act["details"]["version"],
            act["details"]["check"],
            datetime.fromisoformat(act["at"]),
            act["details"]["version"] in shredded,
        )
        for act in acts
        if act["action"] == INTRODUCED
    ]


def check_keys(key: Key, known: list[KnownKey], folder: Path) -> None:
    """Raises KeyFileError when a key that the ledger knows is missing, or another one stands in its place."""
    have = {one.version: one for one in (key, *key.older)}
    for one in known:
        mine = have.get(one.version)
        if mine is None and not one.shredded:
            raise KeyFileError(
                f"{folder}: version {one.version} of the fingerprint key, known to the ledger since "
                f"{one.since:%Y-%m-%d}, is missing; put it back from the backup"
            )
        if mine is not None and check_value(mine) != one.check:
            raise KeyFileError(
                f"{folder}: version {one.version} of the fingerprint key is not the one that the ledger knows; "
                "gateways that share a ledger share the keys, so copy them from the first gateway"
            )


def introduce(place: Place, key: Key, gateway: str, rules: str) -> bool:
    """Put on record which versions are in use; whether they are. On an empty ledger they are not, nor needed."""
    with writing(place) as connection:
        known = known_keys(connection)
        new = [one for one in (*reversed(key.older), key) if one.version not in {k.version for k in known}]
        if new and not tree_in(connection).head.seq:
            return False
        details = [{"version": one.version, "check": check_value(one)} for one in new]
        if details:
            append(connection, [new_act(INTRODUCED, "gateway", gateway, rules, details=d) for d in details])
        return True


def rotate(place: Place, folder: Path, by: str, gateway: str, rules: str) -> Key:
    """A new version of the key, on record. Raises KeyFileError or LedgerError."""
    key = load_key(folder, create=False)
    with writing(place) as connection:
        check_keys(key, known_keys(connection), folder)
        key = rotate_key(folder)
        unknown = {one.version for one in known_keys(connection)}
        append(
            connection,
            [
                new_act(
                    INTRODUCED,
                    by,
                    gateway,
                    rules,
                    details={"version": one.version, "check": check_value(one)},
                )
                for one in (*reversed(key.older), key)
                if one.version not in unknown
            ],
        )
    return key


def shred(place: Place, folder: Path, version: int, by: str, gateway: str, rules: str) -> None:
    """Destroy one version for good. It is on record first, so that a crash in between is finished at the next try."""
    if key_versions(folder)[:1] == [version]:
        raise KeyFileError(f"{folder}: version {version} is in use; run `onward keys rotate` first")
    with writing(place) as connection:
        known = {one.version: one for one in known_keys(connection)}
        if version not in known:
            raise KeyFileError(f"{folder}: the ledger knows no version {version} of the fingerprint key")
        if not known[version].shredded:
            append(connection, [new_act(SHREDDED, by, gateway, rules, details={"version": version})])
    shred_key(folder, version)


def retain(
    place: Place, folder: Path, rule: Retention, gateway: str, rules: str, now: datetime | None = None
) -> list[str]:
    """Rotate and destroy keys as the rule says; what was done, a sentence each."""
    now = now or datetime.now(UTC)
    done = []
    with writing(place) as connection:
        known = known_keys(connection)
    if known and known[-1].since + timedelta(days=rule.rotate_after_days) <= now:
        done.append(f"version {rotate(place, folder, 'gateway', gateway, rules).version} was made")
    # A version was last used when the next one came.
    for one, following in pairwise(known):
        over = following.since + timedelta(days=rule.keep_days) <= now
        if (over and not one.shredded) or (one.shredded and one.version in key_versions(folder)):
            shred(place, folder, one.version, "gateway", gateway, rules)
            done.append(f"version {one.version} was destroyed")
    return done
