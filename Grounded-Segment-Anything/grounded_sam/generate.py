"""From images and class names to a pseudo-label set: detect, filter, segment, rasterise, write; image by image."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tqdm.contrib.logging import logging_redirect_tqdm

from a2lc.classes import ClassSet
from a2lc.foundation.bars import bar
from a2lc.labels.store import PseudoLabelSet, PseudoLabelWriter
from grounded_sam import backends
from grounded_sam.detections import Detections, Detector, FilterSettings, Segmenter, filter_detections, score_thresholds
from grounded_sam.inputs import Inputs, Photo, open_inputs
from grounded_sam.rasterise import Rasteriser
from grounded_sam.records import Records
from grounded_sam.settings import GenerateSettings
from grounded_sam.sharding import Share, make_batches
from grounded_sam.workplace import Workplace

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Painter:
    """Detections and photo → label map, mask map and record on disk."""

    segmenter: Segmenter
    filters: FilterSettings
    classes: ClassSet
    writer: PseudoLabelWriter
    records: Records

    def paint(self, image_id: str, photo: Photo, found: Detections) -> None:
        height, width = photo.pixels.shape[:2]
        kept = filter_detections(found, (height, width), self.filters, self.classes.names)
        raster = Rasteriser(height, width, self.classes.unmasked_label, self.filters.min_area)
        masks = self.segmenter.segment(photo.pixels, kept.boxes)
        for mask, label in zip(masks, kept.classes.tolist(), strict=True):
            raster.add(mask, label)
        entry = self.writer.write(image_id, raster.labels, raster.masks)
        if photo.orientation != 1:
            entry["orientation"] = photo.orientation
        self.records.write(image_id, entry, kept, self.classes.names)
        _log.debug("%s: %d of %d detections kept, %d masks", image_id, len(kept), len(found), entry["masks"])


def generate(settings: GenerateSettings, share: Share) -> PseudoLabelSet | None:
    """Label the images of a data set, or this process's share of them, and write the set's manifest with the last.

    Finished images are kept, so a killed generation continues with the same call and ends with the same files. A batch
    of which an image is missing is computed whole; one of which a file cannot be read is left out whole.

    Args:
        settings: What to label, with what, and where to.
        share: The part of this process.

    Returns:
        The finished set, or None while other processes are still at work.

    Raises:
        InputError: When data, models or target cannot be used; or, once all else is done, when there are images that
            cannot be read. Where an error of one process ends all, only the last tells these.
    """
    inputs = open_inputs(settings)
    score_thresholds(settings.filters, inputs.classes.names)  # names that are none are told before anything is begun
    workplace = Workplace(settings.target, inputs)
    batches = share.of(make_batches(list(inputs.paths), settings.batch_size))
    with workplace.held(share.rank):
        plan = _plan(settings, inputs.classes)
        workplace.compare(plan)  # before models are loaded
        device = share.device(settings.device)
        detector = backends.open_detector(settings.detector, inputs.classes, settings.filters, device)
        segmenter = backends.open_segmenter(settings.segmenter, device)
        plan |= {"detector_model": detector.describe(), "segmenter_model": segmenter.describe()}
        own = [image_id for batch in batches for image_id in batch]
        begun = workplace.begin(plan, own)
        made_by = {"tool": "grounded-sam", **{key: value for key, value in begun.items() if key != "classes"}}
        writer = PseudoLabelWriter(settings.target, inputs.classes, made_by)
        painter = _Painter(segmenter, settings.filters, inputs.classes, writer, workplace.records)
        _label(batches, inputs, detector, painter, share)
        return workplace.finish(writer, () if share.falls_together else own)


def _plan(settings: GenerateSettings, classes: ClassSet) -> dict[str, Any]:
    """The settings that decide about the files; models are told by their content, not by the path they lie at."""
    return {
        "classes": classes.to_dict(),
        "batch_size": settings.batch_size,
        "filters": settings.filters.model_dump(mode="json"),
        "detector": settings.detector.model_dump(mode="json", exclude={"model"}),
        "segmenter": settings.segmenter.model_dump(mode="json", exclude={"model", "boxes_at_once"}),
    }


def _label(
    batches: Sequence[tuple[str, ...]], inputs: Inputs, detector: Detector, painter: _Painter, share: Share
) -> None:
    """Compute every batch of which an image is missing, and write those that are."""
    missing = [[image_id for image_id in batch if not painter.records.is_finished(image_id)] for batch in batches]
    total = sum(map(len, batches))
    left = sum(map(len, missing))
    name = f"labelling ({share.rank + 1} of {share.count})" if share.count > 1 else "labelling"
    with (
        logging_redirect_tqdm([logging.getLogger()]),
        bar(description=name, total=total, initial=total - left, position=share.rank) as shown,
    ):
        for batch, wanted in zip(batches, missing, strict=True):
            if wanted:
                _label_batch(batch, wanted, inputs, detector, painter)
                shown.update(len(wanted))


def _label_batch(
    batch: Sequence[str], wanted: Sequence[str], inputs: Inputs, detector: Detector, painter: _Painter
) -> None:
    photos, problems = inputs.read(batch)
    if problems:
        for problem in problems:
            _log.warning("left out: %s", problem)
        painter.records.note_unreadable(wanted, problems)
        return
    found = detector.detect([photo.pixels for photo in photos])
    for image_id, photo, detections in zip(batch, photos, found, strict=True):
        if image_id in wanted:
            painter.paint(image_id, photo, detections)
