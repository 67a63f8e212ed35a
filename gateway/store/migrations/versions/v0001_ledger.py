"""Ledger with Merkle tree, reviews, allowances; takes over the records of the first format with their chain.

Revision ID: 0001
"""

from __future__ import annotations

import json
import secrets
from typing import Any

import sqlalchemy as sa
from alembic import op

from gateway.core.chain import EMPTY
from gateway.core.merkle import Frontier, leaf_hash

revision = "0001"
down_revision = None

STEP = 1000
TILE = 8
APPEND_ONLY = ("record", "node", "signed_head")


def upgrade() -> None:
    """Make all tables; move the records of the first format over, and grow the tree over them."""
    connection = op.get_bind()
    first_format = "record" in sa.inspect(connection).get_table_names()
    if first_format:
        for name in ("record_is_never_replaced", "record_never_changes", "record_never_goes"):
            connection.execute(sa.text(f"DROP TRIGGER IF EXISTS {name}"))
        for name in ("record_by_agent", "record_by_action"):
            connection.execute(sa.text(f"DROP INDEX IF EXISTS {name}"))
        op.rename_table("record", "record_0")
    _tables()
    if first_format:
        _take_over(connection)
        op.drop_table("record_0")
    _grow_tree(connection)
    (_sqlite_triggers if connection.dialect.name == "sqlite" else _postgresql_triggers)()


def _tables() -> None:
    # On SQLite only a column of exactly this type is the row's own number.
    text, big, small = sa.Text(), sa.BigInteger().with_variant(sa.Integer(), "sqlite"), sa.Integer()
    op.create_table(
        "record",
        sa.Column("seq", big, primary_key=True, autoincrement=False),
        sa.Column("id", text, nullable=False, unique=True),
        sa.Column("kind", text, nullable=False),
        sa.Column("about", text),
        *(
            sa.Column(name, text, nullable=False)
            for name in ("at", "gateway", "agent", "action", "body", "hash")
        ),
    )
    op.create_index("record_by_kind", "record", ["kind", "seq"])
    op.create_index("record_by_agent", "record", ["agent", "seq"])
    op.create_index("record_by_action", "record", ["action", "seq"])
    op.create_index(
        "record_by_about",
        "record",
        ["about"],
        sqlite_where=sa.text("about IS NOT NULL"),
        postgresql_where=sa.text("about IS NOT NULL"),
    )
    op.create_table(
        "node",
        sa.Column("level", small, primary_key=True, autoincrement=False),
        sa.Column("place", big, primary_key=True, autoincrement=False),
        sa.Column("hash", text, nullable=False),
    )
    op.create_table(
        "tree",
        sa.Column("one", small, sa.CheckConstraint("one = 1"), primary_key=True, autoincrement=False),
        sa.Column("ledger", text, nullable=False),
        sa.Column("size", big, nullable=False),
        sa.Column("head", text, nullable=False),
        sa.Column("peaks", text, nullable=False),
    )
    op.create_table(
        "signed_head",
        sa.Column("size", big, primary_key=True, autoincrement=False),
        sa.Column("gateway", text, primary_key=True),
        sa.Column("statement", text, nullable=False),
    )
    op.create_table(
        "open_intent",
        sa.Column("id", text, primary_key=True),
        sa.Column("gateway", text, nullable=False),
    )
    op.create_table(
        "review",
        sa.Column("id", text, primary_key=True),
        *(sa.Column(n, text, nullable=False) for n in ("identity", "agent", "state", "created", "expires")),
        sa.Column("eyes", small, nullable=False),
        sa.Column("first_by", text),
        sa.Column("until", text),
        sa.Column("single_use", small, nullable=False),
    )
    op.create_index("review_by_identity", "review", ["identity"])
    op.create_index("review_by_state", "review", ["state", "expires"])
    op.create_table(
        "held",
        sa.Column("id", text, primary_key=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "allowance",
        sa.Column("fingerprint", text, primary_key=True),
        sa.Column("entity", text, primary_key=True),
        sa.Column("review", text, nullable=False),
        sa.Column("until", text, nullable=False),
    )


def _take_over(connection: sa.Connection) -> None:
    rows = connection.execute(
        sa.text("SELECT seq, id, at, agent, action, body, hash FROM record_0 ORDER BY seq")
    )
    insert = sa.text(
        "INSERT INTO record (seq, id, kind, at, gateway, agent, action, body, hash) "
        "VALUES (:seq, :id, 'decision', :at, :gateway, :agent, :action, :body, :hash)"
    )
    for part in rows.mappings().partitions(STEP):
        connection.execute(insert, [{**row, "gateway": json.loads(row["body"])["gateway"]} for row in part])


def _grow_tree(connection: sa.Connection) -> None:
    frontier, head = Frontier(), EMPTY.hash
    rows = connection.execute(sa.text("SELECT hash FROM record ORDER BY seq"))
    insert = sa.text("INSERT INTO node (level, place, hash) VALUES (:level, :place, :hash)")
    for part in rows.partitions(STEP):
        nodes: list[dict[str, Any]] = []
        for (head,) in part:
            frontier, completed = frontier.add(leaf_hash(bytes.fromhex(head)))
            nodes += [
                {"level": one.level, "place": one.index, "hash": one.hash.hex()}
                for one in completed
                if one.level and one.level % TILE == 0
            ]
        if nodes:
            connection.execute(insert, nodes)
    connection.execute(
        sa.text(
            "INSERT INTO tree (one, ledger, size, head, peaks) VALUES (1, :ledger, :size, :head, :peaks)"
        ),
        {
            "ledger": secrets.token_hex(16),
            "size": frontier.size,
            "head": head,
            "peaks": " ".join(peak.hex() for peak in frontier.peaks),
        },
    )


def _sqlite_triggers() -> None:
    refuse = "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
    same = {
        "record": "seq = NEW.seq OR id = NEW.id",
        "node": "level = NEW.level AND place = NEW.place",
        "signed_head": "size = NEW.size AND gateway = NEW.gateway",
    }
    for table in APPEND_ONLY:
        op.execute(f"CREATE TRIGGER {table}_never_changes BEFORE UPDATE ON {table} {refuse}")
        op.execute(f"CREATE TRIGGER {table}_never_goes BEFORE DELETE ON {table} {refuse}")
        # INSERT OR REPLACE would delete without asking the trigger above.
        exists = f"EXISTS (SELECT 1 FROM {table} WHERE {same[table]})"  # noqa: S608 - names from above
        op.execute(
            f"CREATE TRIGGER {table}_is_never_replaced BEFORE INSERT ON {table} WHEN {exists} {refuse}"
        )


def _postgresql_triggers() -> None:
    op.execute(
        "CREATE FUNCTION onward_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_never_changes BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION onward_append_only()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_never_goes BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION onward_append_only()"
        )
