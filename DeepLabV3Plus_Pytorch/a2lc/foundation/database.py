"""A file of tables: SQLite, made by the first write and never by a read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sql

from a2lc.foundation.errors import InputError


class Database:
    """The tables of one SQLite file. What is read of a file, or table, that does not exist is empty; none is created.

    A transaction is on the disk when its block is left, or not in the file at all. Nothing stays open in between, so
    several processes may use one file.

    Args:
        path: The file; it and its folder are made by the first write.
        tables: Its tables; those that an earlier version did not have are added by the first write.
        purpose: What the file is used as, in messages: "a ledger".

    Raises:
        InputError: When there is a file at `path` that is no such database.
    """

    def __init__(self, path: Path, tables: sql.MetaData, purpose: str) -> None:
        self.path = path
        self._tables = tables
        self._purpose = purpose
        self._engine = sql.create_engine(f"sqlite:///{path}", poolclass=sql.NullPool)
        self._complete = False  # whether all tables are known to be there
        if path.exists():
            with self._transaction() as connection:
                self._look(connection)

    @contextmanager
    def writing(self, conflict: str) -> Iterator[sql.Connection]:
        """One transaction: all that its block writes, or, when the block fails, nothing.

        Args:
            conflict: What it means when a row contradicts those that are there: "this stage is recorded already".

        Raises:
            InputError: When the file cannot be used, or a row contradicts those that are there.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._prepare()
        try:
            with self._transaction() as connection:
                yield connection
        except sql.exc.IntegrityError as error:
            raise InputError(f"{self.path}: {conflict} ({error.orig}); nothing was written") from None

    def rows(self, query: sql.Select[Any]) -> list[dict[str, Any]]:
        """The rows of a query by column name; none where there is no file, or no such table in it.

        Raises:
            InputError: When the file is broken.
        """
        if not self.path.exists():
            return []
        with self._transaction() as connection:
            if not self._complete and not self._look(connection).issuperset(map(str, query.get_final_froms())):
                return []
            result = connection.execute(query)
            names = tuple(result.keys())  # once: there may be millions of rows
            return [dict(zip(names, row, strict=True)) for row in result]

    def _look(self, connection: sql.Connection) -> set[str]:
        """The names of the tables in the file."""
        names = set(sql.inspect(connection).get_table_names())
        self._complete = names.issuperset(self._tables.tables)
        return names

    def _prepare(self) -> None:
        """Add the tables that the file lacks, once; a complete file is only looked at."""
        if not self._complete:
            with self._transaction() as connection:
                self._tables.create_all(connection)
            self._complete = True

    @contextmanager
    def _transaction(self) -> Iterator[sql.Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except sql.exc.IntegrityError:
            raise
        except sql.exc.DatabaseError as error:
            raise InputError(
                f"{self.path} cannot be used as {self._purpose} ({error.orig}): put it back from a copy, or "
                "start a new run with experiment=<name>"
            ) from None
