"""Every option of the daemon, once: `Options` is the table.

A row's name gives its flag (`--amqp-port`), its variable (`LEVERET_AMQP_PORT`) and its key in
`leveret.toml` (`amqp_port`, or `amqp-port`).  How they are read is in `option_sources`; what an
option does lives where it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from broker import option_values as read

# The database's file in the data directory.
DATABASE = "leveret.db"


@dataclass(frozen=True, slots=True)
class Option:
    """What one row says; `name` is filled in from the field of `Options`."""

    parse: Callable[[str], Any]
    metavar: str
    doc: str
    default: str  # as a person would write it
    live: bool  # a running broker takes up a new value (reload.py)
    in_file: bool  # the file that is read cannot name itself
    secret: bool  # may hold a password: never printed
    in_flags: bool  # a flag is there for all who list processes: not for what is nothing but secret
    name: str = ""

    @property
    def flag(self) -> str:
        """The flag of the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """The variable of the environment."""
        return "LEVERET_" + self.name.upper()


def _row(
    parse: Callable[[str], Any],
    metavar: str,
    doc: str,
    *,
    default: str,
    value: Any = ...,
    live: bool = False,
    in_file: bool = True,
    secret: bool = False,
    in_flags: bool = True,
) -> Any:
    option = Option(parse, metavar, doc, default, live, in_file, secret, in_flags)
    start = parse(default) if value is ... else value
    return field(default=start, repr=not secret, metadata={"option": option})


