"""The console's files: what is sent, how it is kept, what is never opened."""

from pathlib import Path

import pytest

from mgmt_ui import static
from tests.unit.mgmt_ui.conftest import Ask


@pytest.fixture
def dist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A built console: a page and a script in three codings."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_bytes(b"<page>")
    (tmp_path / "assets" / "main-x1.js").write_bytes(b"plain")
    (tmp_path / "assets" / "main-x1.js.gz").write_bytes(b"zipped")
    (tmp_path / "assets" / "main-x1.js.br").write_bytes(b"small")
    (tmp_path / "secret.html").write_bytes(b"secret")
    monkeypatch.setattr(static, "DIST", tmp_path)
    return tmp_path


@pytest.mark.usefixtures("dist")
async def test_the_page_needs_no_login_and_is_asked_for_each_time(ask: Ask) -> None:
    async with await ask("/", user=None) as response:
        assert response.status == 200
        assert await response.text() == "<page>"
        assert response.headers["cache-control"] == "no-cache"
        assert response.headers["content-security-policy"].startswith("default-src 'self';")
        tag = response.headers["etag"]
    async with await ask("/", user=None, headers={"if-none-match": tag}) as response:
        assert (response.status, await response.read()) == (304, b"")


@pytest.mark.usefixtures("dist")
@pytest.mark.parametrize(
    ("accepted", "coding", "body"),
    [
        ("gzip, deflate, br", "br", b"small"),
        ("gzip", "gzip", b"zipped"),
        ("br;q=0, gzip;q=0.5", "gzip", b"zipped"),
        ("identity", None, b"plain"),
    ],
)
def test_assets_come_compressed_and_are_kept_for_ever(
    accepted: str, coding: str | None, body: bytes
) -> None:
    file = static.find("/assets/main-x1.js", accepted)
    assert file is not None
    assert file.body == body
    assert file.headers.get("content-encoding") == coding
    assert file.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert file.headers["content-type"] == "text/javascript; charset=utf-8"


@pytest.mark.usefixtures("dist")
@pytest.mark.parametrize(
    "path",
    [
        "/secret.html",
        "/assets/",
        "/assets/..",
        "/assets/../secret.html",
        "/assets/%2e%2e/secret.html",
        "/assets/.hidden",
        "//etc/passwd",
        "/index.html/",
        "/assets/none.js",
    ],
)
async def test_nothing_else_is_opened(ask: Ask, path: str) -> None:
    async with await ask(path, user=None) as response:
        assert response.status == 404
        assert (await response.json())["error"] == "Object Not Found"


async def test_without_a_build_the_page_says_how_to_make_one(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(static, "DIST", tmp_path / "none")
    async with await ask("/", user=None) as response:
        assert response.status == 503
        assert "scripts/console build" in await response.text()


async def test_a_page_is_no_place_to_write_to(ask: Ask) -> None:
    async with await ask("/index.html", method="POST") as response:
        assert response.status == 405
