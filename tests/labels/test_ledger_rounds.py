"""The ledger read up to a round, and a ledger that is only read."""

from __future__ import annotations

from pathlib import Path

import pytest

from a2lc.labels.ledger import Decision, Ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Rounds 1 to 3: in each the whole mask <round> is answered with class <round>, and pixels of mask 9 with it."""
    ledger = Ledger(tmp_path / "ledger.sqlite")
    for round_index in (1, 2, 3):
        answer = Decision("a", round_index, 0, round_index, relabelled=True, queried=True, source="answers")
        part = Decision("a", 9, 0, round_index, relabelled=True, queried=False, source="lcm", pixels="20:2")
        ledger.record(round_index, 0, "annotate", [answer])
        ledger.record(round_index, 0, "propagate", [part])
    return ledger


@pytest.mark.parametrize("last", [0, 1, 2, 3, None])
def test_up_to_round_includes_the_round_everywhere(ledger: Ledger, last: int | None) -> None:
    rounds = list(range(1, (3 if last is None else last) + 1))
    assert [one.label_after for one in ledger.decisions(up_to_round=last)] == [r for r in rounds for _ in range(2)]
    assert [one.label_after for one in ledger.answers(up_to_round=last)] == rounds
    assert list(ledger.queried(up_to_round=last)) == [("a", r) for r in rounds]
    assert ledger.corrections(up_to_round=last) == ({"a": {r: r for r in rounds}} if rounds else {})
    assert ledger.pixel_corrections(up_to_round=last) == ({"a": [("20:2", r) for r in rounds]} if rounds else {})


def test_the_decisions_of_one_round_are_those_alone(ledger: Ledger) -> None:
    assert [(one.mask_id, one.label_after) for one in ledger.decisions_of(2)] == [(2, 2), (9, 2)]


def test_a_ledger_that_is_only_read_is_not_created(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "run" / "ledger.sqlite")
    assert ledger.decisions() == ledger.answers() == ledger.decisions_of(1) == []
    assert ledger.queried() == ledger.corrections() == ledger.pixel_corrections() == {}
    assert not ledger.is_done(1, 0, "annotate")
    assert ledger.batches(1, "annotate") == 0
    assert not (tmp_path / "run").exists()
