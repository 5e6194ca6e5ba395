"""When the certificates of listeners expire (spec 2.10), read out of their files.

Imported when somebody asks.
"""

import base64
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mgmt_ui.server import Server

TLS = frozenset({"amqp/ssl", "https"})
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----\s+([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")
_UTC_TIME, _CONTEXT_0 = 0x17, 0xA0


def expiring(server: "Server", limit: int) -> list[dict[str, Any]]:
    """The TLS listeners whose certificates expire before `limit` (s since the epoch)."""
    options = server.options
    found = {
        "certfile": _early(options.tls_cert, limit),
        "cacertfile": _early(options.tls_ca, limit),
    }
    if not any(found.values()):
        return []
    return [
        {
            "node": server.node_name,
            "protocol": listener.protocol,
            "interface": listener.address,
            "port": listener.port,
            "certfile": str(options.tls_cert),
            "cacertfile": "" if options.tls_ca is None else str(options.tls_ca),
            **{f"{name}_expires_on": times for name, times in found.items()},
        }
        for listener in server.listeners
        if listener.protocol in TLS
    ]


def _early(path: Path | None, limit: int) -> list[str]:
    if path is None:
        return []
    try:
        ends = [not_after(der) for der in _certificates(path.read_bytes())]
    except (OSError, ValueError, IndexError):
        return ["unreadable"]
    return [end.isoformat() for end in ends if end.timestamp() < limit]


def _certificates(pem: bytes) -> list[bytes]:
    return [base64.b64decode(found) for found in _PEM.findall(pem)]


def not_after(der: bytes) -> datetime:
    """The end of a certificate's validity; ValueError or IndexError where it is none.

    X.509 in DER: Certificate { TBSCertificate { [0] version, serial, algorithm, issuer,
    Validity { notBefore, notAfter } ... } ... } (RFC 5280, 4.1).
    """
    at, _ = _enter(der, 0)
    at, _ = _enter(der, at)
    if der[at] == _CONTEXT_0:
        at = _skip(der, at)
    for _ in range(3):
        at = _skip(der, at)
    at, _ = _enter(der, at)
    at = _skip(der, at)
    start, end = _enter(der, at)
    text = der[start:end].decode("ascii")
    if der[at] == _UTC_TIME:  # two digits of the year: until 2049
        text = ("19" if int(text[:2]) >= 50 else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _enter(der: bytes, at: int) -> tuple[int, int]:
    # Where the contents of the element at `at` begin and end.
    length, at = der[at + 1], at + 2
    if length & 0x80:
        count = length & 0x7F
        length, at = int.from_bytes(der[at : at + count], "big"), at + count
    return at, at + length


def _skip(der: bytes, at: int) -> int:
    return _enter(der, at)[1]
