"""From the schema of an older version to that of this one, by Alembic.

Here: running the scripts in versions/, all in one transaction.  Imported only
where there is something to upgrade: Alembic costs a start 100 ms and 10 MiB.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, update

from persistence import schema


def revision(version: int) -> str:
    """The revision that a schema version is called by."""
    return f"{version:04}"


def configuration(connection: Connection) -> Config:
    """What Alembic's commands want, for this connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def upgrade(connection: Connection, found: int) -> None:
    """Brings the schema from version `found` to this one's, all or nothing."""
    config = configuration(connection)
    # What the database says of itself counts, not what an earlier upgrade has left.
    command.stamp(config, revision(found), purge=True)
    command.upgrade(config, revision(schema.VERSION))
    version = update(schema.meta).where(schema.meta.c.key == "schema_version")
    connection.execute(version.values(value=str(schema.VERSION)))
