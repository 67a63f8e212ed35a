"""What a third party is given, and can check with a script of its own: receipts, and proofs that the ledger grew."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from gateway.core.errors import LedgerError
from gateway.ledger import Place
from tests.databases import tampering
from tests.ledgers import a_ledger, a_record, a_signer, reading

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "check_receipt.py"


@pytest.fixture
async def many(place: Place) -> Place:
    """A ledger of 600 refusals, so that parts of the tree are kept."""
    with a_ledger(place) as ledger:
        await asyncio.gather(
            *(ledger.append(a_record(f"id-{number}", action="block")) for number in range(600))
        )
    return place


def check(proof: object, folder: Path, key: str | None = None) -> tuple[int, str]:
    """What the script says, run as a third party would: with nothing of ours on its path."""
    (folder / "proof.json").write_text(json.dumps(proof))
    command = [
        sys.executable,
        "-I",
        str(SCRIPT),
        str(folder / "proof.json"),
        "--key",
        key or a_signer().public,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    return done.returncode, done.stdout + done.stderr


def test_a_receipt_of_any_record_is_proven_by_the_script(many, tmp_path):
    with reading(many) as reader:
        for number in (0, 1, 255, 256, 257, 511, 598, 599):
            receipt = reader.receipt(f"id-{number}")
            assert json.loads(receipt["record"])["id"] == f"id-{number}"
            assert check(receipt, tmp_path) == (0, "proven\n")


def test_a_receipt_says_nothing_of_other_records(many):
    with reading(many) as reader:
        assert set(reader.receipt("id-7")) == {"format", "seq", "previous", "record", "path", "head"}
        assert "id-8" not in json.dumps(reader.receipt("id-7"))
        assert reader.receipt("never-decided") is None


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("record", lambda old: old.replace('"block"', '"pass"')),
        ("seq", lambda old: old + 1),
        ("previous", lambda old: "0" * 64),
        ("path", lambda old: old[:-1]),
        ("path", lambda old: ["0" * 64, *old[1:]]),
        ("head", lambda old: old | {"size": old["size"] + 1}),
        ("head", lambda old: old | {"root": "0" * 64}),
        ("format", lambda old: "another"),
    ],
)
async def test_a_changed_receipt_is_not_proven(file, tmp_path, part, change):
    with a_ledger(file) as ledger:
        for number in range(9):
            await ledger.append(a_record(f"id-{number}", action="block"))
    with reading(file) as reader:
        receipt = reader.receipt("id-5")
    code, said = check(receipt | {part: change(receipt[part])}, tmp_path)
    assert code == 1
    assert "NOT PROVEN" in said


async def test_a_receipt_signed_by_somebody_else_is_not_proven(file, tmp_path):
    with a_ledger(file) as ledger:
        await ledger.append(a_record("id-1", action="block"))
    with reading(file) as reader:
        code, said = check(reader.receipt("id-1"), tmp_path, "ab" * 32)
    assert (code, "not signed by this key" in said) == (1, True)


async def test_a_ledger_proves_that_it_grew_from_an_older_head(many, tmp_path):
    with reading(many) as reader:
        old = reader.newest_head()
    with a_ledger(many) as ledger:
        for number in range(3):
            await ledger.append(a_record(f"later-{number}", action="block"))
    with reading(many) as reader:
        proof = reader.grown_since(old)
    assert (proof["old"]["size"], proof["new"]["size"]) == (600, 603)
    assert check(proof, tmp_path) == (0, "proven\n")
    forged = proof | {"old": proof["old"] | {"root": "0" * 64}}
    assert check(forged, tmp_path)[0] == 1


async def test_a_rewritten_ledger_cannot_prove_that_it_grew(many):
    with reading(many) as reader:
        old = reader.newest_head()
    with tampering(many) as run:
        run("UPDATE record SET hash = replace(hash, 'a', 'b') WHERE seq = 300")
        run("UPDATE node SET hash = replace(hash, 'a', 'b')")
    with reading(many) as reader, pytest.raises(LedgerError, match="rewritten"):
        reader.grown_since(old)


async def test_a_head_as_it_is_printed_is_one_that_can_be_kept_and_shown_again(file):
    with a_ledger(file) as ledger:
        await ledger.append(a_record("id-1", action="block"))
    with reading(file) as reader:
        newest = reader.newest_head()
    assert newest.is_signed()
    assert (newest.size, newest.gateway) == (1, "gateway-1")
    assert json.loads(newest.text()) == asdict(newest)
