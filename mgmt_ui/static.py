"""The web console's files: which there are, how they are sent (spec 1.1, 6.4).

The console is built into console/dist by scripts/console or by an installation; where that has not
been done, a page says how.  Imported when the first file is asked for.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from zlib import crc32

from mgmt_ui import cli_page

DIST = Path(__file__).resolve().parent / "console" / "dist"

# Nothing but these is ever opened: no path of a request reaches the file system otherwise.
NAME = re.compile(r"index\.html|favicon\.svg|assets/[A-Za-z0-9_][A-Za-z0-9_.-]*")
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
"""Content codings, best first, and how the file is called that holds one."""

POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
"""No inline script or style, nothing from elsewhere, in nobody's frame."""

HEADERS = {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
# The names of assets hold a hash of what is in them; the others must be asked for again.
FOREVER = "public, max-age=31536000, immutable"

NOT_BUILT = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Leveret: the console is not built</title>
<h1>The web console is not built</h1>
<p>The broker runs, and its HTTP API is at <code>/api</code>. For the console:</p>
<ul>
<li>in a checkout, run <code>scripts/console build</code>, then load this page again;</li>
<li>for an installed package, install it again where npm&#8217;s registry can be reached:
<code>pip install --force-reinstall --no-deps .</code>, and restart the broker.</li>
</ul>
<p>Node is taken from this machine, or from PyPI where it has none.</p>
</html>
"""


@dataclass(slots=True)
class File:
    """An answer: `body` is encoded as the content-encoding among `headers` says."""

    status: int
    body: bytes
    headers: dict[str, str]


def find(path: str, accept_encoding: str = "", if_none_match: str = "") -> File | None:
    """The file for the path of a request as it stands in its line; None where there is none."""
    if path in cli_page.PATHS:
        return File(200, cli_page.PAGE, HEADERS | {"content-type": TYPES[".html"]})
    name = path.removeprefix("/") or "index.html"
    if not NAME.fullmatch(name):
        return None
    file = DIST / name
    if not file.is_file():
        return _not_built() if name == "index.html" else None
    body, coding = _read(file, accept_encoding)
    headers = HEADERS | {"content-type": TYPES.get(file.suffix, "application/octet-stream")}
    if coding:
        headers["content-encoding"] = coding
    if name.startswith("assets/"):
        return File(200, body, headers | {"cache-control": FOREVER})
    headers |= {"cache-control": "no-cache", "etag": f'"{crc32(body):08x}"'}
    if headers["etag"] in if_none_match:
        return File(304, b"", headers)
    return File(200, body, headers)


def _read(file: Path, accept_encoding: str) -> tuple[bytes, str]:
    for coding, suffix in ENCODINGS:
        if accepts(accept_encoding, coding):
            try:
                return file.with_name(file.name + suffix).read_bytes(), coding
            except FileNotFoundError:
                continue
    return file.read_bytes(), ""


@lru_cache(64)
def accepts(accept_encoding: str, coding: str) -> bool:
    """Whether a client that sends this header takes this content coding."""
    for item in accept_encoding.lower().split(","):
        name, _, weight = item.partition(";")
        if name.strip() == coding:
            return not re.fullmatch(r"\s*q=0(\.0*)?\s*", weight)
    return False


def _not_built() -> File:
    headers = {"content-type": TYPES[".html"], "cache-control": "no-store"}
    return File(503, NOT_BUILT, HEADERS | headers)
