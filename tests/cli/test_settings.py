"""Where the broker is and who asks: TLS, secrets, profiles, and what goes wrong on the way."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.support.broker import Broker
from tests.support.certificates import Authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def secure(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that speaks TLS and wants to see certificates of its clients."""
    pair = authority.issue("server")
    options = ["--tls-cert", str(pair.cert), "--tls-key", str(pair.key)]
    options += ["--tls-ca", str(authority.file), "--tls-verify", "require"]
    options += ["--amqps-port", "0", "--https-port", "0"]
    with Broker(tmp_path_factory.mktemp("secure"), *options) as running:
        yield running


def test_tls_with_a_certificate_of_ones_own(run: Run, secure: Broker, authority: Authority):
    own = authority.issue("client")
    url, amqp = f"https://{secure.https}", f"amqps://{secure.amqps}"
    given = ("--cacert", str(authority.file), "--cert", str(own.cert), "--cert-key", str(own.key))
    assert run("--url", url, *given, "status").code == 0
    benched = run("--amqp-url", amqp, *given, "bench", "--count", "10", "-o", "json")
    assert '"consumed": 10' in benched.out
    assert run("--url", url, "--insecure", *given[2:], "status").code == 0


def test_tls_that_fails_says_why(run: Run, secure: Broker, broker: Broker, authority: Authority):
    url = f"https://{secure.https}"
    unknown = run("--url", url, "status", code=69)
    assert "see --cacert, or --insecure" in unknown.err
    without = run("--url", url, "--cacert", str(authority.file), "status", code=69)
    assert "--cert" in without.err
    plain = run("--url", f"https://{broker.http}", "status", code=69)
    assert "try http://" in plain.err
    for flag in ("--cacert", "--cert"):
        bad = run("--url", url, flag, __file__, "status", code=78)
        assert f"cannot use {flag}" in bad.err
    for each in (unknown, without, plain, bad):
        assert each.err.count("\n") == 1


def test_who_is_no_management_api(run: Run, broker: Broker):
    assert "speaks no HTTP" in run("--url", f"http://{broker.amqp}", "status", code=69).err
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = "http://{}:{}".format(*silent.getsockname())
        late = run("--url", url, "--timeout", "0.2", "status", code=75)
    assert "in time (see --timeout)" in late.err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("queue", "list", "-V", "nosuch"), "no vhost 'nosuch'"),
        (("queue", "show", "x", "-V", "nosuch"), "no vhost 'nosuch'"),
        (("exchange", "show", "x"), "no exchange 'x' in vhost '/'"),
        (("policy", "show", "x"), "no policy 'x' in vhost '/'"),
        (("connection", "show", "x"), "no connection 'x'; see brokerctl connection list"),
        (("permission", "set", "nobody"), "no such user or virtual host"),
        (("api", "GET", "/nothing"), "this broker does not know /api/nothing"),
        (("vhost", "delete", "nosuch"), "no vhost 'nosuch'"),
        (("parameter", "show", "a", "b"), "no such parameter"),
    ],
)
def test_what_is_not_there_is_named(run: Run, words: tuple[str, ...], text: str):
    assert text in run(*words, code=65).err


# -- secrets -----------------------------------------------------------------------------------


def test_a_password_from_a_file(run: Run, tmp_path: Path):
    file = tmp_path / "secret"
    file.write_text("guest\r\nanything\n")
    assert run("--password-file", str(file), "status", BROKERCTL_PASSWORD="wrong").code == 0
    assert run("status", BROKERCTL_PASSWORD_FILE=str(file)).code == 0
    file.write_text("wrong\n")
    assert "login failed" in run("--password-file", str(file), "status", code=77).err
    assert "cannot read" in run("--password-file", str(tmp_path / "no"), "status", code=78).err


def test_a_password_on_the_command_line_is_warned_of(run: Run, broker: Broker):
    assert "Warning: all who list processes" in run("-P", "guest", "status").err
    assert "Warning" in run("--url", f"http://guest:guest@{broker.http}", "status").err
    assert run("-q", "-P", "guest", "status").err == ""


def test_a_new_password_from_standard_input(run: Run):
    run("user", "add", "eve", "--new-password-file", "-", "--tags", "management", stdin="pw\n")
    try:
        login = {"BROKERCTL_USER": "eve", "BROKERCTL_PASSWORD": "pw"}
        assert run("api", "GET", "/whoami", **login).code == 0
        assert "permission set" in run("queue", "list", code=77, **login).err
        assert "say --new-password-file" in run("user", "set-password", "eve", code=64).err
    finally:
        run("user", "delete", "eve", "--yes")


def test_a_profile_with_a_word_that_is_none(run: Run, tmp_path: Path):
    file = tmp_path / "profiles.toml"
    file.write_text('[default]\nurll = "http://x"\n')
    assert "has 'urll', which is none of" in run("status", code=78, BROKERCTL_CONFIG=str(file)).err
    file.write_text("[home]\n[work]\n")
    given = {"BROKERCTL_CONFIG": str(file), "BROKERCTL_PROFILE": "hom"}
    assert "no section [hom]; it has [home], [work]" in run("status", code=78, **given).err


def test_a_profile_that_others_can_read_is_warned_of(run: Run, broker: Broker, tmp_path: Path):
    file = tmp_path / "profiles.toml"
    file.write_text(f'[default]\nurl = "http://{broker.http}"\npassword = "guest"\n')
    given = {"BROKERCTL_CONFIG": str(file), "BROKERCTL_URL": ""}
    file.chmod(0o644)
    assert "others can read the passwords" in run("status", **given).err
    file.chmod(0o600)
    assert run("status", **given).err == ""
