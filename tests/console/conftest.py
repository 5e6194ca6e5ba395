"""A browser, a broker with traffic, and pages that fail the test when they complain.

Needs Chromium (Debian's, or the one that LEVERET_CHROMIUM names) and a built console
(`scripts/console build`); without either the tests are skipped and say so.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from mgmt_ui.static import DIST
from tests.console.traffic import Traffic
from tests.support.broker import ROOT, Broker

SCREENSHOTS = ROOT / "build" / "screenshots"
AXE = ROOT / "mgmt_ui" / "console" / "node_modules" / "axe-core" / "axe.min.js"
GUEST = {"authorization": "Basic Z3Vlc3Q6Z3Vlc3Q=", "content-type": "application/json"}
DESKTOP = (1280, 860)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# All that the console may say in the browser's log: an answer that a test provokes.
EXPECTED = re.compile(r"Failed to load resource.* (400|401|404|405) |ERR_CONNECTION_REFUSED")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium without a window.

    For this package only: while it runs, so does a loop of its own, and no test with another one.
    """
    chromium = os.environ.get("LEVERET_CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium on this machine; LEVERET_CHROMIUM names another one")
    if not (DIST / "index.html").exists():
        pytest.skip("the console is not built: scripts/console build")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that messages go through all the time (see Traffic)."""
    with Broker(tmp_path_factory.mktemp("console")) as broker, Traffic(broker.url):
        yield broker


Opener = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Opener]:
    """`open_page(broker, "#/queues")`: a page of a browser that knows nothing yet.

    `user` is signed in, None for nobody. What the page logs as an error fails the test.
    """
    complaints: list[str] = []
    contexts = []

    def open_page(
        broker: Broker,
        where: str = "#/",
        *,
        user: str | None = "guest",
        size: tuple[int, int] = DESKTOP,
        scheme: str = "light",
    ) -> Page:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda message: (
                complaints.append(message.text)
                if message.type == "error" and not EXPECTED.search(message.text)
                else None
            ),
        )
        page.goto(f"http://{broker.http}/{where}")
        if user is not None:
            sign_in(page, user)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints


def sign_in(page: Page, user: str, password: str | None = None) -> None:
    """Fills the form; returns when the page behind it is there."""
    page.get_by_label("User name").fill(user)
    page.get_by_label("Password").fill(user if password is None else password)
    page.get_by_role("button", name="Sign in").click()
    page.locator(".frame").wait_for()


def ask(broker: Broker, method: str, path: str, body: object = None) -> Any:
    """A request to the API, as `guest`: the JSON of the answer; fails unless it succeeds."""
    connection = HTTPConnection(broker.http.host, broker.http.port, timeout=10)
    connection.request(method, path, json.dumps(body) if body is not None else None, GUEST)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    assert answer.status < 300, text
    return json.loads(text) if text else None


@contextmanager
def stopped(broker: Broker) -> Iterator[None]:
    """The broker is down meanwhile."""
    broker.stop()
    yield
    broker.start()


@pytest.fixture(scope="package")
def axe() -> str:
    """The source of axe-core, which finds what keeps people out."""
    if not AXE.exists():
        build = [sys.executable, str(ROOT / "scripts" / "console_build.py"), "--all"]
        if subprocess.run(build, check=False).returncode:
            pytest.skip("axe-core could not be installed")
    return AXE.read_text()
