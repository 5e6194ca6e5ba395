"""Taking up new values of options while the broker runs.

Here: which part takes up which option, as one table beside the `live` column of `options`.  Not
here: where the new values come from (`__main__` on SIGHUP, the management API).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, NamedTuple

from broker import audit, handlers, logs
from broker.alarms import gauges
from broker.handshake import ServerIdentity
from broker.options import OPTIONS, Options
from broker.startup import StartError

if TYPE_CHECKING:
    from broker.context import Context
    from broker.tls_listener import TlsListeners

logger = logging.getLogger("leveret.reload")

NEEDS_RESTART = "it takes a restart"


class Running(NamedTuple):
    """The parts of a running broker that options reach."""

    context: Context
    tls: TlsListeners | None
    # Whether the database takes no writes, which the alarm for the disk must know.
    refusing: Callable[[], object] = bool


class Outcome(NamedTuple):
    """What a reload did: `options` are those in force now, `applied` the names of changed ones.

    `refused` says of the others that are not as wanted why: name -> reason.
    """

    options: Options
    applied: tuple[str, ...]
    refused: dict[str, str]


def _log(running: Running, options: Options) -> None:
    logs.set_up(options.log_level, options.log_format)


def _limits(running: Running, options: Options) -> None:
    # For connections to come: with the others it was agreed otherwise.
    limits = running.context.limits
    limits.heartbeat = options.heartbeat
    limits.frame_max = options.frame_max
    limits.channel_max = options.channel_max
    running.context.vhosts.limits.max_connections = options.connection_max
    running.context.vhosts.limits.max_consumers = options.consumer_max
    limits.loopback_users = frozenset(options.loopback_users)
    limits.mechanisms = options.auth_mechanisms
    limits.anonymous_user = options.anonymous_user
    limits.certificate_names = options.tls_username_from
    running.context.max_message_size = options.max_message_size
    running.context.handshake_timeout = options.handshake_timeout


def watch(running: Running, options: Options) -> None:
    """Lets the alarms measure by these options."""
    alarms, free = running.context.alarms, options.disk_free_limit
    alarms.refuses = options.alarmed_publishers == "refuse"
    alarms.stop()
    alarms.watch(gauges(options.memory_high_watermark, free, options.data_dir, running.refusing))


def _asked_for(running: Running, options: Options) -> None:
    """Nobody keeps the value: it is looked up among the options in force."""


def audit_log(options: Options) -> None:
    """Notes what `audit_log` asks for, opening its file anew; raises StartError if it cannot."""
    try:
        audit.set_up(options.audit_log, options.log_format)
    except OSError as error:
        raise StartError(
            f"--audit-log: cannot write {options.audit_log}: {error.strerror}"
        ) from None
    handlers.audit_methods(audit.on)


def _audit(running: Running, options: Options) -> None:
    audit_log(options)


def _identity(running: Running, options: Options) -> None:
    name = running.context.identity.cluster_name
    running.context.identity = ServerIdentity(
        name, product=options.compat_product, version=options.compat_version
    )


def _tls(running: Running, options: Options) -> None:
    if running.tls is None or options.tls_cert is None:
        raise StartError("TLS is turned on and off by " + NEEDS_RESTART.removeprefix("it takes "))
    running.tls.reload(options)


Apply = Callable[[Running, Options], None]
# Option -> what takes it up; options that share a function are taken up or refused together.
# Raises StartError, and changes nothing, where the new value cannot be used.
APPLY: Mapping[str, Apply] = {
    "log_level": _log,
    "audit_log": _audit,
    **dict.fromkeys(("heartbeat", "frame_max", "channel_max", "connection_max"), _limits),
    **dict.fromkeys(
        ("consumer_max", "max_message_size", "handshake_timeout", "loopback_users"), _limits
    ),
    **dict.fromkeys(("login_session_timeout", "cors_origins"), _asked_for),
    **dict.fromkeys(("memory_high_watermark", "disk_free_limit", "alarmed_publishers"), watch),
    **dict.fromkeys(("compat_product", "compat_version"), _identity),
    **dict.fromkeys((name for name in OPTIONS if name.startswith("tls_")), _tls),
    **dict.fromkeys(("auth_mechanisms", "anonymous_user", "tls_username_from"), _limits),
}


# What is read again though no option has changed, as files do under their names.
_ALWAYS: dict[Apply, str] = {_tls: "tls_cert", _audit: "audit_log"}


def reload(running: Running, old: Options, new: Options) -> Outcome:
    """Takes up what differs between `old`, which is in force, and `new`, where that can be done.

    Certificates are read again in any case, and the audit log's file is opened anew: they may be
    others under the same names.
    """
    changed = [each.name for each in fields(Options) if _differs(old, new, each.name)]
    refused = {name: NEEDS_RESTART for name in changed if not OPTIONS[name].live}
    options, applied = old, list[str]()
    wanted: dict[Apply, list[str]] = {_tls: []} if running.tls is not None else {}
    if audit.on:
        wanted[_audit] = []  # whoever has moved its file wants a new one
    for name in changed:
        if name not in refused:
            wanted.setdefault(APPLY[name], []).append(name)
    for apply, names in wanted.items():
        attempt = replace(options, **{name: getattr(new, name) for name in names})
        try:
            apply(running, attempt)
        except StartError as error:
            refused |= dict.fromkeys(names or [_ALWAYS[apply]], str(error))
        else:
            options, applied = attempt, [*applied, *names]
    _report(applied, refused, options)
    return Outcome(options, tuple(applied), refused)


def _differs(old: Options, new: Options, name: str) -> bool:
    return bool(getattr(old, name) != getattr(new, name))


def _report(applied: list[str], refused: dict[str, str], options: Options) -> None:
    for name in applied:
        value = "(secret)" if OPTIONS[name].secret else getattr(options, name)
        logger.info("%s is now %s", name, value)
    for name, reason in refused.items():
        logger.warning("%s stays as it was: %s", name, reason)
    if not applied and not refused:
        logger.info("read again; no option has changed")
