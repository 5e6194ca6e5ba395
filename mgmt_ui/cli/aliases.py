"""rabbitmqctl's and rabbitmq-diagnostics' commonest commands, in their spelling, as one table.

Scripts and health checks of containers only change the name of the program. An alias is rewritten
into a command of ours (REWRITTEN) or lists with rabbitmqctl's columns (LISTS); all that is not
said here is as that command does it. Hidden from the help; `brokerctl help aliases` tells them.
"""

from collections.abc import Callable
from typing import NamedTuple

from mgmt_ui.cli.output import Row


class Rewritten(NamedTuple):
    """`usage` as rabbitmqctl tells it: [x] may be missing, x... comes any number of times.

    `words` are those of our command, where `{n}` stands for the nth argument and `{*n}` for it
    and all that follow; a word whose argument is missing is left out. `flags` and `valued` are
    options that go on to it.
    """

    usage: str
    words: str
    flags: tuple[str, ...] = ()
    valued: tuple[str, ...] = ()


REWRITTEN: dict[str, Rewritten] = {
    # Users and permissions
    "add_user": Rewritten("USER [PASSWORD]", "user add {0} --new-password={1}"),
    "delete_user": Rewritten("USER", "user delete {0} --yes"),
    "change_password": Rewritten("USER [PASSWORD]", "user set-password {0} --new-password={1}"),
    "set_user_tags": Rewritten("USER [TAG...]", "user set-tags {0} {*1}"),
    "set_permissions": Rewritten("USER CONF WRITE READ", "permission set -- {0} {1} {2} {3}"),
    "clear_permissions": Rewritten("USER", "permission clear {0} --yes"),
    "set_topic_permissions": Rewritten(
        "USER EXCHANGE WRITE READ", "permission topic-set -- {0} {1} {2} {3}"
    ),
    "clear_topic_permissions": Rewritten("USER [EXCHANGE]", "permission topic-clear {0} {1} --yes"),
    # Virtual hosts
    "trace_on": Rewritten("", "trace on"),
    "trace_off": Rewritten("", "trace off"),
    "restart_vhost": Rewritten("VHOST", "vhost restart {0}"),
    "enable_vhost_deletion_protection": Rewritten("VHOST", "vhost protect {0}"),
    "disable_vhost_deletion_protection": Rewritten("VHOST", "vhost unprotect {0}"),
    "add_vhost": Rewritten(
        "VHOST", "vhost add {0}", (), ("--description", "--tags", "--default-queue-type")
    ),
    "delete_vhost": Rewritten("VHOST", "vhost delete {0} --yes"),
    # Policies
    "set_policy": Rewritten(
        "NAME PATTERN DEFINITION",
        "policy set --definition={2} -- {0} {1}",
        (),
        ("--priority", "--apply-to"),
    ),
    "clear_policy": Rewritten("NAME", "policy delete {0} --yes"),
    "set_operator_policy": Rewritten(
        "NAME PATTERN DEFINITION",
        "operator-policy set --definition={2} -- {0} {1}",
        (),
        ("--priority", "--apply-to"),
    ),
    "clear_operator_policy": Rewritten("NAME", "operator-policy delete {0} --yes"),
    "set_parameter": Rewritten("COMPONENT NAME JSON", "parameter set -- {0} {1} {2}"),
    "clear_parameter": Rewritten("COMPONENT NAME", "parameter delete {0} {1} --yes"),
    "set_global_parameter": Rewritten("NAME JSON", "global-parameter set -- {0} {1}"),
    "clear_global_parameter": Rewritten("NAME", "global-parameter delete {0} --yes"),
    # Connections
    "close_connection": Rewritten("NAME REASON", "connection close --reason={1} --yes {0}"),
    "close_all_connections": Rewritten("REASON", "connection close-all --reason={0} --yes"),
    "close_all_user_connections": Rewritten(
        "USER REASON", "connection close-all --of-user={0} --reason={1} --yes"
    ),
    # Queues
    "purge_queue": Rewritten("QUEUE", "queue purge {0} --yes"),
    "delete_queue": Rewritten("QUEUE", "queue delete {0} --yes", ("--if-empty", "--if-unused")),
    # Definitions
    "export_definitions": Rewritten("FILE", "definitions export {0}"),
    "import_definitions": Rewritten("FILE", "definitions import {0}"),
    # The node
    "set_log_level": Rewritten("LEVEL", "option set log_level={0}"),
    "set_vm_memory_high_watermark": Rewritten("SHARE", "option set memory_high_watermark={0}"),
    "set_disk_free_limit": Rewritten("SIZE", "option set disk_free_limit={0}"),
    "ping": Rewritten("", "api GET /whoami"),
    "check_port_listener": Rewritten("PORT", "health --check=port-listener/{0}"),
    "check_protocol_listener": Rewritten("PROTOCOL", "health --check=protocol-listener/{0}"),
    "check_virtual_hosts": Rewritten("", "health --check=virtual-hosts"),
    "check_alarms": Rewritten("", "health --check=alarms"),
    "check_local_alarms": Rewritten("", "health --check=local-alarms"),
    "check_running": Rewritten("", "health --check=virtual-hosts"),
}


