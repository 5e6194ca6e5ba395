"""Files beside the database's own, and how they are made to last.  What is in them is not here."""

import os
from pathlib import Path


def beside(path: Path, ending: str) -> Path:
    """A file that belongs to this one: its name with `ending` behind it."""
    return path.with_name(path.name + ending)


def sync(path: Path) -> None:
    """Returns once a file, or what stands in a directory, is on the disk.  Raises OSError."""
    if os.name == "nt" and path.is_dir():
        return  # directories cannot be synced there
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