@dataclass(frozen=True, slots=True)
class Options:
    """All settings of one broker, each with its default; build one with what differs."""

    config: Path | None = _row(
        read.path,
        "FILE",
        "Configuration file (TOML).",
        default="./leveret.toml if it is there",
        value=None,
        in_file=False,
    )
    data_dir: Path = _row(
        read.path,
        "DIR",
        "Where everything durable is kept; made if missing.",
        default="./leveret-data",
    )
    database: str | None = _row(
        read.database,
        "URL",
        "Database as an SQLAlchemy URL.",
        default="SQLite in the data directory",
        value=None,
        secret=True,
    )
    bind: tuple[str, ...] = _row(
        read.addresses,
        "ADDRESS",
        "Address to listen on, for AMQP and HTTP; give it several times, or with commas.",
        default="127.0.0.1,::1",
    )
    amqp_port: int = _row(
        read.port_or_off,
        "PORT",
        "AMQP port; 0 picks a free one, off is none.",
        default="5672",
    )
    http_port: int = _row(
        read.port_or_off,
        "PORT",
        "Port of the HTTP API; 0 picks a free one, off is none.",
        default="15672",
    )
    amqps_port: int | None = _row(
        read.port_or_off,
        "PORT",
        "AMQP port with TLS; 0 picks a free one, off is none.",
        default="5671 with --tls-cert",
        value=None,
    )
    https_port: int | None = _row(
        read.port_or_off,
        "PORT",
        "Port of the HTTP API with TLS; 0 picks a free one, off is none.",
        default="15671 with --tls-cert",
        value=None,
    )
    prometheus_port: int = _row(
        read.port_or_off,
        "PORT",
        "Port of metrics for Prometheus, without a login; 0 picks a free one, off is none.",
        default="off",
    )
    tls_cert: Path | None = _row(
        read.path,
        "FILE",
        "Certificate and its chain (PEM), which turns TLS on.",
        default="none",
        value=None,
        live=True,
    )
    tls_key: Path | None = _row(
        read.path,
        "FILE",
        "Private key (PEM).",
        default="in the certificate's file",
        value=None,
        live=True,
    )
    tls_key_password: str | None = _row(
        read.verbatim,
        "PASSWORD",
        "Password of an encrypted private key.",
        default="none",
        value=None,
        live=True,
        secret=True,
        in_flags=False,
    )
    tls_ca: Path | None = _row(
        read.path,
        "FILE",
        "Certificates (PEM) of those who sign clients' certificates.",
        default="none",
        value=None,
        live=True,
    )
    tls_verify: str = _row(
        read.one_of("none", "peer", "require"),
        "WHAT",
        "Clients' certificates: none looks at none, peer verifies those that are shown, require "
        "lets nobody in without.",
        default="none",
        live=True,
    )
    tls_min_version: str = _row(
        read.one_of("1.2", "1.3"),
        "VERSION",
        "Oldest version of TLS that is spoken: 1.2 or 1.3.",
        default="1.2",
        live=True,
    )
    tls_ciphers: str | None = _row(
        read.verbatim,
        "LIST",
        "Ciphers for TLS 1.2, as OpenSSL lists them.",
        default="OpenSSL's and Python's choice",
        value=None,
        live=True,
    )
    tls_handshake_timeout: int = _row(
        read.some_seconds,
        "SECONDS",
        "Time a client has to finish its TLS handshake.",
        default="5",
        live=True,
    )
    tls_username_from: str = _row(
        read.one_of(
            "distinguished_name", "common_name", "san_dns", "san_email", "san_uri", "san_ip"
        ),
        "FIELD",
        "What names the user of a client's certificate (EXTERNAL): distinguished_name, "
        "common_name, or the first alternative name: san_dns, san_email, san_uri, san_ip.",
        default="distinguished_name",
        live=True,
    )
    auth_mechanisms: tuple[str, ...] = _row(
        read.some_of("AMQPLAIN", "PLAIN", "EXTERNAL", "ANONYMOUS"),
        "NAMES",
        "Mechanisms that are offered to clients where they can work: AMQPLAIN, PLAIN, EXTERNAL "
        "(with --tls-verify), ANONYMOUS (with --anonymous-user).",
        default="AMQPLAIN,PLAIN,EXTERNAL,ANONYMOUS",
        live=True,
    )
    anonymous_user: str | None = _row(
        read.words,
        "NAME",
        "User that clients are who log in as nobody (ANONYMOUS).",
        default="none, and nobody gets in so",
        value=None,
        live=True,
    )
    auth_backends: tuple[str, ...] = _row(
        read.names,
        "NAMES",
        "Who knows users, asked in this order: internal, http, oauth2, or those of other packages.",
        default="internal",
    )
    auth_cache_seconds: int = _row(
        read.seconds,
        "SECONDS",
        "Time for which permissions are kept that other back ends gave.",
        default="15",
    )
    auth_http_user_path: str | None = _row(
        read.url, "URL", "Web server that knows who users are.", default="none", value=None
    )
    auth_http_vhost_path: str | None = _row(
        read.url, "URL", "The same for virtual hosts.", default="none", value=None
    )
    auth_http_resource_path: str | None = _row(
        read.url, "URL", "The same for queues and exchanges.", default="none", value=None
    )
    auth_http_topic_path: str | None = _row(
        read.url, "URL", "The same for routing keys.", default="none", value=None
    )
    auth_http_method: str = _row(
        read.one_of("get", "post"), "METHOD", "How it is asked: get or post.", default="get"
    )
    auth_http_timeout: int = _row(
        read.some_seconds, "SECONDS", "Time that it has to answer.", default="5"
    )
    oauth2_resource_server_id: str | None = _row(
        read.words, "NAME", "Whom tokens must be made for (aud).", default="none", value=None
    )
    oauth2_scope_prefix: str | None = _row(
        read.verbatim,
        "TEXT",
        "What stands before the scopes of tokens that are meant for this broker.",
        default="the resource server id and a dot",
        value=None,
    )
    oauth2_issuer: str | None = _row(
        read.verbatim, "TEXT", "Who must have made tokens (iss).", default="anybody", value=None
    )
    oauth2_jwks_url: str | None = _row(
        read.url,
        "URL",
        "Where the keys are that tokens are checked with.",
        default="none",
        value=None,
    )
    oauth2_key_file: Path | None = _row(
        read.path, "FILE", "The public key (PEM) instead.", default="none", value=None
    )
    heartbeat: int = _row(
        read.seconds,
        "SECONDS",
        "Heartbeat suggested to clients; 0 turns it off.",
        default="60",
        live=True,
    )
    frame_max: int = _row(
        read.frame_size,
        "SIZE",
        "Largest frame offered to clients; 0 means no limit.",
        default="131072",
        live=True,
    )
    connection_max: int = _row(
        read.connections,
        "COUNT",
        "AMQP connections that may be open at a time; 0 means no limit.",
        default="0",
        live=True,
    )
    channel_max: int = _row(
        read.channels,
        "COUNT",
        "Channels per connection offered to clients; 0 means 65535.",
        default="2047",
        live=True,
    )
    consumer_max: int = _row(
        read.consumers,
        "COUNT",
        "Consumers that a channel may have; 0 means no limit.",
        default="0",
        live=True,
    )
    max_message_size: int = _row(
        read.message_size,
        "SIZE",
        "Largest message body; publishing a larger one closes the channel.",
        default="16MiB",
        live=True,
    )
    strict_recovery: bool = _row(
        read.switch,
        "",
        "Refuse to start where anything in the database is damaged, instead of setting it aside.",
        default="false",
    )
    memory_high_watermark: float = _row(
        read.watermark,
        "SHARE|SIZE",
        "Memory above which publishers are held up: a share of what there is, or a size.",
        default="0.6",
        live=True,
    )
    disk_free_limit: int = _row(
        read.size,
        "SIZE",
        "Free space beside the data directory below which publishers are held up.",
        default="50MB",
        live=True,
    )
    alarmed_publishers: str = _row(
        read.one_of("block", "refuse"),
        "WHAT",
        "What low memory or disk means to publishers: block, or refuse (basic.nack) where they "
        "ask for confirms.",
        default="block",
        live=True,
    )
    handshake_timeout: int = _row(
        read.some_seconds,
        "SECONDS",
        "Time a client has to finish its handshake.",
        default="10",
        live=True,
    )
    default_user: str = _row(
        read.words,
        "NAME",
        "User that an empty database begins with, and its virtual host's permissions.",
        default="guest",
    )
    default_pass: str = _row(
        read.words,
        "PASSWORD",
        "Password of that user.",
        default="guest",
        secret=True,
        in_flags=False,
    )
    default_user_tags: tuple[str, ...] = _row(
        read.names,
        "TAGS",
        "Tags of that user, separated by commas, or none.",
        default="administrator",
    )
    default_vhost: str = _row(
        read.words, "NAME", "Virtual host that an empty database begins with.", default="/"
    )
    no_default_user: bool = _row(
        read.switch, "", "An empty database begins without any user.", default="false"
    )
    load_definitions: Path | None = _row(
        read.path,
        "FILE",
        "Definitions in RabbitMQ's JSON to put into force at every start; adds and updates only.",
        default="none",
        value=None,
    )
    loopback_users: tuple[str, ...] = _row(
        read.names,
        "NAMES",
        "Users who may log in from this machine only, separated by commas, or none.",
        default="guest",
        live=True,
    )
    login_session_timeout: int = _row(
        read.some_minutes,
        "MINUTES",
        "Time after which a login to the HTTP API ends that was made for a token.",
        default="480",
        live=True,
    )
    http_path_prefix: str = _row(
        read.path_prefix,
        "PATH",
        "What stands before all paths of HTTP, such as /mq, for proxies that pass it on.",
        default="",
    )
    cors_origins: tuple[str, ...] = _row(
        read.names,
        "ORIGINS",
        "Origins whose scripts may use the HTTP API, separated by commas, * for all, or none.",
        default="none",
        live=True,
    )
    compat_product: str = _row(
        read.words,
        "NAME",
        "Product that clients are told; some treat brokers of other names differently.",
        default="RabbitMQ",
        live=True,
    )
    compat_version: str = _row(
        read.version,
        "VERSION",
        "RabbitMQ version that clients and tools are told.",
        default="4.1.0",
        live=True,
    )
    log_level: str = _row(
        read.one_of("debug", "info", "warning", "error", "critical"),
        "LEVEL",
        "Least serious level that is logged: debug, info, warning, error or critical.",
        default="info",
        live=True,
    )
    log_format: str = _row(
        read.one_of("text", "json"),
        "FORMAT",
        "How the log on standard error looks: text or json.",
        default="text",
    )
    audit_log: str = _row(
        read.verbatim,
        "WHERE",
        "Who came, was refused, or changed what, as lines of their own: off, stderr, or a file.",
        default="off",
        live=True,
    )

    @property
    def database_url(self) -> str:
        """The database to open; SQLite in the data directory unless one was named."""
        return self.database or f"sqlite:///{self.data_dir.absolute() / DATABASE}"


OPTIONS: Mapping[str, Option] = {
    row.name: replace(row.metadata["option"], name=row.name) for row in fields(Options)
}
DEFAULT_BIND = Options().bind
