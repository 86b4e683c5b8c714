"""The options of the verbs: their settings models, from whose fields the command line is made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from a2lc.audit.settings import AuditSettings
from a2lc.evaluation.cost import Unit
from a2lc.foundation.settings import Settings


@dataclass(frozen=True)
class Shown:
    """How the value of an option is called in the help."""

    metavar: str


Folder = Annotated[Path, Shown("FOLDER")]
File = Annotated[Path, Shown("FILE")]


class Options(Settings):
    """Options of a verb beside its configuration; the docstring below a field is its help."""


class RunOptions(Options):
    """Of `a2lc run`."""

    keys: bool = False
    """list every setting with its default and meaning"""
    show: bool = False
    """print the composed configuration and stop"""


class CorrectOptions(Options):
    """Of `a2lc correct`."""

    answers: File | None = None
    """filled copy of queue.csv"""
    annotator_name: Annotated[str, Shown("NAME")] = "answers"
    """who answered, for the ledger"""


class ExportOptions(Options):
    """Of `a2lc export`."""

    to: Folder
    """new folder for the label set"""
    round: Annotated[int | None, Shown("R")] = None
    """labels of this round; default: the newest"""


class AuditOptions(AuditSettings, Options):
    """Of `a2lc audit`: its settings, and where everything is."""

    labels: Folder | None = None
    """PNGs or a pseudo-label set; default: ground truth"""
    predictions: Folder | None = None
    """out-of-sample probabilities of any model, (C, H, W) in one .npy or .npz per image; trains nothing"""
    to: Folder | None = None
    """new folder; default: <output>/audits/<experiment>"""
    answers: File | None = None
    """take the answers of a filled queue.csv"""


class PredictOptions(Options):
    """Of `a2lc predict`."""

    images: Folder
    """folder of images, or one image"""
    to: Folder
    """new folder for labels/ and overlays/"""
    weights: File | None = None
    """checkpoint; default: the newest of the run"""
    classes: Annotated[str | None, Shown("LIST")] = None
    """pascal, cityscapes, kvasir, toyscapes or a classes.yaml; default: the data set's"""


class ReportOptions(Options):
    """Of `a2lc report`."""

    against: Unit = "clicks"
    """effort in tables and figure"""


class StatusOptions(Options):
    """Of `a2lc status`."""

    lines: int = Field(3, ge=0, le=1000)
    """last lines of each log to show"""


class SweepOptions(Options):
    """Of `a2lc sweep`."""

    jobs: int = 1
    """jobs at a time on this machine"""
    slurm: bool = False
    """submit the jobs to SLURM; needs a2lc[slurm]"""
    dry_run: bool = False
    """print the command of each job and stop"""


class EvaluateOptions(Options):
    """Of `a2lc evaluate`."""

    labels: Folder | None = None
    """label maps: a pseudo-label set, a folder of PNGs, or what predict wrote"""
    ground_truth: Folder | None = None
    """folder of ground-truth PNGs"""
    ids: File | None = None
    """list of image ids; default: all in the set"""
    classes: Annotated[str | None, Shown("LIST")] = None
    """pascal, cityscapes, kvasir, toyscapes or a classes.yaml; default: the one in the folder of the labels"""

    @property
    def of_labels(self) -> bool:
        """Whether label maps are measured, and no run."""
        return bool(self.labels or self.ground_truth)
