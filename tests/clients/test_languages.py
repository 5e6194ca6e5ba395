"""The clients of other languages, as their packages come: each prints the same transcript.

What they do stands in languages/LANGUAGE, what they must print in languages/expected.txt.  A
language that is not on the machine is skipped; `scripts/test --all` installs them.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.target import Target

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

HERE = Path(__file__).parent / "languages"
JARS = [f"/usr/share/java/{name}.jar" for name in ("amqp-client", "slf4j-api", "slf4j-nop")]
GO_SOURCES = "/usr/share/gocode"


def needs(*what: str) -> None:
    """Skips the test where a command or a file is missing."""
    for each in what:
        if not (Path(each).exists() if each.startswith("/") else shutil.which(each)):
            pytest.skip(f"{each} is not on this machine")


def run(*command: str, directory: Path, **environment: str) -> str:
    """Standard output of a program that must succeed."""
    done = subprocess.run(
        command,
        cwd=directory,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def node(build: Path) -> list[str]:
    needs("node", "npm")
    shutil.copytree(HERE / "node", build, dirs_exist_ok=True)
    try:
        run("npm", "ci", "--no-audit", "--no-fund", directory=build)
    except AssertionError as error:
        pytest.skip(f"npm cannot install amqplib: {error}")
    return ["node", "client.js"]


def go(build: Path) -> list[str]:
    needs("go", f"{GO_SOURCES}/src/github.com/rabbitmq/amqp091-go")
    output = build / "client"
    run(
        *("go", "build", "-o", str(output), str(HERE / "go" / "client.go")),
        directory=build,
        GO111MODULE="off",
        GOPATH=GO_SOURCES,
        GOCACHE=str(build / "cache"),
        GOFLAGS="-p=1",
    )
    return [str(output)]


def java(build: Path) -> list[str]:
    needs("java", "javac", *JARS)
    jars = ":".join(JARS)
    source = str(HERE / "java" / "Client.java")
    run("javac", "-encoding", "UTF-8", "-cp", jars, "-d", str(build), source, directory=build)
    encoding = ("-Dfile.encoding=UTF-8", "-Dstdout.encoding=UTF-8")
    return ["java", *encoding, "-cp", f"{build}:{jars}", "Client"]


def ruby(build: Path) -> list[str]:
    needs("ruby", "/usr/share/doc/ruby-bunny")
    return ["ruby", str(HERE / "ruby" / "client.rb")]


def php(build: Path) -> list[str]:
    needs("php", "/usr/share/php/PhpAmqpLib/autoload.php")
    return ["php", str(HERE / "php" / "client.php")]


@pytest.mark.parametrize("language", [node, go, java, ruby, php])
def test_prints_the_same_transcript(language, target: Target, name, tmp_path: Path):
    prefix = name("languages")
    command = language(tmp_path)
    address = target.amqp
    output = run(*command, address.host, str(address.port), prefix, directory=tmp_path)
    expected = (HERE / "expected.txt").read_text(encoding="utf-8")
    assert output.replace(prefix, "NAME").splitlines() == expected.splitlines()