def _same(row: Row) -> Row:
    return {}


class Listed(NamedTuple):
    """A list: its path, which {vhost} makes one of a virtual host; the columns by default.

    `more` gives the columns that are called otherwise in the API.
    """

    path: str
    columns: tuple[str, ...]
    more: Callable[[Row], Row] = _same


def _binding(row: Row) -> Row:
    return {
        "source_name": row["source"],
        "source_kind": "exchange",
        "destination_name": row["destination"],
        "destination_kind": row["destination_type"],
    }


def _consumer(row: Row) -> Row:
    return {"queue_name": row["queue"]["name"], "channel_pid": row["channel_details"]["name"]}


LISTS: dict[str, Listed] = {
    "list_queues": Listed("/queues/{vhost}", ("name", "messages")),
    "list_exchanges": Listed("/exchanges/{vhost}", ("name", "type")),
    "list_bindings": Listed(
        "/bindings/{vhost}",
        (
            *("source_name", "source_kind", "destination_name", "destination_kind"),
            *("routing_key", "arguments"),
        ),
        _binding,
    ),
    "list_connections": Listed("/connections", ("user", "peer_host", "peer_port", "state")),
    "list_channels": Listed(
        "/channels",
        ("pid", "user", "consumer_count", "messages_unacknowledged"),
        lambda row: {"pid": row["name"]},
    ),
    "list_consumers": Listed(
        "/consumers/{vhost}",
        (
            *("queue_name", "channel_pid", "consumer_tag", "ack_required"),
            *("prefetch_count", "active", "arguments"),
        ),
        _consumer,
    ),
    "list_users": Listed(
        "/users",
        ("user", "tags"),
        lambda row: {"user": row["name"], "tags": f"[{', '.join(row['tags'])}]"},
    ),
    "list_permissions": Listed(
        "/vhosts/{vhost}/permissions", ("user", "configure", "write", "read")
    ),
    "list_vhosts": Listed("/vhosts", ("name",)),
    "list_topic_permissions": Listed(
        "/vhosts/{vhost}/topic-permissions", ("user", "exchange", "write", "read")
    ),
    "list_operator_policies": Listed(
        "/operator-policies/{vhost}",
        ("vhost", "name", "pattern", "apply-to", "definition", "priority"),
    ),
    "list_parameters": Listed("/parameters", ("component", "name", "value")),
    "list_global_parameters": Listed("/global-parameters", ("name", "value")),
    "list_policies": Listed(
        "/policies/{vhost}", ("vhost", "name", "pattern", "apply-to", "definition", "priority")
    ),
}


def usages() -> list[tuple[str, str]]:
    """Each alias with what it does, for people."""
    rows = [(f"{name} {alias.usage}".rstrip(), alias.words) for name, alias in REWRITTEN.items()]
    rows += [(f"{name} [COLUMN...]", f"api GET {alias.path}") for name, alias in LISTS.items()]
    return sorted(rows)
