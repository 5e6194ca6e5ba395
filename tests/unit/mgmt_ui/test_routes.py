import pytest

from mgmt_ui.routes import ROUTES, MalformedPath, Route, Router, split

ROUTER = Router(
    (
        Route("GET", "/api/queues", "queues:queues"),
        Route("GET", "/api/queues/{vhost}", "queues:vhost"),
        Route("PUT", "/api/queues/{vhost}/{name}", "queues:put"),
        Route("GET", "/api/queues/{vhost}/{name}", "queues:get"),
    )
)


def path_of(raw: str) -> dict[str, str] | None:
    match = ROUTER.match(raw)
    return match.path if match else None


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("/api/queues", {}),
        ("/api/queues/", {}),
        ("/api/queues/%2F", {"vhost": "/"}),
        ("/api/queues/%2f/", {"vhost": "/"}),
        ("/api/queues//", {"vhost": "/"}),
        ("/api/queues//q", {"vhost": "/", "name": "q"}),
        ("/api/queues/v/a+b", {"vhost": "v", "name": "a+b"}),
        ("/api/queues/v/a%2Fb%20c", {"vhost": "v", "name": "a/b c"}),
        ("/api/queues/v/%C3%BC", {"vhost": "v", "name": "ü"}),
        ("/api/queues/v/%FF", {"vhost": "v", "name": "\udcff"}),
        ("/api/queues/v/%252F", {"vhost": "v", "name": "%2F"}),
        ("/api/nosuch", None),
        ("/api/queues/v/q/x", None),
        ("/", None),
    ],
)
def test_paths(raw: str, path: dict[str, str] | None):
    assert path_of(raw) == path


@pytest.mark.parametrize("raw", ["/api/%zz", "/api/%", "/api/a%4"])
def test_malformed_escapes(raw: str):
    with pytest.raises(MalformedPath):
        split(raw)


def test_methods_of_a_path():
    match = ROUTER.match("/api/queues/v/q")
    assert match
    assert match.allow == "HEAD, PUT, GET, OPTIONS"
    assert match.find("DELETE") is None
    assert match.find("HEAD") is match.find("GET")
    only_get = ROUTER.match("/api/queues")
    assert only_get
    assert only_get.allow == "HEAD, GET, OPTIONS"


def test_no_row_hides_another():
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


def test_every_handler_exists():
    for route in ROUTES:
        assert callable(route.resolve()), route
