"""Every metric: name, labels, unit, all in one list.

Label values come from closed sets: agents by id (everything outside the register shares one value), statuses, actions,
reasons, entities, regions. Never a host, a path or anything else a client could choose; should one get this far all the
same, it is counted as `other`.
"""

from __future__ import annotations

import re
import resource
import shutil
import time as clock
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from gateway.condition import Condition
from gateway.core.assurance import Standing
from gateway.core.decide import REASONS
from gateway.core.model import Action, Origin
from gateway.core.refusals import REFUSALS
from gateway.ledger import Recorder
from gateway.workers import WorkerPool

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
BYTES = (256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216)

OTHER = "other"
MAX_VALUES = 1000
"""Most values of one label; what comes later is counted as `other`."""


class Metrics:
    """The metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self._agents, self._statuses, self._entities, self._stages, self._reasons = (
            _Bounded() for _ in range(5)
        )
        self._clauses, self._categories = _Bounded(), _Bounded()
        self._ready = Gauge("onward_ready", "1 while the gateway takes traffic.", registry=registry)
        self._transfers = Counter(
            "onward_transfers",
            "Transfers decided, by outcome.",
            ("agent", "status", "action", "reason", "origin"),
            registry=registry,
        )
        self._by_clause = Counter(
            "onward_clause_transfers",
            "Transfers decided, by clause of the policy; one may rest on several.",
            ("clause", "action"),
            registry=registry,
        )
        self._by_category = Counter(
            "onward_category_transfers",
            "Transfers decided, by category of the personal data in them; one may hold several.",
            ("category", "action"),
            registry=registry,
        )
        self._last_transfer = Gauge(
            "onward_agent_last_transfer_timestamp_seconds",
            "When a transfer to the agent was last decided.",
            ("agent",),
            registry=registry,
        )
        self._unread = Counter(
            "onward_unread",
            "Parts of transfers that could not be read, by reason.",
            ("reason",),
            registry=registry,
        )
        self._findings = Counter(
            "onward_findings", "Personal data found, by kind.", ("entity", "region"), registry=registry
        )
        self._inspection_seconds = Histogram(
            "onward_inspection_seconds",
            "Time from arrival of a transfer to its decision.",
            buckets=SECONDS,
            registry=registry,
        )
        self._inspected_bytes = Histogram(
            "onward_inspected_bytes", "Size of the bodies inspected.", buckets=BYTES, registry=registry
        )
        self._failures = Counter(
            "onward_failures",
            "Transfers refused through a fault of the gateway itself.",
            ("stage", "reason"),
            registry=registry,
        )
        for reason, refusal in REFUSALS.items():
            if refusal.internal:  # From 0 on, so that the first of them is an increase.
                self._failures.labels("engine", reason)
        self._append_seconds = Histogram(
            "onward_ledger_append_seconds",
            "Time until a record was durable.",
            buckets=SECONDS,
            registry=registry,
        )
        self._ledger_sequence = Gauge(
            "onward_ledger_last_sequence", "Sequence number of the newest durable record.", registry=registry
        )
        self._last_record = Gauge(
            "onward_ledger_last_record_timestamp_seconds",
            "When a record last became durable; 0 before the first.",
            registry=registry,
        )
        self._end_intact = Gauge(
            "onward_ledger_end_intact",
            "1 while the ledger's newest records and all known heads fit each other.",
            registry=registry,
        )
        self._end_checked = Gauge(
            "onward_ledger_end_checked_timestamp_seconds",
            "When the end of the ledger was last checked; 0 before the first time.",
            registry=registry,
        )
        self._unsigned = Gauge(
            "onward_ledger_unsigned_records",
            "Records that no signed head outside the database covered a second after they were durable.",
            registry=registry,
        )
        self._open_releases = Gauge(
            "onward_ledger_open_releases", "Releases without an outcome on record.", registry=registry
        )
        self._oldest_release = Gauge(
            "onward_ledger_oldest_open_release_timestamp_seconds",
            "When the oldest release without an outcome was decided; 0 without any.",
            registry=registry,
        )
        self._reviews = Gauge(
            "onward_reviews_waiting", "Held transfers that wait for a reviewer.", registry=registry
        )
        self._oldest_review = Gauge(
            "onward_reviews_oldest_timestamp_seconds",
            "When the transfer that waits longest was held; 0 without any.",
            registry=registry,
        )
        self._standing = Gauge(
            "onward_assurance_status",
            "1 for the status of the agent's assurance today.",
            ("agent", "origin", "status"),
            registry=registry,
        )
        self._expiry = Gauge(
            "onward_assurance_expiry_timestamp_seconds",
            "End of the last day on which the agent's assurance counts without a new fact; 0 if it does not count.",
            ("agent", "origin"),
            registry=registry,
        )
        self._shown_assurances: set[tuple[str, str]] = set()
        self._shown_statuses: set[tuple[str, str, str]] = set()
        self._uninspected = Gauge(
            "onward_uninspected_expiry_timestamp_seconds",
            "End of the last day on which a rule lets connections to the agent pass uninspected.",
            ("agent",),
            registry=registry,
        )
        self._rules = Gauge("onward_rules_info", "Rules in force.", ("digest",), registry=registry)
        self._law_as_of = Gauge(
            "onward_law_data_timestamp_seconds",
            "Day on which the law data was last compared.",
            registry=registry,
        )
        self._shadowed = Counter(
            "onward_shadowed",
            "UNSAFE: transfers that passed in shadow mode although the rules refuse them.",
            ("agent", "action"),
            registry=registry,
        )
        self._shadows = Gauge(
            "onward_shadow_entries",
            "UNSAFE if not 0: entries of shadow mode in force.",
            registry=registry,
        )
        self._reload_failures = Counter(
            "onward_rules_reload_failures", "Changes to the rules that were refused.", registry=registry
        )
        self._reload_failing = Gauge(
            "onward_rules_reload_failing",
            "1 while the rules on disk are broken and older ones in force.",
            registry=registry,
        )
        self._loop_lag = Histogram(
            "onward_event_loop_lag_seconds",
            "How late the event loop ran a timer.",
            buckets=SECONDS,
            registry=registry,
        )

    def ready_when(self, ready: Callable[[], bool]) -> None:
        """Show at each scrape whether the gateway takes traffic."""
        self._ready.set_function(lambda: float(ready()))

    def watch(self, pool: WorkerPool, ledger: Recorder, state: Path) -> None:
        """Show the state of workers, ledger and the disk of the state folder as it is at each scrape."""

        def live(name: str, help_text: str, value: Callable[[], float]) -> None:
            Gauge(name, help_text, registry=self.registry).set_function(value)

        live("onward_workers", "Inspection processes wanted.", lambda: pool.wanted)
        live("onward_workers_ready", "Inspection processes ready.", lambda: pool.ready)
        live(
            "onward_workers_resident_memory_bytes",
            "Memory that the inspection processes take together; 0 where the system does not say.",
            lambda: sum(map(_resident_bytes, pool.pids)),
        )
        live(
            "onward_worker_memory_limit_bytes",
            "Memory that one inspection process may take.",
            lambda: pool.memory_limit_bytes,
        )
        live(
            "onward_inspection_waiting_transfers", "Transfers that wait for inspection.", lambda: pool.waiting
        )
        live(
            "onward_inspection_waiting_bytes",
            "Size of the bodies that wait for inspection.",
            lambda: pool.waiting_bytes,
        )
        live(
            "onward_inspection_waiting_limit_bytes",
            "Size of the waiting bodies beyond which transfers are refused.",
            lambda: pool.max_waiting_bytes,
        )
        live("onward_ledger_waiting_records", "Records that wait to be durable.", lambda: ledger.waiting)
        live("onward_state_size_bytes", "Size of the state's disk.", lambda: shutil.disk_usage(state).total)
        live(
            "onward_state_free_bytes",
            "What is free on the state's disk.",
            lambda: shutil.disk_usage(state).free,
        )
        self.registry.register(_Restarts(pool))
        self._ledger_sequence.set(ledger.head.seq)

    def watch_export(self, written: Callable[[], int], exported: Callable[[], int]) -> None:
        """Show how far the export to a SIEM is, by the numbers of the last record written and exported."""
        name, said = "onward_siem_last_sequence", "Sequence number of the newest exported record."
        Gauge(name, said, registry=self.registry).set_function(exported)
        name, said = "onward_siem_waiting_records", "Records that are not exported yet."
        waiting = Gauge(name, said, registry=self.registry)
        waiting.set_function(lambda: max(written() - exported(), 0))

    def transfer(
        self,
        *,
        agent: str,
        status: str,
        action: str,
        reason: str,
        origin: str,
        clauses: Iterable[str] = (),
        categories: Iterable[str] = (),
    ) -> None:
        """Count one recorded decision; `origin` joins all origins of the transfer with `+`, `none` without any."""
        receiver, done = self._agents.value(agent), _known(action, _ACTIONS)
        self._last_transfer.labels(receiver).set(clock.time())
        for clause in clauses:
            self._by_clause.labels(self._clauses.value(clause), done).inc()
        for category in categories:
            self._by_category.labels(self._categories.value(category), done).inc()
        self._transfers.labels(
            receiver,
            self._statuses.value(status),
            done,
            _known(reason, _REASONS),
            origin if all(one in _ORIGINS for one in origin.split("+", len(_ORIGINS))) else OTHER,
        ).inc()

    def finding(self, entity: str, region: str | None, count: int) -> None:
        """Count findings of one kind."""
        country = region is not None and _REGION.fullmatch(region)
        self._findings.labels(
            self._entities.value(entity), "none" if region is None else region if country else OTHER
        ).inc(count)

    def unread(self, reason: str) -> None:
        """Count one part that could not be read; `reason` is one of `decode.REASONS`."""
        self._unread.labels(self._reasons.value(reason)).inc()

    def inspected(self, seconds: float, size_bytes: int) -> None:
        """Observe one inspection."""
        self._inspection_seconds.observe(seconds)
        self._inspected_bytes.observe(size_bytes)

    def failed(self, reason: str, stage: str = "engine") -> None:
        """Count one refusal through a fault of the gateway; `reason` is one of `core.refusals.REFUSALS`."""
        self._failures.labels(self._stages.value(stage), _known(reason, _REASONS)).inc()

    def recorded(self, seconds: float, seq: int) -> None:
        """Observe one durable record."""
        self._append_seconds.observe(seconds)
        self._ledger_sequence.set(seq)
        self._last_record.set(clock.time())

    def condition(self, condition: Condition, now: datetime) -> None:
        """Show what a look at the ledger found."""
        self._end_intact.set(not condition.fault)
        self._end_checked.set(now.timestamp())
        self._unsigned.set(condition.unsigned)
        self._open_releases.set(condition.open_releases)
        self._oldest_release.set(_seconds(condition.oldest_release))
        self._reviews.set(condition.waiting_reviews)
        self._oldest_review.set(_seconds(condition.oldest_review))

    def assurances(self, standings: Iterable[tuple[str, str, Standing]]) -> None:
        """Show each agent's assurance today: agent, origin, standing."""
        shown, statuses = set(), set()
        for agent, origin, standing in standings:
            if not standing.complete:
                seconds = 0.0
            elif standing.last_day is None:
                seconds = float("inf")
            else:
                seconds = datetime.combine(standing.last_day, time.max, UTC).timestamp()
            labels = (self._agents.value(agent), _known(origin, _ORIGINS))
            self._expiry.labels(*labels).set(seconds)
            shown.add(labels)
            status = (*labels, self._statuses.value(standing.status))
            self._standing.labels(*status).set(1)
            statuses.add(status)
        # Only what is gone is removed: a scrape meanwhile must not find every assurance missing.
        for gone in self._shown_assurances - shown:
            self._expiry.remove(*gone)
        for old in self._shown_statuses - statuses:
            self._standing.remove(*old)
        self._shown_assurances, self._shown_statuses = shown, statuses

    def uninspected(self, ends: Iterable[tuple[str, date]]) -> None:
        """Show which agents may receive connections uninspected, and until which day."""
        self._uninspected.clear()
        for agent, last_day in ends:
            end = datetime.combine(last_day, time.max, UTC).timestamp()
            self._uninspected.labels(self._agents.value(agent)).set(end)

    def rules(self, digest: str, law_as_of: date) -> None:
        """Show which rules are in force."""
        self._rules.clear()
        self._rules.labels(digest[:12]).set(1)
        self._law_as_of.set(datetime.combine(law_as_of, time.min, UTC).timestamp())
        self._reload_failing.set(0)

    def shadow(self, agent: str, action: str) -> None:
        """Count a transfer that passed only in shadow mode."""
        self._shadowed.labels(self._agents.value(agent), _known(action, _ACTIONS)).inc()

    def shadows(self, entries: int) -> None:
        """Show how many entries of shadow mode are in force."""
        self._shadows.set(entries)

    def reload_failed(self) -> None:
        """Count a change to the rules that was refused; older rules are in force."""
        self._reload_failures.inc()
        self._reload_failing.set(1)

    def loop_lag(self, seconds: float) -> None:
        """Observe how late the event loop was."""
        self._loop_lag.observe(seconds)


