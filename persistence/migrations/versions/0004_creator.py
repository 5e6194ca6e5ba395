"""Who declared an exchange."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0004", "0003"


def upgrade() -> None:
    """Nobody knows any more who declared those that are there."""
    op.add_column("exchange", sa.Column("creator", sa.LargeBinary()))
