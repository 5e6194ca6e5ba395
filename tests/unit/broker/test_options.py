"""Where options come from, who wins, and what a wrong one says."""

import os
from pathlib import Path

import pytest

from broker.option_sources import OptionError, load
from broker.options import DEFAULT_BIND, OPTIONS, Options

README = Path(__file__).resolve().parents[3] / "README.md"


@pytest.fixture(autouse=True)
def empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refusal(*arguments: str, **environment: str) -> str:
    with pytest.raises(OptionError) as caught:
        load(arguments, environment)
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_defaults_are_the_documented_ones() -> None:
    options = load([], {})
    assert options == Options()
    assert options.data_dir == Path("leveret-data")
    assert options.bind == DEFAULT_BIND == ("127.0.0.1", "::1")
    assert (options.amqp_port, options.http_port) == (5672, 15672)
    assert (options.heartbeat, options.frame_max, options.channel_max) == (60, 131072, 2047)
    assert options.max_message_size == 16 * 1024 * 1024
    assert options.handshake_timeout == 10
    assert (options.log_level, options.log_format) == ("info", "text")
    assert options.database is None


def test_flag_beats_variable_beats_file_beats_default(empty_directory: Path) -> None:
    (empty_directory / "leveret.toml").write_text(
        "amqp_port = 1\nhttp_port = 1\nheartbeat = 1\nchannel-max = 1\n"
    )
    environment = {"LEVERET_AMQP_PORT": "2", "LEVERET_HTTP_PORT": "2"}
    options = load(["--amqp-port", "3"], environment)
    assert options.amqp_port == 3
    assert options.http_port == 2
    assert options.heartbeat == 1
    assert options.channel_max == 1
    assert options.frame_max == 131072


@pytest.mark.parametrize("name", [name for name in OPTIONS if name != "config"])
def test_every_option_has_a_flag_a_variable_and_a_key(name: str, empty_directory: Path) -> None:
    texts = {"database": "sqlite+aiosqlite://", "log_level": "ERROR", "log_format": "JSON"}
    texts |= {"bind": "10.0.0.1", "data_dir": "x", "compat_version": "3.13.7", "frame_max": "8192"}
    texts |= {"alarmed_publishers": "REFUSE", "no_default_user": "TRUE"}
    texts |= {"tls_verify": "PEER", "tls_min_version": "1.3", "tls_username_from": "san_dns"}
    texts |= {"auth_mechanisms": "plain,External", "strict_recovery": "TRUE"}
    texts |= {"auth_http_method": "POST", "http_path_prefix": "/mq"}
    texts |= {
        each: "https://auth.example/x?y" for each in OPTIONS if each.endswith(("_url", "_path"))
    }
    text = texts.get(name, "7")
    option = OPTIONS[name]
    expected = Options(**{name: option.parse(text)})
    if option.in_flags:
        assert load([option.flag, text], {}) == expected
    assert load([], {option.variable: text}) == expected
    (empty_directory / "leveret.toml").write_text(f'{name} = "{text}"\n')
    assert load([], {}) == expected


def test_config_may_be_elsewhere(empty_directory: Path) -> None:
    file = empty_directory / "other.toml"
    file.write_text('bind = ["10.0.0.1", "::1"]\nmax_message_size = 1024\n')
    for options in (load(["--config", str(file)], {}), load([], {"LEVERET_CONFIG": str(file)})):
        assert options.bind == ("10.0.0.1", "::1")
        assert options.max_message_size == 1024
        assert options.config == file


def test_empty_and_foreign_variables_are_left_alone() -> None:
    environment = {"LEVERET_AMQP_PORT": "", "LEVERET_PORT": "tcp://10.0.0.1:5672", "PATH": "/"}
    assert load([], environment) == Options()


def test_the_environment_is_the_process_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [name for name in os.environ if name.startswith("LEVERET_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("LEVERET_HEARTBEAT", "5")
    assert load([]).heartbeat == 5


def test_database_url(empty_directory: Path) -> None:
    assert Options(data_dir=Path("here")).database_url == (
        f"sqlite:///{empty_directory}/here/leveret.db"
    )
    assert Options(database="postgresql+asyncpg://h/d").database_url == "postgresql+asyncpg://h/d"


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("0.0.0.0", ("0.0.0.0",)),
        ("127.0.0.1, [::1]", ("127.0.0.1", "::1")),
        ("::1,::1,localhost", ("::1", "localhost")),
    ],
)
def test_bind(text: str, addresses: tuple[str, ...]) -> None:
    assert load(["--bind", text], {}).bind == addresses


def test_bind_repeats() -> None:
    assert load(["--bind", "::1", "--bind", "10.0.0.1"], {}).bind == ("::1", "10.0.0.1")


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1", 1),
        ("65536", 65536),
        ("64k", 65536),
        ("64KiB", 65536),
        ("64 kb", 64000),
        ("16M", 16777216),
        ("16MiB", 16777216),
        ("16MB", 16000000),
        ("512MiB", 536870912),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert load(["--max-message-size", text], {}).max_message_size == size


