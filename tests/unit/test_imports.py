"""The house rules that a parser can see: which way imports point, and where time comes from."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# As in docs/design.md.  A package always may import itself.
ALLOWED = {
    "exchanges": set[str](),
    "persistence": set[str](),
    "vhosts": {"exchanges", "persistence"},
    "broker": {"vhosts", "exchanges", "persistence"},
    "mgmt_ui": {"broker", "vhosts", "exchanges", "persistence"},
}

# What only broker/clock.py may call.  `call_later` is for any receiver but a clock.
TIME_CALLS = {
    "time.time",
    "time.time_ns",
    "time.monotonic",
    "time.monotonic_ns",
    "time.perf_counter",
    "time.sleep",
    "asyncio.sleep",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "loop.time",
    "loop.call_later",
    "loop.call_at",
}


def imported(tree: ast.AST, package: str) -> Iterator[str]:
    """Dotted names of what a module of `package` imports, anywhere in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*(parents if node.level else []), *filter(None, [node.module])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def wrong_imports(path: str, source: str) -> list[str]:
    """What the module at `path` (relative to the root) imports against the design."""
    package = ".".join(Path(path).parts[:-1])
    own = package.split(".")[0]
    wrong = []
    for name in imported(ast.parse(source), package):
        head = name.split(".")[0]
        sealed = path.startswith("broker/amqp/") and not (name + ".").startswith("broker.amqp.")
        if sealed and name == "broker":  # `from broker import amqp` names both
            continue
        allowed = head == own or head in ALLOWED[own]
        if head in ALLOWED and (sealed or not allowed):
            wrong.append(name)
    return wrong


def dotted(node: ast.expr) -> str:
    """`self._loop.call_later` as "loop.call_later": the last two names, without underscores."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.insert(0, node.attr)
        node = node.value
    if isinstance(node, ast.Call):
        names.insert(0, "loop" if dotted(node.func).endswith("_loop") else "")
    elif isinstance(node, ast.Name):
        names.insert(0, node.id)
    return ".".join(name.strip("_") for name in names[-2:]) if len(names) > 1 else "".join(names)


def wrong_times(path: str, source: str) -> list[str]:
    """Calls and imports in `path` that take time from elsewhere than the clock."""
    if path == "broker/clock.py":
        return []
    tree = ast.parse(source)
    used = [dotted(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in {"time", "asyncio"}:
            used += [f"{node.module}.{alias.name}" for alias in node.names]
    return [name for name in used if name in TIME_CALLS]


MODULES = sorted(
    path.relative_to(ROOT).as_posix()
    for package in ALLOWED
    for path in (ROOT / package).rglob("*.py")
)


@pytest.mark.parametrize("path", MODULES)
def test_imports_point_one_way(path: str) -> None:
    assert wrong_imports(path, (ROOT / path).read_text()) == []


@pytest.mark.parametrize("path", MODULES)
def test_time_comes_from_the_clock(path: str) -> None:
    assert wrong_times(path, (ROOT / path).read_text()) == []


@pytest.mark.parametrize("path", MODULES)
def test_says_what_lives_in_it(path: str) -> None:
    assert ast.get_docstring(ast.parse((ROOT / path).read_text())), "no module docstring"


def test_the_engines_map_is_whole() -> None:
    told = set(re.findall(r"`(\w+)`", (ROOT / "broker" / "README.md").read_text()))
    modules = {path.stem for path in (ROOT / "broker").glob("*.py")} - {"__init__"}
    assert modules - told == set()


# The rules themselves: a check that cannot fail protects nothing.


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("vhosts/vhost.py", "import broker.queue"),
        ("vhosts/vhost.py", "def f():\n    from broker import queue"),
        ("exchanges/base.py", "from vhosts.errors import NotFound"),
        ("persistence/commit.py", "from exchanges import base"),
        ("broker/server.py", "from mgmt_ui.app import application"),
        ("broker/amqp/hot.py", "from broker.message import Message"),
        ("broker/amqp/hot.py", "from broker import message"),
        ("broker/amqp/hot.py", "from ..message import Message"),
        ("broker/amqp/hot.py", "import exchanges"),
    ],
)
def test_finds_wrong_imports(path: str, source: str) -> None:
    assert wrong_imports(path, source)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("vhosts/vhost.py", "from exchanges import base\nfrom . import errors"),
        ("broker/amqp/hot.py", "from broker.amqp import errors\nfrom .errors import FrameError"),
        ("broker/amqp/hot.py", "import struct"),
        ("mgmt_ui/app.py", "import broker"),
    ],
)
def test_lets_right_imports_pass(path: str, source: str) -> None:
    assert wrong_imports(path, source) == []


@pytest.mark.parametrize(
    "source",
    [
        "time.time()",
        "from time import monotonic",
        "await_this = asyncio.sleep(1)",
        "datetime.datetime.now(UTC)",
        "self._loop.call_later(1, f)",
        "asyncio.get_running_loop().call_later(1, f)",
        "now = loop.time",
    ],
)
def test_finds_time_from_elsewhere(source: str) -> None:
    assert wrong_times("broker/queue.py", source)


def test_lets_the_clock_tell_the_time() -> None:
    source = "self.clock.call_later(1, f)\nclock.monotonic()\nself._clock.now_ms()\ntime.gmtime"
    assert wrong_times("broker/queue.py", source) == []
