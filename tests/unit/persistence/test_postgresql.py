"""URLs of PostgreSQL and what is wrong with them; what needs a server is in tests/durability."""

import sys

import pytest
from sqlalchemy import make_url

from persistence import engine as engines
from persistence import postgresql
from persistence.refusals import DriverMissing


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+asyncpg", "postgresql+psycopg"])
def test_the_writer_uses_psycopg_and_the_reader_asyncpg(scheme: str):
    url = make_url(f"{scheme}://me:secret@db:5433/mine")
    writing, reading = postgresql.writer_url(url), postgresql.reader_url(url)
    assert writing.drivername == "postgresql+psycopg"
    assert reading.drivername == "postgresql+asyncpg"
    for each in (writing, reading):
        assert (each.username, each.password) == ("me", "secret")
        assert (each.host, each.port, each.database) == ("db", 5433, "mine")


def test_parameters_are_called_as_each_driver_does():
    query = "ssl=require&prepared_statement_cache_size=0&connect_timeout=9&application_name=x"
    writing = postgresql.writer_url(make_url(f"postgresql+asyncpg://db/mine?{query}")).query
    assert "ssl" not in writing
    assert "prepared_statement_cache_size" not in writing
    assert writing["sslmode"] == "require"
    assert writing["connect_timeout"] == "9"
    assert writing["application_name"] == "x"
    assert writing["keepalives_idle"] == "10"
    reading = postgresql.reader_url(make_url("postgresql://db/mine?sslmode=require")).query
    assert reading == {"ssl": "require"}


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(DriverMissing, match=r"pip install 'leveret\[postgresql\]'") as raised:
        engines.open_engine("postgresql+asyncpg://me:secret@127.0.0.1:1/mine")
    assert "secret" not in str(raised.value)


def test_an_invalid_url_is_not_repeated():
    with pytest.raises(DriverMissing, match="its URL is not valid"):
        engines.open_engine("postgresql://me:secret@127.0.0.1:x/mine")
