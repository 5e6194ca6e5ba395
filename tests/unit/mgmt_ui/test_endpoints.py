"""Every endpoint of the management reference (spec 2) is a route, with the tag it asks for."""

import re

from mgmt_ui.auth import Tag
from mgmt_ui.routes import ROUTES

CHECKS = "/health/checks"
LEADERS = f"{CHECKS}/quorum-queues-without-elected-leaders"
QUORUM = "/queues/quorum"
PROPERTIES = "/bindings/:v/e/:x/q/:q/:props"

# By the tag that is asked for: methods and paths. Names of segments do not count; what a user sees
# of a list, and whose objects they may touch, is tested with the handlers.
SPECIFIED: dict[Tag, str] = {
    Tag.NONE: f"""
        GET /auth  POST /login  DELETE /login  GET /version
        GET {CHECKS}/is-in-service  GET {CHECKS}/ready-to-serve-clients
        GET {CHECKS}/below-node-connection-limit  GET {CHECKS}/reached-target-cluster-size
    """,
    Tag.MANAGEMENT: f"""
        GET /overview  GET /cluster-name  GET /extensions  GET /whoami  GET /feature-flags
        GET /deprecated-features  GET /deprecated-features/used
        GET /vhosts  GET /vhosts/:v/connections  GET /vhosts/:v/channels
        GET /vhost-limits  GET /vhost-limits/:v  GET /user-limits/:u  GET /users/:u/queues
        GET /connections  GET /connections/:c  DELETE /connections/:c  GET /connections/:c/channels
        GET /connections/username/:u  DELETE /connections/username/:u  GET /connections/:c/sessions
        GET /channels  GET /channels/:c  PUT /channels/:c  GET /consumers  GET /consumers/:v
        DELETE /consumers/:v/:c/:ch/:tag
        GET /exchanges  GET /exchanges/:v  GET /exchanges/:v/:x  PUT /exchanges/:v/:x
        DELETE /exchanges/:v/:x  POST /exchanges/:v/:x/publish
        GET /exchanges/:v/:x/bindings/source  GET /exchanges/:v/:x/bindings/destination
        GET /queues  GET /queues/:v  GET /queues/detailed  GET /queues/:v/:q  PUT /queues/:v/:q
        DELETE /queues/:v/:q  DELETE /queues/:v/:q/contents  POST /queues/:v/:q/get
        GET /queues/:v/:q/bindings  GET {QUORUM}/:v/:q/status
        PUT /queues/:v/:q/pause  PUT /queues/:v/:q/resume  PUT /queues/:v/:q/restart
        GET /queues/:v/:q/unacked
        GET /bindings  GET /bindings/:v  GET /bindings/:v/e/:x/q/:q  GET /bindings/:v/e/:x/e/:q
        POST /bindings/:v/e/:x/q/:q  GET {PROPERTIES}  DELETE {PROPERTIES}
        GET /policies  GET /policies/:v  GET /operator-policies  GET /operator-policies/:v
        GET /aliveness-test/:v  GET /healthchecks/node  GET /healthchecks/node/:n
        GET {CHECKS}/alarms  GET {CHECKS}/local-alarms  GET {CHECKS}/port-listener/:port
        GET {CHECKS}/certificate-expiration/:within/:unit  GET {CHECKS}/protocol-listener/:p
        GET {CHECKS}/virtual-hosts  GET {CHECKS}/node-is-quorum-critical
        GET {CHECKS}/node-is-mirror-sync-critical  GET {CHECKS}/metadata-store/initialized
        GET {CHECKS}/metadata-store/initialized/with-data  GET {LEADERS}/all-vhosts
        GET {LEADERS}/vhost/:v  GET {LEADERS}/all-vhosts/pattern/:p
        GET {LEADERS}/vhost/:v/pattern/:p
        GET /stream/connections  GET /stream/connections/:v  GET /stream/connections/:v/:n
        GET /stream/publishers  GET /stream/publishers/:v  GET /stream/publishers/:v/:n
        GET /stream/consumers  GET /stream/consumers/:v  GET /stream/consumers/:v/:n
    """,
    Tag.MONITORING: """
        GET /nodes  GET /nodes/:n  GET /nodes/:n/memory  GET /nodes/:n/memory/relative
        GET /nodes/:n/memory/ets  GET /nodes/:n/memory/ets/relative
        GET /nodes/:n/memory/ets/:f  GET /nodes/:n/memory/ets/:f/relative
        GET /auth/attempts/:n  GET /auth/attempts/:n/source
        GET /shovels  GET /shovels/:v  GET /shovels/vhost/:v/:s
        GET /federation-links  GET /federation-links/:v  GET /federation-links/state/down
        GET /federation-links/:v/state/down
    """,
    Tag.POLICYMAKER: """
        GET /policies/:v/:p  PUT /policies/:v/:p  DELETE /policies/:v/:p
        GET /parameters  GET /parameters/:c  GET /parameters/:c/:v  GET /parameters/:c/:v/:p
        PUT /parameters/:c/:v/:p  DELETE /parameters/:c/:v/:p  GET /global-parameters
        GET /global-parameters/:p  PUT /global-parameters/:p  DELETE /global-parameters/:p
        DELETE /shovels/vhost/:v/:s  DELETE /shovels/vhost/:v/:s/restart
        DELETE /federation-links/vhost/:v/:id/:n/restart
    """,
    Tag.ADMINISTRATOR: f"""
        PUT /cluster-name  GET /config/effective  PUT /feature-flags/:f/enable
        DELETE /auth/attempts/:n  DELETE /auth/attempts/:n/source
        GET /auth/hash_password/:p  PUT /auth/hash_password
        DELETE /reset  DELETE /reset/:n  POST /rebalance/queues
        GET /definitions  GET /all-configuration  GET /definitions/:v  POST /definitions
        POST /definitions/:v  POST /definitions/upload  POST /definitions/:v/upload
        GET /vhosts/:v  PUT /vhosts/:v  DELETE /vhosts/:v  POST /vhosts/:v/deletion/protection
        DELETE /vhosts/:v/deletion/protection  POST /vhosts/:v/start/:n
        GET /vhosts/:v/permissions  GET /vhosts/:v/topic-permissions
        PUT /vhost-limits/:v/:l  DELETE /vhost-limits/:v/:l
        GET /users  GET /users/without-permissions  GET /users/:u  PUT /users/:u  DELETE /users/:u
        POST /users/bulk-delete  GET /users/:u/permissions  GET /users/:u/topic-permissions
        GET /permissions  GET /permissions/:v/:u  PUT /permissions/:v/:u  DELETE /permissions/:v/:u
        GET /topic-permissions  GET /topic-permissions/:v/:u  GET /topic-permissions/:v/:u/:x
        PUT /topic-permissions/:v/:u  DELETE /topic-permissions/:v/:u
        DELETE /topic-permissions/:v/:u/:x
        GET /user-limits  PUT /user-limits/:u/:l  DELETE /user-limits/:u/:l
        POST /queues/:v/:q/actions  POST {QUORUM}/:v/:q/replicas/add
        DELETE {QUORUM}/:v/:q/replicas/delete  POST {QUORUM}/replicas/on/:n/grow
        DELETE {QUORUM}/replicas/on/:n/shrink
        GET /operator-policies/:v/:p  PUT /operator-policies/:v/:p  DELETE /operator-policies/:v/:p
        GET /traces  GET /traces/:v  GET /traces/:v/:t  PUT /traces/:v/:t  DELETE /traces/:v/:t
        GET /traces/node/:n/:v/:t  PUT /traces/node/:n/:v/:t  DELETE /traces/node/:n/:v/:t
        GET /trace-files  GET /trace-files/:f  DELETE /trace-files/:f
        GET /top/:n  GET /top/ets/:n
    """,
}
METRICS = ("", "/per-object", "/detailed", "/memory-breakdown")

