"""Cases (requests of data subjects, complaints, assessments), and the index of fingerprints over the ledger.

Revision ID: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables. The index is filled by gateways and searches, from the first record on."""
    text, big, small = sa.Text(), sa.BigInteger(), sa.Integer()
    op.create_table(
        "case_file",
        sa.Column("id", text, primary_key=True),
        sa.Column("kind", text, nullable=False),
        sa.Column("parent", text),
        sa.Column("state", text, nullable=False),
        sa.Column("body", text, nullable=False),
    )
    op.create_index("case_by_kind", "case_file", ["kind", "state", "id"])
    op.create_index("case_by_parent", "case_file", ["parent"])
    op.create_table(
        "mention",
        sa.Column("mark", big, primary_key=True, autoincrement=False),
        sa.Column("seq", big, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "mention_end",
        sa.Column("one", small, sa.CheckConstraint("one = 1"), primary_key=True, autoincrement=False),
        sa.Column("seq", big, nullable=False),
    )
    op.execute("INSERT INTO mention_end (one, seq) VALUES (1, 0)")
