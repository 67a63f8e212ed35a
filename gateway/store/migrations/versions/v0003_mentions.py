"""The index of fingerprints holds what a search answers, so that it reads no record; it is made anew.

Revision ID: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables empty; gateways fill them behind the transfers, from the first record on."""
    text, big, small = sa.Text(), sa.BigInteger(), sa.SmallInteger()
    op.drop_table("mention")
    op.create_table(
        "mention",
        sa.Column("mark", big, nullable=False),
        sa.Column("seq", big, nullable=False),
        sa.Column("basis", big, nullable=False),
        sa.Column("received", small, nullable=False),
        # A person's entries lie side by side on both databases, with all that is asked of them.
        sa.PrimaryKeyConstraint("mark", "seq", postgresql_include=["basis", "received"]),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "mention_basis",
        sa.Column("id", big, primary_key=True, autoincrement=False),
        sa.Column("body", text, nullable=False),
    )
    op.execute("UPDATE mention_end SET seq = 0")
