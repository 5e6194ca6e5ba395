"""The data directory belongs to one broker at a time."""

import os
from pathlib import Path

import pytest

from broker.startup import LOCK_NAME, DataDirectory, StartError


def test_makes_the_directory_for_its_owner_only(tmp_path: Path) -> None:
    with DataDirectory(tmp_path / "a" / "b") as directory:
        assert directory.path == tmp_path / "a" / "b"
        assert directory.path.stat().st_mode & 0o777 == 0o700
        assert (directory.path / LOCK_NAME).read_text() == f"{os.getpid()}\n"


def test_second_holder_is_refused_and_the_first_keeps_it(tmp_path: Path) -> None:
    with DataDirectory(tmp_path):
        for _ in range(2):
            with pytest.raises(StartError, match=f"in use by process {os.getpid()}"):
                DataDirectory(tmp_path).__enter__()


def test_is_free_again_afterwards(tmp_path: Path) -> None:
    for _ in range(2):
        with DataDirectory(tmp_path):
            pass
    assert (tmp_path / LOCK_NAME).read_text() == ""


def test_lock_file_of_a_dead_broker_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / LOCK_NAME).write_text("99999999999\n")
    with DataDirectory(tmp_path):
        assert (tmp_path / LOCK_NAME).read_text() == f"{os.getpid()}\n"


def test_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartError, match="cannot use data directory"):
        DataDirectory(tmp_path / "file").__enter__()


def test_relative_paths_are_shown_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert DataDirectory(Path("data")).path == tmp_path / "data"
