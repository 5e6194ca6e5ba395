"""The API's own description, OpenAPI 3.1, made from the route table and the handlers' docstrings.

Here: how a row becomes an operation. What bodies hold is in openapi_bodies.py; a row without an
entry there takes none. Made when somebody asks, never before.
"""

import re
from collections.abc import Iterable
from typing import Any

from broker import __version__
from mgmt_ui.auth import Tag
from mgmt_ui.openapi_bodies import BODIES
from mgmt_ui.routes import ROUTES, Route

Schema = dict[str, Any]

REASON: Schema = {
    "type": "object",
    "required": ["error", "reason"],
    "properties": {"error": {"type": "string"}, "reason": {"type": "string"}},
}
REFUSALS = {
    "400": "Something in the request cannot be used; `reason` says what.",
    "401": "No login, a wrong one, or not permitted.",
    "404": "No such object.",
    "405": "Not with this method; `allow` says with which.",
    "406": "Only JSON is to be had here.",
    "503": "Not now: an alarm, a failed check, a disk that takes no writes.",
}
SEGMENTS = {
    "vhost": "Name of a virtual host; `/` is written %2F.",
    "name": "Name of the object.",
    "props": "The binding's `properties_key`.",
    "kind": "What the destination is: q for a queue, e for an exchange.",
    "node": "Name of the node.",
}
LIST_QUERY = {
    "page": ({"type": "integer", "minimum": 1}, "A page, from 1: the answer is an envelope."),
    "page_size": ({"type": "integer", "minimum": 1, "maximum": 500}, "Rows of a page; 100."),
    "name": ({"type": "string"}, "Only with this in their names; together with `page`."),
    "use_regex": ({"type": "boolean"}, "`name` is a regular expression."),
    "sort": ({"type": "string"}, "Dotted path of the member to sort by."),
    "sort_reverse": ({"type": "boolean"}, "The other way round."),
    "columns": ({"type": "string"}, "Dotted paths of the members to keep, with commas between."),
}


def document() -> Schema:
    """The whole description."""
    paths: dict[str, Schema] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Leveret management API",
            "version": __version__,
            "description": "RabbitMQ's management API, and what Leveret adds.",
        },
        "tags": [{"name": name} for name in dict.fromkeys(_subject(route) for route in ROUTES)],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic"},
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of POST /api/login.",
                },
            },
            "schemas": {"Error": REASON},
        },
    }


def _operation(route: Route) -> Schema:
    summary, description = _told(route)
    operation: Schema = {
        "operationId": f"{route.handler.replace(':', '_')}{_suffix(route)}",
        "summary": summary,
        "tags": [_subject(route)],
        "parameters": [*_segments(route), *_query(route)],
        "responses": _responses(route),
        "security": [] if route.tag is Tag.NONE else [{"basic": []}, {"bearer": []}],
    }
    if description:
        operation["description"] = description
    if route.tag is not Tag.NONE:
        operation["x-required-tag"] = str(route.tag)
    body = BODIES.get(route.handler)
    if body is not None:
        operation["requestBody"] = {
            "required": bool(body.get("required")),
            "content": {"application/json": {"schema": body}},
        }
    return operation


def _told(route: Route) -> tuple[str, str]:
    # `GET /queues/:vhost: what it is` says the path, too, which stands above it anyway.
    lines = (route.resolve().__doc__ or "").strip().splitlines() or [""]
    said = re.sub(r"^(?:[A-Z]+ (?:/\S*[^\s:]|the same))(?::\s*|\s*$)", "", lines[0].strip())
    summary = said or f"{route.method} {route.path.removeprefix('/api')}"
    return summary[:1].upper() + summary[1:], "\n".join(line.strip() for line in lines[2:])


def _subject(route: Route) -> str:
    return route.path.split("/")[2] if route.path.startswith("/api/") else "other"


def _suffix(route: Route) -> str:
    # One handler may serve several rows; ids must differ.
    rows = [each for each in ROUTES if each.handler == route.handler]
    return "" if len(rows) == 1 else f"_{rows.index(route) + 1}"


def _segments(route: Route) -> Iterable[Schema]:
    for name in re.findall(r"{(\w+)}", route.path):
        schema: Schema = {"type": "string", "minLength": 1}
        if name == "kind":
            schema = {"type": "string", "enum": ["q", "e"]}
        parameter: Schema = {"name": name, "in": "path", "required": True, "schema": schema}
        if name in SEGMENTS:
            parameter["description"] = SEGMENTS[name]
        yield parameter


def _query(route: Route) -> Iterable[Schema]:
    if route.method != "GET" or ":index" not in route.handler:
        return
    for name, (schema, told) in LIST_QUERY.items():
        yield {"name": name, "in": "query", "schema": schema, "description": told}


def _responses(route: Route) -> Schema:
    responses: Schema = {
        status: {
            "description": told,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
        }
        for status, told in REFUSALS.items()
    }
    if route.method != "DELETE":
        responses["200"] = {
            "description": "What was asked for.",
            "content": {route.kind: {}},
        }
    if route.method in ("PUT", "POST"):
        responses["201"] = {"description": "It is new."}
    if route.method != "GET":
        responses["204"] = {"description": "Done."}
    return dict(sorted(responses.items()))
