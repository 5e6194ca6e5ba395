"""TLS: from options to a context that is ready to serve, and what a finished handshake agreed on.

Here: building and checking contexts, the facts of a session as management names them.  Not here:
accepting (`tls_listener`) and what a certificate says of its holder (`certificates`).  Imported
only when a certificate is configured.
"""

from __future__ import annotations

import re
import ssl
import stat
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from broker.certificates import Certificate
from broker.startup import StartError

if TYPE_CHECKING:
    from collections.abc import Callable

    from broker.options import Options

VERIFY = {
    "none": ssl.CERT_NONE,
    "peer": ssl.CERT_OPTIONAL,
    "require": ssl.CERT_REQUIRED,
}
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class Session(NamedTuple):
    """What a TLS handshake agreed on, in RabbitMQ's words; `certificate` only where verified."""

    protocol: str
    cipher: str
    key_exchange: str
    hash: str
    verifies: bool  # asks for certificates; this client may still have none
    certificate: Certificate | None


def make_context(options: Options) -> ssl.SSLContext:
    """A context as the `tls_*` options want it; raises StartError saying which of them is wrong."""
    certificate, key = options.tls_cert, options.tls_key or options.tls_cert
    assert certificate is not None
    assert key is not None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = VERSIONS[options.tls_min_version]
    # Renegotiation costs the server far more than the client, and nobody needs it.
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    _load_certificate(context, certificate, key, options.tls_key_password)
    if options.tls_ca is not None:
        _load_authorities(context, options.tls_ca)
    elif options.tls_verify != "none":
        raise StartError(f"--tls-verify {options.tls_verify} needs --tls-ca")
    context.verify_mode = VERIFY[options.tls_verify]
    if options.tls_ciphers is not None:
        try:
            context.set_ciphers(options.tls_ciphers)
        except ssl.SSLError:
            raise StartError(f'--tls-ciphers: no cipher matches "{options.tls_ciphers}"') from None
    return context


def _load_certificate(
    context: ssl.SSLContext, certificate: Path, key: Path, password: str | None
) -> None:
    for flag, path in (("--tls-cert", certificate), ("--tls-key", key)):
        _check_readable(flag, path)
    asked = False

    def give() -> str:
        nonlocal asked
        asked = True
        return password or ""

    try:
        # A function even where there is no password: OpenSSL would ask the terminal for one.
        context.load_cert_chain(certificate, key, give)
    except (ssl.SSLError, OSError) as error:
        reason = _why(error, asked, password)
        raise StartError(f"cannot use {certificate} with {key}: {reason}") from None


def _why(error: OSError, asked: bool, password: str | None) -> str:
    # OpenSSL often names no more than the part of it that did not get on.
    if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
        return "the key does not belong to the certificate"
    if asked:
        return "the key's password is wrong" if password else "the key needs tls_key_password"
    if isinstance(error, ssl.SSLError):
        return (error.reason or "no certificate and key in PEM form").lower().replace("_", " ")
    return error.strerror or "no certificate and key in PEM form"


def _load_authorities(context: ssl.SSLContext, path: Path) -> None:
    _check_readable("--tls-ca", path)
    try:
        context.load_verify_locations(path)
    except (ssl.SSLError, OSError):
        raise StartError(f"--tls-ca: no certificates in PEM form in {path}") from None


def _check_readable(flag: str, path: Path) -> None:
    try:
        path.open("rb").close()
    except OSError as error:
        raise StartError(f"{flag}: cannot read {path}: {error.strerror}") from None


def key_is_public(options: Options) -> Path | None:
    """The private key's file if every user of the machine may read it."""
    key = options.tls_key or options.tls_cert
    if key is not None and key.stat().st_mode & stat.S_IROTH:
        return key
    return None


# --- What was agreed. ---

_AEAD = re.compile(r"GCM|CCM|CHACHA20")


def session(transport_info: Callable[[str], object]) -> Session | None:
    """The facts of a transport's TLS session; None where it has none.

    `transport_info` is its `get_extra_info`.
    """
    connection = transport_info("ssl_object")
    if not isinstance(connection, ssl.SSLObject):
        return None
    version = connection.version() or ""
    agreed = connection.cipher()
    exchange, cipher, digest = split_suite(agreed[0] if agreed else "")
    # Undecoded where it was not verified, and then nothing it says may be believed.
    found = connection.getpeercert()
    certificate = Certificate.read(found) if found else None
    verifies = connection.context.verify_mode is not ssl.CERT_NONE
    return Session(version.lower(), cipher, exchange, digest, verifies, certificate)


def split_suite(name: str) -> tuple[str, str, str]:
    """Key exchange, cipher and hash of a suite by OpenSSL's name, each in Erlang's words.

    >>> split_suite("ECDHE-RSA-AES256-GCM-SHA384")
    ('ecdhe_rsa', 'aes_256_gcm', 'aead')
    """
    if name.startswith("TLS_"):  # of TLS 1.3: the key exchange is agreed on apart
        return "any", name.removeprefix("TLS_").rpartition("_")[0].lower(), "aead"
    parts = name.split("-")
    exchange = "rsa"
    if parts[0] in {"ECDHE", "DHE"}:
        exchange = "_".join(parts[:2]).lower()
        parts = parts[2:]
    digest = "aead" if _AEAD.search(name) else parts[-1].lower()
    if parts[-1].startswith("SHA"):
        parts = parts[:-1]
    cipher = re.sub(r"^(AES|ARIA|CAMELLIA)(\d+)", r"\1_\2", "_".join(parts)).lower()
    if digest != "aead":
        cipher += "_cbc"
    return exchange, cipher, digest