MISSING = {
    "PUT /queues/*/*/restart": "LavinMQ's, for queues that have crashed, which none does here",
    "PUT /auth/hash_password": "LavinMQ's spelling of what is there by GET",
    "POST /definitions/upload": "LavinMQ's; POST /definitions takes the form as well",
    "POST /definitions/*/upload": "LavinMQ's; POST /definitions/:vhost takes the form as well",
}
"""What is not there, and why."""


def wanted() -> dict[str, Tag]:
    """Method and path, with stars for the segments that are named, and the tag."""
    found = {}
    for tag, text in SPECIFIED.items():
        for method, path in re.findall(r"([A-Z]+) (/\S+)", text):
            found[f"{method} {re.sub(r':[a-z]+', '*', path)}"] = tag
    return found


def there() -> dict[str, Tag]:
    """The same of the route table; of two rows that say the same the first counts."""
    found: dict[str, Tag] = {}
    for route in ROUTES:
        path = re.sub(r"\{\w+\}", "*", route.path.removeprefix("/api"))
        # The letters of the kinds of destinations are one segment of one row.
        for kind in ("q", "e") if "{kind}" in route.path else ("*",):
            name = path.replace("/*/e/*/*/", f"/*/e/*/{kind}/")
            found.setdefault(f"{route.method} {name}", route.tag)
    return found


def test_what_is_specified_is_there():
    missing = {name for name in wanted() if name not in there()}
    assert missing == MISSING.keys()


def test_it_asks_for_the_tag_it_should():
    routes = there()
    assert {name: (routes[name], tag) for name, tag in wanted().items() if name in routes} == {
        name: (tag, tag) for name, tag in wanted().items() if name in routes
    }


def test_metrics_are_there():
    assert {f"GET /metrics{path}" for path in METRICS} <= there().keys()
