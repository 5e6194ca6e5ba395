"""A layer between SQLite and its files, for the whole process: what is written passes a `Medium`.

Here: putting functions of Python into the structures of SQLite's own file layer (ctypes), so that
the daemon that is tested is the real one, with the driver, the settings and the threads that it
always has.  Not here: what a medium does (medium.py).

See https://www.sqlite.org/c3ref/vfs.html and https://www.sqlite.org/c3ref/io_methods.html.
"""

import ctypes
import struct
import sys
from collections.abc import Callable
from typing import Any, Protocol

OK = 0
IOERR_WRITE, IOERR_FSYNC, FULL = 10 | 3 << 8, 10 | 4 << 8, 13
_IOERR = 10

# Databases, write-ahead logs and rollback journals; not files that nobody needs after a crash.
_LASTING = 0x100 | 0x800 | 0x80000

_POINTER = struct.calcsize("P")
# struct sqlite3_vfs: three ints, then pointers; xOpen is the fourth of these, xDelete the next.
_VFS_OPEN = 4 * 4 + 3 * _POINTER
_VFS_DELETE = _VFS_OPEN + _POINTER
# struct sqlite3_io_methods: an int and its filling, then 18 pointers.
_METHODS_SIZE = 8 + 18 * _POINTER
_CLOSE, _WRITE, _TRUNCATE, _SYNC = (8 + at * _POINTER for at in (0, 2, 3, 4))

_c, _p = ctypes.c_int, ctypes.c_void_p
_OpenFunction = ctypes.CFUNCTYPE(_c, _p, _p, _p, _c, _p)
_DeleteFunction = ctypes.CFUNCTYPE(_c, _p, _p, _c)
_CloseFunction = ctypes.CFUNCTYPE(_c, _p)
_WriteFunction = ctypes.CFUNCTYPE(_c, _p, _p, _c, ctypes.c_int64)
_TruncateFunction = ctypes.CFUNCTYPE(_c, _p, ctypes.c_int64)
_SyncFunction = ctypes.CFUNCTYPE(_c, _p, _c)


class Medium(Protocol):
    """What files are on.

    Each method but `deleted` is asked before SQLite's own layer does its part, and returns OK or
    the error that SQLite gets instead; `synced` before that part too, since a medium that only
    pretends needs no real one.  Called on the thread that SQLite runs in.
    """

    def write(self, path: str, offset: int, data: bytes) -> int: ...
    def truncate(self, path: str, size: int) -> int: ...
    def sync(self, path: str) -> int: ...
    def deleted(self, path: str) -> None: ...


class NoLayer(Exception):
    """This Python's SQLite cannot be reached; args[0] says why."""


def install(medium: Medium) -> None:
    """From now on all lasting files that SQLite opens are on `medium`; raises NoLayer."""
    layer = _Layer(medium)
    layer.install()
    _installed.append(layer)


# SQLite has addresses in it: it must not be collected.
_installed: list["_Layer"] = []


class _Layer:
    def __init__(self, medium: Medium) -> None:
        self._medium = medium
        # By address of the file: its path and the methods of SQLite's own layer.
        self._files: dict[int, tuple[str, int]] = {}
        self._kept: list[Any] = []
        self._methods: dict[int, Any] = {}

    def install(self) -> None:
        vfs = _default_vfs()
        self._open_file = _OpenFunction(_pointer_at(vfs + _VFS_OPEN))
        self._delete_file = _DeleteFunction(_pointer_at(vfs + _VFS_DELETE))
        self._put(vfs + _VFS_OPEN, _OpenFunction(_safe(self._open)))
        self._put(vfs + _VFS_DELETE, _DeleteFunction(_safe(self._delete)))

    def _put(self, address: int, function: Any) -> None:
        self._kept.append(function)
        _p.from_address(address).value = ctypes.cast(function, _p).value

    def _open(self, vfs: int, name: int, file: int, flags: int, out: int) -> int:
        result: int = self._open_file(vfs, name, file, flags, out)
        if result == OK and name and flags & _LASTING:
            own = _pointer_at(file)
            self._files[file] = (_text(name), own)
            _p.from_address(file).value = ctypes.addressof(self._shimmed(own))
        return result

    def _shimmed(self, own: int) -> Any:
        if own not in self._methods:
            methods = ctypes.create_string_buffer(ctypes.string_at(own, _METHODS_SIZE))
            base = ctypes.addressof(methods)
            self._put(base + _CLOSE, _CloseFunction(_safe(self._close)))
            self._put(base + _WRITE, _WriteFunction(_safe(self._write)))
            self._put(base + _TRUNCATE, _TruncateFunction(_safe(self._truncate)))
            self._put(base + _SYNC, _SyncFunction(_safe(self._sync)))
            self._methods[own] = methods
        return self._methods[own]

    def _delete(self, vfs: int, name: int, sync_directory: int) -> int:
        result: int = self._delete_file(vfs, name, sync_directory)
        if result == OK:
            self._medium.deleted(_text(name))
        return result

    def _close(self, file: int) -> int:
        _, own = self._files.pop(file)
        result: int = _CloseFunction(_pointer_at(own + _CLOSE))(file)
        return result

    def _write(self, file: int, data: int, size: int, offset: int) -> int:
        path, own = self._files[file]
        if refused := self._medium.write(path, offset, ctypes.string_at(data, size)):
            return refused
        result: int = _WriteFunction(_pointer_at(own + _WRITE))(file, data, size, offset)
        return result

    def _truncate(self, file: int, size: int) -> int:
        path, own = self._files[file]
        if refused := self._medium.truncate(path, size):
            return refused
        result: int = _TruncateFunction(_pointer_at(own + _TRUNCATE))(file, size)
        return result

    def _sync(self, file: int, flags: int) -> int:
        path, own = self._files[file]
        if refused := self._medium.sync(path):
            return refused
        result: int = _SyncFunction(_pointer_at(own + _SYNC))(file, flags)
        return result


def _default_vfs() -> int:
    try:
        import _sqlite3

        find = ctypes.CDLL(_sqlite3.__file__).sqlite3_vfs_find
    except (AttributeError, OSError) as error:
        raise NoLayer(f"SQLite is built into this Python: {error}") from None
    find.restype = _p
    address: int = find(None)
    return address


def _pointer_at(address: int) -> int:
    return _p.from_address(address).value or 0


def _text(address: int) -> str:
    return ctypes.string_at(address).decode()


def _safe(function: Callable[..., int]) -> Callable[..., int]:
    # ctypes would take an exception for 0, which is success.
    def guarded(*arguments: int) -> int:
        try:
            return function(*arguments)
        except BaseException as error:
            print(f"ERROR in the layer under SQLite: {error!r}", file=sys.stderr, flush=True)
            return _IOERR

    return guarded
