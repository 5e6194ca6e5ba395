"""Definitions files: everything that is declared, in RabbitMQ's JSON (management 2.2, 3.14).

Here: what a file holds, reading one and writing one. Not here: how it gets here (HTTP, the option
that names one), and the changes themselves, which are those of the registry and of virtual hosts.

An import adds and updates and never deletes. Whoever runs it may let others have their turn
between its steps; it is no transaction, so what stood before an error in the file is kept.
"""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vhosts import errors, strict_json
from vhosts.limits import VHOST_COMPONENT, VHOST_NAME
from vhosts.passwords import LEGACY_ALGORITHM
from vhosts.permissions import ANYONE, Anyone
from vhosts.plain_tables import plain, typed

if TYPE_CHECKING:
    from exchanges.base import Binding, Exchange
    from vhosts.interfaces import QueueLike
    from vhosts.policies import Policy
    from vhosts.registry import VirtualHosts
    from vhosts.vhost import VirtualHost

Document = dict[str, Any]
Item = dict[str, Any]
Steps = Iterator[None]

CLUSTER_FORM, VHOST_FORM = "cluster", "single_virtual_host"
_OPERATOR = "operator_policy"
_MISSING = object()


# -- export ------------------------------------------------------------------------------


def of_cluster(vhosts: "VirtualHosts[Any]", identity: Item) -> Document:
    """All definitions; `identity` has the versions and names that go on top."""
    worlds = sorted(vhosts, key=lambda vhost: vhost.name)
    return {
        **identity,
        "rabbitmq_definition_format": CLUSTER_FORM,
        "users": [_user(vhosts, user) for user in vhosts.users],
        "vhosts": [_vhost(vhost) for vhost in worlds],
        "permissions": [
            {
                "user": entry.user,
                "vhost": entry.vhost,
                "configure": entry.configure,
                "write": entry.write,
                "read": entry.read,
            }
            for entry in vhosts.permissions
        ],
        "topic_permissions": [
            {
                "user": entry.user,
                "vhost": entry.vhost,
                "exchange": entry.exchange,
                "write": entry.write,
                "read": entry.read,
            }
            for entry in vhosts.topic_permissions
        ],
        "parameters": [each._asdict() for each in vhosts.parameters.list()],
        "global_parameters": [
            {"name": name, "value": value} for name, value in vhosts.parameters.globals
        ],
        **_contents(worlds, named=True),
    }


def of_vhost(vhosts: "VirtualHosts[Any]", vhost: "VirtualHost[Any]", identity: Item) -> Document:
    """The definitions of one virtual host; its name stands nowhere but on top."""
    return {
        **identity,
        "rabbitmq_definition_format": VHOST_FORM,
        "original_vhost_name": vhost.name,
        "description": vhost.description,
        "default_queue_type": vhost.default_queue_type,
        "metadata": _vhost(vhost)["metadata"],
        "limits": vhosts.limits.of_vhost(vhost.name),
        "parameters": [each._asdict() for each in vhosts.parameters.list(vhost=vhost.name)],
        **_contents([vhost], named=False),
    }


def _contents(worlds: "list[VirtualHost[Any]]", *, named: bool) -> Document:
    def rows(vhost: "VirtualHost[Any]", found: Iterator[Item]) -> Iterator[Item]:
        place = {"vhost": vhost.name} if named else {}
        return (row | place for row in found)

    return {
        "policies": [
            # RabbitMQ names the virtual host here in both forms.
            _policy(policy) | {"vhost": vhost.name}
            for vhost in worlds
            for policy in vhost.policies
        ],
        "queues": list(chain.from_iterable(rows(v, _queues(v)) for v in worlds)),
        "exchanges": list(chain.from_iterable(rows(v, _exchanges(v)) for v in worlds)),
        "bindings": list(chain.from_iterable(rows(v, _bindings(v)) for v in worlds)),
    }


def _user(vhosts: "VirtualHosts[Any]", user: Any) -> Item:
    return {
        "name": user.name,
        "password_hash": user.password_hash,
        "hashing_algorithm": user.hashing_algorithm,
        "tags": list(user.tags),
        "limits": vhosts.limits.of_user(user.name),
    }


def _vhost(vhost: "VirtualHost[Any]") -> Item:
    metadata = {
        "description": vhost.description,
        "tags": list(vhost.tags),
        "default_queue_type": vhost.default_queue_type,
    }
    return {"name": vhost.name, **metadata, "metadata": metadata}


def _policy(policy: "Policy") -> Item:
    return {
        "name": policy.name,
        "pattern": policy.pattern,
        "apply-to": policy.apply_to,
        "definition": policy.definition,
        "priority": policy.priority,
    }


def _queues(vhost: "VirtualHost[Any]") -> Iterator[Item]:
    for queue in vhost.queues.values():
        if queue.owner is None:
            yield {
                "name": queue.name,
                "durable": queue.durable,
                "auto_delete": queue.auto_delete,
                "arguments": plain(queue.arguments),
            }


