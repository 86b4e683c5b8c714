"""The files that a run works on, kind by kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from a2lc.labels.base import LabelFiles, LabelSource
from a2lc.loop.run import Run

IMAGES = "images"
VALIDATION = "validation images"
WEIGHTS = "backbone weights"
OF_TABLES = frozenset({"ground truth", VALIDATION, "validation ground truth", WEIGHTS})


@dataclass(frozen=True)
class Kind:
    """Files of one kind, of which each has an id.

    Attributes:
        name: What they are called in messages.
        ids: Their ids: of images, as a rule.
        path_of: Id → file.
        whole: Whether a file that is not there is a mistake.
    """

    name: str
    ids: Sequence[str]
    path_of: Callable[[str], Path]
    whole: bool = True

    def present(self) -> dict[str, Path]:
        """{id: file}, in order; without those that are missing and may be."""
        paths = {name: self.path_of(name) for name in self.ids}
        return {name: path for name, path in paths.items() if self.whole or path.is_file()}


def kinds_of(run: Run, labels_alone: bool = False) -> Iterator[Kind]:
    """What the labels of a round hang on and, unless these are meant alone, what networks and tables do."""
    ids = run.dataset.ids("train")
    yield Kind(IMAGES, ids, run.dataset.image_path)
    yield Kind("initial label maps", ids, run.pseudo_labels.label_path)
    yield Kind("mask maps", ids, run.pseudo_labels.mask_path)
    if run.config.start.name != "given" and run.has_first_labels:
        yield Kind("label maps of the start", ids, run.first_labels.label_path)
    if not labels_alone:
        yield from _of_tables(run, ids)


def _of_tables(run: Run, ids: Sequence[str]) -> Iterator[Kind]:
    """What no decision in the ledger names, but answers, networks and measures are made from."""
    validation = run.dataset.ids("val") if run.dataset.validation_truth else ()
    yield from _of_truth("ground truth", ids, run.dataset.ground_truth)
    yield Kind(VALIDATION, validation, run.dataset.image_path, whole=False)
    yield from _of_truth("validation ground truth", validation, run.dataset.validation_truth)
    yield from weights_of(run)


def _of_truth(name: str, ids: Sequence[str], truth: LabelSource | None) -> Iterator[Kind]:
    if isinstance(truth, LabelFiles):
        yield Kind(name, ids, truth.label_path, whole=False)


def weights_of(run: Run) -> Iterator[Kind]:
    """The file of the backbone's weights, where networks are trained from one and it is there already."""
    settings = run.config.network
    if run.chosen_device is None or not run.config.training.iterations or settings.backbone_weights == "none":
        return
    from a2lc.segmentation.downloads import backbone_file  # loads PyTorch

    path = backbone_file(settings)
    if path is not None:
        yield Kind(WEIGHTS, (settings.backbone,), lambda _: path, whole=False)
