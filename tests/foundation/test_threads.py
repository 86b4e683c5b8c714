"""How threads wait: what the command lines set, and what the user decides."""

import os
from collections.abc import Callable, Sequence

import pytest

import a2lc.cli
import grounded_sam.cli
from a2lc.foundation.threads import spin_briefly


@pytest.mark.parametrize(
    "environment", [{"GOMP_SPINCOUNT": "7"}, {"OMP_WAIT_POLICY": "ACTIVE"}], ids=["a count", "a policy"]
)
def test_what_the_user_set_wins(environment: dict[str, str]) -> None:
    before = dict(environment)
    spin_briefly(environment)
    assert environment == before


@pytest.mark.parametrize(
    ("main", "command"),
    [(a2lc.cli.main, ["run", "demo", "--show"]), (grounded_sam.cli.main, ["generate", "--keys"])],
    ids=["a2lc", "grounded-sam"],
)
def test_both_command_lines_spin_briefly(
    main: Callable[[Sequence[str]], int], command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "set, so that it is restored")
        monkeypatch.delenv(name)
    assert main(command) == 0
    assert os.environ["GOMP_SPINCOUNT"] == "1000"
