"""`leveret backup` from a broker under load, `leveret restore` into a fresh directory."""

import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from tests.durability.test_disk_trouble import PORTS, confirmed, drained, publish, queue_of
from tests.support.broker import Broker
from tests.support.eventually import eventually
from tests.support.wire import Disconnected, WireClient
from tests.unit.broker.test_main import assert_refused, leveret

pytestmark = pytest.mark.sqlite


class Stream(threading.Thread):
    """Publishes 1, 2, 3... and knows up to where that is confirmed."""

    def __init__(self, client: WireClient, first: int) -> None:
        super().__init__(daemon=True)
        self.client = client
        self.confirmed = self.first = first
        self.ended = False

    def run(self) -> None:
        try:
            while not self.ended:
                publish(self.client, range(self.confirmed, self.confirmed + 50))
                self.confirmed = confirmed(self.client, self.confirmed + 50)
        except (Disconnected, OSError):
            pass


def copy(command: str, path: Path, data_dir: Path, *options: str):
    return leveret(command, str(path), "--data-dir", str(data_dir), *options, cwd=data_dir.parent)


def test_a_backup_of_a_busy_broker_is_a_snapshot(tmp_path: Path):
    saved = tmp_path / "saved.db"
    with Broker(tmp_path / "one") as broker:
        stream = Stream(queue_of(broker.amqp, 100), 100)
        stream.start()
        eventually(lambda: stream.confirmed > 2000)
        before = stream.confirmed
        result = copy("backup", saved, broker.data_dir)
        assert (result.returncode, result.stderr) == (0, "")
        assert f"is in {saved}" in result.stdout
        after = stream.confirmed
        eventually(lambda: stream.confirmed > after + 500)
        stream.ended = True
        stream.join(10)
        stream.client.abort()
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "saved.db"]

    restored = Broker(tmp_path / "two")
    result = copy("restore", saved, restored.data_dir)
    assert (result.returncode, result.stderr) == (0, "")
    with restored:
        found = drained(restored.amqp)
        assert found == list(range(len(found)))
        assert before <= len(found) <= stream.confirmed


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A backup with three messages in it, of a broker that has stopped."""
    with Broker(tmp_path / "saved") as broker:
        queue_of(broker.amqp, 3).abort()
    path = tmp_path / "saved.db"
    assert copy("backup", path, broker.data_dir).returncode == 0
    return path


def test_a_directory_in_use_is_not_restored_into(saved: Path, tmp_path: Path):
    with Broker(tmp_path / "other") as broker:
        queue_of(broker.amqp, 5).abort()
        assert_refused(copy("restore", saved, broker.data_dir, "--force"), "is in use by process")
        assert len(drained(broker.amqp)) == 5


def test_what_is_there_is_replaced_only_by_force(saved: Path, tmp_path: Path):
    with Broker(tmp_path / "other") as broker:
        queue_of(broker.amqp, 5).abort()
        broker.kill()  # it leaves a write-ahead log behind
        assert_refused(copy("restore", saved, broker.data_dir), "exists; give --force")
        assert copy("restore", saved, broker.data_dir, "--force").returncode == 0
        broker.start()
        assert drained(broker.amqp) == [0, 1, 2]
    assert_refused(copy("backup", saved, broker.data_dir), "exists; give --force")
    assert copy("backup", saved, broker.data_dir, "--force").returncode == 0


def test_what_is_no_backup_is_refused(saved: Path, tmp_path: Path):
    target = tmp_path / "fresh"
    (tmp_path / "text").write_text("not a database " * 1000)
    sqlite3.connect(tmp_path / "other.db").close()
    for path, reason in (
        ("text", "is no database of Leveret"),
        ("other.db", "is no database of Leveret"),
        ("missing", "there is no database"),
    ):
        assert_refused(copy("restore", tmp_path / path, target), reason)
    with sqlite3.connect(saved) as database:
        database.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    database.close()
    assert_refused(copy("restore", saved, target), "schema version 99, this Leveret knows")
    assert not (target / "leveret.db").exists()


def test_a_backup_that_cannot_be_written(tmp_path: Path, saved: Path):
    nowhere = tmp_path / "missing" / "saved.db"
    assert_refused(copy("backup", nowhere, tmp_path / "saved" / "data"), "No such file")
    assert_refused(copy("backup", saved, tmp_path / "empty"), "exists; give --force")
    assert_refused(copy("backup", tmp_path / "new.db", tmp_path / "empty"), "there is no database")


def test_the_command_line(tmp_path: Path):
    assert_refused(leveret("backup", cwd=tmp_path), "arguments are required: DEST")
    assert_refused(leveret("backup", "a", *PORTS, cwd=tmp_path), "unrecognized arguments")
    remote = ("--database", "postgresql+asyncpg://u:secret@h/d")
    refused = leveret("backup", "a", *remote, cwd=tmp_path)
    assert_refused(refused, "backup is for SQLite")
    assert "secret" not in refused.stderr
    shown = leveret("restore", "--help", cwd=tmp_path)
    assert shown.returncode == 0
    assert "SOURCE" in shown.stdout
    assert "backup" in leveret("--help", cwd=tmp_path).stdout
