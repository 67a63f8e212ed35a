"""Every metric: name, labels, unit, all in one list; and the small HTTP server that shows them.

Label values come from closed sets: agents by id (everything outside the register shares one value), statuses, actions,
reasons, entities, regions. Never a host, a path or anything else a client could choose; should one get this far all the
same, it is counted as `other`.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    make_wsgi_app,
)
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from gateway.core.decide import REASONS
from gateway.core.errors import SettingsError
from gateway.core.model import Action, Origin
from gateway.core.refusals import REFUSALS
from gateway.ledger import Recorder
from gateway.workers import WorkerPool

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
BYTES = (256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216)

OTHER = "other"
MAX_VALUES = 1000
"""Most values of one label; what comes later is counted as `other`."""

Readiness = Callable[[], Sequence[str]]
"""What keeps the gateway from being ready, one sentence each; empty when it is."""


class Metrics:
    """The metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self._agents, self._statuses, self._entities, self._stages, self._reasons = (
            _Bounded() for _ in range(5)
        )
        self._transfers = Counter(
            "onward_transfers",
            "Transfers decided, by outcome.",
            ("agent", "status", "action", "reason", "origin"),
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
        self._append_seconds = Histogram(
            "onward_ledger_append_seconds",
            "Time until a record was durable.",
            buckets=SECONDS,
            registry=registry,
        )
        self._ledger_sequence = Gauge(
            "onward_ledger_last_sequence", "Sequence number of the newest durable record.", registry=registry
        )
        self._expiry = Gauge(
            "onward_assurance_expiry_timestamp_seconds",
            "End of the last day on which the agent's assurance counts without a new fact; 0 if it does not count.",
            ("agent", "origin"),
            registry=registry,
        )
        self._shown_assurances: set[tuple[str, str]] = set()
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

    def watch(self, pool: WorkerPool, ledger: Recorder) -> None:
        """Show the state of workers and ledger as it is at each scrape."""

        def live(name: str, help_text: str, value: Callable[[], float]) -> None:
            Gauge(name, help_text, registry=self.registry).set_function(value)

        live("onward_workers_ready", "Inspection processes ready.", lambda: pool.ready)
        live(
            "onward_inspection_waiting_bytes",
            "Size of the bodies that wait for inspection.",
            lambda: pool.waiting_bytes,
        )
        live("onward_ledger_waiting_records", "Records that wait to be durable.", lambda: ledger.waiting)
        self.registry.register(_Restarts(pool))
        self._ledger_sequence.set(ledger.head.seq)

    def transfer(self, *, agent: str, status: str, action: str, reason: str, origin: str) -> None:
        """Count one recorded decision; `origin` joins all origins of the transfer with `+`, `none` without any."""
        self._transfers.labels(
            self._agents.value(agent),
            self._statuses.value(status),
            _known(action, _ACTIONS),
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

    def assurances(self, ends: Iterable[tuple[str, str, date | None, bool]]) -> None:
        """Show each agent's assurance: agent, origin, last day (None: open-ended), whether it counts today."""
        shown = set()
        for agent, origin, last_day, complete in ends:
            if not complete:
                seconds = 0.0
            elif last_day is None:
                seconds = float("inf")
            else:
                seconds = datetime.combine(last_day, time.max, UTC).timestamp()
            labels = (self._agents.value(agent), _known(origin, _ORIGINS))
            self._expiry.labels(*labels).set(seconds)
            shown.add(labels)
        # Only what is gone is removed: a scrape meanwhile must not find every assurance missing.
        for gone in self._shown_assurances - shown:
            self._expiry.remove(*gone)
        self._shown_assurances = shown

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


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _ServerIPv6(_Server):
    address_family = socket.AF_INET6


class _Quiet(WSGIRequestHandler):
    timeout = 10
    """Seconds a client may take over its request."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Scrapes are no news."""


class MetricsServer:
    """Serves /metrics, /healthz (the process runs) and /readyz (it takes traffic) in a thread of its own."""

    def __init__(self, metrics: Metrics, readiness: Readiness, host: str, port: int) -> None:
        """Listen; port 0 takes any that is free. Raises SettingsError when the address is taken."""
        exposition = make_wsgi_app(metrics.registry)

        def answer(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
            match environ.get("PATH_INFO"):
                case "/metrics":
                    return exposition(environ, start)  # type: ignore[no-any-return]
                case "/healthz":
                    return _text(start, "200 OK", "alive")
                case "/readyz":
                    obstacles = _obstacles(readiness)
                    return _text(
                        start,
                        "503 Service Unavailable" if obstacles else "200 OK",
                        *(obstacles or ("ready",)),
                    )
            return _text(start, "404 Not Found", "try /metrics, /healthz or /readyz")

        try:
            self._server = make_server(
                host,
                port,
                answer,
                server_class=_ServerIPv6 if ":" in host else _Server,
                handler_class=_Quiet,
            )
        except (OSError, OverflowError) as error:
            what = getattr(error, "strerror", None) or str(error)
            raise SettingsError(f"metrics_port: cannot listen on {host}:{port}: {what}") from error
        self.port: int = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True, name="metrics")
        self._thread.start()

    def close(self) -> None:
        """Stop answering. Safe to call twice."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _obstacles(readiness: Readiness) -> Sequence[str]:
    try:
        return readiness()
    except Exception as error:  # noqa: BLE001 - border: who cannot say that it is ready is not
        return (f"readiness cannot be told: {type(error).__name__}",)


def _text(start: StartResponse, status: str, *lines: str) -> Iterable[bytes]:
    start(status, [("content-type", "text/plain; charset=utf-8"), ("cache-control", "no-store")])
    return ["\n".join(lines).encode() + b"\n"]
