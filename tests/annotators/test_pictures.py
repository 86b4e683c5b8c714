"""The pictures of questions: nothing is darkened, the mask stands out from its surroundings, the dark is readable."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from a2lc.annotators import Query
from a2lc.annotators.crops import draw_crop, draw_whole, marked, window_around
from a2lc.annotators.pictures import QuestionPainter
from a2lc.classes import ClassSet
from a2lc.labels.ledger import Decision
from a2lc.labels.state import LabelState
from a2lc.labels.store import PseudoLabelSet

MARK = (255, 0, 200)


def scene(value: int, size: tuple[int, int] = (40, 60)) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """A grey image with a box in its middle as the mask."""
    mask = np.zeros(size, dtype=bool)
    mask[10:20, 20:40] = True
    return np.full((*size, 3), value, dtype=np.uint8), mask


def test_the_mask_is_tinted_and_outlined_and_the_rest_stays() -> None:
    crop = draw_crop(*scene(200))
    height, width = crop.shape[0], crop.shape[1] // 2
    plain, drawn = crop[:, :width], crop[:, width:]
    assert (plain == 200).all()
    assert drawn[0, 0].tolist() == [200, 200, 200], "surroundings are as bright as they are"
    red, green, blue = drawn[height // 2, width // 2].tolist()
    assert green < 160 < blue < red, "tinted"
    assert (drawn == MARK).all(-1).any(), "the outline"


def test_a_mask_that_ends_at_the_border_has_no_outline_there() -> None:
    photo, mask = np.full((8, 8, 3), 100, dtype=np.uint8), np.zeros((8, 8), dtype=bool)
    mask[:, :4] = True
    outline = (marked(photo, mask) == MARK).all(-1)
    assert outline[:, 4:6].all()
    assert not outline[:, :4].any()


def test_only_low_light_is_stretched() -> None:
    dark, mask = scene(20)
    dark[mask.nonzero()[0][0], mask.nonzero()[1][0]] = 30
    crop = draw_crop(dark, mask)
    assert 60 < int(crop[0, 0, 0]) < 140
    plain = crop[:, : crop.shape[1] // 2]
    assert plain.max() > int(crop[0, 0, 0]), "what was brighter still is"
    assert draw_crop(np.zeros_like(dark), mask).shape == crop.shape, "black stays black"


def test_the_inset_frames_the_crop() -> None:
    image, mask = np.full((200, 400, 3), 120, dtype=np.uint8), np.zeros((200, 400), dtype=bool)
    mask[150:160, 300:320] = True
    window = window_around(mask)
    assert mask[window.pixels].sum() == mask.sum()
    whole = draw_whole(image, mask, (200, 200))
    assert whole.shape == (100, 200, 3)
    rows, columns = (whole == (255, 230, 0)).all(-1).nonzero()
    assert abs(int(rows.min()) - window.top // 2) <= 1
    assert abs(int(columns.max()) - window.right // 2) <= 1


@pytest.fixture
def image() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(90, 255, (4, 6, 3)).astype(np.uint8)


def test_examples_are_what_people_said_is_of_the_class(
    tiny_set: PseudoLabelSet, classes: ClassSet, image: NDArray[np.uint8]
) -> None:
    state, query = LabelState(tiny_set), Query("a", 300, 1, 1.5, (3, 3))

    def drawn(*answered: Decision) -> bytes:
        return QuestionPainter(state, lambda _: image, classes, answered).draw(query, "q00001").tobytes()

    none = drawn()
    confirmed = Decision("a", 1, 1, 1, False, True, "answers", "ann")
    named = Decision("a", 1, 2, 1, True, True, "answers", "ann")
    skipped = Decision("a", 1, 1, None, False, True, "answers", "ann")
    learned = Decision("a", 1, 2, 1, True, False, "posterior")
    assert drawn(confirmed) == drawn(named) != none
    assert drawn(skipped) == drawn(learned) == none
    assert drawn(named, Decision("a", 1, 1, 2, True, True, "answers", "ann")) == none, "it was taken back"


def test_the_caption_names_the_class_in_its_colour(
    tiny_set: PseudoLabelSet, classes: ClassSet, image: NDArray[np.uint8]
) -> None:
    painter = QuestionPainter(LabelState(tiny_set), lambda _: image, classes)
    box, disc, void = (painter.draw(Query("a", 300, label, 1.5, (3, 3)), "q00001")[:40] for label in (1, 2, 255))
    for label, strip in ((1, box), (2, disc)):
        assert (strip == classes.classes[label].color).all(-1).any()
    assert len({box.tobytes(), disc.tobytes(), void.tobytes()}) == 3
