"""A gradebook in SQLite and one in a PostgreSQL server of our own; every test of the API runs on both."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for `gradebook_samples`, which the tests here share

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))


def server_binaries() -> Path:
    """The folder of the newest server here; without one the test is skipped, and in CI it fails."""
    if BINARIES:
        return BINARIES[-1].parent
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).parent
    message = "no PostgreSQL server is installed; apt-get install postgresql"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


class Server:
    """A PostgreSQL server in a temporary folder, reached through a socket there and by nobody else."""

    def __init__(self, folder: Path, binaries: Path):
        self.folder, self.binaries = folder, binaries
        # The server refuses to run as root; Debian's package brings a user for it.
        self.prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []

    def run(self, command: str, *arguments: str) -> None:
        subprocess.run(
            [*self.prefix, str(self.binaries / command), *arguments],
            check=True,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            timeout=60,
        )

    def make(self) -> None:
        self.run("initdb", "-D", f"{self.folder}/data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N")

    def start(self) -> None:
        options = f"-c listen_addresses='' -c fsync=off -k {self.folder}"
        log = f"{self.folder}/log"
        self.run("pg_ctl", "-D", f"{self.folder}/data", "-w", "-l", log, "-o", options, "start")

    def stop(self) -> None:
        self.run("pg_ctl", "-D", f"{self.folder}/data", "-w", "-m", "immediate", "stop")

    def url(self, database: str) -> str:
        return f"postgresql://postgres:a-password@/{database}?host={self.folder}"

    def new_database(self) -> str:
        name = f"book_{uuid.uuid4().hex}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def new_schema(self) -> str:
        """An empty place in one database, a hundred times cheaper than a database of its own."""
        name = f"book_{uuid.uuid4().hex}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        return f"{self.url('postgres')}&options=-csearch_path%3D{name}"


@pytest.fixture(scope="session")
def make_server() -> Iterator[Callable[[], Server]]:
    """Start a server; all of them are stopped and gone in the end."""
    servers: list[Server] = []

    def make() -> Server:
        binaries = server_binaries()
        # A socket's path has at most 107 bytes, so not below pytest's own long folder.
        folder = Path(tempfile.mkdtemp(prefix="convcourse-pg-", dir="/tmp"))
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        server = Server(folder, binaries)
        servers.append(server)
        server.make()
        server.start()
        return server

    yield make
    for server in servers:
        with contextlib.suppress(subprocess.CalledProcessError):  # a test may have stopped it
            server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)


@pytest.fixture(scope="session")
def server(make_server) -> Server:
    return make_server()


@pytest.fixture(params=["sqlite", "postgresql"])
def new_address(request, tmp_path) -> Callable[[], str]:
    """Makes the address of a new, empty place for a gradebook, in each kind of database in turn."""
    if request.param == "sqlite":
        return lambda: f"sqlite:///{tmp_path}/{uuid.uuid4().hex}.db"
    return request.getfixturevalue("server").new_schema


@pytest.fixture
def address(new_address) -> str:
    return new_address()
