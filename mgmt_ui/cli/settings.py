"""Where the broker is and who asks: flags, variables and the profile file.

A flag wins over its variable, a variable over the profile, the profile over the default.
"""

import os
import tomllib
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
    "cacert": "BROKERCTL_CACERT",
}


@dataclass(slots=True)
class Settings:
    """What holds for one run; `given` has the flags by name, None where absent."""

    given: dict[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    profile: dict[str, Any] = field(default_factory=dict)

    def flag(self, name: str) -> bool:
        """A switch."""
        return bool(self.given.get(name))

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
            return float(self.value("timeout", 30))
        except ValueError:
            raise Failure("--timeout must be a number of seconds", USAGE) from None

    def credentials(self, url: str) -> tuple[str, str]:
        """User and password: flags first, then those within the URL, then guest's."""
        parts = urlsplit(url)
        user = self.value("user") or unquote(parts.username or "") or "guest"
        password = self.value("password")
        if password is None:
            password = unquote(parts.password) if parts.password is not None else "guest"
        return str(user), str(password)

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
            raise Failure(f"{path} has no section [{wanted}]", CONFIG)
        self.profile = section


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
