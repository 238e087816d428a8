"""The rows of the embedded scheduler in PostgreSQL, for several machines that share its runs.

Imported only when a setting names a database; it needs the package psycopg.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

try:
    import psycopg
    from psycopg import conninfo, errors, pq, rows
except ImportError as missing:
    raise ModuleNotFoundError(
        "PostgreSQL needs the package psycopg, which is not installed: "
        "pip install 'psycopg[binary]'."
    ) from missing

from .embedded_database import TABLES, VERSION, StoreDamaged, StoreError, Transaction

#: How to connect, where the address says nothing else. A server that has vanished, or a network
#: that was cut, is noticed after that many seconds, and not after minutes.
_PATIENCE: dict[str, str] = {
    "connect_timeout": "5",
    "tcp_user_timeout": "5000",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "client_encoding": "UTF8",
}

#: The database's clock, and what version its tables are.
_OWN = f"""
CREATE OR REPLACE FUNCTION seconds() RETURNS double precision VOLATILE LANGUAGE sql
    AS 'SELECT extract(epoch FROM clock_timestamp())::double precision';
CREATE TABLE IF NOT EXISTS layout (version INTEGER NOT NULL);
INSERT INTO layout VALUES ({VERSION});
"""


class Postgres:
    """A database on a server.

    Args:
        url: its address, `postgresql://user:password@host:port/name`.
        schema: the schema in it that is the scheduler's; made when it is not there.
        setting: where the address comes from, for messages. They never name its password.
        environment: has what the address leaves out, in `PGPASSFILE` and so on.

    Raises:
        StoreError: it cannot be used; see :class:`.embedded_database.Database`.
    """

    shared = True

    def __init__(
        self,
        url: str,
        schema: str,
        setting: str,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._schema = schema
        self._options, self._name = _address(url, setting, environment)
        self._open: tuple[int, psycopg.Connection[dict[str, Any]]] | None = None
        with self.transaction() as transaction:
            found = transaction.execute(
                "SELECT to_regclass(?) AS layout", (f"{schema}.layout",)
            ).fetchone()
        if found["layout"] is None:
            self._lay_out()
        self._check_version()

    def settle(self) -> None:
        """Nothing: one connection serves a process as long as it lasts."""

    @contextlib.contextmanager
    def transaction(self, *, one_at_a_time: bool = False) -> Iterator[Transaction]:
        """Begin a transaction; see :class:`.embedded_database.Database`."""
        try:
            connection = self._connection()
            with connection.transaction():
                if one_at_a_time:
                    _wait_for_others(connection, self._schema)
                yield _Statements(connection)
        except psycopg.Error as error:
            self._hang_up()
            raise self._explained(error) from error

    def _connection(self) -> psycopg.Connection[dict[str, Any]]:
        """The connection of this process: a new one after a fork, and after it was lost."""
        pid = os.getpid()
        if self._open is not None and self._open[0] == pid:
            connection = self._open[1]
            with contextlib.suppress(psycopg.OperationalError):
                connection.execute("SELECT 1")  # A server that was restarted is no error.
                return connection
            connection.close()
        connection = psycopg.connect(**self._options, autocommit=True, row_factory=rows.dict_row)
        connection.execute("SELECT set_config('search_path', %s, false)", (self._schema,))
        self._open = (pid, connection)
        return connection

    def _hang_up(self) -> None:
        if self._open is not None and self._open[0] == os.getpid():
            with contextlib.suppress(psycopg.Error):
                self._open[1].close()
        self._open = None

    def _lay_out(self) -> None:
        """Make the tables, all of them or none, unless somebody else just did."""
        with self.transaction(one_at_a_time=True) as transaction:
            found = transaction.execute(
                "SELECT to_regclass(?) AS layout", (f"{self._schema}.layout",)
            ).fetchone()
            if found["layout"] is None:
                transaction.execute(f'CREATE SCHEMA IF NOT EXISTS "{self._schema}"')
                transaction.execute(TABLES + _OWN)

    def _check_version(self) -> None:
        with self.transaction() as transaction:
            version = transaction.execute("SELECT version FROM layout").fetchone()["version"]
        if version != VERSION:
            said = f"its tables in schema {self._schema} have version {version}, not {VERSION}"
            said += "; all machines need the same version of this extension"
            raise StoreDamaged(errno.EIO, said, self._name)

    def _explained(self, error: psycopg.Error) -> StoreError:
        """What an error of PostgreSQL means for the scheduler."""
        said = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        passing = (
            psycopg.OperationalError,
            psycopg.InterfaceError,
            errors.ReadOnlySqlTransaction,  # A standby, until it is the new server.
        )
        if isinstance(error, passing):
            return StoreError(errno.EAGAIN, said, self._name)
        return StoreDamaged(errno.EIO, said, self._name)


class _Statements:
    """A transaction; see :class:`.embedded_database.Transaction`."""

    def __init__(self, connection: psycopg.Connection[dict[str, Any]]) -> None:
        self._connection = connection

    def execute(
        self, statement: str, values: Sequence[object] = ()
    ) -> psycopg.Cursor[dict[str, Any]]:
        text = statement.replace("?", "%s").encode()
        # PostgreSQL has no text with a NUL in it.
        clean = [value.replace("\0", "") if isinstance(value, str) else value for value in values]
        return self._connection.execute(text, clean or None)


def _wait_for_others(connection: psycopg.Connection[dict[str, Any]], schema: str) -> None:
    """Go on alone, of all transactions that ask for it, until the end of this one."""
    connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (schema,))


def _address(url: str, setting: str, environment: Mapping[str, str]) -> tuple[dict[str, Any], str]:
    """How to connect to an address, and its name for messages.

    Raises:
        StoreDamaged: it is no address.
    """
    try:
        given = conninfo.conninfo_to_dict(url)
    except psycopg.Error:
        given = {}
    options = {**_PATIENCE, **_variables(environment), **given}
    host = str(options.get("host") or options.get("hostaddr") or "the local socket")
    port, name = str(options.get("port") or 5432), str(options.get("dbname") or "")
    # A special character in a password ends up in the other parts: do not show them then.
    if not given or not port.replace(",", "").isdecimal() or "@" in host + name:
        said = (
            "it is no address like postgresql://user:password@host:5432/name "
            "(special characters in a password are written as %40 and so on)"
        )
        raise StoreDamaged(errno.EINVAL, said, setting) from None
    return options, f"the database of {setting} on {host}, port {port}"


def _variables(environment: Mapping[str, str]) -> dict[str, str]:
    """What variables of PostgreSQL's own say; its library looks at those of this process alone."""
    known = {o.keyword.decode(): o.envvar.decode() for o in pq.Conninfo.get_defaults() if o.envvar}
    return {
        keyword: environment[variable]
        for keyword, variable in known.items()
        if environment.get(variable)
    }
