"""Which findings a scan is asked for: all of them, or those of some classes or countries."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from gateway.core.model import Finding
from gateway.core.ruleset import RuleSet
from gateway.scan.files import ScanError


@dataclass(frozen=True, slots=True)
class Selection:
    """What is asked for; empty for everything. What is not asked for is still masked where values are."""

    entities: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()

    def takes(self, finding: Finding) -> bool:
        """Whether the finding is asked for; one that points to no country is of none."""
        return (not self.entities or finding.entity in self.entities) and (
            not self.countries or finding.region in self.countries
        )


def selection_of(classes: Iterable[str], countries: Iterable[str], rules: RuleSet) -> Selection:
    """A selection from names of entities, categories and classes of data, and from codes of countries.

    Raises:
        ScanError: a name is none of these; the message names the nearest.
    """
    named: dict[str, set[str]] = {}
    for entity, category in rules.detection.category_of.items():
        for name in (entity, category, rules.categories[category].data_class):
            named.setdefault(name.casefold(), set()).add(entity)
    entities: set[str] = set()
    for name in _split(classes):
        if name.casefold() not in named:
            raise ScanError(
                f"--only {name!r} is no entity, category or class of data{_near(name.casefold(), named)}"
            )
        entities |= named[name.casefold()]
    codes = frozenset(code.upper() for code in _split(countries))
    for code in sorted(codes):
        if len(code) != 2 or not code.isalpha():
            raise ScanError(f"--country {code!r} is no code of two letters, e.g. NO")
    return Selection(frozenset(entities), codes)


def _split(values: Iterable[str]) -> list[str]:
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


def _near(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, known, n=3)
    return f"; did you mean {' or '.join(near)}?" if near else f"; known are: {', '.join(sorted(known))}"
