"""Names of queues and exchanges: cleaning, reserved ones, made-up ones (spec 3.2, 4.1, 5.1)."""

import base64
import secrets

from vhosts import errors
from vhosts.argument_checks import Table

RESERVED_PREFIX = "amq."
REPLY_PREFIX = "amq.rabbitmq.reply-to."
GENERATED_PREFIX = "amq.gen"
MAX_PREFIX_BYTES = 64
# Waiting rooms are stored among queues; no queue can have such a name, see `clean`.
ROOM_PREFIX = "amq.delayed\n"


def clean(name: str) -> str:
    """The name without CR and LF, as every method but publish and consume takes it."""
    if "\r" in name or "\n" in name:
        return name.replace("\r", "").replace("\n", "")
    return name


def check_not_reserved(kind: str, name: str) -> None:
    """Raises AccessRefused for a name in `amq.*`; `kind` is 'queue' or 'exchange'."""
    if name.startswith(RESERVED_PREFIX):
        raise errors.reserved_prefix(kind, name)


def server_named(queue_type: str, arguments: Table) -> tuple[str, Table]:
    """A new name that nobody can guess, and the arguments without x-name-prefix (spec 5.1).

    Raises PreconditionFailed for quorum queues and streams, and prefixes of more than 64 bytes.
    """
    if queue_type in ("quorum", "stream"):
        raise errors.server_named(queue_type)
    prefix = GENERATED_PREFIX
    tag, value = arguments.get("x-name-prefix", ("V", None))
    if tag == "S":
        if len(value.encode("utf-8", "surrogateescape")) > MAX_PREFIX_BYTES:
            raise errors.name_prefix_too_long(value)
        prefix = value
        arguments = {key: field for key, field in arguments.items() if key != "x-name-prefix"}
    random = base64.urlsafe_b64encode(secrets.token_bytes(16)).rstrip(b"=")
    return f"{prefix}-{random.decode('ascii')}", arguments
