"""A ledger on a server: several gateways, one server that is killed, and a network that is cut."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
from pathlib import Path

import pytest

from gateway.core.errors import LedgerError
from gateway.ledger import Ledger, Place
from tests.databases import Cluster
from tests.ledgers import a_ledger, a_record, a_signer, reading, verified

KILLS = int(os.environ.get("LEDGER_SERVER_KILLS", "2"))


async def test_several_gateways_share_a_ledger_without_gap_or_fork(server: Place, tmp_path: Path):
    places = [Place.of(server.where, tmp_path / name) for name in ("one", "two", "three")]
    with (
        a_ledger(places[0], gateway="one") as one,
        a_ledger(places[1], gateway="two") as two,
        a_ledger(places[2], gateway="three") as three,
    ):
        appends = [
            ledger.append(a_record(f"{name}-{number}", gateway=name, action="block"))
            for number in range(200)
            for name, ledger in (("one", one), ("two", two), ("three", three))
        ]
        seqs = await asyncio.gather(*appends)
    assert sorted(seqs) == list(range(1, 601))
    for place in places:
        assert (verified(place).ok, verified(place).records) == (True, 600)


async def test_a_second_gateway_of_the_same_name_is_refused_and_may_begin_when_the_first_has_ended(
    server: Place, tmp_path: Path
):
    elsewhere = Place.of(server.where, tmp_path / "elsewhere")
    with (
        a_ledger(server),
        pytest.raises(LedgerError, match="another gateway writes to this ledger as 'gateway-1'"),
    ):
        Ledger(elsewhere, a_signer())
    with a_ledger(elsewhere) as ledger:
        assert await ledger.append(a_record("one", action="block")) == 1


async def test_nothing_acknowledged_is_lost_when_the_server_is_killed_and_the_gateway_goes_on_by_itself(
    tmp_path,
):
    cluster = Cluster()
    try:
        place = Place.of(cluster.new_database(), tmp_path / "state")
        acknowledged: dict[str, int] = {}
        with a_ledger(place, timeout_s=3.0) as ledger:
            for kill in range(KILLS):
                stop, begun = asyncio.Event(), asyncio.Event()

                async def client(name: str, stop: asyncio.Event = stop, begun: asyncio.Event = begun) -> None:
                    number = 0
                    while not stop.is_set():
                        number += 1
                        try:
                            acknowledged[f"{name}-{number}"] = await ledger.append(
                                a_record(f"{name}-{number}", action="block")
                            )
                            begun.set()
                        except LedgerError:
                            await asyncio.sleep(0.05)

                clients = [asyncio.create_task(client(f"{kill}-{one}")) for one in "abcd"]
                await asyncio.wait_for(begun.wait(), 60)
                cluster.kill()
                await asyncio.sleep(0.1)
                await asyncio.to_thread(cluster.start)
                stop.set()
                await asyncio.gather(*clients)
                found = await asyncio.to_thread(verified, place)
                assert found.ok, found.fault
            for _ in range(100):
                try:
                    acknowledged["last"] = await ledger.append(a_record("last", action="block"))
                    break
                except LedgerError:
                    await asyncio.sleep(0.1)
        assert verified(place).ok
        with reading(place) as reader:
            kept = {one["id"]: one["seq"] for one in reader.after(0, 10**9)}
        assert len(acknowledged) > KILLS
        assert acknowledged.items() <= kept.items()
    finally:
        cluster.close()


async def test_a_server_that_is_down_refuses_at_the_start_too(tmp_path):
    cluster = Cluster()
    place = Place.of(cluster.new_database(), tmp_path / "state")
    cluster.close()
    with pytest.raises(LedgerError, match="cannot be opened"):
        Ledger(place, a_signer(), timeout_s=2.0)


async def test_a_cut_network_refuses_in_time_and_recovers_by_itself(
    server: Place, cluster: Cluster, tmp_path: Path
):
    wire = Wire(tmp_path, cluster.folder / ".s.PGSQL.5432")
    database = str(server.where).partition("?")[0]
    place = Place.of(f"{database}?host={tmp_path}", tmp_path / "state")
    with a_ledger(place, timeout_s=2.0) as ledger:
        assert await ledger.append(a_record("before", action="block")) == 1
        wire.cut = True
        with pytest.raises(LedgerError):
            await ledger.append(a_record("while", action="block"))
        wire.cut = False
        for _ in range(100):
            try:
                await ledger.append(a_record("after", action="block"))
                break
            except LedgerError:
                await asyncio.sleep(0.1)
    with reading(server) as reader:
        ids = [one["id"] for one in reader.after(0)]
        assert (ids[0], ids[-1]) == ("before", "after")
        assert reader.verify().ok


class Wire:
    """A relay to the server that can go dead: it takes everything and passes nothing on."""

    def __init__(self, folder: Path, server: Path) -> None:
        self.cut = False
        self._server = server
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / ".s.PGSQL.5432"))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            server = socket.socket(socket.AF_UNIX)
            server.connect(str(self._server))
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._relay, args=(source, sink), daemon=True).start()

    def _relay(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                if not self.cut:
                    sink.sendall(data)
        except OSError:
            pass
        finally:
            for end in (source, sink):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
