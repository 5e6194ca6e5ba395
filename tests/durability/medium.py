"""What a disk may do to a database: fill up, fail, be slow, forget what was not synced.

Here: the medium under a broker and the knobs outside of it.  `python -m tests.durability.medium`
is the broker on such a medium; `TroubledBroker` starts it so.
"""

import mmap
import os
import random
import shutil
import struct
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tests.durability import sqlite_layer
from tests.durability.sqlite_layer import FULL, IOERR_FSYNC, IOERR_WRITE, OK
from tests.support.broker import Broker

KNOBS, PLATTER, SYNCHRONOUS = "TROUBLE_KNOBS", "TROUBLE_PLATTER", "TROUBLE_SYNCHRONOUS"
# What is the matter, and how many milliseconds a sync takes more.
_KNOBS = struct.Struct("<II")
NOTHING, NO_SPACE, CANNOT_WRITE, CANNOT_SYNC = range(4)
SECTOR = 512


class TroubledMedium:
    """Does as the knobs say; with `platter` it also keeps there what is really on the disk."""

    def __init__(self, knobs: Path, platter: Path | None) -> None:
        with knobs.open("r+b") as file:
            self._knobs = mmap.mmap(file.fileno(), _KNOBS.size)
        self._platter = platter
        # SQLite's files are written by several threads.
        self._lock = threading.Lock()
        self._unsynced: dict[str, list[tuple[int, bytes | None]]] = {}

    def write(self, path: str, offset: int, data: bytes) -> int:
        trouble, _ = _KNOBS.unpack_from(self._knobs)
        if trouble == NO_SPACE:
            return FULL
        if trouble == CANNOT_WRITE:
            return IOERR_WRITE
        self._note(path, offset, data)
        return OK

    def truncate(self, path: str, size: int) -> int:
        self._note(path, size, None)
        return OK

    def _note(self, path: str, offset: int, data: bytes | None) -> None:
        if self._platter is not None:
            with self._lock:
                self._unsynced.setdefault(path, []).append((offset, data))

    def sync(self, path: str) -> int:
        trouble, delay = _KNOBS.unpack_from(self._knobs)
        if delay:
            time.sleep(delay / 1000)
        with self._lock:
            unsynced = self._unsynced.pop(path, [])
            if trouble == CANNOT_SYNC:
                # As Linux has it: what could not be written counts as written from then on.
                return IOERR_FSYNC
            if self._platter is not None:
                _apply(self._platter / Path(path).name, unsynced)
        return OK

    def deleted(self, path: str) -> None:
        self._unsynced.pop(path, None)
        if self._platter is not None:
            (self._platter / Path(path).name).unlink(missing_ok=True)


def _apply(path: Path, changes: list[tuple[int, bytes | None]]) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        for offset, data in changes:
            if data is None:
                os.ftruncate(descriptor, offset)
            else:
                os.pwrite(descriptor, data, offset)
    finally:
        os.close(descriptor)


class TroubledBroker(Broker):
    """A broker on a medium with knobs."""

    module = "tests.durability.medium"

    def __init__(self, directory: Path, *options: str) -> None:
        super().__init__(directory, *options)
        path = directory / "knobs"
        path.write_bytes(bytes(_KNOBS.size))
        with path.open("r+b") as file:
            self._knobs = mmap.mmap(file.fileno(), _KNOBS.size)
        self.environment = {KNOBS: str(path)}

    def trouble(self, what: int = NOTHING, *, sync_delay: float = 0.0) -> None:
        """From now on the medium does this; a sync takes `sync_delay` seconds more."""
        _KNOBS.pack_into(self._knobs, 0, what, int(sync_delay * 1000))


class PoweredBroker(TroubledBroker):
    """A broker on a machine of which the power can be cut."""

    def __init__(self, directory: Path, *options: str) -> None:
        super().__init__(directory, *options)
        self.platter = directory / "platter"
        self.environment[PLATTER] = str(self.platter)

    def start(self, timeout: float = 15.0) -> "PoweredBroker":
        # By now the system has written what it had; the rest is what the layer is told.
        shutil.rmtree(self.platter, ignore_errors=True)
        self.platter.mkdir()
        for path in self.data_dir.glob("leveret.db*"):
            if not path.name.endswith("-shm"):
                shutil.copyfile(path, self.platter / path.name)
        super().start(timeout)
        return self

    def cut_power(self, chance: random.Random, share: float | None = None) -> None:
        """Ends the broker; of what was not synced any part may be on the disk, by sectors."""
        self.kill()
        if share is None:
            share = chance.choice((0.0, 0.0, 0.5, 0.9, 1.0))
        names = {path.name for path in self.platter.iterdir()}
        for path in self.data_dir.glob("leveret.db*"):
            if path.name.endswith("-shm"):
                path.unlink()
            elif path.name in names or chance.random() < share:
                old = self.platter / path.name
                safe = old.read_bytes() if path.name in names else b""
                path.write_bytes(_mixed(safe, path.read_bytes(), share, chance))
            else:
                path.unlink()


def _mixed(safe: bytes, wanted: bytes, share: float, chance: random.Random) -> bytes:
    """`safe`, with about `share` of the sectors that differ as in `wanted`."""
    truncated = len(wanted) < len(safe) and chance.random() < share
    size = len(wanted) if truncated else len(safe)
    mixed = bytearray(max(len(safe), len(wanted)))
    mixed[: len(safe)] = safe
    for at in range(0, len(wanted), SECTOR):
        fresh = wanted[at : at + SECTOR]
        if mixed[at : at + SECTOR] != fresh and chance.random() < share:
            mixed[at : at + SECTOR] = fresh
            size = max(size, at + len(fresh))
    return bytes(mixed[:size])


def main() -> Any:
    """The broker, on the medium that the environment names."""
    from broker.__main__ import main as broker
    from persistence import engine

    if level := os.environ.get(SYNCHRONOUS):
        setattr(engine, "SQLITE_PRAGMAS", (*engine.SQLITE_PRAGMAS, f"synchronous={level}"))  # noqa: B010
    platter = os.environ.get(PLATTER)
    knobs = Path(os.environ[KNOBS])
    sqlite_layer.install(TroubledMedium(knobs, Path(platter) if platter else None))
    return broker()


if __name__ == "__main__":
    sys.exit(main())
