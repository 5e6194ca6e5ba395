"""Definitions over HTTP: the whole broker or one virtual host, out and in (spec 2.2, 3.14)."""

import types
from collections.abc import Generator, Iterator
from email.message import Message
from email.parser import BytesParser
from typing import Any

from broker import __version__
from mgmt_ui.answer import DONE, Answer
from mgmt_ui.call import Call
from mgmt_ui.errors import ApiError, bad_request
from mgmt_ui.payload import DOUBLY_ENCODED
from vhosts import definitions, strict_json
from vhosts.permissions import Anyone

# What is put into force before others have their turn on the loop, and before the disk has it:
# while a commit writes thousands of changes, everybody else's confirms wait.
SLICE = 20
COMMITTED = 100


def export(call: Call) -> Answer:
    """GET /definitions?download=NAME"""
    return _answer(call, definitions.of_cluster(call.server.vhosts, _identity(call)))


def export_vhost(call: Call) -> Answer:
    """GET /definitions/:vhost"""
    vhost = call.server.vhosts.get(call.path["vhost"])
    if vhost is None:
        raise bad_request("vhost_not_found")
    return _answer(call, definitions.of_vhost(call.server.vhosts, vhost, _identity(call)))


async def load(call: Call) -> Answer:
    """POST /definitions: adds and updates, never deletes."""
    document, redirect = await _document(call)
    await _run(call, definitions.load_cluster(call.server.vhosts, document, Anyone(call.user.name)))
    return await _loaded(call, redirect)


async def load_vhost(call: Call) -> Answer:
    """POST /definitions/:vhost"""
    name = call.path["vhost"]
    if call.server.vhosts.get(name) is None:
        raise ApiError(404, "not_found", "vhost_not_found")
    document, redirect = await _document(call)
    await _run(
        call, definitions.load_vhost(call.server.vhosts, name, document, Anyone(call.user.name))
    )
    return await _loaded(call, redirect)


def _identity(call: Call) -> dict[str, str]:
    version = call.server.options.compat_version
    return {
        "rabbit_version": version,
        "rabbitmq_version": version,
        "product_name": "Leveret",
        "product_version": __version__,
        "original_cluster_name": call.server.node_name,
    }


def _answer(call: Call, document: definitions.Document) -> Answer:
    name = call.query.get("download")
    if not name:
        return Answer(document)
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in name)
    return Answer(document, headers={"content-disposition": f'attachment; filename="{kept}"'})


async def _run(call: Call, steps: Iterator[None]) -> None:
    for number, _ in enumerate(steps, 1):
        if not number % COMMITTED:
            await call.stored()
        elif not number % SLICE:
            await _next_turn()


@types.coroutine
def _next_turn() -> Generator[None, None, None]:
    yield


async def _loaded(call: Call, redirect: str | None) -> Answer:
    await call.stored()
    return Answer(None, 303, {"location": redirect}) if redirect else DONE


async def _document(call: Call) -> tuple[Any, str | None]:
    """The file, and where a form wants to go afterwards."""
    kind = call.headers.get("content-type", "")
    raw = await call.raw_body()
    if kind.partition(";")[0].strip().lower() != "multipart/form-data":
        return _parsed(raw), None
    parts = _parts(kind, raw)
    if "file" not in parts:
        raise bad_request("[{key_missing,file}]")
    redirect = parts.get("redirect", b"").decode("utf-8", "replace").strip()
    # Within this site only, and nothing that could end the header.
    local = redirect.startswith("/") and not redirect.startswith("//") and redirect.isprintable()
    return _parsed(parts["file"]), redirect if local else None


def _parts(kind: str, raw: bytes) -> dict[str, bytes]:
    head = b"content-type: " + kind.encode("latin-1", "replace") + b"\r\n\r\n"
    message: Message[str, str] = BytesParser().parsebytes(head + raw)
    found: dict[str, bytes] = {}
    for part in message.walk():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(payload, bytes):
            found[name] = payload
    return found


def _parsed(raw: bytes) -> Any:
    try:
        document = strict_json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise bad_request("failed_to_parse_json") from None
    if isinstance(document, str):
        raise bad_request(DOUBLY_ENCODED)
    return document
