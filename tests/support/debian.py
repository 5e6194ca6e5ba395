"""Debian's packages, for the tests that need more than PyPI has."""

import os
import subprocess
from collections.abc import Callable
from typing import TypeVar

import pytest

T = TypeVar("T")


class NotInstalled(Exception):
    """A package is missing, and cannot be had here."""


def install(package: str) -> None:
    """Installs it, without what it merely recommends; raises NotInstalled."""
    sudo = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    # Debian starts no service in run level 1: it would listen on every address.
    settings = ["env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1"]
    apt = [*sudo, *settings, "apt-get", "--quiet", "--option", "DPkg::Lock::Timeout=120"]
    for step in (["update"], ["install", "--yes", "--no-install-recommends", package]):
        try:
            subprocess.run([*apt, *step], check=True, capture_output=True, text=True)
        except subprocess.CalledProcessError as error:
            said = error.stderr.strip().splitlines()[-1:]
            raise NotInstalled(f"cannot install {package}: {''.join(said)}") from None
        except OSError as error:
            raise NotInstalled(f"cannot install {package}: {error}") from None


def or_skip(install: Callable[[], T]) -> T:
    """What `install` gives; skips the test where it raises NotInstalled."""
    try:
        return install()
    except NotInstalled as error:
        pytest.skip(str(error))
