"""The picture of a question: the mask close and in its image, the class that is asked about, and examples of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from a2lc.annotators.base import Query
from a2lc.annotators.crops import Picture, draw_crop, draw_thumbnail, draw_whole
from a2lc.classes import ClassSet
from a2lc.labels.ledger import Decision
from a2lc.labels.state import LabelState

_STRIP = 40  # pixels, height of the caption
_SIDE = 300  # width of the column beside the crop
_GAP = 8
_LEAST_HEIGHT = 400  # below the caption
_EXAMPLES = 3  # of a class
_FONT_SIZE = 19
_PAPER = (250, 250, 248)
_INK = (25, 28, 33)


class QuestionPainter:
    """Draws the pictures of a batch of questions.

    Args:
        state: Current masks.
        image: Gives the RGB image (H, W, 3) uint8 of an id.
        classes: Names and colours.
        answered: Decisions so far, oldest first; the newest masks that people said are of a class are its examples.
    """

    def __init__(
        self,
        state: LabelState,
        image: Callable[[str], Picture],
        classes: ClassSet,
        answered: Iterable[Decision] = (),
    ) -> None:
        self._state = state
        self._image = image
        self._classes = classes
        self._confirmed = _confirmed(answered)
        self._examples: dict[int, list[Picture]] = {}

    def draw(self, query: Query, key: str) -> Picture:
        """The picture (h, w, 3) of a question, with its key in the caption."""
        image, mask = self._image(query.image_id), query.inside(self._state.masks(query.image_id))
        crop = draw_crop(image, mask)
        examples = self._examples_of(query.label)
        height = max(crop.shape[0], _LEAST_HEIGHT)
        below = _SIDE // _EXAMPLES + _FONT_SIZE + 3 * _GAP if examples else 0
        whole = draw_whole(image, mask, (_SIDE, height - below))
        sheet = Image.new("RGB", (crop.shape[1] + _SIDE + 2 * _GAP, _STRIP + height + _GAP), _PAPER)
        sheet.paste(Image.fromarray(crop), (0, _STRIP))
        left = crop.shape[1] + _GAP
        sheet.paste(Image.fromarray(whole), (left, _STRIP))
        self._caption(sheet, query.label, key)
        if examples:
            self._paste_examples(sheet, examples, left, _STRIP + whole.shape[0] + _GAP)
        return np.asarray(sheet)

    def _caption(self, sheet: Image.Image, label: int, key: str) -> None:
        """Write the question above its picture, with the colour of the class."""
        draw, middle = ImageDraw.Draw(sheet), _STRIP // 2
        text = "What is this? It has no class yet." if label == self._classes.void else self._classes.name_of(label)
        left = _GAP
        if label != self._classes.void:
            color = self._classes.classes[label].color
            draw.rectangle((_GAP, _GAP, _STRIP - _GAP, _STRIP - _GAP), fill=color, outline=_INK)
            left, text = _STRIP + _GAP, f"Is this: {text}?"
        draw.text((left, middle), text, fill=_INK, font=_font(), anchor="lm")
        draw.text((sheet.width - _GAP, middle), key, fill=(130, 134, 140), font=_font(), anchor="rm")

    def _paste_examples(self, sheet: Image.Image, examples: Sequence[Picture], left: int, top: int) -> None:
        """Put the examples in a row, with a word about what they are above."""
        ImageDraw.Draw(sheet).text((left, top), "confirmed before:", fill=_INK, font=_font())
        for number, example in enumerate(examples):
            place = left + number * (_SIDE // _EXAMPLES), top + _FONT_SIZE + _GAP
            sheet.paste(Image.fromarray(example), place)

    def _examples_of(self, label: int) -> list[Picture]:
        """Small pictures of masks that people said are of a class; each class is drawn once."""
        if label not in self._examples:
            found = self._confirmed.get(label, [])[-_EXAMPLES:]
            self._examples[label] = [self._example(decision) for decision in reversed(found)]
        return self._examples[label]

    def _example(self, decision: Decision) -> Picture:
        query = Query(decision.image_id, decision.mask_id, decision.label_before, 0.0, (0, 0), decision.pixels)
        mask = query.inside(self._state.masks(decision.image_id))
        return draw_thumbnail(self._image(decision.image_id), mask, _SIDE // _EXAMPLES - _GAP)


def _confirmed(answered: Iterable[Decision]) -> Mapping[int, list[Decision]]:
    """{class: the masks that people said are of it}, oldest first; a later answer about a mask replaces the earlier."""
    newest: dict[tuple[str, int, str | None], Decision] = {}
    for decision in answered:
        if decision.queried and decision.label_after is not None:
            newest[(*decision.key, decision.pixels)] = decision
    confirmed: dict[int, list[Decision]] = {}
    for decision in newest.values():
        if decision.label_after is not None:
            confirmed.setdefault(decision.label_after, []).append(decision)
    return confirmed


def _font() -> ImageFont.FreeTypeFont:
    """A font that has the letters of most languages with an alphabet."""
    from matplotlib import get_data_path

    return ImageFont.truetype(Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", _FONT_SIZE)
