"""How often messages came back to their queues, beside what is settled."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0005", "0004"


def upgrade() -> None:
    """Nothing is known of returns before."""
    op.add_column("settled", sa.Column("returned", sa.LargeBinary()))
