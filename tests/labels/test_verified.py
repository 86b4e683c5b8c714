"""Which pixels an annotator vouches for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from a2lc.classes import ClassSet
from a2lc.labels.ledger import Decision, Ledger
from a2lc.labels.run_length import encode_runs
from a2lc.labels.state import LabelState
from a2lc.labels.store import PseudoLabelSet, PseudoLabelWriter
from a2lc.labels.verified import VerifiedPixels, answers_by_image

MASKS = np.repeat(np.arange(5, dtype=np.uint16), 2)[None].repeat(2, axis=0)  # (2, 10): mask 0 left, mask 4 right


def pseudo_labels(folder: Path, classes: ClassSet) -> PseudoLabelSet:
    """Two images, all of ground but one pixel of mask 1, which is a disc."""
    writer = PseudoLabelWriter(folder, classes, {"backend": "test"})
    labels = np.zeros(MASKS.shape, dtype=np.uint8)
    labels[0, 2] = 2
    for image_id in ("a", "b"):
        writer.write(image_id, labels, MASKS)
    return writer.finish()


def asked(mask: int, label: int | None, relabelled: bool, pixels: str | None = None) -> Decision:
    return Decision("a", mask, 0, label, relabelled, True, "ground_truth", "oracle", pixels=pixels)


def verified(folder: Path, classes: ClassSet, ledger: Ledger, image_id: str = "a") -> NDArray[np.bool_]:
    state = LabelState(pseudo_labels(folder / "set", classes), ledger.corrections(), ledger.pixel_corrections())
    return VerifiedPixels(state, answers_by_image(ledger.answers()))(image_id)


def test_answered_masks_where_their_label_is_the_answer(tmp_path: Path, classes: ClassSet) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    answers = [asked(1, 0, False), asked(2, 1, True), asked(3, None, False)]  # confirmed, corrected, skipped
    ledger.record(1, 0, "annotate", answers)
    learned = Decision("a", 4, 0, 2, True, False, "lcm", confidence=0.99)
    ledger.record(1, 0, "propagate", [learned])
    expected = (MASKS == 1) | (MASKS == 2)
    expected[0, 2] = False  # the confirmation said ground, and changed no pixel
    assert np.array_equal(verified(tmp_path, classes, ledger), expected)
    assert not verified(tmp_path / "other", classes, ledger, "b").any()


def test_the_newest_answer_counts_and_what_overruled_it_does_not(tmp_path: Path, classes: ClassSet) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.record(1, 0, "annotate", [asked(2, 1, True), asked(3, 1, True), asked(4, 1, True)])
    overruled = Decision("a", 3, 1, 2, True, False, "posterior", confidence=0.9)
    ledger.record(1, 0, "propagate", [overruled])
    ledger.record(2, 0, "annotate", [asked(2, 2, True)])
    assert np.array_equal(verified(tmp_path, classes, ledger), (MASKS == 2) | (MASKS == 4))


def test_answers_about_pixels_vouch_for_these(tmp_path: Path, classes: ClassSet) -> None:
    one = np.zeros(MASKS.shape, dtype=bool)
    one[1, 5] = True
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.record(1, 0, "annotate", [asked(2, 1, True, encode_runs(one))])
    assert np.array_equal(verified(tmp_path, classes, ledger), one)
