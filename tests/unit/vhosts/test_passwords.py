"""Password hashes that RabbitMQ would understand (spec 10.2)."""

import base64

import pytest

from vhosts.passwords import ALGORITHMS, DEFAULT_ALGORITHM, hash_password, verify_password


def test_the_documented_example():
    known = "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR"
    assert verify_password("test12", known, DEFAULT_ALGORITHM)
    assert not verify_password("test13", known, DEFAULT_ALGORITHM)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_round_trip(algorithm):
    record = hash_password("sésame", algorithm)
    assert verify_password("sésame", record, algorithm)
    assert not verify_password("sesame", record, algorithm)
    assert record != hash_password("sésame", algorithm)


def test_bytes_that_are_no_text_survive():
    password = b"\xff\xfe".decode("utf-8", "surrogateescape")
    assert verify_password(password, hash_password(password), DEFAULT_ALGORITHM)


@pytest.mark.parametrize("record", ["", "%%%", "kI3G", base64.b64encode(b"abcd").decode()])
@pytest.mark.parametrize("password", ["", "x"])
def test_no_password_opens_an_unusable_record(record, password):
    assert not verify_password(password, record, DEFAULT_ALGORITHM)


def test_an_unknown_algorithm_opens_nothing():
    assert not verify_password("x", hash_password("x"), "rot13")
    with pytest.raises(KeyError):
        hash_password("x", "rot13")
