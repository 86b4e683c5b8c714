"""The reference packages and transformers agree: same files, same boxes, classes and masks."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from a2lc.classes import ClassSet, parse_classes
from a2lc.foundation.errors import InputError
from grounded_sam.backends import DetectorSettings, SegmenterSettings, open_detector, open_segmenter
from grounded_sam.backends.transformers_detector import size_seen
from grounded_sam.detections import Detections, Detector, FilterSettings, Segmenter

pytest.importorskip("groundingdino", reason="needs the extra 'reference'")
pytest.importorskip("segment_anything", reason="needs the extra 'reference'")

from tests.support import gsam_reference_tiny as tiny

Backend = Literal["reference", "transformers"]
CPU = torch.device("cpu")
EDGES: dict[str, Any] = {"shortest_edge": 64, "longest_edge": 128}
SIZES = [(60, 120), (97, 64), (50, 71), (33, 33), (30, 170)]  # height and width; the longest edge binds the last
THRESHOLD = 0.4  # about half of the random scores are below


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Official-looking files of a detector and of a segmenter."""
    folder = tmp_path_factory.mktemp("weights")
    return tiny.save_detector(folder), tiny.save_segmenter(folder)


@pytest.fixture(scope="module")
def street() -> ClassSet:
    """Classes of one word, of parts of words, of two words that share one, and with a synonym."""
    names: list[object] = ["road", "trafficlight", "traffic sign", {"name": "box", "prompts": ["box", "traffic box"]}]
    return parse_classes({"classes": [*names, "sky"]}, "test classes")


def image_of(height: int, width: int) -> NDArray[np.uint8]:
    """Coloured rectangles on noise."""
    rng = np.random.default_rng(height * 1000 + width)
    image = rng.integers(60, 120, (height, width, 3), dtype=np.uint8)
    for _ in range(4):
        row, column = rng.integers(0, height - 10), rng.integers(0, width - 10)
        image[row : row + height // 3, column : column + width // 3] = rng.integers(0, 256, 3)
    return image


def detector_of(backend: Backend, path: Path, classes: ClassSet, compat: bool = False) -> Detector:
    settings = DetectorSettings(backend=backend, model=str(path), reference_compat=compat, **EDGES)
    return open_detector(settings, classes, FilterSettings(score_threshold=THRESHOLD), CPU)


def segmenter_of(backend: Backend, path: Path) -> Segmenter:
    return open_segmenter(SegmenterSettings(backend=backend, model=str(path), boxes_at_once=3), CPU)


def assert_same(found: Detections, expected: Detections) -> None:
    """Boxes to 1e-4 pixels, scores to 1e-4, classes exactly."""
    assert len(found) == len(expected)
    np.testing.assert_array_equal(found.classes, expected.classes)
    np.testing.assert_allclose(found.boxes, expected.boxes, atol=1e-4, rtol=0)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-4, rtol=0)


@pytest.mark.parametrize("compat", [False, True])
def test_same_boxes_classes_and_scores(weights: tuple[Path, Path], street: ClassSet, compat: bool) -> None:
    ours = detector_of("transformers", weights[0], street, compat)
    theirs = detector_of("reference", weights[0], street, compat)
    images = [image_of(*size) for size in SIZES]
    found = [theirs.detect([image])[0] for image in images]
    for one, image in zip(found, images, strict=True):
        assert_same(ours.detect([image])[0], one)
    pair = [images[0], image_of(64, 96)]  # the second is padded
    for one, other in zip(ours.detect(pair), theirs.detect(pair), strict=True):
        assert_same(one, other)
    assert 0 < sum(map(len, found)) < len(images) * tiny.DETECTOR.num_queries  # so the threshold was at work
    assert len(np.unique(np.concatenate([one.classes for one in found]))) >= 2


def test_images_are_resized_by_the_rule_of_the_package() -> None:
    from groundingdino.datasets.transforms import resize

    rng = np.random.default_rng(0)
    for height, width in [*SIZES, (281, 500), (500, 281), *rng.integers(20, 700, (100, 2)).tolist()]:
        theirs, _ = resize(Image.new("RGB", (width, height)), None, 80, 133)
        assert size_seen(height, width, 80, 133) == theirs.size[::-1]


def test_same_boxes_for_more_classes_than_one_caption_holds(weights: tuple[Path, Path]) -> None:
    many = parse_classes({"classes": [f"{'spelled' * 2}{index}" for index in range(20)]}, "test classes")
    ours, theirs = (detector_of(backend, weights[0], many) for backend in ("transformers", "reference"))
    assert len(theirs.describe()["prompts"]) == 2
    assert theirs.describe()["prompts"] == ours.describe()["prompts"]
    image = image_of(*SIZES[1])
    assert_same(ours.detect([image])[0], theirs.detect([image])[0])


