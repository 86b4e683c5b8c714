"""The transformers backend with tiny random models: boxes, batches, several prompts, chunks of boxes."""

from __future__ import annotations

import json
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from a2lc.classes import ClassSet, parse_classes
from grounded_sam.backends import DetectorSettings, SegmenterSettings, open_detector, open_segmenter
from grounded_sam.backends.checkpoints import load_model
from grounded_sam.backends.transformers_detector import size_seen
from grounded_sam.backends.transformers_segmenter import boxes_that_fit
from grounded_sam.detections import Detections, FilterSettings, Segmenter
from tests.support.gsam_tiny import EDGES, grounding_dino, save_detector, save_segmenter, segment_anything

CPU = torch.device("cpu")
ALL = FilterSettings(score_threshold=0)
NAMES = ("road", "sky", "box", "traffic light")
BOXES = np.array([[10, 10, 50, 50], [60, 5, 150, 70], [-9, 2, 30, 99], [0, 0, 170, 80], [3, 3, 4, 4]], np.float32)


@pytest.fixture(scope="module")
def detector_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_detector(tmp_path_factory.mktemp("detector"))


@pytest.fixture(scope="module", params=["sam", "sam_hq", "sam2"])
def segmenter_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_segmenter(tmp_path_factory.mktemp("segmenter"), segment_anything(kind=request.param))


def class_set(*names: str) -> ClassSet:
    return parse_classes({"classes": list(names)}, "test")


def image(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    blocks = np.random.default_rng(seed).integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
    return blocks.repeat(8, axis=0).repeat(8, axis=1)[:height, :width]


def detect(
    folder: Path, *images: NDArray[np.uint8], names: tuple[str, ...] = NAMES, **options: Any
) -> list[Detections]:
    settings = DetectorSettings(model=str(folder), **(EDGES | options))
    return open_detector(settings, class_set(*names), ALL, CPU).detect(images)


@pytest.mark.parametrize("kind", ["grounding-dino", "mm-grounding-dino"])
def test_boxes_and_scores_of_a_batch_are_those_of_the_library(tmp_path: Path, kind: Any) -> None:
    """Its post-processing knows no classes, but gives the best score of any token; images differ in size."""
    pictures = [image(60, 90), image(120, 60, 1), image(40, 160, 2)]
    save_detector(tmp_path, grounding_dino(kind=kind))
    loaded = load_model(str(tmp_path), "detector")
    inputs = loaded.processor(
        images=pictures, text=["road. sky. box. traffic light."] * 3, size=EDGES, return_tensors="pt"
    )
    with torch.inference_mode():
        output = loaded.model(**inputs)
    expected = loaded.processor.post_process_grounded_object_detection(
        output, threshold=0, target_sizes=[picture.shape[:2] for picture in pictures]
    )
    for found, there in zip(detect(tmp_path, *pictures, reference_compat=True), expected, strict=True):
        np.testing.assert_allclose(found.boxes, there["boxes"].numpy(), atol=1e-3)
        np.testing.assert_allclose(found.scores, there["scores"].numpy(), atol=1e-5)
        assert set(found.classes.tolist()) <= set(range(4))
        assert (found.boxes.dtype, found.classes.dtype, found.scores.dtype) == (np.float32, np.int64, np.float32)


@given(st.tuples(*[st.integers(1, 5000)] * 2), st.integers(1, 1500), st.integers(1, 2000))
def test_size_seen(size: tuple[int, int], shortest: int, longest: int) -> None:
    """The rule in whole numbers: the shorter edge is rounded (halves to even), the longer one cut."""
    short, long = min(size), max(size)
    edge = shortest if shortest * long <= longest * short else max(1, round(Fraction(longest * short, long)))
    expected = edge, edge * long // short
    assert size_seen(*size, shortest, longest) == (expected if size[0] <= size[1] else expected[::-1])


def test_size_seen_where_the_longest_edge_binds() -> None:
    assert size_seen(281, 500, 800, 1333) == (749, 1332)  # transformers: 749 x 1333
    assert size_seen(1024, 2048, 512, 1024) == (512, 1024)


def test_only_boxes_above_the_lowest_threshold_are_returned(detector_folder: Path) -> None:
    (every,) = detect(detector_folder, image(60, 90))
    middle = float(np.median(every.scores))
    settings = DetectorSettings(model=str(detector_folder), **EDGES)
    filters = FilterSettings(score_threshold=1, class_thresholds={"sky": middle})
    (kept,) = open_detector(settings, class_set(*NAMES), filters, CPU).detect([image(60, 90)])
    np.testing.assert_array_equal(kept.boxes, every.boxes[every.scores > np.float32(middle)])
    assert 0 < len(kept) < len(every)


def test_a_batch_of_one_size_equals_single_images(detector_folder: Path) -> None:
    pictures = [image(60, 90, seed) for seed in range(3)]
    together = detect(detector_folder, *pictures)
    for picture, found in zip(pictures, together, strict=True):
        (alone,) = detect(detector_folder, picture)
        np.testing.assert_allclose(found.boxes, alone.boxes, atol=1e-2)
        np.testing.assert_allclose(found.scores, alone.scores, atol=1e-4)


def test_what_the_other_images_of_a_batch_show_does_not_matter(detector_folder: Path) -> None:
    one, other = (detect(detector_folder, image(60, 120), image(120, 60, seed))[0] for seed in (1, 2))
    np.testing.assert_allclose(one.boxes, other.boxes, atol=1e-2)
    np.testing.assert_allclose(one.scores, other.scores, atol=1e-4)


def test_an_image_too_narrow_for_the_queries_is_padded(detector_folder: Path) -> None:
    (found,) = detect(detector_folder, image(2, 300))
    assert len(found) == 12
    assert np.isfinite(found.boxes).all()


def test_several_prompts_are_asked_one_after_the_other(detector_folder: Path) -> None:
    names = tuple(f"{first}{second} thing {first}" for first in "abcdefg" for second in "hijklmnop")
    picture = image(60, 90)
    settings = DetectorSettings(model=str(detector_folder), **EDGES)
    detector = open_detector(settings, class_set(*names), ALL, CPU)
    prompts = detector.describe()["prompts"]
    assert len(prompts) > 1
    (found,) = detector.detect([picture])
    assert len(found) == 12 * len(prompts)
    first = tuple(prompts[0].removesuffix(".").split(". "))
    (expected,) = detect(detector_folder, picture, names=first)
    np.testing.assert_array_equal(found.boxes[:12], expected.boxes)
    np.testing.assert_array_equal(found.classes[:12], expected.classes)
    assert (found.classes[12:24] >= len(first)).all()


def test_sixteen_bit_detectors_return_float32(detector_folder: Path) -> None:
    (exact,), (rough,) = (detect(detector_folder, image(60, 90), precision=p) for p in ("float32", "bfloat16"))
    assert len(rough) == len(exact)
    assert rough.boxes.dtype == rough.scores.dtype == np.float32


def masks_of(segmenter: Segmenter, picture: NDArray[np.uint8], boxes: NDArray[np.float32]) -> NDArray[np.bool_]:
    return np.stack(list(segmenter.segment(picture, boxes)))


def open_at(folder: Path, **options: Any) -> Segmenter:
    return open_segmenter(SegmenterSettings(model=str(folder), **options), CPU)


def test_masks_do_not_depend_on_how_many_boxes_are_taken_at_once(segmenter_folder: Path) -> None:
    picture = image(80, 170)
    whole = masks_of(open_at(segmenter_folder), picture, BOXES)
    assert whole.shape == (5, 80, 170)
    assert whole.dtype == bool
    assert 0 < whole.mean() < 1
    for at_once in (1, 2, 3):
        np.testing.assert_array_equal(masks_of(open_at(segmenter_folder, boxes_at_once=at_once), picture, BOXES), whole)


def test_masks_are_those_of_the_whole_model(segmenter_folder: Path) -> None:
    """Against one call of the model on pixels and boxes, which embeds the image by itself."""
    picture = image(80, 170)
    loaded = load_model(str(segmenter_folder), "segmenter")
    inputs = loaded.processor(images=picture, input_boxes=[BOXES.tolist()], return_tensors="pt")
    with torch.inference_mode():
        output = loaded.model(
            pixel_values=inputs["pixel_values"], input_boxes=inputs["input_boxes"].float(), multimask_output=False
        )
    sizes = {name: inputs[name] for name in inputs if name.endswith("_sizes")}
    expected = loaded.processor.post_process_masks(output.pred_masks, **sizes)[0][:, 0].numpy()
    np.testing.assert_array_equal(masks_of(open_at(segmenter_folder), picture, BOXES), expected)


def test_on_a_gpu_boxes_are_taken_as_its_memory_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: 3e9)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _: 2e9)
    counts = []
    for free in (0, 1e9, 2e9, 100e9):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _, free=free: (free, 200e9))
        counts.append([boxes_that_fit(pixels, torch.device("cuda")) for pixels in (1000, 1024 * 2048, 4096 * 8192)])
    # half of what is free or reserved without use, at 28 MB per box of a large image
    assert counts == [[17, 17, 1], [35, 35, 2], [53, 53, 3], [128, 128, 112]]
    assert boxes_that_fit(1000, CPU) == boxes_that_fit(4096 * 8192, CPU)


