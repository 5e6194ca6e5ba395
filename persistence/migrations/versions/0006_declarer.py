"""Who declared a queue."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0006", "0005"


def upgrade() -> None:
    """Nobody knows any more who declared those that are there."""
    op.add_column("queue", sa.Column("creator", sa.LargeBinary()))
