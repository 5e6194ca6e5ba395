"""Databases of older versions are brought to this one's schema, all or nothing."""

import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import inspect

from persistence import engine as engines
from persistence import migrations, schema
from persistence.contents import Contents
from persistence.definition_store import Definitions
from persistence.steps import at_once

SCHEMAS = Path(__file__).parents[2] / "durability" / "schemas"
KEPT = sorted(SCHEMAS.glob("v*.sql"))


def shape(engine):
    """Every table with its columns, keys and what must not be null or twice."""
    inspector = inspect(engine)
    return {
        table: (
            sorted(
                (c["name"], str(c["type"]), c["nullable"]) for c in inspector.get_columns(table)
            ),
            inspector.get_pk_constraint(table)["constrained_columns"],
            sorted(u["column_names"] for u in inspector.get_unique_constraints(table)),
        )
        for table in inspector.get_table_names()
        if table != "alembic_version"
    }


@pytest.fixture(params=KEPT, ids=lambda path: path.stem)
def old(request, tmp_path):
    """The file of a database of an older version."""
    path = tmp_path / "old.db"
    database = sqlite3.connect(path)
    database.executescript(request.param.read_text())
    database.close()
    return path


def test_a_data_directory_of_every_version_is_kept():
    versions = [int(re.findall(r"\d+", path.stem)[0]) for path in KEPT]
    assert versions == list(range(1, schema.VERSION + 1))


def test_an_upgraded_database_is_like_a_new_one(old, tmp_path):
    new = engines.open_engine(f"sqlite:///{tmp_path / 'new.db'}")
    upgraded = engines.open_engine(f"sqlite:///{old}")
    assert shape(upgraded) == shape(new)
    with upgraded.connect() as connection:
        definitions = Definitions(connection)
        queues: set[str] = set()
        at_once(
            Contents("/", definitions.damage).queues(lambda row: queues.add(row.name)), connection
        )
        assert queues - {"counted"} == {"q", "dead"}
        assert [user.name for user in definitions.users()] == ["guest"]
        assert not definitions.damage.lacks(connection, schema.queue)
    upgraded.dispose()
    assert shape(engines.open_engine(f"sqlite:///{old}")) == shape(new)
    new.dispose()


def test_an_upgrade_that_fails_changes_nothing(tmp_path, monkeypatch):
    path = tmp_path / "old.db"
    database = sqlite3.connect(path)
    database.executescript(KEPT[0].read_text())
    before = list(database.iterdump())
    real = migrations.upgrade

    def broken(connection, found):
        real(connection, found)
        raise OSError("the power is gone")

    monkeypatch.setattr(migrations, "upgrade", broken)
    with pytest.raises(OSError, match="power"):
        engines.open_engine(f"sqlite:///{path}")
    assert list(database.iterdump()) == before
    database.close()


def test_alembic_is_not_imported_by_who_need_not_upgrade(tmp_path):
    script = (
        "import sys; from persistence import engine;"
        f"engine.open_engine('sqlite:///{tmp_path / 'new.db'}').dispose();"
        "sys.exit('alembic' in sys.modules)"
    )
    for _ in range(2):
        assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