def test_no_boxes_give_no_masks(segmenter_folder: Path) -> None:
    assert list(open_at(segmenter_folder).segment(image(80, 170), np.zeros((0, 4), np.float32))) == []


def test_the_callers_computations_are_left_alone_between_masks(segmenter_folder: Path) -> None:
    for _ in open_at(segmenter_folder, precision="bfloat16").segment(image(80, 170), BOXES):
        assert not torch.is_inference_mode_enabled()
        assert not torch.is_autocast_enabled("cpu")


def test_an_image_three_pixels_high_is_not_taken_for_three_channels(segmenter_folder: Path) -> None:
    boxes = np.array([[0, 0, 40, 3]], np.float32)
    assert masks_of(open_at(segmenter_folder), image(3, 40), boxes).shape == (1, 3, 40)


def test_models_are_told_by_their_content_wherever_it_lies(
    detector_folder: Path, segmenter_folder: Path, tmp_path: Path
) -> None:
    def described(detector: Path, segmenter: Path) -> dict[str, Any]:
        opened = open_detector(DetectorSettings(model=str(detector), **EDGES), class_set(*NAMES), ALL, CPU)
        return {"detector": opened.describe(), "segmenter": open_at(segmenter).describe()}

    first = described(detector_folder, segmenter_folder)
    assert first == described(copytree(detector_folder, tmp_path / "a"), copytree(segmenter_folder, tmp_path / "b"))
    assert first["detector"]["prompts"] == ["road. sky. box. traffic light."]
    for part, folder in (("detector", detector_folder), ("segmenter", segmenter_folder)):
        assert first[part]["weights"] == [sha256((folder / "model.safetensors").read_bytes()).hexdigest()]
    assert json.loads(json.dumps(first)) == first
