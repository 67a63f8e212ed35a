"""Transfers that take no wire, as staff enters them: paper, a disk, a call; and what the decision weighs of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from gateway.core.law import Jurisdiction
from gateway.core.model import Finding, Inspection, Origin, Unread
from gateway.core.origin import BOTH
from gateway.core.review import NotAllowed
from gateway.core.rights import Mark

Carrier = Literal["paper", "disk", "phone"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineTransfer:
    """One transfer as entered. Who it is about is known by fingerprints alone."""

    agent: str
    """Id in the agent register; one that is not there is decided as unregistered."""
    carrier: Carrier
    categories: tuple[str, ...]
    """Ids of `law/categories.yaml`: all kinds of data in it."""
    origin: Origin
    purpose: str
    people: int
    """About how many people."""
    reference: str
    """Where the papers about it are kept."""
    source: str = ""
    """Id of a catalogued source, if it is from one."""
    marks: tuple[tuple[Mark, ...], ...] = ()
    """Each identifier that is known, under every version of the key, newest first."""
    unread: bool = False
    """Whether nobody looked at all of it, e.g. a disk handed on as it is."""

    def __post_init__(self) -> None:
        if not self.reference.strip():
            raise NotAllowed("`reference` is empty; say where the papers about it are kept")
        if self.people < 1:
            raise NotAllowed("say about how many people it is, at least one")
        if not self.categories:
            raise NotAllowed("name every kind of data in it, at least one category")

    @property
    def address(self) -> str:
        """As findings and the record name the carrier."""
        return f"offline.{self.carrier}:"

    def declared(self) -> frozenset[Jurisdiction]:
        """Laws that it is judged under: of the origin staff names, both where it is unknown. Raises NotAllowed."""
        if self.origin is Origin.OUTSIDE:
            raise NotAllowed(
                "nobody's word alone takes people out of scope; name the source that vouches for it"
            )
        known: Mapping[Origin, frozenset[Jurisdiction]] = {
            Origin.EU: frozenset({"EU"}),
            Origin.CH: frozenset({"CH"}),
        }
        return known.get(self.origin, BOTH)

    def inspection(self, category_of: Mapping[str, str], categories: Iterable[str]) -> Inspection:
        """What a worker would have found: each identifier, and each category without one. Raises NotAllowed."""
        known = frozenset(categories)
        strange = [one for one in self.categories if one not in known]
        if strange:
            raise NotAllowed(f"{strange[0]!r} is no category; see law/categories.yaml")
        found = [self._identified(one, category_of) for one in self.marks]
        named = {one.category for one in found}
        beside = sorted(named - set(self.categories))
        if beside:
            raise NotAllowed(f"an identifier is of the category {beside[0]!r}; name it as well")
        found += [
            Finding(self.address, 0, 0, category.upper(), 1.0, category)
            for category in self.categories
            if category not in named
        ]
        unread = (Unread(self.address, "not-looked-at"),) if self.unread else ()
        return Inspection(tuple(found), unread, segments=1, characters=0)

    def _identified(self, marks: Sequence[Mark], category_of: Mapping[str, str]) -> Finding:
        newest, *older = marks
        return Finding(
            self.address,
            0,
            0,
            newest.entity,
            1.0,
            category_of[newest.entity],
            fingerprint=newest.fingerprint,
            older_fingerprints=tuple(one.fingerprint for one in older),
        )
