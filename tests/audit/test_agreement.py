"""When an audit says that its networks know too little, and the command that it gives."""

from __future__ import annotations

import shlex
from pathlib import Path

from a2lc.audit import AuditSettings, open_audit
from a2lc.audit.agreement import agreement, distrust
from a2lc.classes import ClassSet
from a2lc.loop.config import load_config
from tests.support.folders import make_folder


def rows(right: int, wrong: int) -> list[dict[str, str]]:
    return [{"given": "box", "predicted": "box"}] * right + [{"given": "box", "predicted": "disc"}] * wrong


def test_agreement_is_the_share_of_masks_that_are_taken_for_what_they_are_called() -> None:
    assert agreement(rows(3, 1)) == 0.75
    assert agreement([]) == 1


def test_networks_that_deny_most_labels_are_to_train_longer(tmp_path: Path, classes: ClassSet) -> None:
    data, target = make_folder(tmp_path / "my data", classes, images=3), tmp_path / "audit"
    settings = [f"dataset.root={data}", "training.iterations=25", "device=cpu"]
    audit = open_audit(load_config("folder", settings)[0], AuditSettings(), None, target)
    command = shlex.join(["a2lc", "audit", "folder", *settings, "--to", str(target), "--folds", "2"])
    assert distrust(audit, rows(5, 5), command) is None
    doubt = distrust(audit, rows(4, 6), command)
    assert doubt is not None
    assert "40%" in doubt
    words = shlex.split(doubt[doubt.index("a2lc audit") :])
    assert "training.iterations=100" in words
    assert "training.iterations=25" not in words
    assert {f"dataset.root={data}", "device=cpu", "--folds"} <= set(words)
    assert words.count("--to") == 1
    assert words[words.index("--to") + 1] == f"{target}_longer"
