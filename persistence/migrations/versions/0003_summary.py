"""What a batch holds of each queue, so that a start need not read all of them."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0003", "0002"


def upgrade() -> None:
    """Batches of before have none: they are read as ever."""
    op.add_column("batch", sa.Column("summary", sa.LargeBinary()))
