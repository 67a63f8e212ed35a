"""Transfers that take no wire, entered and decided before they are handed on."""

from __future__ import annotations

from typing import get_args

from starlette.responses import Response

from gateway.console.visit import Visit
from gateway.core.model import Action, Origin
from gateway.core.offline import Carrier, OfflineTransfer
from gateway.core.review import NotAllowed
from gateway.keys import load_key
from gateway.offline import OfflineDesk
from gateway.people.marks import read_identifiers
from gateway.review import holdkey
from gateway.review.vault import Vault
from gateway.runtime import registers_path


def offline(visit: Visit) -> Response:
    """What may be handed on and was not yet, and the form for a transfer."""
    rules = visit.console.rules
    records = [visit.console.reader.get(one) for one in _desk(visit).waiting()]
    return visit.page(
        "offline.html",
        records=[one for one in records if one is not None],
        agents=[(one.id, one.name) for one in rules.agents],
        carriers=[(one, visit.words.say(f"carrier.{one}")) for one in get_args(Carrier)],
        categories=[(one.id, visit.name("category", one.id)) for one in rules.categories.values()],
        purposes=[(one.id, one.name) for one in rules.purposes.purposes],
        origins=[(one, visit.words.name("origin", one)) for one in Origin if one is not Origin.OUTSIDE],
        sources=[(one.id, one.id) for one in rules.sources],
    )


def enter(visit: Visit) -> Response:
    """Decide and record a transfer."""
    desk = _desk(visit)
    carrier = next((one for one in get_args(Carrier) if one == visit.text("carrier")), None)
    origin, people = visit.text("origin"), visit.text("people", "1")
    if carrier is None or origin not in set(Origin) or not people.isdigit() or len(people) > 9:
        raise NotAllowed("choose carrier and origin of the lists, and write a number of people")
    lines = visit.text("person").splitlines()
    entry = OfflineTransfer(
        agent=visit.text("agent"),
        carrier=carrier,
        categories=tuple(dict.fromkeys(visit.texts("category"))),
        origin=Origin(origin),
        purpose=visit.text("purpose"),
        people=int(people),
        reference=visit.text("reference"),
        source=visit.text("source"),
        marks=read_identifiers(lines, desk.rules.detection.category_of, desk.key),
        unread=visit.text("unread") == "yes",
    )
    record = desk.enter(entry)
    return visit.go(
        f"/transfers/{record.id}", done="offline-pass" if record.action == Action.PASS else "offline-no"
    )


def offline_step(visit: Visit) -> Response:
    """Note that a transfer was handed on, or was not after all."""
    step = visit.request.path_params["step"]
    if step not in ("handed", "withheld"):
        raise NotAllowed("there is no such step")
    _desk(visit).handed(visit.request.path_params["id"], "sent" if step == "handed" else "not-released")
    return visit.go("/offline", done="step")


def _desk(visit: Visit) -> OfflineDesk:
    console = visit.console
    keys = console.settings.state / "keys"
    return OfflineDesk(
        console.place,
        console.rules,
        load_key(keys, create=False),
        Vault(holdkey.load(console.place, keys)),
        registers_path(console.settings),
        console.settings.gateway_id,
        visit.by,
    )
