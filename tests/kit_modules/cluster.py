"""A server of PostgreSQL for tests: a cluster of its own, which ends with the tests."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

#: With characters that mean something in an address.
PASSWORD = "s3cr:t/p@ss%"

#: Seconds for the server to start or to stop, on a machine that has other things to do.
_PATIENCE = 120


@dataclass(frozen=True, slots=True)
class Cluster:
    """A server with one user, on a port of one address.

    Attributes:
        programs: where those of PostgreSQL are.
        folder: where everything of it is.
        address: where it listens.
        port: the port there.
        user: whose processes they are; None for the user of the tests.
    """

    programs: Path
    folder: Path
    address: str
    port: int
    user: str | None

    def url(self, name: str = "postgres") -> str:
        """The address of a database."""
        return f"postgresql://kit:{quote(PASSWORD, safe='')}@{self.address}:{self.port}/{name}"

    def start(self) -> None:
        """Start the server; it takes connections when this returns."""
        options = f"-p {self.port} -h {self.address} -c unix_socket_directories="
        self._run("pg_ctl", "start", "-w", "-D", self._data, "-l", self._log, "-o", options)

    def stop(self, mode: str = "immediate") -> None:
        """Stop the server, by default as if its machine had lost power."""
        self._run("pg_ctl", "stop", "-w", "-m", mode, "-D", self._data)

    def make(self) -> None:
        """Make the cluster."""
        password = self.folder / "password"
        password.write_text(PASSWORD)
        if self.user:
            shutil.chown(password, self.user)
            shutil.chown(self.folder, self.user)
        owner = ("-U", "kit", "-A", "scram-sha-256", "--pwfile", str(password))
        self._run("initdb", "-D", self._data, "-E", "UTF8", "--locale=C", "--no-sync", *owner)
        with (self.folder / "data/pg_hba.conf").open("a") as rules:
            rules.write("host all all samenet scram-sha-256\n")

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    @property
    def _log(self) -> str:
        return str(self.folder / "log")

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self.programs / program), *arguments],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"]},  # No mark of the test that restarts the server.
            user=self.user,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=_PATIENCE,
        )
        assert done.returncode == 0, (program, done.stderr)


def missing() -> str:
    """Why there can be no server here, and how to get one; empty when there can."""
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "there is no psycopg: pip install 'psycopg[binary]'"
    return "" if _programs() else "there is no PostgreSQL: apt-get install postgresql"


def _programs() -> Path | None:
    found = shutil.which("initdb")
    candidates = [Path(found).resolve().parent] if found else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in candidates if (folder / "pg_ctl").exists()), None)


def _unprivileged() -> str | None:
    """Somebody whom the server may belong to: it does not run as root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


@contextlib.contextmanager
def running(address: str = "127.0.0.1") -> Iterator[Cluster]:
    """A server for a block; nothing is left of it afterwards.

    Args:
        address: where it listens.
    """
    programs = _programs()
    assert programs is not None, missing()
    with socket.socket() as probe:
        probe.bind((address, 0))
        port = probe.getsockname()[1]
    # Not below pytest's folder, into which only its own user may look.
    folder = Path(tempfile.mkdtemp(prefix="kit-postgres-", dir="/tmp"))
    cluster = Cluster(programs, folder, address, port, _unprivileged())
    try:
        cluster.make()
        cluster.start()
        yield cluster
    finally:
        with contextlib.suppress(AssertionError):
            cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)
