"""Paths of old that lead elsewhere (spec 1.1)."""

REDIRECTS = {
    "/api": "/api/index.html",
    "/api/": "/api/index.html",
    "/cli": "/cli/index.html",
    "/mgmt": "/",
    "/stats": "/api/index.html",
    "/doc/stats.html": "/api/index.html",
}
"""Path -> where it moved to, for good."""