_ACTIONS = frozenset(Action)
_ORIGINS = frozenset({*Origin, "none"})
_REASONS = frozenset({*REASONS, *REFUSALS})
_REGION = re.compile("[A-Z]{2}")


def _seconds(at: datetime | None) -> float:
    return 0.0 if at is None else at.timestamp()


def _resident_bytes(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_bytes().split()[1])
    except (OSError, IndexError):  # It has ended, or the system is none of Linux.
        return 0
    return pages * resource.getpagesize()


def _known(value: str, values: frozenset[str]) -> str:
    return value if value in values else OTHER


class _Bounded:
    """Values that look like names, up to a number: the set is closed by register and rules, which may change."""

    _NAME = re.compile("[A-Za-z0-9_.-]{1,64}")

    def __init__(self) -> None:
        self._values: set[str] = set()

    def value(self, value: str) -> str:
        if value not in self._values:
            if len(self._values) >= MAX_VALUES or not self._NAME.fullmatch(value):
                return OTHER
            self._values.add(value)
        return value


class _Restarts(Collector):
    def __init__(self, pool: WorkerPool) -> None:
        self._pool = pool

    def collect(self) -> Iterable[CounterMetricFamily]:
        yield CounterMetricFamily(
            "onward_worker_restarts", "Inspection processes lost and replaced.", value=self._pool.restarts
        )
