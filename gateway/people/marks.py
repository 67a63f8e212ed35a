"""A person's identifiers, as staff type or pipe them, and the fingerprints that are kept in their place.

The values live as long as the call. No error repeats one, and none is taken from a command line, where every process
of the machine could read it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from gateway.core.review import NotAllowed
from gateway.core.rights import Mark
from gateway.keys import Key, fingerprints

MOST = 200
"""Identifiers of one person."""


def read_marks(lines: Iterable[str], entities: Collection[str], key: Key) -> tuple[Mark, ...]:
    """The marks of all identifiers together, each once; as `read_identifiers` reads them."""
    read = read_identifiers(lines, entities, key)
    return tuple(dict.fromkeys(mark for marks in read for mark in marks))


def read_identifiers(
    lines: Iterable[str], entities: Collection[str], key: Key
) -> tuple[tuple[Mark, ...], ...]:
    """For each line `ENTITY value` its marks under every version of the key, newest first; empty lines do not count.

    Raises:
        NotAllowed: a line that is none, by its number; nothing is kept then.
    """
    # Here and not above: the detector's libraries take seconds to import.
    from gateway.detect import normalize

    identifiers: list[tuple[Mark, ...]] = []
    for number, line in enumerate(lines, start=1):
        entity, _, value = line.strip().partition(" ")
        if not entity:
            continue
        entity = entity.rstrip(":,")
        if entity not in entities:
            raise NotAllowed(
                f"line {number}: begins with no entity that detection knows; write e.g. `EMAIL_ADDRESS` and the value"
            )
        if not value.strip():
            raise NotAllowed(f"line {number}: has no value after {entity}")
        known = fingerprints(key, entity, normalize(entity, value.strip()))
        identifiers.append(tuple(Mark(entity, one) for one in known))
        if number > MOST:
            raise NotAllowed(f"more than {MOST} lines; a person has fewer identifiers")
    return tuple(identifiers)


def newest_of(marks: Iterable[Mark], key: Key) -> tuple[Mark, ...]:
    """Those under the newest version of the key. Raises NotAllowed where there is none any more.

    A key that was rotated since makes fingerprints that these marks do not have.
    """
    found = tuple(one for one in marks if one.fingerprint.startswith(f"{key.version}:"))
    if not found:
        raise NotAllowed(
            "the fingerprint key was rotated since; give the person's identifiers again, or newer records stay unfound"
        )
    return found
