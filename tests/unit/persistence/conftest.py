"""The database of a test, and how to open it again."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.persistence.kit import Database


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[], Database]]:
    """Opens the test's one file; a former opening is closed without a flush."""
    databases: list[Database] = []

    def again() -> Database:
        if databases:
            databases.pop().close()
        databases.append(Database(tmp_path / "test.db"))
        return databases[-1]

    yield again
    for database in databases:
        database.close()


@pytest.fixture
def database(opened: Callable[[], Database]) -> Database:
    return opened()
