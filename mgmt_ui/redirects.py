"""Paths of old that lead elsewhere (spec 1.1)."""

REDIRECTS = {
    "/api": "/api/index.html",
    "/cli": "/cli/index.html",
    "/mgmt": "/",
    "/stats": "/api/index.html",
    "/doc/stats.html": "/api/index.html",
}
"""Path -> where it moved to, for good."""


def moved(path: str, prefix: str) -> str | None:
    """Where a path leads to, None if nowhere else; `prefix` stands before all of ours."""
    to = REDIRECTS.get(path.removesuffix("/"))
    return None if to is None else prefix + to
