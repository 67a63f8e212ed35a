"""The five checks of the self-assessment, and what they look at (VERIFY-2). What could not be looked at is a fault."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import requests
from urllib3.exceptions import HTTPError

from gateway.core.assessment import Check
from gateway.core.assurance import standing_on
from gateway.core.casebook import try_cases
from gateway.core.exemption import Grant
from gateway.core.register import Register
from gateway.core.review import NotAllowed
from gateway.core.ruleset import RuleSet
from gateway.ledger import Place
from gateway.reports.notice import undisclosed, waived_for
from gateway.reports.registers import ORIGINS
from gateway.reports.traffic import Period, Traffic, traffic_in
from gateway.rulefiles import load_cases

FETCH_S = 10
MAX_NOTICE_BYTES = 5_000_000
MEANING = {
    "accurate": "What flowed is what the published notice names",
    "comprehensive": "Personal data heads to no destination that nobody has judged",
    "displayed": "The published notice is at its address, unchanged, and of the version in force",
    "implemented": "Every commitment has tests, and none fails",
    "in-conformity": "Frameworks and assurances that are relied on count today",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What the checks look at."""

    traffic: Traffic
    grants: tuple[Grant, ...]
    published: bytes | None
    """What stands at the address of the published notice; None where it could not be read."""
    results: Mapping[str, Mapping[str, int]] | None
    """`passed` and `failed` tests by clause; None where there are no results."""
    case_faults: tuple[str, ...]
    """Cases of the rules that do not come out as written."""


def checks(seen: Seen, rules: RuleSet, now: datetime) -> tuple[Check, ...]:
    """The five checks, in the order of the policy."""
    return (
        Check(id="accurate", faults=tuple(_inaccurate(seen, rules, now))),
        Check(id="comprehensive", faults=tuple(_unjudged(seen.traffic, rules))),
        Check(id="displayed", faults=tuple(_not_displayed(seen.published, rules, now.date()))),
        Check(id="implemented", faults=tuple(_unimplemented(seen, rules))),
        Check(id="in-conformity", faults=tuple(_not_in_conformity(seen.traffic, rules, now.date()))),
    )


def read_results(file: Path) -> Mapping[str, Mapping[str, int]]:
    """Test results by clause, as `make results` writes them. Raises NotAllowed for a file that is none."""
    try:
        return results_in(file.read_bytes())
    except OSError as error:
        raise NotAllowed(f"{file}: cannot be read: {error.strerror}") from None
    except NotAllowed as error:
        raise NotAllowed(f"{file}: {error}") from None


def results_in(content: bytes) -> Mapping[str, Mapping[str, int]]:
    """The same from what the file holds. Raises NotAllowed."""
    try:
        clauses = json.loads(content)["clauses"]
        return {
            str(one): {kind: int(counts[kind]) for kind in ("passed", "failed")}
            for one, counts in clauses.items()
        }
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise NotAllowed(
            f"holds no test results ({type(error).__name__}); `make results` makes them"
        ) from None


def case_faults(folder: Path) -> tuple[str, ...]:
    """Cases under `rules/tests/` that do not come out as they are written. Raises RulesError."""
    rules, files = load_cases(folder)
    return tuple(
        f"case {result.name!r}: {fault}"
        for file in files.values()
        for result in try_cases(file, rules)
        for fault in result.faults
    )


def look(place: Place, period: Period, **seen: Any) -> Seen:
    """What there is to see in a period. `seen` are the other fields of `Seen`. Raises LedgerError."""
    return Seen(traffic=traffic_in(place, period), **seen)


def fetch(address: str) -> bytes | None:
    """What stands at the address of the published notice; None where it cannot be read. Follows no redirect."""
    try:
        with requests.get(address, timeout=FETCH_S, allow_redirects=False, stream=True) as answer:
            if answer.status_code != HTTPStatus.OK:
                return None
            content = answer.raw.read(MAX_NOTICE_BYTES + 1, decode_content=True)
    except (requests.RequestException, OSError, HTTPError):
        return None
    return bytes(content) if len(content) <= MAX_NOTICE_BYTES else None


def _inaccurate(seen: Seen, rules: RuleSet, now: datetime) -> Iterator[str]:
    if rules.notice.published is None:
        yield "no published notice is on record in policy/notice.yaml, so nothing can be compared with it"
    yield from undisclosed(seen.traffic, rules, waived_for(seen.grants, rules, now))


def _unjudged(traffic: Traffic, rules: RuleSet) -> Iterator[str]:
    register = Register(rules.agents)
    refused = {one.host for one in rules.assessment.refused_destinations}
    for destination, number in traffic.unregistered.most_common():
        host, _, port = destination.rpartition(":")
        if host not in refused and register.find(host, int(port), "/") is None:
            yield (
                f"{number} transfers with personal data headed to {destination}, which is neither in the register "
                "nor refused on purpose"
            )


def _not_displayed(published: bytes | None, rules: RuleSet, today: date) -> Iterator[str]:
    known = rules.notice.published
    if known is None:
        yield "no published notice is on record in policy/notice.yaml"
        return
    version = rules.company.policy_on(today)
    if version is None or version.version != known.version:
        yield f"version {known.version} is published; in force is {version.version if version else 'none'}"
    if published is None:
        yield f"{known.address} could not be read"
    elif hashlib.sha256(published).hexdigest() != known.sha256:
        yield f"what stands at {known.address} is not what was published (NOTICE-7)"


def _unimplemented(seen: Seen, rules: RuleSet) -> Iterator[str]:
    yield from seen.case_faults
    if seen.results is None:
        yield "no test results were given; `make results` makes them"
        return
    documents = {slot.clause for slot in rules.assessment.documents}
    for clause in rules.clauses:
        counts = seen.results.get(clause, {"passed": 0, "failed": 0})
        if counts["failed"]:
            yield f"{clause}: {counts['failed']} tests fail"
        elif not counts["passed"] and clause not in documents:
            yield f"{clause}: no test names it"


def _not_in_conformity(traffic: Traffic, rules: RuleSet, today: date) -> Iterator[str]:
    claimable = rules.company.claimable_on(today, rules.instruments)
    for own in rules.company.certifications:
        if own not in claimable:
            yield f"the company's own certification under {own.instrument} does not count today (CERT-1)"
    agents = {agent.id: agent for agent in rules.agents}
    for name in sorted(traffic.received):
        agent = agents.get(name)
        if agent is None:
            yield f"{name} received personal data and is not in the register today"
            continue
        for origin in _origins_of(traffic.received[name].origins):
            standing = standing_on(agent, origin, today, rules)
            if not standing.complete:
                yield f"{name} received data and is {standing.status} for {origin} data today"


def _origins_of(counted: Iterable[str]) -> list[Any]:
    """Laws that the data an agent received falls under; unknown counts as both."""
    origins = set(counted)
    return [one for one in ORIGINS if one in origins or "unknown" in origins]
