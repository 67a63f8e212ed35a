"""A gateway on damaged or moving ground: keys that are gone or another's, and a clock that jumps."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import gateway.runtime
from gateway.core.errors import KeyFileError, LedgerError
from gateway.ledger import Ledger, Place, Signer
from gateway.runtime import Runtime
from gateway.settings import Settings, shipped
from tests.databases import count
from tests.ledgers import a_ledger, a_record, reading, verified

HOUR_S = 3600.0


def settings_of(place: Place) -> Settings:
    database = str(place.where) if "://" in str(place.where) else None
    return Settings(rules=shipped("rules"), state=place.base.parent, database=database)


@contextlib.contextmanager
def prepared(settings: Settings) -> Iterator[Runtime]:
    """All of a gateway but its workers and its front."""
    one = Runtime(settings)
    try:
        yield one
    finally:
        asyncio.run(one.stop())


async def first_record(runtime: Runtime, place: Place) -> None:
    """A decision, and what the gateway notes by itself after it."""
    await runtime._ledger.append(a_record("t-1", action="block"))
    house = asyncio.create_task(runtime._keep_house())
    for _ in range(600):
        await asyncio.sleep(0.1)
        if count(place, "record") == 2:
            break
    house.cancel()


def test_a_gateway_whose_key_is_missing_or_another_does_not_start_and_records_nothing(place: Place):
    settings = settings_of(place)
    with prepared(settings) as runtime:
        asyncio.run(first_record(runtime, place))
    assert count(place, "record") == 2
    key = settings.state / "keys" / "fingerprint-1.key"

    secret = key.read_bytes()
    key.unlink()
    with pytest.raises(KeyFileError, match="missing; put it back from the backup"):
        Runtime(settings)
    assert not key.exists()

    key.write_bytes(secret[::-1])
    key.chmod(0o600)
    with pytest.raises(KeyFileError, match="is not the one"):
        Runtime(settings)

    key.write_bytes(secret)
    with prepared(settings):
        pass
    assert count(place, "record") == 2
    assert verified(place).ok


def test_a_gateway_whose_signing_key_is_lost_goes_on_only_when_told_to(file: Place):
    with a_ledger(file):
        pass
    with pytest.raises(LedgerError, match=r"ledger\.head: was signed with another key"):
        Ledger(file, Signer(Ed25519PrivateKey.generate(), "gateway-1"))

    file.head_file.rename(file.head_file.with_suffix(".old"))
    Ledger(file, Signer(Ed25519PrivateKey.generate(), "gateway-1")).close()
    assert verified(file).ok


def test_a_clock_that_jumps_forward_and_back_is_on_record_with_how_far(
    file: Place, monkeypatch: pytest.MonkeyPatch
):
    settings = settings_of(file)
    shift_s = 0.0
    clock = SimpleNamespace(time=lambda: time.time() + shift_s)

    def jumps() -> list[int]:
        with reading(file) as reader:
            return [one["details"]["seconds"] for one in reader.after(0, kind="act", action="clock-jumped")]

    async def jump(to_s: float, wanted: int) -> None:
        nonlocal shift_s
        await asyncio.sleep(0.3)  # One look at the clock as it was.
        shift_s = to_s
        for _ in range(600):
            await asyncio.sleep(0.1)
            if len(jumps()) == wanted:
                break

    async def watched(runtime: Runtime) -> None:
        watch = asyncio.create_task(runtime._watch_loop())
        await jump(HOUR_S, 1)
        await jump(-HOUR_S, 2)
        watch.cancel()

    monkeypatch.setattr(gateway.runtime, "time", clock)
    with prepared(settings) as runtime:
        asyncio.run(watched(runtime))

    forward, back = jumps()
    assert forward == pytest.approx(HOUR_S, abs=5)
    assert back == pytest.approx(-2 * HOUR_S, abs=5)
    assert verified(file).ok
