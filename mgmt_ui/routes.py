"""The HTTP API: every route once, and how a path finds its row.

A handler takes a Call and returns what goes into the body: a Listing for lists, else anything
JSON can hold, or an Answer where the status is not 200. It may be a coroutine. Rows name it as
`module:function` of `mgmt_ui.api`, which is imported when it is first asked for: a broker that
nobody looks at does without.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, cast
from urllib.parse import unquote_to_bytes

from mgmt_ui.auth import Tag
from mgmt_ui.call import Call

Handler = Callable[[Call], Any]


@dataclass(frozen=True, slots=True)
class Route:
    """A row of the table. Segments in braces are taken as they come, percent-decoded.

    `kind` is the type of what is answered; whoever accepts others only gets a 406.
    """

    method: str
    path: str
    handler: str
    tag: Tag = Tag.MANAGEMENT
    kind: str = "application/json"

    def resolve(self) -> Handler:
        """The handler itself."""
        return _handler(self.handler)


@cache
def _handler(name: str) -> Handler:
    module, _, function = name.partition(":")
    return cast(Handler, getattr(import_module(f"mgmt_ui.api.{module}"), function))


PARAMETER = "/api/parameters/{component}/{vhost}/{name}"
BINDINGS = "/api/bindings/{vhost}/e/{source}/{kind}/{destination}"

CHECKS = "/api/health/checks"
# Lists of plug-ins that tools probe, and what would be in them by name (spec 2.11).
PROBED: dict[Tag, tuple[str, ...]] = {
    Tag.MONITORING: (
        *("shovels", "shovels/{vhost}", "federation-links", "federation-links/{vhost}"),
        *("federation-links/state/down", "federation-links/{vhost}/state/down"),
    ),
    Tag.ADMINISTRATOR: ("traces", "traces/{vhost}", "trace-files"),
    Tag.MANAGEMENT: tuple(
        f"stream/{kind}{rest}"
        for kind in ("connections", "publishers", "consumers")
        for rest in ("", "/{vhost}", "/{vhost}/{name}")
    ),
}
NAMED: tuple[tuple[Tag, tuple[str, ...], str], ...] = (
    (Tag.MONITORING, ("GET",), "shovels/vhost/{vhost}/{name}"),
    (Tag.POLICYMAKER, ("DELETE",), "shovels/vhost/{vhost}/{name}"),
    (Tag.POLICYMAKER, ("DELETE",), "shovels/vhost/{vhost}/{name}/restart"),
    (Tag.POLICYMAKER, ("DELETE",), "federation-links/vhost/{vhost}/{id}/{node}/restart"),
    (Tag.ADMINISTRATOR, ("GET", "PUT", "DELETE"), "traces/{vhost}/{name}"),
    (Tag.ADMINISTRATOR, ("GET", "PUT", "DELETE"), "traces/node/{node}/{vhost}/{name}"),
    (Tag.ADMINISTRATOR, ("GET", "DELETE"), "trace-files/{name}"),
)

# Handlers of paths with {vhost} take `call.vhost`, which checks that it exists and is open to
# the user; those without list what `call.visible_...` gives. Tag.NONE asks for no login at all.
# Of two rows that fit a path the one that stands first counts.
ROUTES: tuple[Route, ...] = (
    Route("GET", "/api/overview", "overview:show"),
    Route("GET", "/api/changes", "changes:index"),
    # The cluster and its node
    Route("GET", "/api/cluster-name", "cluster:show_name"),
    Route("PUT", "/api/cluster-name", "cluster:put_name", Tag.ADMINISTRATOR),
    Route("GET", "/api/version", "cluster:version", Tag.NONE),
    Route("GET", "/api/extensions", "cluster:extensions"),
    Route("GET", "/api/feature-flags", "cluster:feature_flags"),
    Route("PUT", "/api/feature-flags/{name}/enable", "cluster:enable_flag", Tag.ADMINISTRATOR),
    Route("GET", "/api/deprecated-features", "plugins:nothing"),
    Route("GET", "/api/deprecated-features/used", "plugins:nothing"),
    Route("GET", "/api/config/effective", "options:effective", Tag.ADMINISTRATOR),
    Route("GET", "/api/options", "options:index", Tag.ADMINISTRATOR),
    Route("GET", "/api/options/{name}", "options:show", Tag.ADMINISTRATOR),
    Route("PUT", "/api/options/{name}", "options:put", Tag.ADMINISTRATOR),
    Route("GET", "/api/alarms", "alarms:index"),
    Route("PUT", "/api/alarms/{resource}", "alarms:put", Tag.ADMINISTRATOR),
    Route("DELETE", "/api/alarms/{resource}", "alarms:delete", Tag.ADMINISTRATOR),
    Route("DELETE", "/api/reset", "cluster:reset", Tag.ADMINISTRATOR),
    Route("DELETE", "/api/reset/{node}", "cluster:reset", Tag.ADMINISTRATOR),
    Route("POST", "/api/rebalance/queues", "cluster:rebalance", Tag.ADMINISTRATOR),
    Route("GET", "/api/nodes", "nodes:index", Tag.MONITORING),
    Route("GET", "/api/nodes/{node}", "nodes:show", Tag.MONITORING),
    Route("GET", "/api/nodes/{node}/memory", "nodes:memory", Tag.MONITORING),
    Route("GET", "/api/nodes/{node}/memory/relative", "nodes:relative_memory", Tag.MONITORING),
    *(
        Route("GET", f"/api/nodes/{{node}}/memory/ets{rest}", "nodes:tables", Tag.MONITORING)
        for rest in ("", "/relative", "/{filter}", "/{filter}/relative")
    ),
    # Connections and channels
    Route("GET", "/api/connections", "connections:index"),
    Route("GET", "/api/connections/username/{user}", "connections:index_of_user"),
    Route("DELETE", "/api/connections/username/{user}", "connections:delete_of_user"),
    Route("GET", "/api/connections/{name}", "connections:show"),
    Route("DELETE", "/api/connections/{name}", "connections:delete"),
    Route("GET", "/api/connections/{name}/channels", "connections:channels_of"),
    Route("GET", "/api/connections/{name}/sessions", "connections:sessions"),
    Route("GET", "/api/channels", "channels:index"),
    Route("GET", "/api/channels/{name}", "channels:show"),
    Route("PUT", "/api/channels/{name}", "channels:put"),
    Route("GET", "/api/vhosts/{vhost}/channels", "channels:index_of_vhost"),
    # Exchanges, queues, bindings, consumers
    Route("GET", "/api/exchanges", "exchanges:index"),
    Route("GET", "/api/exchanges/{vhost}", "exchanges:index_of_vhost"),
    Route("GET", "/api/exchanges/{vhost}/{name}", "exchanges:show"),
    Route("PUT", "/api/exchanges/{vhost}/{name}", "exchanges:put"),
    Route("DELETE", "/api/exchanges/{vhost}/{name}", "exchanges:delete"),
    Route("POST", "/api/exchanges/{vhost}/{name}/publish", "messages:publish"),
    Route("POST", "/api/exchanges/{vhost}/{name}/route", "routing:route"),
    Route("GET", "/api/exchanges/{vhost}/{name}/delayed", "delayed:show"),
    Route("POST", "/api/exchanges/{vhost}/{name}/delayed/cancel", "delayed:cancel"),
    Route("DELETE", "/api/exchanges/{vhost}/{name}/delayed/{id}", "delayed:delete"),
    Route("GET", "/api/exchanges/{vhost}/{name}/bindings/source", "bindings:from_exchange"),
    Route("GET", "/api/exchanges/{vhost}/{name}/bindings/destination", "bindings:to_exchange"),
    Route("GET", "/api/queues", "queues:index"),
    Route("GET", "/api/queues/detailed", "queues:index"),
    Route("GET", "/api/queues/{vhost}", "queues:index_of_vhost"),
    Route("GET", "/api/queues/{vhost}/{name}", "queues:show"),
    Route("PUT", "/api/queues/{vhost}/{name}", "queues:put"),
    Route("DELETE", "/api/queues/{vhost}/{name}", "queues:delete"),
    Route("DELETE", "/api/queues/{vhost}/{name}/contents", "queues:purge"),
    Route("GET", "/api/queues/{vhost}/{name}/bindings", "bindings:of_queue"),
    Route("POST", "/api/queues/{vhost}/{name}/get", "messages:get"),
    # What operators do with the messages of a queue
    Route("GET", "/api/queues/{vhost}/{name}/peek", "browsing:peek"),
    Route("POST", "/api/queues/{vhost}/{name}/search", "browsing:search"),
    Route("POST", "/api/queues/{vhost}/{name}/delete-messages", "jobs:delete_messages"),
    Route("POST", "/api/queues/{vhost}/{name}/move", "jobs:move"),
    Route("POST", "/api/queues/{vhost}/{name}/redrive", "jobs:redrive"),
    Route("POST", "/api/queues/{vhost}/{name}/undo", "jobs:undo"),
    Route("PUT", "/api/queues/{vhost}/{name}/pause", "pausing:pause"),
    Route("PUT", "/api/queues/{vhost}/{name}/resume", "pausing:resume"),
    Route("GET", "/api/jobs", "jobs:index"),
    Route("GET", "/api/jobs/{id}", "jobs:show"),
    Route("DELETE", "/api/jobs/{id}", "jobs:cancel"),
    Route("POST", "/api/jobs/{id}/resume", "jobs:resume"),
    Route("GET", "/api/queues/{vhost}/{name}/unacked", "queues:unacked"),
    Route("GET", "/api/queues/quorum/{vhost}/{name}/status", "queues:quorum_status"),
    *(
        Route(method, f"/api/queues/quorum/{rest}", "queues:no_replicas", Tag.ADMINISTRATOR)
        for method, rest in (
            ("POST", "{vhost}/{name}/replicas/add"),
            ("DELETE", "{vhost}/{name}/replicas/delete"),
            ("POST", "replicas/on/{node}/grow"),
            ("DELETE", "replicas/on/{node}/shrink"),
        )
    ),
    Route("POST", "/api/queues/{vhost}/{name}/actions", "queues:act", Tag.ADMINISTRATOR),
    Route("GET", "/api/definitions", "definitions:export", Tag.ADMINISTRATOR),
    Route("GET", "/api/all-configuration", "definitions:export", Tag.ADMINISTRATOR),
    Route("POST", "/api/definitions", "definitions:load", Tag.ADMINISTRATOR),
    Route("POST", "/api/all-configuration", "definitions:load", Tag.ADMINISTRATOR),
    Route("GET", "/api/definitions/{vhost}", "definitions:export_vhost", Tag.ADMINISTRATOR),
    Route("POST", "/api/definitions/{vhost}", "definitions:load_vhost", Tag.ADMINISTRATOR),
    Route("GET", "/api/bindings", "bindings:index"),
    Route("GET", "/api/bindings/{vhost}", "bindings:index_of_vhost"),
    Route("GET", BINDINGS, "bindings:between"),
    Route("POST", BINDINGS, "bindings:create"),
    Route("GET", f"{BINDINGS}/{{props}}", "bindings:show"),
    Route("DELETE", f"{BINDINGS}/{{props}}", "bindings:delete"),
    Route("GET", "/api/consumers", "consumers:index"),
    Route("GET", "/api/consumers/{vhost}", "consumers:index_of_vhost"),
    Route("DELETE", "/api/consumers/{vhost}/{connection}/{channel}/{tag}", "consumers:cancel"),
    Route("GET", "/api/policies", "policies:index"),
    Route("GET", "/api/policies/{vhost}", "policies:index_of_vhost"),
    Route("GET", "/api/policies/{vhost}/{name}", "policies:show", Tag.POLICYMAKER),
    Route("PUT", "/api/policies/{vhost}/{name}", "policies:put", Tag.POLICYMAKER),
    Route("DELETE", "/api/policies/{vhost}/{name}", "policies:delete", Tag.POLICYMAKER),
    Route("GET", "/api/operator-policies", "policies:operator_index"),
    Route("GET", "/api/operator-policies/{vhost}", "policies:operator_index_of_vhost"),
    Route(
        "GET", "/api/operator-policies/{vhost}/{name}", "policies:operator_show", Tag.ADMINISTRATOR
    ),
    Route(
        "PUT", "/api/operator-policies/{vhost}/{name}", "policies:operator_put", Tag.ADMINISTRATOR
    ),
    Route(
        "DELETE",
        "/api/operator-policies/{vhost}/{name}",
        "policies:operator_delete",
        Tag.ADMINISTRATOR,
    ),
    Route("GET", "/api/parameters", "parameters:index", Tag.POLICYMAKER),
    Route("GET", "/api/parameters/{component}", "parameters:index_of_component", Tag.POLICYMAKER),
    Route(
        "GET", "/api/parameters/{component}/{vhost}", "parameters:index_of_vhost", Tag.POLICYMAKER
    ),
    Route("GET", PARAMETER, "parameters:show", Tag.POLICYMAKER),
    Route("PUT", PARAMETER, "parameters:put", Tag.POLICYMAKER),
    Route("DELETE", PARAMETER, "parameters:delete", Tag.POLICYMAKER),
    Route("GET", "/api/global-parameters", "parameters:global_index", Tag.POLICYMAKER),
    Route("GET", "/api/global-parameters/{name}", "parameters:global_show", Tag.POLICYMAKER),
    Route("PUT", "/api/global-parameters/{name}", "parameters:global_put", Tag.POLICYMAKER),
    Route("DELETE", "/api/global-parameters/{name}", "parameters:global_delete", Tag.POLICYMAKER),
    # Health
    Route("GET", "/api/aliveness-test/{vhost}", "health:aliveness"),
    Route("GET", "/api/healthchecks/node", "health:node"),
    Route("GET", "/api/healthchecks/node/{node}", "health:node"),
    Route("GET", f"{CHECKS}/alarms", "health:alarms"),
    Route("GET", f"{CHECKS}/local-alarms", "health:local_alarms"),
    Route(
        "GET",
        f"{CHECKS}/certificate-expiration/{{within}}/{{unit}}",
        "health:certificate_expiration",
    ),
    Route("GET", f"{CHECKS}/port-listener/{{port}}", "health:port_listener"),
    Route("GET", f"{CHECKS}/protocol-listener/{{protocol}}", "health:protocol_listener"),
    Route("GET", f"{CHECKS}/virtual-hosts", "health:virtual_hosts"),
    Route("GET", f"{CHECKS}/node-is-quorum-critical", "health:alone"),
    Route("GET", f"{CHECKS}/node-is-mirror-sync-critical", "health:alone"),
    Route("GET", f"{CHECKS}/is-in-service", "health:in_service", Tag.NONE),
    Route("GET", f"{CHECKS}/ready-to-serve-clients", "health:ready", Tag.NONE),
    Route(
        "GET", f"{CHECKS}/below-node-connection-limit", "health:below_connection_limit", Tag.NONE
    ),
    Route("GET", f"{CHECKS}/reached-target-cluster-size", "health:cluster_size", Tag.NONE),
    Route("GET", f"{CHECKS}/metadata-store/initialized", "health:metadata_store"),
    Route("GET", f"{CHECKS}/metadata-store/initialized/with-data", "health:metadata_store"),
    *(
        Route("GET", f"{CHECKS}/quorum-queues-without-elected-leaders/{rest}", "health:leaders")
        for where in ("all-vhosts", "vhost/{vhost}")
        for rest in (where, f"{where}/pattern/{{pattern}}")
    ),
    # Plug-ins that are not there
    *(
        Route("GET", f"/api/{path}", "plugins:nothing", tag)
        for tag, paths in PROBED.items()
        for path in paths
    ),
    *(
        Route(method, f"/api/{path}", "plugins:missing", tag)
        for tag, methods, path in NAMED
        for method in methods
    ),
    # Prometheus
    *(
        Route("GET", f"/metrics{rest}", f"metrics:{handler}", Tag.MONITORING, "text/plain")
        for rest, handler in (
            ("", "aggregated"),
            ("/per-object", "per_object"),
            ("/detailed", "detailed"),
            ("/memory-breakdown", "memory"),
        )
    ),
    Route("GET", "/api/top/{node}", "plugins:top", Tag.ADMINISTRATOR),
    Route("GET", "/api/top/ets/{node}", "plugins:top", Tag.ADMINISTRATOR),
    Route("GET", "/api/live", "live:stream"),
    Route("PUT", "/api/live/{stream}", "live:change"),
    # Virtual hosts
    Route("GET", "/api/vhosts", "vhosts:index"),
    Route("GET", "/api/vhosts/{vhost}", "vhosts:show", Tag.ADMINISTRATOR),
    Route("PUT", "/api/vhosts/{vhost}", "vhosts:put", Tag.ADMINISTRATOR),
    Route("DELETE", "/api/vhosts/{vhost}", "vhosts:delete", Tag.ADMINISTRATOR),
    Route("POST", "/api/vhosts/{vhost}/deletion/protection", "vhosts:protect", Tag.ADMINISTRATOR),
    Route(
        "DELETE", "/api/vhosts/{vhost}/deletion/protection", "vhosts:unprotect", Tag.ADMINISTRATOR
    ),
    Route("POST", "/api/vhosts/{vhost}/start/{node}", "vhosts:start", Tag.ADMINISTRATOR),
    Route("POST", "/api/vhosts/{vhost}/stop/{node}", "vhosts:stop", Tag.ADMINISTRATOR),
    Route("GET", "/api/vhosts/{vhost}/connections", "vhosts:connections_of"),
    Route("GET", "/api/vhosts/{vhost}/permissions", "permissions:of_vhost", Tag.ADMINISTRATOR),
    Route(
        "GET",
        "/api/vhosts/{vhost}/topic-permissions",
        "permissions:topics_of_vhost",
        Tag.ADMINISTRATOR,
    ),
    # Users
    Route("GET", "/api/users", "users:index", Tag.ADMINISTRATOR),
    Route("POST", "/api/users/bulk-delete", "users:bulk_delete", Tag.ADMINISTRATOR),
    Route("GET", "/api/users/without-permissions", "users:without_permissions", Tag.ADMINISTRATOR),
    Route("GET", "/api/users/{user}", "users:show", Tag.ADMINISTRATOR),
    Route("PUT", "/api/users/{user}", "users:put", Tag.ADMINISTRATOR),
    Route("DELETE", "/api/users/{user}", "users:delete", Tag.ADMINISTRATOR),
    Route("GET", "/api/users/{user}/permissions", "permissions:of_user", Tag.ADMINISTRATOR),
    Route(
        "GET",
        "/api/users/{user}/topic-permissions",
        "permissions:topics_of_user",
        Tag.ADMINISTRATOR,
    ),
    Route("GET", "/api/users/{user}/queues", "queues:index_of_user"),
    # Permissions
    Route("GET", "/api/permissions", "permissions:index", Tag.ADMINISTRATOR),
    Route("GET", "/api/permissions/{vhost}/{user}", "permissions:show", Tag.ADMINISTRATOR),
    Route("PUT", "/api/permissions/{vhost}/{user}", "permissions:put", Tag.ADMINISTRATOR),
    Route("DELETE", "/api/permissions/{vhost}/{user}", "permissions:delete", Tag.ADMINISTRATOR),
    Route("GET", "/api/topic-permissions", "permissions:topics", Tag.ADMINISTRATOR),
    *(
        Route(
            method, f"/api/topic-permissions/{{vhost}}/{{user}}{rest}", handler, Tag.ADMINISTRATOR
        )
        for rest in ("", "/{exchange}")
        for method, handler in (
            ("GET", "permissions:topics_of_both"),
            ("DELETE", "permissions:delete_topics"),
        )
    ),
    Route(
        "PUT",
        "/api/topic-permissions/{vhost}/{user}",
        "permissions:put_topics",
        Tag.ADMINISTRATOR,
    ),
    # Limits
    Route("GET", "/api/vhost-limits", "limits:of_vhosts"),
    Route("GET", "/api/vhost-limits/{vhost}", "limits:of_vhost"),
    Route("PUT", "/api/vhost-limits/{vhost}/{name}", "limits:put_of_vhost", Tag.ADMINISTRATOR),
    Route(
        "DELETE", "/api/vhost-limits/{vhost}/{name}", "limits:delete_of_vhost", Tag.ADMINISTRATOR
    ),
    Route("GET", "/api/user-limits", "limits:of_users", Tag.ADMINISTRATOR),
    Route("GET", "/api/user-limits/{user}", "limits:of_user"),
    Route("PUT", "/api/user-limits/{user}/{name}", "limits:put_of_user", Tag.ADMINISTRATOR),
    Route("DELETE", "/api/user-limits/{user}/{name}", "limits:delete_of_user", Tag.ADMINISTRATOR),
    # The API about itself
    Route("GET", "/api/index.html", "documentation:page", Tag.NONE),
    Route("GET", "/api/openapi.json", "documentation:document", Tag.NONE),
    # Logging in
    Route("GET", "/api/whoami", "login:whoami"),
    Route("GET", "/api/whoami/permissions", "login:own_permissions"),
    Route("GET", "/api/auth", "login:methods", Tag.NONE),
    Route("POST", "/api/login", "login:log_in", Tag.NONE),
    Route("DELETE", "/api/login", "login:log_out", Tag.NONE),
    Route("GET", "/api/auth/hash_password/{password}", "login:hash_password", Tag.ADMINISTRATOR),
    Route("GET", "/api/auth/attempts/{node}", "login:attempts", Tag.MONITORING),
    Route("GET", "/api/auth/attempts/{node}/source", "login:sources", Tag.MONITORING),
    Route("DELETE", "/api/auth/attempts/{node}", "login:forget_attempts", Tag.ADMINISTRATOR),
    Route("DELETE", "/api/auth/attempts/{node}/source", "login:forget_attempts", Tag.ADMINISTRATOR),
)


class MalformedPath(Exception):
    """A percent sign that no two hexadecimal digits follow (spec 1.1: 400)."""


@dataclass(slots=True)
class Match:
    """The rows that share a path, by method, and the segments they name."""

    by_method: dict[str, Route]
    path: dict[str, str]

    def find(self, method: str) -> Route | None:
        """The row for a method; GET rows answer HEAD, too."""
        return self.by_method.get("GET" if method == "HEAD" else method)

    @property
    def allow(self) -> str:
        """The value of the allow header."""
        heads = ["HEAD"] if "GET" in self.by_method else []
        return ", ".join([*heads, *self.by_method, "OPTIONS"])


class Router:
    """Finds rows by path."""

    def __init__(self, routes: Sequence[Route] = ROUTES) -> None:
        self._resources: dict[tuple[str, ...], dict[str, Route]] = {}
        for route in routes:
            parts = tuple(route.path.strip("/").split("/"))
            self._resources.setdefault(parts, {})[route.method] = route

    def match(self, raw_path: str) -> Match | None:
        """The rows for a path as it stands in the request line; raises MalformedPath."""
        parts = split(raw_path)
        for pattern, by_method in self._resources.items():
            names = _fit(pattern, parts)
            if names is not None:
                return Match(by_method, names)
        return None


def split(raw_path: str) -> list[str]:
    """The segments of a path, decoded once; one trailing slash does not count (spec 1.1)."""
    if re.search(r"%(?![0-9A-Fa-f]{2})", raw_path):
        raise MalformedPath(raw_path)
    parts = raw_path.removeprefix("/").split("/")
    # One only: in `/queues//` the first of the two stands for a virtual host without a name.
    if not parts[-1]:
        parts.pop()
    return [unquote_to_bytes(part).decode("utf-8", "surrogateescape") for part in parts]


def _fit(pattern: tuple[str, ...], parts: list[str]) -> dict[str, str] | None:
    if len(pattern) != len(parts):
        return None
    names = {}
    for wanted, part in zip(pattern, parts, strict=True):
        if wanted.startswith("{"):
            name = wanted.strip("{}")
            # Clients that do not quote the default virtual host's name ask for nothing.
            names[name] = "/" if name == "vhost" and not part else part
        elif wanted != part:
            return None
    return names