def _exchanges(vhost: "VirtualHost[Any]") -> Iterator[Item]:
    for exchange in vhost.exchanges.values():
        if not _built_in(exchange.name):
            yield {
                "name": exchange.name,
                "type": exchange.type,
                "durable": exchange.durable,
                "auto_delete": exchange.auto_delete,
                "internal": exchange.internal,
                "arguments": plain(exchange.arguments),
            }


def _bindings(vhost: "VirtualHost[Any]") -> Iterator[Item]:
    for exchange in vhost.exchanges.values():
        for binding in exchange.bindings.values():
            if not _bound_to_one_connection(binding):
                yield {
                    "source": exchange.name,
                    "destination": binding.destination.name,
                    "destination_type": binding.destination_type,
                    "routing_key": binding.routing_key,
                    "arguments": plain(binding.arguments),
                }


def _bound_to_one_connection(binding: "Binding") -> bool:
    destination: QueueLike | Exchange = binding.destination
    return binding.destination_type == "queue" and getattr(destination, "owner", None) is not None


def _built_in(name: str) -> bool:
    return not name or name.startswith("amq.")


# -- import ------------------------------------------------------------------------------


def load_file(vhosts: "VirtualHosts[Any]", path: Path) -> None:
    """Puts the definitions of a file into force, at once; raises as load_cluster does."""
    try:
        document = strict_json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise errors.InvalidValue(str(error.strerror)) from None
    except (ValueError, RecursionError) as error:
        raise errors.InvalidValue(f"no JSON: {error}") from None
    for _ in load_cluster(vhosts, document):
        pass


def load_cluster(vhosts: "VirtualHosts[Any]", document: Any, by: Anyone = ANYONE) -> Steps:
    """Puts all definitions of a file into force, one a step, on the account of `by`.

    Raises InvalidValue and what the registry and virtual hosts raise for what cannot be.
    """
    _check_form(document)
    yield from _load_users(vhosts, document)
    yield from _load_vhosts(vhosts, document, by)
    for item in _items(document, "permissions"):
        user, vhost, *patterns = _texts(item, "user", "vhost", "configure", "write", "read")
        _check_user(vhosts, user, vhost)
        vhosts.permissions.set(user, vhost, *patterns)
        yield
    for item in _items(document, "topic_permissions"):
        user, vhost, *patterns = _texts(item, "user", "vhost", "exchange", "write", "read")
        _check_user(vhosts, user, vhost)
        vhosts.topic_permissions.set(user, vhost, *patterns)
        yield
    yield from _load_parameters(vhosts, document, None)
    for item in _items(document, "global_parameters"):
        vhosts.parameters.globals.set(_text(item, "name"), _member(item, "value"))
        yield
    yield from _load_contents(vhosts, document, None, by)


def load_vhost(vhosts: "VirtualHosts[Any]", name: str, document: Any, by: Anyone = ANYONE) -> Steps:
    """As load_cluster, into one virtual host that exists; what is not its own is ignored."""
    _check_form(document)
    if isinstance(limits := document.get("limits"), dict) and limits:
        vhosts.set_limits(name, limits)
    yield from _load_parameters(vhosts, document, name)
    yield from _load_contents(vhosts, document, name, by)


def _load_users(vhosts: "VirtualHosts[Any]", document: Document) -> Steps:
    for item in _items(document, "users"):
        # Files from before there was a choice do not name the algorithm.
        algorithm = _optional_text(item, "hashing_algorithm", LEGACY_ALGORITHM)
        tags = _tags(item.get("tags", ()))
        name = _text(item, "name")
        if "password" in item:
            vhosts.users.add(name, _text(item, "password"), tags)
        else:
            vhosts.users.add_hashed(name, _text(item, "password_hash"), algorithm, tags)
        if isinstance(limits := item.get("limits"), dict) and limits:
            vhosts.limits.set_user(name, limits)
        yield


def _load_vhosts(vhosts: "VirtualHosts[Any]", document: Document, by: Anyone) -> Steps:
    for item in _items(document, "vhosts"):
        name = _text(item, "name")
        metadata = item.get("metadata")
        facts = (metadata if isinstance(metadata, dict) else {}) | item
        queue_type = facts.get("default_queue_type")
        given: dict[str, Any] = {
            "description": _optional_text(facts, "description", ""),
            "tags": _tags(facts.get("tags", ())),
            # RabbitMQ writes `undefined` where nobody chose one.
            "default_queue_type": "classic" if queue_type in (None, "undefined") else queue_type,
        }
        if vhosts.get(name) is None:
            vhosts.create(name, **given, creator=by.user)
        elif given["description"] or given["tags"] or queue_type:
            vhosts.update(name, **given)
        yield


