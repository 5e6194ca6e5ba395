from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from broker.options import Options
from mgmt_ui.certificate_files import expiring, not_after
from mgmt_ui.server import Listener
from tests.unit.mgmt_ui.fakes import NODE, FakeServer


def certificate(end: datetime) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - timedelta(days=30))
        .not_valid_after(end)
    )
    return builder.sign(key, hashes.SHA256())


@pytest.mark.parametrize("year", [2024, 2049, 2050, 2061])
def test_the_end_of_a_certificate(year: int):
    end = datetime(year, 5, 6, 7, 8, 9, tzinfo=UTC)
    der = certificate(end).public_bytes(serialization.Encoding.DER)
    assert not_after(der) == end


def test_listeners_whose_certificates_expire(server: FakeServer, tmp_path: Path):
    end = datetime(2024, 1, 1, tzinfo=UTC)
    path = tmp_path / "server.pem"
    path.write_bytes(certificate(end).public_bytes(serialization.Encoding.PEM))
    server.options = Options(tls_cert=path)
    server.listeners.append(Listener("amqp/ssl", "::1", 5671))
    limit = int(end.timestamp())
    assert expiring(server.as_server, limit) == []
    (row,) = expiring(server.as_server, limit + 1)
    assert row == {
        "node": NODE,
        "protocol": "amqp/ssl",
        "interface": "::1",
        "port": 5671,
        "certfile": str(path),
        "cacertfile": "",
        "certfile_expires_on": ["2024-01-01T00:00:00+00:00"],
        "cacertfile_expires_on": [],
    }


def test_a_certificate_that_cannot_be_read(server: FakeServer, tmp_path: Path):
    server.options = Options(tls_cert=tmp_path / "missing.pem")
    server.listeners.append(Listener("https", "::1", 15671))
    (row,) = expiring(server.as_server, 0)
    assert row["certfile_expires_on"] == ["unreadable"]
