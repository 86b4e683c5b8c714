"""A file of tables: made by the first write, never by a read; a transaction is whole or absent."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sql

from a2lc.foundation.database import Database
from a2lc.foundation.errors import InputError

TABLES = sql.MetaData()
WORDS = sql.Table("words", TABLES, sql.Column("word", sql.String, primary_key=True))
EVERY = sql.select(WORDS)


def add(database: Database, *words: str) -> None:
    with database.writing("the word is there") as connection:
        for word in words:
            connection.execute(WORDS.insert(), {"word": word})


def test_reading_makes_no_file_and_writing_does(tmp_path: Path) -> None:
    database = Database(tmp_path / "folder" / "words.sqlite", TABLES, "a list of words")
    assert database.rows(EVERY) == []
    assert not (tmp_path / "folder").exists()
    add(database, "mask")
    assert Database(database.path, TABLES, "a list of words").rows(EVERY) == [{"word": "mask"}]


def test_a_reader_opened_before_the_file_sees_what_another_wrote(tmp_path: Path) -> None:
    reader, writer = (Database(tmp_path / "words.sqlite", TABLES, "a list of words") for _ in range(2))
    add(writer, "mask")
    assert reader.rows(EVERY) == [{"word": "mask"}]


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path / "words.sqlite", TABLES, "a list of words")
    add(database, "mask")
    with pytest.raises(InputError, match=r"words\.sqlite: the word is there .*nothing was written"):
        add(database, "label", "mask")
    assert database.rows(EVERY) == [{"word": "mask"}]


def test_tables_that_an_earlier_version_lacked_are_added(tmp_path: Path) -> None:
    add(Database(tmp_path / "words.sqlite", TABLES, "a list of words"), "mask")
    newer = sql.MetaData()
    number = sql.Table("numbers", newer, sql.Column("number", sql.Integer, primary_key=True))
    assert Database(tmp_path / "words.sqlite", newer, "a list").rows(sql.select(number)) == []


def test_reading_changes_no_file(tmp_path: Path) -> None:
    path = tmp_path / "words.sqlite"
    path.touch()
    assert Database(path, TABLES, "a list of words").rows(EVERY) == []
    assert path.read_bytes() == b""
    add(Database(path, TABLES, "a list of words"), "mask")
    assert Database(path, TABLES, "a list of words").rows(EVERY) == [{"word": "mask"}]