def _load_parameters(vhosts: "VirtualHosts[Any]", document: Document, only: str | None) -> Steps:
    # Limits first: what they forbid must not be there by then.
    items = [(_text(item, "component"), item) for item in _items(document, "parameters")]
    for component, item in sorted(items, key=lambda pair: pair[0] != VHOST_COMPONENT):
        vhost = _place(vhosts, item, only)
        name = VHOST_NAME if component == VHOST_COMPONENT else _text(item, "name")
        vhosts.parameters.set(component, vhost.name, name, _member(item, "value"))
        yield


def _load_contents(
    vhosts: "VirtualHosts[Any]", document: Document, only: str | None, by: Anyone
) -> Steps:
    for item in _items(document, "policies"):
        _place(vhosts, item, only).policies.set(
            _text(item, "name"),
            pattern=_member(item, "pattern"),
            definition=_member(item, "definition"),
            priority=item.get("priority", 0),
            apply_to=item.get("apply-to", "all"),
        )
        yield
    for kind, load in (
        ("queues", _load_queue),
        ("exchanges", _load_exchange),
        ("bindings", _load_binding),
    ):
        for item in _items(document, kind):
            load(_place(vhosts, item, only), item, by)
            yield


def _load_queue(vhost: "VirtualHost[Any]", item: Item, by: Anyone) -> None:
    name = _text(item, "name")
    # What is there under that name stays as it is, and is no error (management 2.2); reserved
    # names are left out (spec 10.5).
    if name not in vhost.queues and not _built_in(name):
        vhost.declare_queue(
            name,
            durable=_flag(item, "durable"),
            owner=None,
            auto_delete=_flag(item, "auto_delete"),
            arguments=typed(_object(item, "arguments")),
            authorise=by,
        )


def _load_exchange(vhost: "VirtualHost[Any]", item: Item, by: Anyone) -> None:
    name = _text(item, "name")
    if name not in vhost.exchanges and not _built_in(name):
        vhost.declare_exchange(
            name,
            _text(item, "type"),
            durable=_flag(item, "durable"),
            auto_delete=_flag(item, "auto_delete"),
            internal=_flag(item, "internal"),
            arguments=typed(_object(item, "arguments")),
            authorise=by,
        )


def _load_binding(vhost: "VirtualHost[Any]", item: Item, by: Anyone) -> None:
    source, destination, kind, key = _texts(
        item, "source", "destination", "destination_type", "routing_key"
    )
    if kind not in ("queue", "exchange"):
        raise errors.InvalidValue(f"unknown destination_type '{kind}'")
    if source:  # every queue has its binding to the default exchange by itself
        vhost.bind(source, destination, kind, key, typed(_object(item, "arguments")), None, by)


# -- reading what a file holds -----------------------------------------------------------


def _check_form(document: Any) -> None:
    if not isinstance(document, dict):
        raise errors.InvalidValue("definitions must be an object")


def _items(document: Document, kind: str) -> list[Item]:
    items = document.get(kind) or []
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise errors.InvalidValue(f"{kind} must be a list of objects")
    return items


def _place(vhosts: "VirtualHosts[Any]", item: Item, only: str | None) -> "VirtualHost[Any]":
    name = only if only is not None else item.get("vhost", "undefined")
    vhost = vhosts.get(name) if isinstance(name, str) else None
    if vhost is None:
        raise errors.InvalidValue(f'["no_such_vhost","{name}"]')
    if not vhost.running:
        raise errors.InvalidValue(f"vhost '{name}' is down")
    return vhost


def _check_user(vhosts: "VirtualHosts[Any]", user: str, vhost: str) -> None:
    if vhosts.users.get(user) is None:
        raise errors.InvalidValue(f'["no_such_user","{user}"]')
    if vhosts.get(vhost) is None:
        raise errors.InvalidValue(f'["no_such_vhost","{vhost}"]')


def _member(item: Item, name: str) -> Any:
    value = item.get(name, _MISSING)
    if value is _MISSING:
        raise errors.InvalidValue(f"[{{key_missing,{name}}}]")
    return value


def _text(item: Item, name: str) -> str:
    value = _member(item, name)
    if not isinstance(value, str):
        raise errors.InvalidValue(f'["not_string","{name}"]')
    return value


def _texts(item: Item, *names: str) -> list[str]:
    return [_text(item, name) for name in names]


def _optional_text(item: Item, name: str, default: str) -> str:
    return default if item.get(name) is None else _text(item, name)


def _flag(item: Item, name: str) -> bool:
    value = item.get(name, False)
    if not isinstance(value, bool):
        raise errors.InvalidValue(f'["not_boolean","{name}"]')
    return value


def _object(item: Item, name: str) -> dict[str, Any]:
    value = item.get(name)
    if value in (None, []):
        return {}
    if not isinstance(value, dict):
        raise errors.InvalidValue(f'["not_object","{name}"]')
    return value


def _tags(value: Any) -> list[str]:
    if isinstance(value, str):
        value = [tag.strip() for tag in value.split(",") if tag.strip()]
    if not isinstance(value, list | tuple) or not all(isinstance(tag, str) for tag in value):
        raise errors.InvalidValue('["not_string","tags"]')
    return list(value)
