"""Debian's PostgreSQL as the broker's database: an own server, an own port, all else temporary.

Nothing of a system-wide server is touched. The server refuses to run as root, so it runs as the
user `postgres` then; it is ended by its pid.
"""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Self

import psycopg

from tests.support import debian
from tests.support.eventually import eventually
from tests.support.rabbitmq import HOST, free_port

VERSIONS = Path("/usr/lib/postgresql")
USER = "leveret"
SETTINGS = {
    "listen_addresses": HOST,
    "fsync": "on",
    "max_connections": "40",
    "shared_buffers": "32MB",
    "log_min_messages": "warning",
}


def installed() -> Path | None:
    """Where the newest server's programs are."""
    found = sorted(VERSIONS.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return found[-1].parent if found else None


def install() -> Path:
    """Installs Debian's server when it is missing, and gives the place of its programs.

    Raises NotInstalled.
    """
    if (programs := installed()) is not None:
        return programs
    debian.install("postgresql")
    programs = installed()
    assert programs is not None, "apt-get installed no PostgreSQL"
    return programs


class PostgreSQL:
    """One server; `start`, `stop`, `crash` keep its directory and port."""

    def __init__(self) -> None:
        self.programs = install()
        self.directory = Path(tempfile.mkdtemp(prefix="postgres-"))
        self.port = free_port()
        self.password = secrets.token_urlsafe(12)
        self.log_path = self.directory / "server.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        # A server that runs as root refuses to.
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(self.directory, owner.pw_uid, owner.pw_gid)
            self._as = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
        self._initialise()

    def _initialise(self) -> None:
        password = self.directory / "password"
        password.write_text(self.password)
        command = [str(self.programs / "initdb"), "-D", str(self.directory / "data"), "-U", USER]
        command += [f"--pwfile={password}", "--auth=scram-sha-256", "-E", "UTF8", "--locale=C"]
        made = subprocess.run(command, capture_output=True, check=False, cwd="/", **self._as)
        assert made.returncode == 0, made.stderr.decode()

    def start(self, timeout: float = 30.0) -> Self:
        """Starts the server and waits until it takes connections."""
        settings = SETTINGS | {"port": str(self.port), "unix_socket_directories": self.directory}
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [self.programs / "postgres", "-D", self.directory / "data", *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                **self._as,
            )
        eventually(self._serving, timeout, "PostgreSQL taking connections")
        return self

    def _serving(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            raise RuntimeError(f"PostgreSQL ended:\n{self.log_path.read_text()}")
        try:
            self.query("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def new_database(self) -> str:
        """The URL of an empty database."""
        self._databases += 1
        name = f"leveret{self._databases}"
        self.query(f"CREATE DATABASE {name}")
        return f"postgresql+asyncpg://{USER}:{self.password}@{HOST}:{self.port}/{name}"

    def query(self, sql: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Runs one statement, committed at once; what it returns."""
        with psycopg.connect(
            host=HOST,
            port=self.port,
            user=USER,
            password=self.password,
            dbname=database.rpartition("/")[2],
            autocommit=True,
        ) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def stop(self) -> None:
        """Ends all sessions and the server, in order."""
        self._end(signal.SIGINT)

    def crash(self) -> None:
        """Ends all its processes at once, so that the next start has to recover."""
        self._end(signal.SIGQUIT)

    def _end(self, number: signal.Signals) -> None:
        if self.process is None:
            return
        process, self.process = self.process, None
        process.send_signal(number)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.crash()  # nobody needs what it would still write
        shutil.rmtree(self.directory, ignore_errors=True)
