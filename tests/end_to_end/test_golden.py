"""Agreement with the official A²LC code, and with a small golden case of our own making."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from a2lc.acquisition import adaptive_class_weights, class_imbalance, score_masks, select_masks
from a2lc.annotators import AnnotatorSettings, GroundTruthAnnotator, Query
from a2lc.labels.state import apply_corrections

OFFICIAL = AnnotatorSettings(name="ground_truth", rule="majority", void="answer")


@dataclass(frozen=True)
class MapsByName:
    """Label maps in memory, as ground truth or label state."""

    labels_by_name: dict[str, np.ndarray]
    masks_by_name: dict[str, np.ndarray]

    def labels(self, image_id: str) -> np.ndarray:
        return self.labels_by_name[image_id]

    def masks(self, image_id: str) -> np.ndarray:
        return self.masks_by_name[image_id]

    def maps(self, image_id: str) -> tuple[np.ndarray, np.ndarray]:
        return self.labels(image_id), self.masks(image_id)


@cache
def load(folder: Path) -> tuple[dict[str, np.ndarray], dict, list[str]]:
    with np.load(folder / "golden" / "inputs_and_labels.npz") as file:
        arrays = {key: file[key] for key in file.files}
    expected = json.loads((folder / "golden" / "expected.json").read_text())
    return arrays, expected, sorted({key.rsplit("/", 1)[0] for key in arrays})


@pytest.mark.parametrize("round_index", [1, 2])
def test_official_code(shared: Path, round_index: int) -> None:
    arrays, expected, names = load(shared)
    wanted = expected["rounds"][str(round_index)]
    before = {(name, mask) for name, masks in wanted["already_queried_before"].items() for mask in masks}
    labels = {name: arrays[f"{name}/labels_round{round_index - 1}"] for name in names}
    masks = {name: arrays[f"{name}/masks"] for name in names}

    counts = np.zeros(256, dtype=np.int64)
    for name in names:
        queried = [mask for image, mask in before if image == name]
        pool = (masks[name] > 0) & ~np.isin(masks[name], queried)
        counts += np.bincount(labels[name][pool], minlength=256)
    counts = counts[:21]
    assert {str(c): int(n) for c, n in enumerate(counts) if n} == wanted["pixels_per_class_in_unqueried_masks"]
    assert class_imbalance(counts) == pytest.approx(wanted["kl_divergence_from_uniform"], abs=1e-9)
    weights = adaptive_class_weights(counts)
    assert weights == pytest.approx([wanted["class_weight"][str(c)] for c in range(21)], abs=1e-9)

    scores, queries = {}, {}
    for name in names:
        probabilities = arrays[f"{name}/probabilities_round{round_index}"].astype(np.float32)
        scored = score_masks(probabilities, labels[name], masks[name], "abc", weights)
        for row, mask in enumerate(scored.mask_id.tolist()):
            scores[name, mask] = float(scored.score[row])
            assert wanted["mask_pixels"][f"{name}:{mask}"] == scored.pixels[row]
            queries[name, mask] = Query(name, mask, int(scored.label[row]), 0.0, tuple(scored.representative[row]))
    assert len(scores) == len(wanted["acquisition"])
    for key, score in wanted["acquisition"].items():
        name, mask = key.rsplit(":", 1)
        assert scores[name, int(mask)] == pytest.approx(score, rel=1e-4, abs=0)

    selected = select_masks(scores, expected["budget"], before)
    assert set(selected) == {(name, mask) for name, chosen in wanted["selected"].items() for mask in chosen}

    truth = MapsByName({name: arrays[f"{name}/ground_truth"] for name in names}, masks)
    decisions = GroundTruthAnnotator(truth, OFFICIAL).answer(
        [queries[key] for key in selected], MapsByName(labels, masks)
    )
    transitions: dict[str, dict[str, int]] = {}
    corrections: dict[str, dict[int, int]] = {name: {} for name in names}
    for decision in decisions:
        counted = transitions.setdefault(str(decision.label_before), {})
        counted[str(decision.label_after)] = counted.get(str(decision.label_after), 0) + 1
        if decision.relabelled:
            corrections[decision.image_id][decision.mask_id] = decision.label_after
    assert transitions == wanted["label_transitions_of_queried_masks"]
    for name in names:
        corrected = apply_corrections(labels[name], masks[name], corrections[name])
        assert np.array_equal(corrected, arrays[f"{name}/labels_round{round_index}"]), name


def test_case_of_our_own() -> None:
    """One image, two classes, two masks, computed by hand from the formulas."""
    f0 = np.array([[0.8, 0.6, 0.4], [0.5, 0.1, 0.3]], dtype=np.float32)
    probabilities = np.stack([f0, 1 - f0])
    labels = np.array([[1, 1, 0], [255, 0, 0]], dtype=np.uint8)
    masks = np.array([[1, 1, 1], [2, 2, 2]])

    assert class_imbalance([1, 3]) == pytest.approx(0.25 * np.log(0.5) + 0.75 * np.log(1.5))
    kl = 0.25 * np.log(0.5) + 0.75 * np.log(1.5)
    assert adaptive_class_weights([1, 3, 0]) == pytest.approx([1, (1 / 3) ** kl**3, 0])

    def cosine(a: list[float], b: list[float]) -> float:
        return float(np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b))

    scored = score_masks(probabilities, labels, masks, "abc", [1.0, 0.5])
    # mask 1: predictions 0 0 1, core = first two, mean (.7, .3); c = .8, .6 (label 1, weight .5) and .6 (label 0)
    core = [0.7, 0.3]
    first = cosine(core, [0.8, 0.2]) * 0.5 * 0.8 + cosine(core, [0.6, 0.4]) * 0.5 * 0.6 + cosine(core, [0.4, 0.6]) * 0.6
    # mask 2: argmax of (.5, .5) is 0 (first), predictions 0 1 1, core mean (.2, .8); void takes the prediction 0
    core = [0.2, 0.8]
    second = cosine(core, [0.5, 0.5]) * 0.5 + cosine(core, [0.1, 0.9]) * 0.9 + cosine(core, [0.3, 0.7]) * 0.7
    assert scored.score == pytest.approx([first, second], rel=1e-6)
    assert scored.predicted.tolist() == [0, 1]
    assert scored.label.tolist() == [1, 0]
    assert scored.pixels.tolist() == [3, 3]
    # mask 2: (.1, .9) points closer to the core mean (.2, .8) than (.3, .7) does
    assert scored.representative.tolist() == [[0, 0], [1, 1]]
    assert scored.mean_probability == pytest.approx(np.array([[0.6, 0.4], [0.3, 0.7]]), abs=1e-6)