def test_same_masks(weights: tuple[Path, Path], street: ClassSet) -> None:
    detector = detector_of("reference", weights[0], street)
    ours, theirs = (segmenter_of(backend, weights[1]) for backend in ("transformers", "reference"))
    for size in SIZES:
        image = image_of(*size)
        boxes = np.vstack([detector.detect([image])[0].boxes[:6], [[-5, -5, 20, 20], [0, 0, size[1], size[0]]]])
        one, other = (
            np.stack(list(segmenter.segment(image, boxes.astype(np.float32)))) for segmenter in (ours, theirs)
        )
        assert one.shape == other.shape == (len(boxes), *size)
        assert one.dtype == other.dtype == np.bool_
        assert (one != other).mean() <= 1e-4
        assert len(np.unique(other.reshape(len(boxes), -1), axis=0)) > 1  # masks depend on their boxes


def test_boxes_at_once_change_no_mask_and_no_boxes_give_none(weights: tuple[Path, Path]) -> None:
    image, boxes = image_of(40, 60), np.array([[2, 3, 30, 30], [0, 0, 9, 9], [5, 5, 50, 35]], dtype=np.float32)
    few, many = (
        open_segmenter(SegmenterSettings(backend="reference", model=str(weights[1]), boxes_at_once=count), CPU)
        for count in (2, None)
    )
    np.testing.assert_array_equal(list(few.segment(image, boxes)), list(many.segment(image, boxes)))
    assert list(few.segment(image, boxes[:0])) == []


def test_narrow_image_is_searched(weights: tuple[Path, Path], street: ClassSet) -> None:
    detector = detector_of("reference", weights[0], street)
    assert len(detector.detect([image_of(12, 300)])[0]) > 0  # fewer positions than queries


def test_the_package_is_left_as_it_was(weights: tuple[Path, Path], street: ClassSet) -> None:
    from groundingdino.models.GroundingDINO import groundingdino
    from groundingdino.models.GroundingDINO.bertwarper import BertModelWarper

    detector_of("reference", weights[0], street)
    assert groundingdino.BertModelWarper is BertModelWarper


def test_16_bit_numbers_find_nearly_the_same_masks(weights: tuple[Path, Path]) -> None:
    image, boxes = image_of(40, 60), np.array([[2, 3, 30, 30]], dtype=np.float32)
    settings = SegmenterSettings(backend="reference", model=str(weights[1]), precision="bfloat16")
    (rough,), (exact,) = (
        list(segmenter.segment(image, boxes))
        for segmenter in (open_segmenter(settings, CPU), segmenter_of("reference", weights[1]))
    )
    assert (rough != exact).mean() < 0.05


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda weights: weights.pop("feat_map.bias"), r"1 weights are missing \(feat_map.bias\)"),
        (lambda weights: weights.update(extra=torch.zeros(1)), r"1 weights are unknown \(extra\)"),
        (lambda weights: weights.update({"feat_map.bias": torch.zeros(3)}), "size mismatch for feat_map.bias"),
        (
            lambda weights: weights.pop("transformer.tgt_embed.weight"),
            "has no weights 'model.query_position_embeddings.weight'",
        ),
    ],
)
def test_detector_weights_that_fit_in_part_are_refused(
    weights: tuple[Path, Path], street: ClassSet, tmp_path: Path, change: Callable[[dict[str, Any]], Any], said: str
) -> None:
    content = torch.load(weights[0], weights_only=True)["model"]
    content = {name.removeprefix("module."): tensor for name, tensor in content.items()}
    change(content)
    torch.save({"model": content}, tmp_path / "detector.pth")
    shutil.copy(weights[0].with_name("vocab.txt"), tmp_path)
    with pytest.raises(InputError, match=rf"detector\.pth belongs to another model .*{said}.*groundingdino_swint_ogc"):
        detector_of("reference", tmp_path / "detector.pth", street)


def test_files_of_the_other_task_are_refused(weights: tuple[Path, Path], street: ClassSet) -> None:
    with pytest.raises(InputError, match=r"segmenter\.pth belongs to another model .*groundingdino_swint_ogc"):
        detector_of("reference", weights[1], street)
    with pytest.raises(InputError, match=r"detector\.pth belongs to another model .*sam_vit_h_4b8939"):
        segmenter_of("reference", weights[0])


def test_known_names_missing_vocabulary_and_missing_packages_are_told(
    weights: tuple[Path, Path], street: ClassSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match=r"'grounding-dino-tiny'.*official \.pth file.*set detector\.model"):
        detector_of("reference", Path("grounding-dino-tiny"), street)
    shutil.copy(weights[0], tmp_path)
    with pytest.raises(InputError, match=r"fetch vocab\.txt"):
        detector_of("reference", tmp_path / "detector.pth", street)
    for name in ("segment_anything", "segment_anything.modeling"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=r"pip install 'a2lc\[reference\]'"):
        segmenter_of("reference", weights[1])


@pytest.mark.slow
def test_benchmark_prints_a_row_per_backend() -> None:
    script = Path(__file__).parents[2] / "benchmarks/grounded_sam_speed.py"
    options = ["--tiny", "--device", "cpu", "--boxes", "2", "--size", "64x128"]
    output = subprocess.run([sys.executable, script, *options], check=True, stdout=subprocess.PIPE, text=True).stdout
    rows = {line.split()[0]: [float(value) for value in line.split()[1:]] for line in output.splitlines()[2:]}
    assert list(rows) == ["transformers", "reference"]
    assert all(images_per_second > 0 and memory > 0 for _, _, images_per_second, memory, _ in rows.values())
