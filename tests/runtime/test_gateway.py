"""A gateway on damaged or moving ground: keys that are gone or another's, and a clock that jumps."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import gateway.runtime
from gateway.core.errors import KeyFileError, LedgerError
from gateway.core.review import Review, State
from gateway.keys import hold_key
from gateway.ledger import Ledger, Place, Signer
from gateway.review import holdkey
from gateway.review.rows import Holding
from gateway.runtime import Runtime
from gateway.settings import Settings, shipped
from tests.databases import count, run
from tests.ledgers import a_ledger, a_record, reading, verified

HOUR_S = 3600.0
NOW = datetime(2031, 5, 4, 10, tzinfo=UTC)


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
        if count(place, "record") == 3:
            break
    house.cancel()


def test_a_gateway_whose_key_is_missing_or_another_does_not_start_and_records_nothing(place: Place):
    settings = settings_of(place)
    with prepared(settings) as runtime:
        asyncio.run(first_record(runtime, place))
    assert count(place, "record") == 3
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
    assert count(place, "record") == 3
    assert verified(place).ok


def test_a_gateway_whose_key_for_held_transfers_is_missing_or_another_says_so_and_makes_none(place: Place):
    settings = settings_of(place)
    with prepared(settings) as runtime:
        asyncio.run(first_record(runtime, place))
    key = settings.state / "keys" / "hold.key"

    secret = key.read_bytes()
    key.unlink()
    with pytest.raises(KeyFileError, match=r"hold\.key: .* missing; put it back .* `onward keys renew-hold`"):
        Runtime(settings)
    assert not key.exists()

    key.write_bytes(secret[::-1])
    key.chmod(0o600)
    with pytest.raises(KeyFileError, match=r"hold\.key: is not the key that the ledger knows"):
        Runtime(settings)

    key.write_bytes(secret)
    with prepared(settings):
        pass
    with pytest.raises(KeyFileError, match="nothing is lost"):
        holdkey.renew(place, key.parent, "operator", "gateway-1", "d" * 64)


async def test_a_new_key_for_held_transfers_ends_what_was_held_under_the_lost_one(file: Place):
    keys = file.base.parent / "keys"
    review = Review("r-1", "example-llm", State.OPEN, NOW, NOW + timedelta(days=7), 1)
    with a_ledger(file) as ledger:
        await ledger.append(
            a_record("r-1", action="hold"), Holding(review, "i" * 64, b"sealed", max_total_bytes=100)
        )
        hold_key(keys, create=True)
        holdkey.introduce(file, keys, "gateway-1", "d" * 64)
        (keys / "hold.key").unlink()
        with pytest.raises(KeyFileError, match="missing"):
            holdkey.load(file, keys)
        assert holdkey.renew(file, keys, "operator", "gateway-1", "d" * 64) == 1
        assert holdkey.load(file, keys) == hold_key(keys, create=False)
    assert (count(file, "held"), run(file, "SELECT state FROM review")) == (0, [("expired",)])
    with reading(file) as reader:
        acts = [(one["action"], one["by"]) for one in reader.after(0, kind="act")]
    assert acts == [
        ("hold-key-introduced", "gateway"),
        ("review-expired", "operator"),
        ("hold-key-introduced", "operator"),
    ]
    assert verified(file).ok


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
