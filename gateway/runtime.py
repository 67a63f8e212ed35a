"""Puts the gateway together from its settings, keeps it on the newest good rules, and takes it apart again."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from gateway.condition import look
from gateway.core.assurance import standing_on
from gateway.core.errors import InspectionError, KeyFileError, LedgerError, RegisterError
from gateway.decode import Limits
from gateway.engine import Engine
from gateway.exposition import MetricsServer
from gateway.inspection import build_inspector
from gateway.keys import Key, key_versions, load_key
from gateway.ledger import LedgerReader, Place, Recorder, custody
from gateway.ledger.acting import new_act
from gateway.metrics import Metrics
from gateway.people.registering import Follower
from gateway.review import holdkey
from gateway.review.desk import Desk
from gateway.review.vault import Vault
from gateway.rulebook import Rulebook, Snapshot
from gateway.settings import Settings
from gateway.siem.exporter import Exporter
from gateway.store.registers import Registers
from gateway.worker import Factory
from gateway.workers import WorkerPool

log = logging.getLogger(__name__)

HOUSE_S = 60.0
"""How often reviews and keys are looked after."""
JUMP_S = 5.0
"""A clock that moves so far from the time that went by has jumped."""
LOOK_S = 1.0
"""How often the rules folder is looked at."""


def ledger_place(settings: Settings) -> Place:
    """Where the ledger of these settings stands."""
    return Place.of(settings.database or settings.state / "ledger.db", settings.state, settings.heads)


def registers_path(settings: Settings) -> Path:
    """Where the registers of choices and exemptions of these settings stand."""
    return settings.state / "registers.db"


class Runtime:
    """A running gateway without its front: engine, workers, ledger, metrics, rules. See `running`."""

    def __init__(self, settings: Settings) -> None:
        """Load rules, key and ledger. Raises RulesError, KeyFileError, LedgerError, SettingsError."""
        self.settings = settings
        self.metrics = Metrics()
        self._rulebook = Rulebook(settings.rules)
        settings.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        place = ledger_place(settings)
        self._key: Key = load_key(settings.state / "keys", create=not place.exists())
        self._ledger = Recorder(
            place, settings.state / "keys", settings.gateway_id, timeout_s=settings.ledger_timeout_s
        )
        self._registers = Registers(registers_path(settings))
        try:
            held = holdkey.load(place, settings.state / "keys")
            self._check_keys(place)
            self._desk = Desk(
                place,
                Vault(held),
                settings.gateway_id,
                max_bytes=settings.hold_max_bytes,
                max_total_bytes=settings.hold_total_bytes,
            )
            self._desk.refresh()
            self._follower = Follower(place, registers_path(settings))
            self._exporter = (
                Exporter(place, settings.siem, settings.siem_ca, settings.state) if settings.siem else None
            )
        except BaseException:
            self._ledger.close()
            self._registers.close()
            raise
        self._pool = WorkerPool(
            self._factory(self._rulebook.current),
            workers=settings.workers,
            max_waiting_bytes=settings.max_waiting_bytes,
            memory_limit_bytes=settings.worker_memory_bytes,
        )
        self.engine = Engine(
            self._rulebook.current,
            self._pool,
            self._ledger,
            self.metrics,
            self._key,
            self._desk,
            gateway_id=settings.gateway_id,
            time_limit_s=settings.time_limit_s,
            cache_entries=settings.cache_entries,
            registers=self._registers,
        )
        self._obstacles: list[str] = ["the inspection processes are loading", "the proxy does not listen yet"]
        self.metrics.ready_when(lambda: not self.obstacles())
        self._tasks: list[asyncio.Task[None]] = []

    def obstacles(self) -> Sequence[str]:
        """What keeps the gateway from taking traffic; empty when it is ready."""
        unrecorded = () if self._ledger.alive else ("the process that records is being started anew",)
        return (*self._obstacles, *unrecorded)

    def listening(self, addresses: Sequence[tuple[str, int]]) -> None:
        """Note that the front listens."""
        self._obstacles = [one for one in self._obstacles if not one.startswith("the proxy")]
        # All that was loaded stays; collections of garbage need not look at it with each request.
        gc.freeze()
        for host, port in addresses:
            log.info("listening on %s:%s", host, port)

    async def start(self) -> None:
        """Load the workers, then keep the rules current. Raises InspectionError when no worker loads."""
        await self._pool.start()
        self._obstacles = [one for one in self._obstacles if not one.startswith("the inspection")]
        self.metrics.watch(self._pool, self._ledger, self.settings.state)
        self._show(self._rulebook.current)
        if self._exporter is not None:
            exporter = self._exporter
            self.metrics.watch_export(lambda: self._ledger.head.seq, lambda: exporter.sequence)
        jobs = (self._keep_current(), self._watch_loop(), self._keep_house())
        self._tasks = [asyncio.create_task(one) for one in jobs]

    async def stop(self) -> None:
        """End workers and ledger; every record that was promised is on disk afterwards."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._pool.stop()
        self._desk.close()
        self._follower.close()
        self._ledger.close()
        if self._exporter is not None:  # After the ledger, so that the last of it is exported, too.
            self._exporter.close()
        self._registers.close()

    def _check_keys(self, place: Place) -> None:
        """No fingerprint is made under another key than the ledger knows. Raises KeyFileError or LedgerError."""
        keys, digest = self.settings.state / "keys", self._rulebook.current.rules.digest
        with contextlib.closing(LedgerReader(place)) as reader, reader.connection() as connection:
            known = custody.known_keys(connection)
        custody.check_keys(self._key, known, keys)
        self._keys_on_record = custody.introduce(place, self._key, self.settings.gateway_id, digest)
        if self._keys_on_record:
            holdkey.introduce(place, keys, self.settings.gateway_id, digest)

    def _factory(self, snapshot: Snapshot, key: Key | None = None) -> Factory:
        return functools.partial(
            build_inspector,
            snapshot.rules.detection,
            self.settings.model,
            Limits(
                max_body_bytes=self.settings.max_body_bytes,
                max_expanded_bytes=self.settings.max_expanded_bytes,
                max_ratio=self.settings.max_expansion_ratio,
                max_depth=self.settings.max_depth,
                max_parts=self.settings.max_parts,
            ),
            frozenset(snapshot.rules.transport.untouched_headers),
            key or self._key,
        )

    async def _keep_current(self) -> None:
        """Reload changed rules as one switch; broken ones are reported and the old ones stay."""
        day = datetime.now(UTC).date()
        while True:
            await asyncio.sleep(LOOK_S)
            if self._exporter is not None:
                self._exporter.keep()
            if datetime.now(UTC).date() != day:
                day = datetime.now(UTC).date()
                self._show(self._rulebook.current)
            if await asyncio.to_thread(self._rulebook.changed):
                await self._reload()
            if key_versions(self.settings.state / "keys") != [
                one.version for one in (self._key, *self._key.older)
            ]:
                await self._change_key()
            with contextlib.suppress(
                LedgerError
            ):  # The next round tries again; transfers say so by themselves.
                await asyncio.to_thread(self._desk.refresh)
            try:
                await asyncio.to_thread(self._follower.step)
            except (LedgerError, RegisterError) as error:
                log.error("choices of data subjects could not be followed: %s", error)

    async def _keep_house(self) -> None:
        """Close reviews that time has ended, rotate and destroy keys as the rules say, and look at the ledger."""
        place, keys = ledger_place(self.settings), self.settings.state / "keys"
        while True:
            rules = self._rulebook.current.rules
            try:
                if not self._keys_on_record:
                    # The ledger was empty at the start; without this a key put in its place later would go unnoticed.
                    await asyncio.to_thread(self._check_keys, place)
                ended = await asyncio.to_thread(self._desk.expire, datetime.now(UTC), rules.digest)
                done = await asyncio.to_thread(
                    custody.retain,
                    place,
                    keys,
                    rules.review.retention,
                    self.settings.gateway_id,
                    rules.digest,
                )
            except (LedgerError, KeyFileError) as error:
                log.error("reviews and keys could not be looked after: %s", error)
            else:
                for sentence in (*done, *([f"{ended} reviews ended undecided"] if ended else [])):
                    log.info("%s", sentence)
            await self._look_at_ledger(place)
            await asyncio.sleep(HOUSE_S)

    async def _look_at_ledger(self, place: Place) -> None:
        """Show what operators watch of it. Where it cannot be read, the time of the last look grows old."""
        written = self._ledger.head.seq
        await asyncio.sleep(LOOK_S)  # By then its head has to be out.
        try:
            found = await asyncio.to_thread(look, place, self.settings.gateway_id, written)
        except LedgerError as error:
            log.error("the ledger could not be looked at: %s", error)
            return
        self.metrics.condition(found, datetime.now(UTC))
        if found.fault:
            log.error("the end of the ledger does not hold: %s", found.fault)

    async def _change_key(self) -> None:
        """Make fingerprints with the newest key. A key that cannot be read changes nothing."""
        try:
            key = load_key(self.settings.state / "keys", create=False)
            await self._pool.replace(self._factory(self._rulebook.current, key))
        except (KeyFileError, InspectionError) as error:
            log.error("the changed fingerprint key is not used yet: %s", error)
            return
        self._key = key
        self.engine.adopt_key(key)
        log.info("version %d of the fingerprint key is in use", self._key.version)

    async def _reload(self) -> None:
        snapshot = await asyncio.to_thread(self._rulebook.read)
        if snapshot is None:
            self.metrics.reload_failed()
            log.error("the changed rules are refused, the old ones stay in force:\n%s", self._rulebook.error)
            return
        old = self._rulebook.current
        if (snapshot.rules.detection, snapshot.rules.transport) != (old.rules.detection, old.rules.transport):
            try:
                await self._pool.replace(self._factory(snapshot))
            except InspectionError as error:
                self.metrics.reload_failed()
                log.error("the changed rules are refused, the old ones stay in force: %s", error)
                return
        self._rulebook.current = snapshot
        self.engine.adopt(snapshot)
        self._show(snapshot)
        log.info("rules %s are in force", snapshot.rules.digest[:12])

    async def _watch_loop(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            before, said = loop.time(), time.time()
            await asyncio.sleep(0.25)
            self.metrics.loop_lag(max(loop.time() - before - 0.25, 0.0))
            jump = (time.time() - said) - (loop.time() - before)
            if abs(jump) > JUMP_S:
                self._clock_jumped(jump)

    def _clock_jumped(self, seconds: float) -> None:
        """On record, since the times of the entries after it are not those of the entries before it."""
        log.error("the system's clock jumped by %+.0f s; assurances and approvals go by it", seconds)
        details = {"seconds": round(seconds)}
        digest = self._rulebook.current.rules.digest
        self._ledger.note(
            new_act("clock-jumped", "gateway", self.settings.gateway_id, digest, details=details)
        )

    def _show(self, snapshot: Snapshot) -> None:
        rules, today = snapshot.rules, datetime.now(UTC).date()
        for one in rules.shadows:
            if today <= one.valid_until:
                log.warning(
                    "UNSAFE: shadow mode lets refused data pass for %s until %s",
                    one.agent or one.rule,
                    one.valid_until,
                )
        self.metrics.shadows(sum(today <= one.valid_until for one in rules.shadows))
        self.metrics.rules(rules.digest, rules.as_of)
        standings = []
        for agent in rules.agents:
            for origin in ("EU", "CH"):
                standing = standing_on(agent, origin, today, rules)
                standings.append((agent.id, origin, standing))
        self.metrics.assurances(standings)
        for entry in rules.uninspected:
            log.warning(
                "connections to agent %s may pass uninspected until %s", entry.agent, entry.valid_until
            )
        self.metrics.uninspected((one.agent, one.valid_until) for one in rules.uninspected)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Runtime]:
    """A started runtime with its metrics server; stopped on the way out.

    Raises:
        OnwardError: rules, key, ledger, settings or workers are not usable.
    """
    runtime = Runtime(settings)
    async with contextlib.AsyncExitStack() as cleanup:
        cleanup.push_async_callback(runtime.stop)
        server = MetricsServer(
            runtime.metrics, runtime.obstacles, settings.metrics_host, settings.metrics_port
        )
        cleanup.callback(server.close)
        await runtime.start()
        yield runtime
