"""Writing labels in any format: what it cannot hold is refused before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from a2lc.classes import ClassSet
from a2lc.formats.base import NO_SCORES, LabelFormat, LabelSet, MapSource
from a2lc.foundation.bars import bar
from a2lc.foundation.errors import InputError, refuse
from a2lc.foundation.ids import valid_id


def _no_scores(image_id: str) -> Mapping[int, float]:
    return NO_SCORES


@dataclass(frozen=True)
class Conversion:
    """Labels and the format in which they are to be written.

    Attributes:
        source: The maps.
        image_ids: Which of them.
        classes: Their classes.
        target: The format.
        labels_only: Whether masks are left out.
        scores: Gives an image's {mask id: confidence}; raises InputError where they cannot be read.

    Example:
        >>> conversion = Conversion(state, dataset.ids("train"), dataset.classes, FORMATS["png"], labels_only=True)
        >>> conversion.refuse_misfits("the corrected labels")
        >>> with new_folder(Path("annotations")):
        ...     conversion.write(Path("annotations"), {})
    """

    source: MapSource
    image_ids: Sequence[str]
    classes: ClassSet
    target: LabelFormat
    labels_only: bool = False
    scores: Callable[[str], Mapping[int, float]] = _no_scores

    def refuse_misfits(self, what: str) -> None:
        """Refuse what the format cannot hold; nothing is written.

        Args:
            what: What was to be written, as in "the pseudo-label set X".

        Raises:
            InputError: Lists every problem.
        """
        problems = [*self.target.limits.misfits(self.classes), *self._mask_problems()]
        problems += [sentence for image_id in self.image_ids for sentence in self._problems_of(image_id)]
        refuse(f"{what} cannot be exported", problems)

    def _mask_problems(self) -> Iterator[str]:
        """Whether there are masks for which the format has no place, or none where it needs them."""
        if not self.image_ids:
            return
        masks = not self.labels_only and self.source.masks(self.image_ids[0]) is not None  # all images are alike
        if masks and not self.target.limits.masks:
            yield "this format holds no masks: choose one that does, or write the labels alone"
        if self.target.limits.masks and not masks:
            yield "there are no masks, which this format needs: choose a format of labels alone"

    def _problems_of(self, image_id: str) -> Iterator[str]:
        try:
            valid_id(image_id, "the image ids")
            self.scores(image_id)
        except InputError as error:
            yield str(error)
            return
        yield from self.target.misfits(image_id, self.source)

    def write(self, path: Path, made_by: Mapping[str, Any]) -> LabelSet:
        """Write image by image what `refuse_misfits` lets pass.

        Args:
            path: A new folder (see `a2lc.foundation.claims.new_folder`) or file.
            made_by: How the labels were made, for formats that keep it.
        """
        writer = self.target.writer(path, self.classes, made_by)
        for image_id in bar(self.image_ids, "export"):
            labels, masks = self._maps(image_id)
            writer.write(image_id, labels, masks, self.scores(image_id))
        return writer.finish()

    def _maps(self, image_id: str) -> tuple[NDArray[np.uint8], NDArray[np.int32] | None]:
        if self.labels_only:
            return self.source.labels(image_id), None
        return self.source.maps(image_id)
