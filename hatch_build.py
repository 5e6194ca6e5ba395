"""Puts the built web console into wheels and editable installs.

An installation never fails for the console's sake: without Node or npm's registry the broker runs
without it, and the page in its place says how to build it.  LEVERET_CONSOLE=require makes such a
failure an error (for releases), LEVERET_CONSOLE=skip leaves the console out.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# Where PyPI has a wheel of Node: asking for one elsewhere would make the installation fail.
WHEELS = {"linux": {"x86_64", "aarch64"}, "darwin": {"x86_64", "arm64"}, "win32": {"amd64"}}


class ConsoleHook(BuildHookInterface):
    """Builds mgmt_ui/console/dist, which the wheel carries."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Node from PyPI, where the machine has none and it is needed."""
        console = _console_build(self.root)
        if self._mode == "skip" or self.target_name != "wheel" or _is_current(console):
            return []
        if console.Node._of_machine() is not None:
            return []
        has_wheel = platform.machine().lower() in WHEELS.get(sys.platform, ())
        return [console.NODE_PACKAGE] if has_wheel else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Runs before files are gathered; `version` is "standard" or "editable"."""
        if self.target_name != "wheel" or self._mode == "skip":
            return
        console = _console_build(self.root)
        try:
            console.build()
        except console.CannotBuild as error:
            if self._mode == "require":
                raise
            self.app.display_warning(f"leveret goes without its web console: {error}")

    @property
    def _mode(self) -> str:
        return os.environ.get("LEVERET_CONSOLE", "auto")


def _is_current(console: ModuleType) -> bool:
    return bool(console._read(console.BUILT) == console.sources_hash())


def _console_build(root: str) -> ModuleType:
    path = Path(root) / "scripts" / "console_build.py"
    spec = importlib.util.spec_from_file_location("console_build", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
