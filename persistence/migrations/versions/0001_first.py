"""The first schema: batches, settlements, definitions."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0001", None


def upgrade() -> None:
    """Makes all tables."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

    def name(column: str, *, key: bool = False) -> sa.Column[Any]:
        return sa.Column(column, sa.LargeBinary(255), primary_key=key, nullable=False)

    def needed(column: str, kind: Any) -> sa.Column[Any]:
        return sa.Column(column, kind, nullable=False)

    op.create_table(
        "meta", sa.Column("key", sa.String(64), primary_key=True), needed("value", sa.Text)
    )
    op.create_table(
        "batch",
        sa.Column("id", number, primary_key=True, autoincrement=False),
        needed("vhost_id", sa.Integer),
        needed("data", sa.LargeBinary),
    )
    op.create_table(
        "settled",
        sa.Column("batch_id", number, primary_key=True, autoincrement=False),
        needed("data", sa.LargeBinary),
    )
    op.create_table(
        "quarantine",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("batch_id", number, nullable=False),
        needed("vhost_id", sa.Integer),
        needed("data", sa.LargeBinary),
        needed("reason", sa.Text),
    )
    op.create_table(
        "vhost",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.LargeBinary(255), nullable=False, unique=True),
        needed("metadata", sa.Text),
    )
    op.create_table(
        "user",
        name("name", key=True),
        needed("password_hash", sa.Text),
        needed("hashing_algorithm", sa.Text),
        needed("tags", sa.Text),
    )
    op.create_table(
        "permission",
        name("user", key=True),
        name("vhost", key=True),
        *(needed(column, sa.LargeBinary) for column in ("configure", "write", "read")),
    )
    op.create_table(
        "exchange",
        name("vhost", key=True),
        name("name", key=True),
        needed("type", sa.Text),
        needed("auto_delete", sa.Boolean),
        needed("internal", sa.Boolean),
        needed("arguments", sa.Text),
    )
    op.create_table(
        "queue",
        sa.Column("id", sa.Integer, nullable=False, unique=True),
        name("vhost", key=True),
        name("name", key=True),
        needed("auto_delete", sa.Boolean),
        needed("arguments", sa.Text),
        needed("delivered", sa.Text),
    )
    op.create_table(
        "binding",
        name("vhost", key=True),
        sa.Column("identity", sa.LargeBinary(32), primary_key=True),
        name("source"),
        name("destination"),
        sa.Column("destination_type", sa.String(8), nullable=False),
        name("routing_key"),
        needed("arguments", sa.Text),
    )
    op.create_table(
        "topic_permission",
        *(name(column, key=True) for column in ("user", "vhost", "exchange")),
        *(needed(column, sa.LargeBinary) for column in ("write", "read")),
    )
    op.create_table(
        "policy",
        name("vhost", key=True),
        name("name", key=True),
        needed("pattern", sa.LargeBinary),
        sa.Column("apply_to", sa.String(32), nullable=False),
        needed("priority", sa.Integer),
        needed("definition", sa.Text),
    )
    op.create_table(
        "parameter",
        *(name(column, key=True) for column in ("vhost", "component", "name")),
        needed("value", sa.Text),
    )
