"""RabbitMQ's salted password hashes (spec 10.2): base64(salt[4] + H(salt + utf8(password)))."""

import base64
import binascii
import hashlib
import hmac
import secrets

DEFAULT_ALGORITHM = "rabbit_password_hashing_sha256"
# What a record without the field was made with.
LEGACY_ALGORITHM = "rabbit_password_hashing_md5"

ALGORITHMS = {
    DEFAULT_ALGORITHM: "sha256",
    "rabbit_password_hashing_sha512": "sha512",
    LEGACY_ALGORITHM: "md5",
}

_SALT_BYTES = 4
# Stands in for the record of a user that does not exist, so that both cost the same.
_NOBODY = b"\0" * _SALT_BYTES


def hash_password(password: str, algorithm: str = DEFAULT_ALGORITHM) -> str:
    """A fresh hash of `password`; KeyError for an unknown algorithm."""
    salt = secrets.token_bytes(_SALT_BYTES)
    return base64.b64encode(salt + _digest(salt, password, algorithm)).decode("ascii")


def verify_password(password: str, password_hash: str, algorithm: str) -> bool:
    """Whether `password` belongs to the hash; an empty or broken hash belongs to none.

    Takes as long whatever the hash is.
    """
    record = _decoded(password_hash)
    salt, expected = record[:_SALT_BYTES], record[_SALT_BYTES:]
    usable = len(salt) == _SALT_BYTES and algorithm in ALGORITHMS
    actual = _digest(
        salt if usable else _NOBODY, password, algorithm if usable else DEFAULT_ALGORITHM
    )
    return hmac.compare_digest(actual, expected) and usable


def _digest(salt: bytes, password: str, algorithm: str) -> bytes:
    data = salt + password.encode("utf-8", "surrogateescape")
    return hashlib.new(ALGORITHMS[algorithm], data, usedforsecurity=False).digest()


def _decoded(password_hash: str) -> bytes:
    try:
        return base64.b64decode(password_hash, validate=True)
    except (binascii.Error, ValueError):
        return b""
