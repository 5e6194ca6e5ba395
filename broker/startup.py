"""What can keep a broker from starting, and the data directory that only one may hold.

Light on purpose: this runs before the heavy imports, so that a refusal comes at once.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

LOCK_NAME = "leveret.lock"

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        # A locked byte cannot be read on Windows; one far behind the pid does not hide it.
        os.lseek(descriptor, 1 << 20, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class StartError(Exception):
    """The broker cannot start; args[0] is one line saying why and, if possible, what to do."""


class DataDirectory:
    """Holds a data directory as a context manager: makes it if missing and locks it.

    The lock is the operating system's and ends with the process, however it ends; the file only
    names the holder.  Raises StartError if the directory is in use or cannot be used.
    """

    __slots__ = ("_descriptor", "path")

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._descriptor = -1

    def __enter__(self) -> Self:
        try:
            # Password hashes and messages are nobody else's business.
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = os.open(self.path / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StartError(f"cannot use data directory {self.path}: {error.strerror}") from None
        try:
            _lock(self._descriptor)
        except OSError:
            holder = os.read(self._descriptor, 20).decode("ascii", "replace").strip()
            self._close()
            by = f" by process {holder}" if holder.isdigit() else ""
            raise StartError(
                f"data directory {self.path} is in use{by}; stop that broker or give --data-dir"
            ) from None
        self._name_holder(f"{os.getpid()}\n")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # The file stays: to remove it is to race with a broker that has just opened it.
        self._name_holder("")
        self._close()

    def _name_holder(self, text: str) -> None:
        # The lock holds without it, on a full disk too.
        with suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.write(self._descriptor, text.encode())

    def _close(self) -> None:
        os.close(self._descriptor)
        self._descriptor = -1
