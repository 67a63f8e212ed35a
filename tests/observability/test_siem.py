"""Export to a SIEM: what an event says, and that none is lost or doubled."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from gateway.core.errors import SettingsError
from gateway.demo.agents import make_certificate
from gateway.ledger import Act, Place
from gateway.settings import load_settings
from gateway.siem.exporter import Exporter
from gateway.siem.exporting import Export
from gateway.siem.ocsf import SCHEMA, event_of
from gateway.siem.sinks import Lines, sink_of
from tests.ledgers import a_ledger, a_record, an_outcome, reading

ACTIONS = ("pass", "anonymize", "hold", "block")
AN_ACT = Act(
    "act-1",
    "2031-05-04T10:00:02.000+00:00",
    "gateway-1",
    "d" * 64,
    "approved",
    "reviewer-1",
    about="hold-1",
    agent="example-llm",
    details={"reason": "kanarienvogel"},
)


async def write(place: Place, *names: str) -> None:
    with a_ledger(place) as ledger:
        for name in names:
            await ledger.append(a_record(name, action="block"))


def entries(place: Place) -> list[dict[str, Any]]:
    with reading(place) as reader:
        return reader.after(0, 10**6, kind=None)


@pytest.fixture
async def kinds(place: Place) -> list[dict[str, Any]]:
    """An entry of each kind, as it is read from a ledger."""
    with a_ledger(place) as ledger:
        for action in ACTIONS:
            await ledger.append(a_record(f"{action}-1", action=action))
        ledger.note(an_outcome("pass-1"))
        await ledger.append(AN_ACT)
    return [one for one in entries(place) if one["id"] != "anonymize-1.outcome"]


@cache
def schema() -> Any:
    return get_ocsf_schema(version=SCHEMA)


def faults(event: dict[str, Any]) -> list[str]:
    embedded = OcsfJsonSchemaEmbedded(schema())
    name = embedded.lookup_class_name_from_uid(event["class_uid"])
    profiles = event["metadata"].get("profiles", [])
    validator = Draft202012Validator(embedded.get_class_schema(class_name=name, profiles=profiles))
    return [f"{one.json_path}: {one.message}" for one in validator.iter_errors(event)]


def test_an_event_of_every_kind_fits_the_schema(kinds):
    events = [event_of(entry, "ledger-1") for entry in kinds]
    assert {event["class_uid"] for event in events} == {2006, 3004}
    assert [faults(event) for event in events] == [[] for _ in events]


def test_numbers_and_captions_are_those_of_the_schema(kinds):
    for event in (event_of(entry, "ledger-1") for entry in kinds):
        name = OcsfJsonSchemaEmbedded(schema()).lookup_class_name_from_uid(event["class_uid"])
        attributes = schema()["classes"][name]["attributes"]
        for number, caption in (("activity_id", "activity_name"), ("severity_id", "severity")):
            said = attributes[number]["enum"][str(event[number])]["caption"]
            assert event[caption] == said or event[number] == 99
        for number, caption in (("action_id", "action"), ("disposition_id", "disposition")):
            if number in event:
                assert event[caption] == attributes[number]["enum"][str(event[number])]["caption"]


def test_what_was_decided_is_what_the_event_says(kinds):
    events = {entry["id"]: event_of(entry, "ledger-1") for entry in kinds}
    done = {action: events[f"{action}-1"] for action in ACTIONS}
    assert {action: (one["action"], one["disposition"]) for action, one in done.items()} == {
        "pass": ("Allowed", "Allowed"),
        "anonymize": ("Modified", "Corrected"),
        "hold": ("Denied", "Quarantined"),
        "block": ("Denied", "Blocked"),
    }
    assert [action for action, one in done.items() if one["is_alert"]] == ["hold", "block"]
    blocked = done["block"]
    assert blocked["data_security"]["discovery_details"] == [{"type": "PERSON", "count": 1}]
    assert (blocked["dst_endpoint"]["svc_name"], blocked["dst_endpoint"]["port"]) == ("example-llm", 443)
    assert (blocked["unmapped"]["reason"], blocked["unmapped"]["clauses"]) == ("not-assured", ["TR-3"])
    outcome = events["pass-1.outcome"]
    assert (outcome["finding_info"]["uid"], outcome["status_detail"]) == ("pass-1", "answered-2xx")
    act = events["act-1"]
    assert (act["activity_name"], act["actor"]["user"]["uid"], act["entity"]["uid"]) == (
        "approved",
        "reviewer-1",
        "hold-1",
    )


async def test_fingerprints_digests_log_ins_and_details_of_acts_stay(kinds, place: Place):
    text = json.dumps([event_of(entry, "ledger-1") for entry in kinds])
    assert "a" * 32 not in text
    assert "0" * 32 not in text
    assert "kanarienvogel" not in text
    entry = next(one for one in kinds if one["id"] == "block-1") | {"source": "user:1:abcdef"}
    assert "abcdef" not in json.dumps(event_of(entry, "ledger-1"))


class Target:
    """A ledger, a file, and the export between them as it is after each start."""

    def __init__(self, place: Place, folder: Path) -> None:
        self.place, self.file, self.position = place, folder / "events.jsonl", folder / "siem.json"

    def export(self) -> None:
        sink = Lines(self.file)
        export = Export(self.place, sink, self.position)
        while export.step():
            pass
        export.close()
        sink.close()

    def ids(self, *files: Path) -> list[str]:
        text = "".join(file.read_text("ascii") for file in files or (self.file,))
        return [json.loads(line)["metadata"]["uid"] for line in text.splitlines()]


@pytest.fixture
def target(place: Place, tmp_path: Path) -> Target:
    return Target(place, tmp_path)


async def test_each_start_goes_on_where_the_last_one_ended(target):
    await write(target.place, "one", "two")
    target.export()
    target.export()
    await write(target.place, "three")
    target.export()
    assert target.ids() == ["one", "two", "three"]


async def test_a_crash_before_the_position_was_kept_doubles_nothing(target):
    await write(target.place, "one", "two", "three")
    target.export()
    target.position.unlink()
    target.export()
    assert target.ids() == ["one", "two", "three"]


async def test_half_a_line_that_a_crash_left_is_written_whole(target):
    await write(target.place, "one", "two", "three")
    target.export()
    whole = target.file.read_bytes()
    for cut in (1, len(whole.splitlines()[2]), len(whole) - 10):
        target.file.write_bytes(whole[:-cut])
        target.position.unlink()
        target.export()
        assert target.file.read_bytes() == whole


async def test_a_file_that_was_moved_away_is_begun_anew_and_nothing_is_missing(target):
    await write(target.place, "one", "two")
    sink = Lines(target.file)
    export = Export(target.place, sink, target.position)
    export.step()
    old = target.file.rename(target.file.with_suffix(".1"))
    await write(target.place, "three")
    export.step()
    export.close()
    sink.close()
    assert (target.ids(old), target.ids()) == (["one", "two"], ["three"])


async def test_what_somebody_else_wrote_into_the_file_stays(target):
    target.file.write_bytes(b"no line of ours")
    await write(target.place, "one")
    target.export()
    assert target.file.read_bytes().startswith(b"no line of ours")


async def test_another_ledger_is_exported_from_its_first_record_on(target, tmp_path: Path):
    await write(target.place, "one", "two")
    target.export()
    other = Target(Place.of(tmp_path / "other" / "ledger.db", tmp_path / "other"), tmp_path)
    await write(other.place, "uno")
    other.export()
    assert other.ids() == ["one", "two", "uno"]


class Collector:
    """A syslog server that keeps what it was sent."""

    def __init__(self, port: int = 0, context: ssl.SSLContext | None = None, *, away: bool = False) -> None:
        """One that is `away` has its port and refuses connections until `listen`."""
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self._context = context
        self._heard = bytearray()
        self._connections: list[socket.socket] = []
        if not away:
            self.listen()

    def listen(self) -> None:
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                if self._context is not None:
                    connection = self._context.wrap_socket(connection, server_side=True)
                self._connections.append(connection)
                while data := connection.recv(65536):
                    self._heard += data

    def close(self) -> None:
        """As a collector that is killed."""
        with contextlib.suppress(OSError):  # It may never have listened.
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._connections:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    @property
    def messages(self) -> list[bytes]:
        """Taken apart by the lengths before them (RFC 6587)."""
        found, rest = [], bytes(self._heard)
        while rest:
            length, _, rest = rest.partition(b" ")
            found.append(rest[: int(length)])
            rest = rest[int(length) :]
        return found


def uid(message: bytes) -> str:
    head, _, event = message.partition(b" - {")
    assert head.startswith((b"<108>1 2031-05-04T10:00:00.000+00:00 ", b"<110>1 "))
    assert head.split(b" ")[3:5] == [b"onward", b"gateway-1"]
    return str(json.loads(b"{" + event)["metadata"]["uid"])


def eventually(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)


@contextlib.contextmanager
def exporting(place: Place, url: str, folder: Path, authority: Path | None = None) -> Iterator[Export]:
    sink = sink_of(url, authority)
    export = Export(place, sink, folder / "siem.json")
    yield export
    export.close()
    sink.close()


async def test_messages_of_syslog_over_tcp_come_in_order_with_their_lengths(file: Place, tmp_path: Path):
    await write(file, "one", "two", "three")
    collector = Collector()
    with exporting(file, f"tcp://127.0.0.1:{collector.port}", tmp_path) as export:
        export.step()
        eventually(lambda: len(collector.messages) == 3)
    assert [uid(one) for one in collector.messages] == ["one", "two", "three"]
    collector.close()


async def test_while_the_collector_is_away_nothing_is_lost_and_it_goes_on_when_it_is_back(
    file: Place, tmp_path: Path
):
    await write(file, "one")
    first = Collector()
    with exporting(file, f"tcp://127.0.0.1:{first.port}", tmp_path) as export:
        export.step()
        eventually(lambda: len(first.messages) == 1)
        first.close()
        await write(file, "two", "three")
        with pytest.raises(OSError, match=r"closed|refused|reset|Broken"):
            export.step()
        second = Collector(first.port)
        export.step()
        eventually(lambda: len(second.messages) == 2)
        assert [uid(one) for one in second.messages] == ["two", "three"]
        second.close()


async def test_messages_over_tls_go_to_a_collector_of_a_known_authority_only(file: Place, tmp_path: Path):
    await write(file, "one")
    certificate = make_certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.chain, certificate.key)
    collector = Collector(context=context)
    url = f"tls://localhost:{collector.port}"
    with exporting(file, url, tmp_path, certificate.authority) as export:
        export.step()
        eventually(lambda: len(collector.messages) == 1)
    assert uid(collector.messages[0]) == "one"
    collector.close()
    stranger = Collector(context=context)
    (tmp_path / "siem.json").unlink()
    with (
        exporting(file, f"tls://localhost:{stranger.port}", tmp_path) as export,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        export.step()
    stranger.close()


async def test_messages_over_udp_are_a_datagram_each(file: Place, tmp_path: Path):
    await write(file, "one", "two")
    with socket.socket(type=socket.SOCK_DGRAM) as collector:
        collector.bind(("127.0.0.1", 0))
        collector.settimeout(30)
        with exporting(file, f"udp://127.0.0.1:{collector.getsockname()[1]}", tmp_path) as export:
            export.step()
        assert [uid(collector.recv(65536)) for _ in range(2)] == ["one", "two"]


async def test_a_process_that_is_killed_is_started_again_and_neither_loses_nor_doubles(
    file: Place, tmp_path: Path
):
    target = Target(file, tmp_path)
    exporter = Exporter(file, f"file://{target.file}", None, tmp_path)
    await write(file, "one", "two")
    exporter.keep()
    eventually(lambda: exporter.sequence == 2)
    os.kill(exporter.pid, signal.SIGKILL)
    await write(file, "three")

    def went_on() -> bool:
        exporter.keep()
        return exporter.sequence == 3

    eventually(went_on)
    await write(file, "four")
    exporter.close()
    assert target.ids() == ["one", "two", "three", "four"]


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1", "file:events.jsonl", "tcp://", "tcp://host:port", "/var/log/events", "udp:host"],
)
def test_a_target_that_is_none_is_refused_at_the_start(url: str, tmp_path: Path):
    with pytest.raises(SettingsError, match="siem"):
        Exporter(Place.of(tmp_path / "ledger.db", tmp_path), url, None, tmp_path)


async def test_what_keeps_events_back_is_told_with_the_target_and_not_every_time(
    file: Place, tmp_path: Path, capfd
):
    await write(file, "one")
    away = Collector(away=True)
    exporter = Exporter(file, f"tcp://127.0.0.1:{away.port}", None, tmp_path)
    exporter.keep()
    said = ""

    def told() -> bool:
        nonlocal said
        said += capfd.readouterr().err
        return "events" in said

    eventually(told)
    assert f"events cannot be exported: tcp://127.0.0.1:{away.port}: Connection refused" in said
    exporter.close()
    away.close()
    assert said.count("cannot be exported") == 1


def test_nothing_is_exported_unless_somebody_says_where():
    assert load_settings(None, {}).siem is None
