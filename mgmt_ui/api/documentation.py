"""The API about itself: OpenAPI, and a page for people (spec 1.1)."""

from functools import cache
from html import escape
from typing import Any

from mgmt_ui import openapi
from mgmt_ui.answer import Answer
from mgmt_ui.call import Call

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "color-scheme:light dark}summary{cursor:pointer;padding:.25rem 0}code{font-size:.9em}"
    "summary b{display:inline-block;min-width:4.5rem}pre{overflow:auto;padding:.5rem}"
    "nav a{margin-right:.75rem}"
)


def document(call: Call) -> openapi.Schema:
    """GET /openapi.json: the whole API as OpenAPI 3.1"""
    base = call.server.options.http_path_prefix or "/"
    return openapi.document() | {"servers": [{"url": base}]}


def page(_call: Call) -> Answer:
    """GET /index.html: the same for people"""
    return Answer(_page(), headers={"content-type": "text/html; charset=utf-8"})


@cache
def _page() -> bytes:
    described = openapi.document()
    subjects: dict[str, list[str]] = {}
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            subjects.setdefault(operation["tags"][0], []).append(_told(method, path, operation))
    links = "".join(f'<a href="#{name}">{name}</a>' for name in subjects)
    sections = "".join(
        f'<h2 id="{name}">{name}</h2>{"".join(told)}' for name, told in subjects.items()
    )
    title = escape(described["info"]["title"])
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style>'
        f"<h1>{title}</h1><p>{escape(described['info']['description'])} The same for programs: "
        f'<a href="openapi.json">openapi.json</a>.</p><nav>{links}</nav>{sections}</html>'
    ).encode()


def _told(method: str, path: str, operation: dict[str, Any]) -> str:
    facts = [f"<p>{escape(operation['summary'])}</p>"]
    if description := operation.get("description"):
        facts.append(f"<p>{escape(description)}</p>")
    if tag := operation.get("x-required-tag"):
        facts.append(f"<p>For users with the tag <code>{escape(tag)}</code>.</p>")
    for parameter in operation["parameters"]:
        told = escape(parameter.get("description", ""))
        facts.append(f"<p><code>{escape(parameter['name'])}</code> {told}</p>")
    if body := operation.get("requestBody"):
        members = body["content"]["application/json"]["schema"].get("properties", {})
        facts.append(f"<p>Body: <code>{escape(', '.join(members) or 'any object')}</code></p>")
    head = f"<b>{method.upper()}</b> <code>{escape(path)}</code>"
    return f"<details><summary>{head}</summary>{''.join(facts)}</details>"
