"""What reaches a terminal: file names and answers, in which nothing steers it."""

from __future__ import annotations

from pathlib import Path

import pytest

from a2lc.cli import main
from a2lc.foundation.terminal import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Straße, 道路\n\tphoto.png", "Straße, 道路\n\tphoto.png"),
        ("\x1b[2Jgone", r"\x1b[2Jgone"),
        ("a\rb\x07", r"a\rb\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("gpj.\u202eexe", r"gpj.\u202eexe"),
        ("\udcff", r"\udcff"),
    ],
)
def test_nothing_steers_the_terminal(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_messages_of_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "\x1b[31mred.yaml"
    path.write_text("wrong: 1\n")
    assert main(["run", str(path)]) == 2
    told = capsys.readouterr().err
    assert "\x1b" not in told
    assert r"\x1b[31mred.yaml" in told
