"""What the bodies of requests hold, by handler: JSON schemas for openapi.py (spec 2).

A row here is documentation and what generated requests are made of; the handlers check for
themselves.
"""

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer"}
SWITCH: Schema = {"type": "boolean"}
AGE: Schema = {"type": "number", "minimum": 0, "description": "Seconds in the queue."}
TABLE: Schema = {"type": "object", "description": "Arguments by name."}
TAGS: Schema = {"oneOf": [TEXT, {"type": "array", "items": TEXT}]}
ANYTHING: Schema = {}


def an_object(*required: str, **members: Schema) -> Schema:
    """An object with these members; `_` in names stands for a dash where RabbitMQ has one."""
    return {"type": "object", "properties": members, "required": list(required)}


VALUE = an_object("value", value=ANYTHING)
POLICY: Schema = {
    "type": "object",
    "required": ["pattern", "definition"],
    "properties": {
        "pattern": TEXT,
        "definition": {"type": "object", "minProperties": 1},
        "priority": NUMBER,
        "apply-to": {
            "enum": ["all", "queues", "classic_queues", "quorum_queues", "streams", "exchanges"]
        },
    },
}
PROPERTIES = an_object(
    content_type=TEXT,
    content_encoding=TEXT,
    delivery_mode={"enum": [1, 2]},
    priority={"type": "integer", "minimum": 0, "maximum": 255},
    correlation_id=TEXT,
    reply_to=TEXT,
    expiration=TEXT,
    message_id=TEXT,
    timestamp={"type": "integer", "minimum": 0},
    type=TEXT,
    user_id=TEXT,
    app_id=TEXT,
    headers=TABLE,
)
_LISTS = (
    *("users", "vhosts", "permissions", "topic_permissions", "parameters", "global_parameters"),
    *("policies", "queues", "exchanges", "bindings"),
)
DEFINITIONS = an_object(**{kind: {"type": "array", "items": TABLE} for kind in _LISTS})

FILTER = an_object(
    routing_key=TEXT,
    exchange=TEXT,
    message_id=TEXT,
    correlation_id=TEXT,
    type=TEXT,
    app_id=TEXT,
    user_id=TEXT,
    reply_to=TEXT,
    content_type=TEXT,
    content_encoding=TEXT,
    cluster_id=TEXT,
    headers=TABLE,
    body=TEXT,
    older_than=AGE,
    newer_than=AGE,
    redelivered=SWITCH,
    death_queue=TEXT,
    death_reason={"enum": ["rejected", "expired", "maxlen", "delivery_limit"]},
    positions={"type": "array", "items": NUMBER},
)
_LOOK = {
    "encoding": {"enum": ["auto", "base64"]},
    "truncate": NUMBER,
    "state": {"enum": ["all", "ready", "unacked"]},
}
_JOB = {"filter": FILTER, "dry_run": SWITCH, "rate": {"type": "number"}, "wait": NUMBER}
OPERATIONS: dict[str, Schema] = {
    "browsing:search": an_object(filter=FILTER, count=NUMBER, scan=NUMBER, cursor=TEXT, **_LOOK),
    "jobs:delete_messages": an_object("filter", undo=SWITCH, **_JOB),
    "jobs:move": an_object(queue=TEXT, exchange=TEXT, routing_key=TEXT, undo=SWITCH, **_JOB),
    "jobs:redrive": an_object(to={"enum": ["queue", "exchange"]}, **_JOB),
    "jobs:undo": an_object("job", job=TEXT),
    "routing:route": an_object(routing_key=TEXT, headers=TABLE, properties=PROPERTIES),
    "delayed:cancel": an_object("filter", filter=FILTER, dry_run=SWITCH),
}
BODIES: dict[str, Schema] = {
    "options:put": an_object("value", value={"type": ["string", "number", "boolean", "array"]}),
    "queues:put": an_object(durable=SWITCH, auto_delete=SWITCH, arguments=TABLE, node=TEXT),
    "queues:act": an_object("action", action={"enum": ["sync", "cancel_sync"]}),
    "channels:put": an_object(
        "prefetch", prefetch={"type": "integer", "minimum": 0, "maximum": 65535}
    ),
    "exchanges:put": an_object(
        type=TEXT, durable=SWITCH, auto_delete=SWITCH, internal=SWITCH, arguments=TABLE
    ),
    "bindings:create": an_object(routing_key=TEXT, arguments=TABLE),
    "messages:publish": an_object(
        *("routing_key", "properties", "payload", "payload_encoding"),
        routing_key=TEXT,
        properties=PROPERTIES,
        payload=TEXT,
        payload_encoding={"enum": ["string", "base64"]},
    ),
    "messages:get": an_object(
        *("count", "ackmode", "encoding"),
        count=NUMBER,
        ackmode={
            "enum": [
                "ack_requeue_true",
                "reject_requeue_true",
                "ack_requeue_false",
                "reject_requeue_false",
            ]
        },
        encoding={"enum": ["auto", "base64"]},
        truncate=NUMBER,
    ),
    **OPERATIONS,
    "definitions:load": DEFINITIONS,
    "definitions:load_vhost": DEFINITIONS,
    "policies:put": POLICY,
    "policies:operator_put": POLICY,
    "parameters:put": VALUE,
    "parameters:global_put": VALUE,
    "limits:put_of_vhost": an_object("value", value=NUMBER),
    "limits:put_of_user": an_object("value", value=NUMBER),
    "vhosts:put": an_object(
        description=TEXT,
        tags=TAGS,
        default_queue_type={"enum": ["classic", "quorum", "stream"]},
        tracing=SWITCH,
        protected_from_deletion=SWITCH,
    ),
    "users:put": an_object(
        "tags",
        tags=TAGS,
        password=TEXT,
        password_hash=TEXT,
        hashing_algorithm=TEXT,
        limits=TABLE,
    ),
    "users:bulk_delete": an_object("users", users={"type": "array", "items": TEXT}),
    "permissions:put": an_object(
        "configure", "write", "read", configure=TEXT, write=TEXT, read=TEXT
    ),
    "permissions:put_topics": an_object(
        "exchange", "write", "read", exchange=TEXT, write=TEXT, read=TEXT
    ),
}
