"""The folder of a pseudo-label set while it is made: claimed for one way of making it, continued, finished."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from a2lc.foundation.claims import ClaimKind
from a2lc.foundation.errors import refuse
from a2lc.foundation.files import read_json, write_json
from a2lc.foundation.images import write_image
from a2lc.foundation.locks import held
from a2lc.foundation.trees import flatten
from a2lc.labels.store import PseudoLabelSet, PseudoLabelWriter
from grounded_sam.inputs import Inputs
from grounded_sam.records import Records

_log = logging.getLogger(__name__)
_PLAN = "generate.json"
_RESULTS = ("manifest.json", "contact_sheet.png")


@dataclass(frozen=True)
class Workplace:
    """A target folder, shared by all processes of a generation.

    Attributes:
        root: The folder.
        inputs: Classes and images.
    """

    root: Path
    inputs: Inputs

    @property
    def records(self) -> Records:
        """What was finished."""
        return Records.of(self.root)

    @contextmanager
    def held(self, rank: int) -> Iterator[None]:
        """Hold the folder against a second process of the same rank.

        Raises:
            InputError: When there is one, or the folder holds something else.
        """
        _CLAIM.refuse_foreign(self.root)
        with held(self.root, f".lock.{rank}", keep=False):  # as many files whatever the number of processes
            yield

    def compare(self, plan: Mapping[str, Any]) -> None:
        """Refuse to continue what was begun in another way.

        Args:
            plan: What decides about the files, or some of it.

        Raises:
            InputError: Lists what differs.
        """
        _CLAIM.compare(self.root, plan)

    def begin(self, plan: Mapping[str, Any], image_ids: list[str]) -> Mapping[str, Any]:
        """Claim the folder for a plan, or continue it; a set with images to do loses its marks of being finished.

        Args:
            plan: All that decides about the files; the first process writes it to generate.json.
            image_ids: The images of this process: those that could not be read are tried again.

        Returns:
            The plan with which the folder was begun.

        Raises:
            InputError: When the folder was begun in another way; lists what differs.
        """
        with FileLock(self.root / ".lock"):
            begun = _CLAIM.claim(self.root, json.loads(json.dumps(plan)))  # as it reads back
            self.inputs.classes.write(self.root / "classes.yaml")
            self.records.forget_unreadable(image_ids)
            if not all(map(self.records.is_finished, self.inputs.paths)):
                for name in _RESULTS:
                    (self.root / name).unlink(missing_ok=True)
        return begun

    def finish(self, writer: PseudoLabelWriter, own: Sequence[str]) -> PseudoLabelSet | None:
        """Write manifest and contact sheet if every image is finished, whichever process did it.

        Args:
            writer: Writes the manifest.
            own: The images of this process whose files it must answer for while others are still at work.

        Returns:
            The set, or None while other processes are still at work.

        Raises:
            InputError: When images could not be read: names the files of all once every image was tried, else of `own`.
        """
        with FileLock(self.root / ".lock"):
            missing = [image_id for image_id in self.inputs.paths if not self.records.is_finished(image_id)]
            left_out = self.records.unreadable(missing)
            if len(left_out) < len(missing):
                _log.info("this process is done; others have %d images to do", len(missing) - len(left_out))
                self._refuse_unreadable(self.records.unreadable(own))
                return None
            self._refuse_unreadable(left_out)
            entries = {image_id: self.records.entry(image_id) for image_id in self.inputs.paths}
            finished = writer.finish(entries)
            draw_contact_sheet(finished, self.inputs, self.root / _RESULTS[1])
        return finished

    def _refuse_unreadable(self, left_out: Mapping[str, list[str]]) -> None:
        """Name every file because of which images are left out; do nothing when there is none."""
        problems = list(dict.fromkeys(problem for found in left_out.values() for problem in found))
        refuse(
            f"{self.root} is not finished: {len(left_out)} of {len(self.inputs.paths)} images are left out, alone or "
            "with their batch, because of files that cannot be used; mend or remove these, and the same command "
            "continues",
            problems,
        )


def draw_contact_sheet(pseudo_labels: PseudoLabelSet, inputs: Inputs, path: Path) -> None:
    """Write a picture of some images of a set with their labels laid over them."""
    from grounded_sam.contact_sheet import contact_sheet

    sheet = contact_sheet(inputs.image, pseudo_labels, inputs.classes, pseudo_labels.image_ids(), seed=0)
    write_image(path, sheet)


def _decides(key: str) -> bool:
    """Whether a key of a plan decides about the files: where weights came from does not, as their hashes tell them."""
    return not key.endswith(".hub_id")


def _difference(begun: Mapping[str, Any], plan: Mapping[str, Any]) -> list[str]:
    """What differs and decides about the files, a line each; a plan that is a part is compared with that part."""
    here = flatten(json.loads(json.dumps(plan)), into_lists=True)
    there = flatten({key: begun.get(key) for key in plan}, into_lists=True)
    different = sorted(key for key in {**here, **there} if here.get(key) != there.get(key) and _decides(key))
    return [f"{key}: {there.get(key)} there, {here.get(key)} now" for key in different]


_CLAIM: ClaimKind[Mapping[str, Any]] = ClaimKind(
    name=_PLAN,
    read=lambda path: dict(read_json(path)),
    write=write_json,
    difference=_difference,
    foreign="{folder} is not empty and was not begun by grounded-sam generate or superpixels: choose a new folder as "
    "output, nothing is overwritten",
    damaged="{path} is damaged ({error}): choose a new folder as output, or delete this one",
    other="{folder} was begun with other settings; take those again, or choose a new folder as output:\n{lines}",
)
