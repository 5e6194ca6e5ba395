"""Contexts from options, and what is said of those that cannot be."""

import ssl
from dataclasses import replace

import pytest

from broker import tls
from broker.options import Options
from broker.startup import StartError
from tests.support.certificates import Authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def options(authority: Authority) -> Options:
    cert, key = authority.issue("server")
    return Options(tls_cert=cert, tls_key=key)


def refusal(options: Options) -> str:
    with pytest.raises(StartError) as caught:
        tls.make_context(options)
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_defaults(options):
    context = tls.make_context(options)
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_NONE


def test_what_options_ask_for(options, authority):
    wanted = replace(
        options,
        tls_ca=authority.file,
        tls_verify="require",
        tls_min_version="1.3",
        tls_ciphers="ECDHE-ECDSA-AES256-GCM-SHA384",
    )
    context = tls.make_context(wanted)
    assert context.minimum_version is ssl.TLSVersion.TLSv1_3
    assert context.verify_mode is ssl.CERT_REQUIRED
    old = [each["name"] for each in context.get_ciphers() if each["protocol"] == "TLSv1.2"]
    assert old == ["ECDHE-ECDSA-AES256-GCM-SHA384"]


def test_key_in_the_certificate_file(options, tmp_path):
    both = tmp_path / "both.pem"
    both.write_bytes(options.tls_cert.read_bytes() + options.tls_key.read_bytes())
    tls.make_context(Options(tls_cert=both))


def test_encrypted_key(authority):
    cert, key = authority.issue("locked", password="sesame")
    tls.make_context(Options(tls_cert=cert, tls_key=key, tls_key_password="sesame"))
    assert "password is wrong" in refusal(
        Options(tls_cert=cert, tls_key=key, tls_key_password="barley")
    )
    # Never asks the terminal.
    assert "needs tls_key_password" in refusal(Options(tls_cert=cert, tls_key=key))


def test_secrets_are_not_shown(authority):
    cert, key = authority.issue("locked", password="sesame")
    assert "barley" not in refusal(Options(tls_cert=cert, tls_key=key, tls_key_password="barley"))


def test_files_that_are_not_there(options, tmp_path):
    gone = tmp_path / "gone.pem"
    assert f"--tls-cert: cannot read {gone}" in refusal(replace(options, tls_cert=gone))
    assert f"--tls-key: cannot read {gone}" in refusal(replace(options, tls_key=gone))
    assert f"--tls-ca: cannot read {gone}" in refusal(replace(options, tls_ca=gone))


def test_files_of_other_kinds(options, tmp_path):
    text = tmp_path / "text.pem"
    text.write_text("no certificate")
    assert "cannot use" in refusal(replace(options, tls_cert=text))
    assert "cannot use" in refusal(replace(options, tls_key=text))
    assert "--tls-ca: no certificates" in refusal(replace(options, tls_ca=text))


def test_key_of_another_certificate(options, authority):
    other = authority.issue("other").key
    assert "does not belong" in refusal(replace(options, tls_key=other))


def test_verifying_needs_authorities(options):
    assert "--tls-verify peer needs --tls-ca" in refusal(replace(options, tls_verify="peer"))


def test_no_such_cipher(options):
    assert "--tls-ciphers" in refusal(replace(options, tls_ciphers="ROT13"))


def test_a_key_for_all_to_read(options: Options):
    assert options.tls_key is not None
    assert tls.key_is_public(options) is None
    options.tls_key.chmod(0o644)
    assert tls.key_is_public(options) == options.tls_key
    options.tls_key.chmod(0o600)


@pytest.mark.parametrize(
    ("suite", "parts"),
    [
        ("TLS_AES_256_GCM_SHA384", ("any", "aes_256_gcm", "aead")),
        ("TLS_CHACHA20_POLY1305_SHA256", ("any", "chacha20_poly1305", "aead")),
        ("ECDHE-RSA-AES256-GCM-SHA384", ("ecdhe_rsa", "aes_256_gcm", "aead")),
        ("ECDHE-ECDSA-AES128-SHA256", ("ecdhe_ecdsa", "aes_128_cbc", "sha256")),
        ("DHE-RSA-CHACHA20-POLY1305", ("dhe_rsa", "chacha20_poly1305", "aead")),
        ("ECDHE-ECDSA-AES256-CCM8", ("ecdhe_ecdsa", "aes_256_ccm8", "aead")),
        ("AES256-SHA", ("rsa", "aes_256_cbc", "sha")),
    ],
)
def test_suites_in_erlangs_words(suite, parts):
    assert tls.split_suite(suite) == parts


def test_plain_transports_have_no_session():
    assert tls.session(lambda name: None) is None
