"""A checksum for every row of definitions, and a place for rows whose checksum does not fit."""

import sqlalchemy as sa
from alembic import op

from persistence import checksums

revision, down_revision = "0002", "0001"

# The columns that the checksum is over, in order, the key of the table first.
TABLES = {
    "vhost": (("id",), ("id", "name", "metadata")),
    "user": (("name",), ("name", "password_hash", "hashing_algorithm", "tags")),
    "permission": (("user", "vhost"), ("user", "vhost", "configure", "write", "read")),
    "exchange": (
        ("vhost", "name"),
        ("vhost", "name", "type", "auto_delete", "internal", "arguments"),
    ),
    "queue": (("vhost", "name"), ("id", "vhost", "name", "auto_delete", "arguments")),
    "binding": (
        ("vhost", "identity"),
        (
            "vhost",
            "identity",
            "source",
            "destination",
            "destination_type",
            "routing_key",
            "arguments",
        ),
    ),
    "topic_permission": (
        ("user", "vhost", "exchange"),
        ("user", "vhost", "exchange", "write", "read"),
    ),
    "policy": (
        ("vhost", "name"),
        ("vhost", "name", "pattern", "apply_to", "priority", "definition"),
    ),
    "parameter": (("vhost", "component", "name"), ("vhost", "component", "name", "value")),
}


def upgrade() -> None:
    """Adds both, and reckons the checksums of what is there."""
    op.create_table(
        "damaged_row",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("table_name", sa.String(64), nullable=False),
        sa.Column("row", sa.Text, nullable=False),
    )
    for name, (key, columns) in TABLES.items():
        column = sa.Column("checksum", sa.BigInteger, nullable=False, server_default="0")
        op.add_column(name, column)
        _fill(name, key, columns)


def _fill(name: str, key: tuple[str, ...], columns: tuple[str, ...]) -> None:
    table = sa.table(name, *(sa.column(each) for each in (*columns, "checksum")))
    connection = op.get_bind()
    rows = connection.execute(sa.select(*(table.c[each] for each in columns))).all()
    if not rows:
        return
    same = [table.c[each] == sa.bindparam(f"key_{each}") for each in key]
    change = table.update().where(*same).values(checksum=sa.bindparam("sum"))
    connection.execute(
        change,
        [
            {f"key_{each}": row._mapping[each] for each in key} | {"sum": checksums.of_row(row)}
            for row in rows
        ],
    )
