"""The tables as statements use them. How they come about, with triggers and indexes, stands in `migrations`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, SmallInteger, Table, Text

metadata = MetaData()

record = Table(
    "record",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("about", Text),
    Column("at", Text, nullable=False),
    Column("gateway", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("hash", Text, nullable=False),
)
"""Append-only. `body` is what is hashed; the columns beside it repeat parts of it for searching."""

node = Table(
    "node",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("place", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", Text, nullable=False),
)
"""Append-only. Complete subtrees of the Merkle tree at every eighth level, so that a proof reads few rows."""

tree = Table(
    "tree",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("ledger", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("head", Text, nullable=False),
    Column("peaks", Text, nullable=False),
)
"""One row: the ledger's id, its size, newest hash and Merkle frontier. Whoever writes locks it first."""

signed_head = Table(
    "signed_head",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("gateway", Text, primary_key=True),
    Column("statement", Text, nullable=False),
)
"""Append-only. Signed tree heads."""

open_intent = Table(
    "open_intent",
    metadata,
    Column("id", Text, primary_key=True),
    Column("gateway", Text, nullable=False),
)
"""Releases whose outcome is not on record yet."""

review = Table(
    "review",
    metadata,
    Column("id", Text, primary_key=True),
    Column("identity", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("created", Text, nullable=False),
    Column("expires", Text, nullable=False),
    Column("eyes", Integer, nullable=False),
    Column("first_by", Text),
    Column("until", Text),
    Column("single_use", Integer, nullable=False),
)
"""The state of each held transfer. Every change of it is an act on the ledger, in the same transaction."""

held = Table(
    "held",
    metadata,
    Column("id", Text, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)
"""What is held, encrypted; gone when its review has ended, and never there where it was too large."""

allowance = Table(
    "allowance",
    metadata,
    Column("fingerprint", Text, primary_key=True),
    Column("entity", Text, primary_key=True),
    Column("review", Text, nullable=False),
    Column("until", Text, nullable=False),
)
"""False positives: fingerprints that do not count as findings until a day."""

case_file = Table(
    "case_file",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("parent", Text),
    Column("state", Text, nullable=False),
    Column("body", Text, nullable=False),
)
"""What staff work on. Every change is an act on the ledger that holds the new body, in the same transaction."""

mention = Table(
    "mention",
    metadata,
    Column("mark", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("basis", BigInteger, nullable=False),
    Column("received", SmallInteger, nullable=False),
)
"""Which records mention a fingerprint, by its first 64 bits, and what became of that. Derived from the records."""

mention_basis = Table(
    "mention_basis",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
)
"""What many records say alike (agent, basis, categories), once, by the first 64 bits of its digest."""

mention_end = Table(
    "mention_end",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
)
"""One row: the last record that `mention` covers."""