@pytest.mark.parametrize(
    ("flag", "text"),
    [
        ("--amqp-port", "65536"),
        ("--amqp-port", "-1"),
        ("--amqp-port", "٣"),
        ("--amqp-port", "9" * 5000),
        ("--http-port", "http"),
        ("--heartbeat", "1.5"),
        ("--frame-max", "4095"),
        ("--channel-max", "70000"),
        ("--max-message-size", "0"),
        ("--max-message-size", "513MiB"),
        ("--max-message-size", "16 miles"),
        ("--handshake-timeout", "0"),
        ("--log-level", "loud"),
        ("--log-format", "xml"),
        ("--bind", ""),
        ("--bind", "127.0.0.1:5672"),
        ("--bind", "not a host"),
        ("--data-dir", ""),
        ("--compat-version", "4.1"),
        ("--compat-product", ""),
    ],
)
def test_a_bad_value_names_where_it_came_from(flag: str, text: str) -> None:
    line = refusal(f"{flag}={text}")
    assert line.startswith(f'{flag}: "{text}" is not ')


def test_a_bad_value_in_the_environment() -> None:
    line = 'LEVERET_AMQP_PORT: "x" is not a port, 0 to 65535, or off'
    assert refusal(LEVERET_AMQP_PORT="x") == line


def test_a_bad_value_in_the_file(empty_directory: Path) -> None:
    (empty_directory / "leveret.toml").write_text("amqp_port = 99999\n")
    assert refusal() == 'leveret.toml: amqp_port: "99999" is not a port, 0 to 65535, or off'


@pytest.mark.parametrize("value", ["true", "{a = 1}", "[1]"])
def test_a_value_of_the_wrong_kind_in_the_file(value: str, empty_directory: Path) -> None:
    (empty_directory / "leveret.toml").write_text(f"heartbeat = {value}\n")
    assert refusal() == "leveret.toml: heartbeat must be text or a number"


def test_a_share_in_the_file(empty_directory: Path) -> None:
    file = empty_directory / "leveret.toml"
    file.write_text("memory_high_watermark = 0.5\n")
    assert load([], {}).memory_high_watermark == 0.5
    file.write_text("heartbeat = 1.5\n")
    assert refusal().startswith('leveret.toml: heartbeat: "1.5" is not ')


def test_unknown_options() -> None:
    assert refusal("--amqp-prot", "1") == (
        'unknown option "--amqp-prot", did you mean "--amqp-port"? (see leveret --help)'
    )
    assert refusal("start") == 'unknown option "start" (see leveret --help)'
    assert refusal("--amqp").startswith('unknown option "--amqp"'), "no abbreviations"
    assert refusal("--amqp-port") == "--amqp-port: expected one argument"


def test_unknown_key(empty_directory: Path) -> None:
    (empty_directory / "leveret.toml").write_text("amqp_prot = 1\n")
    assert refusal() == 'leveret.toml: unknown key "amqp_prot", did you mean "amqp_port"?'
    (empty_directory / "leveret.toml").write_text("[broker]\nport = 1\n")
    assert refusal() == 'leveret.toml: unknown key "broker"'
    (empty_directory / "leveret.toml").write_text("config = 'other.toml'\n")
    assert refusal().startswith('leveret.toml: unknown key "config"')


def test_unreadable_config(empty_directory: Path) -> None:
    assert refusal("--config", "gone.toml") == "cannot read gone.toml: No such file or directory"
    assert refusal("--config", ".") == "cannot read .: Is a directory"
    (empty_directory / "bad.toml").write_text("a = = 1")
    assert refusal("--config", "bad.toml").startswith("cannot read bad.toml: Invalid value")
    (empty_directory / "bytes.toml").write_bytes(b"\xff\xfe")
    assert refusal("--config", "bytes.toml").startswith("cannot read bytes.toml: ")


def test_secrets_are_not_repeated() -> None:
    assert "hunter2" not in refusal("--database", "user:hunter2@host")
    assert "hunter2" not in refusal("--databse=postgresql://user:hunter2@host")


def test_help_shows_default_and_variable_of_each(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        load(["--help"], {})
    assert ended.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for option in OPTIONS.values():
        if not option.in_flags:
            assert option.flag + " " not in text
            continue
        assert option.flag in text
        assert f"Default: {option.default}. [{option.variable}]" in text


def test_the_readme_lists_every_option() -> None:
    text = README.read_text()
    for option in OPTIONS.values():
        flag = f"`{option.flag}`" if option.in_flags else "none"
        assert f"| {flag} | `{option.variable}` | {option.default} |" in text


def test_a_switch(empty_directory: Path) -> None:
    assert load([], {}).no_default_user is False
    assert load(["--no-default-user"], {}).no_default_user is True
    assert load(["--no-default-user", "--amqp-port", "0"], {}).no_default_user is True
    assert load(["--no-default-user=false"], {"LEVERET_NO_DEFAULT_USER": "true"}) == Options()
    (empty_directory / "leveret.toml").write_text("no_default_user = true\n")
    assert load([], {}).no_default_user is True
    assert refusal("--no-default-user=maybe") == ('--no-default-user: "maybe" is not true or false')


def test_names() -> None:
    assert load([], {}).loopback_users == ("guest",)
    assert load(["--loopback-users", "none"], {}).loopback_users == ()
    assert load(["--loopback-users", "a, b,a"], {}).loopback_users == ("a", "b")
    assert "is not one or more names" in refusal("--loopback-users", " , ")


@pytest.mark.parametrize("text", ["mq", "/mq/", "/", "/a//b", "/a?b", "/a b", "/ä"])
def test_a_prefix_is_the_beginning_of_a_path(text: str) -> None:
    with pytest.raises(OptionError, match="http-path-prefix"):
        load(["--http-path-prefix", text], {})
