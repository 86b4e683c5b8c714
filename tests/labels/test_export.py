"""Labels of a round in other formats than ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from a2lc.classes import ClassSet, load_classes
from a2lc.foundation.errors import InputError
from a2lc.foundation.images import read_index_map
from a2lc.labels.export import export_labels
from a2lc.labels.state import LabelState
from a2lc.labels.store import PseudoLabelSet


def test_a_format_without_masks_gets_the_labels(tiny_set: PseudoLabelSet, classes: ClassSet, tmp_path: Path) -> None:
    state = LabelState(tiny_set, {"a": {300: 0}})
    exported = export_labels(state, ["a", "b/c"], classes, tmp_path / "out", {}, "png")
    assert exported.image_ids() == ["a", "b/c"]
    assert np.array_equal(read_index_map(tmp_path / "out" / "a.png"), state.labels("a"))
    assert load_classes(tmp_path / "out" / "classes.yaml") == classes


@pytest.mark.parametrize(
    ("name", "said"), [("research", "has the mask id 300"), ("cityscapes", "'b/c' is no image id of Cityscapes")]
)
def test_nothing_is_written_where_something_does_not_fit(
    tiny_set: PseudoLabelSet, classes: ClassSet, tmp_path: Path, name: str, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        export_labels(LabelState(tiny_set), ["a", "b/c"], classes, tmp_path / "out", {}, name)
    assert not (tmp_path / "out").exists()


def test_a_format_nobody_knows_is_refused(tiny_set: PseudoLabelSet, classes: ClassSet, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'pgn' is not among the formats: expected one of a2lc"):
        export_labels(LabelState(tiny_set), ["a"], classes, tmp_path / "out", {}, "pgn")
