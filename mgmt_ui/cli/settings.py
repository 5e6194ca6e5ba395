"""Where the broker is and who asks: flags, variables and the profile file.

A flag wins over its variable, a variable over the profile, the profile over the default.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from mgmt_ui.cli.exits import CONFIG, USAGE, Failure

DEFAULT_URL = "http://127.0.0.1:15672"
PROFILES = Path("~/.config/brokerctl/config.toml")
FORMATS = ("table", "wide", "json", "jsonl", "csv", "tsv", "plain")
# Key of a profile -> the variable that wins over it.
VARIABLES = {
    "url": "BROKERCTL_URL",
    "amqp_url": "BROKERCTL_AMQP_URL",
    "user": "BROKERCTL_USER",
    "password": "BROKERCTL_PASSWORD",
    "vhost": "BROKERCTL_VHOST",
    "output": "BROKERCTL_OUTPUT",
    "timeout": "BROKERCTL_TIMEOUT",
    "password_file": "BROKERCTL_PASSWORD_FILE",
    "cacert": "BROKERCTL_CACERT",
    "cert": "BROKERCTL_CERT",
    "cert_key": "BROKERCTL_CERT_KEY",
}
# What a section may have: a word that is none of them is a mistake.
KEYS = {*VARIABLES, "insecure"}


@dataclass(slots=True)
class Settings:
    """What holds for one run; `given` has the flags by name, None where absent."""

    given: dict[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    profile: dict[str, Any] = field(default_factory=dict)
    # A profile file with passwords that others can read.
    exposed: Path | None = None

    def flag(self, name: str) -> bool:
        """A switch."""
        return bool(self.given.get(name) or self.profile.get(name))

    def check(self) -> None:
        """Raises Failure for what came from a variable or a profile and cannot be used."""
        if (chosen := self.value("output")) is not None and chosen not in FORMATS:
            raise Failure(f"no output '{chosen}': {', '.join(FORMATS)}", USAGE)
        _ = self.timeout

    @property
    def shows_secret(self) -> bool:
        """Whether a password stands on the command line."""
        urls = (urlsplit(str(self.given.get(name) or "")) for name in ("url", "amqp_url"))
        return "password" in self.given or any(parts.password for parts in urls)

    @property
    def colourless(self) -> bool:
        """Whether colours are unwanted, though a terminal could show them."""
        return bool(
            self.flag("no_color")
            or self.environment.get("NO_COLOR")
            or self.environment.get("TERM") == "dumb"
        )

    def value(self, name: str, default: Any = None) -> Any:
        """From the first source that has it."""
        if (given := self.given.get(name)) is not None:
            return given
        variable = VARIABLES.get(name)
        if variable and self.environment.get(variable):
            return self.environment[variable]
        return self.profile.get(name.replace("-", "_"), default)

    @property
    def vhost(self) -> str:
        """The virtual host that commands are about."""
        return str(self.value("vhost", "/"))

    @property
    def timeout(self) -> float:
        """Seconds to wait for an answer."""
        try:
            seconds = float(self.value("timeout", 30))
        except (TypeError, ValueError):
            seconds = 0.0
        if not 0 < seconds < float("inf"):
            raise Failure("--timeout must be a number of seconds above 0", USAGE)
        return seconds

    def credentials(self, url: str) -> tuple[str, str]:
        """User and password: flags first, then those within the URL, then guest's."""
        parts = urlsplit(url)
        user = self.value("user") or unquote(parts.username or "") or "guest"
        return str(user), self._password(parts.password)

    def _password(self, within_url: str | None) -> str:
        # A file that is named by a flag wins over what a variable or a profile says.
        file = self.given.get("password_file")
        password = None if file else self.value("password")
        if password is not None:
            return str(password)
        if file := file or self.value("password_file"):
            return first_line(str(file))
        return unquote(within_url) if within_url is not None else "guest"

    @property
    def url(self) -> str:
        """Of the management API, credentials and all."""
        return _checked(str(self.value("url", DEFAULT_URL)), ("http", "https"), "--url")

    @property
    def amqp_url(self) -> str:
        """Of the AMQP listener; by default beside the management API."""
        given = self.value("amqp_url")
        if given is None:
            host = urlsplit(self.url).hostname or "127.0.0.1"
            given = f"amqp://{f'[{host}]' if ':' in host else host}:5672"
        return _checked(str(given), ("amqp", "amqps"), "--amqp-url")

    def load_profile(self, name: str | None, path: Path = PROFILES) -> None:
        """Reads a section of the profile file; [default] where none is named and there is one."""
        import tomllib  # by those only who have a profile

        wanted = name or self.environment.get("BROKERCTL_PROFILE")
        path = Path(self.environment.get("BROKERCTL_CONFIG") or path).expanduser()
        if not path.exists() and wanted is None:
            return
        try:
            sections = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise Failure(f"cannot read {path}: {error.strerror}", CONFIG) from None
        except ValueError as error:
            raise Failure(f"cannot read {path}: {error}", CONFIG) from None
        section = sections.get(wanted or "default", {} if wanted is None else None)
        if not isinstance(section, dict):
            names = ", ".join(f"[{each}]" for each in sections) or "none"
            raise Failure(f"{path} has no section [{wanted}]; it has {names}", CONFIG)
        if unknown := sorted(set(section) - KEYS):
            raise Failure(f"{path} has '{unknown[0]}', which is none of {sorted(KEYS)}", CONFIG)
        self.profile = section
        if "password" in section and os.name == "posix" and path.stat().st_mode & 0o077:
            self.exposed = path


def first_line(file: str) -> str:
    """Of a file with a secret, without its end; Failure where it cannot be read."""
    try:
        text = Path(file).expanduser().read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no text"
        raise Failure(f"cannot read the password from {file}: {reason}", CONFIG) from None
    return text.partition("\n")[0].rstrip("\r")


def without_credentials(url: str) -> str:
    """A URL that can be shown."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _checked(url: str, schemes: tuple[str, ...], flag: str) -> str:
    if "://" not in url:
        url = f"{schemes[0]}://{url}"
    parts = urlsplit(url)
    try:
        usable = parts.scheme in schemes and parts.hostname is not None and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise Failure(f"{flag} must look like {schemes[0]}://HOST:PORT", USAGE)
    return url.rstrip("/")
