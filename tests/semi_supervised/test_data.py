"""Which images are labelled: shares, lists, and ground truth that stays closed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from a2lc.classes import ClassSet
from a2lc.foundation.errors import InputError
from a2lc.foundation.processes import Processes
from a2lc.semi_supervised.arm import Arm
from a2lc.semi_supervised.data import ResizedImages, ResizedLabels, drawn, labelled_images, share_of, unlabelled_images
from a2lc.semi_supervised.opening import open_arms
from a2lc.semi_supervised.settings import load_training
from a2lc.semi_supervised.validation import SeenAt
from tests.support.folders import make_folder
from tests.support.tiny import tiny_data

IDS = tuple(f"image{number:02d}" for number in range(40))


def test_a_share_is_drawn_by_the_seed_and_smaller_ones_lie_in_larger_ones() -> None:
    eighth = drawn(IDS, "1/8", 1)
    assert len(eighth) == 5
    assert list(eighth) == sorted(eighth)
    assert eighth == drawn(IDS, "1/8", 1)
    assert eighth != drawn(IDS, "1/8", 2)
    assert set(eighth) < set(drawn(IDS, "1/4", 1)) < set(drawn(IDS, "20", 1))
    assert len(drawn(IDS, "20", 1)) == 20
    assert drawn(IDS, "1/1", 3) == IDS
    assert len(drawn(IDS, "1", 3)) == len(drawn(IDS, "1/1000", 3)) == 1
    with pytest.raises(InputError, match="split is 41, but there are 40"):
        drawn(IDS, "41", 1)


def arm_of(root: Path, *settings: str) -> Arm:
    config = root / "mine.yaml"
    config.write_text(f"job: semi_supervised\ndataset: {{name: folder, root: {root / 'data'}}}\n")
    return open_arms(load_training(str(config), ["device=cpu", *settings]), Processes())[0]


def test_the_ground_truth_of_unlabelled_images_stays_closed(tmp_path: Path, classes: ClassSet) -> None:
    tiny_data(tmp_path / "data", classes)
    arm = arm_of(tmp_path, "split=1/3")
    share = share_of(arm)
    assert (len(share.labelled), len(share.unlabelled)) == (2, 4)
    assert set(share.labelled).isdisjoint(share.unlabelled)
    labelled, unlabelled = labelled_images(arm, share), unlabelled_images(arm, share)
    assert labelled.labels.labels(share.labelled[0]).shape == (48, 56)
    with pytest.raises(PermissionError, match=share.unlabelled[0]):
        labelled.labels.labels(share.unlabelled[0])
    assert unlabelled.images(share.unlabelled[0]).shape == (48, 56, 3)


def test_lists_name_the_images(tmp_path: Path, classes: ClassSet) -> None:
    tiny_data(tmp_path / "data", classes)
    (tmp_path / "some.txt").write_text("image03\nimage01\n")
    (tmp_path / "others.txt").write_text("image05\n")
    share = share_of(arm_of(tmp_path, "split=1/8", f"labelled={tmp_path}/some.txt"))
    assert share.labelled == ("image03", "image01")
    assert share.unlabelled == ("image00", "image02", "image04", "image05")
    assert share.told == "list some.txt"
    lists = [f"labelled={tmp_path}/some.txt", f"unlabelled={tmp_path}/others.txt"]
    assert share_of(arm_of(tmp_path, "split=1/8", *lists)).unlabelled == ("image05",)
    (tmp_path / "some.txt").write_text("image07\n")
    with pytest.raises(InputError, match=r"some\.txt names images that are not for training"):
        share_of(arm_of(tmp_path, "split=1/8", f"labelled={tmp_path}/some.txt"))


def test_a_source_labels_all_its_images_and_none_of_the_target(tmp_path: Path, classes: ClassSet) -> None:
    tiny_data(tmp_path / "data", classes)
    make_folder(tmp_path / "source", classes, images=3)
    arm = arm_of(tmp_path, f"source={{name: folder, root: {tmp_path}/source}}", "source_size=[24,20]", "size=[10,12]")
    share = share_of(arm)
    assert (len(share.labelled), len(share.unlabelled)) == (3, 6)
    labelled, unlabelled = labelled_images(arm, share), unlabelled_images(arm, share)
    assert labelled.images("image00").shape == (24, 20, 3)
    assert labelled.labels.labels("image00").shape == (24, 20)
    assert unlabelled.images("image00").shape == (10, 12, 3)


def test_data_that_do_not_fit_are_refused(tmp_path: Path, classes: ClassSet) -> None:
    tiny_data(tmp_path / "data", classes)
    with pytest.raises(InputError, match="source has the classes road"):
        arm_of(tmp_path, f"source={{name: toyscapes, root: {tmp_path}/toys, train_images: 1, val_images: 1}}")
    with pytest.raises(InputError, match="evaluated names 'tree'"):
        arm_of(tmp_path, "split=1/2", "evaluated=box,tree")
    make_folder(tmp_path / "blind" / "data", classes, truth=False)
    blind = arm_of(tmp_path / "blind", "split=1/2")
    with pytest.raises(InputError, match="no ground truth"):
        labelled_images(blind, share_of(blind))


class Pixels:
    """Labels and images of one picture."""

    def labels(self, image_id: str) -> np.ndarray:
        return np.repeat(np.array([[0, 1], [2, 255]], dtype=np.uint8), 4, axis=0).repeat(4, axis=1)

    def image(self, image_id: str) -> np.ndarray:
        return np.full((8, 8, 3), 60, dtype=np.uint8)


def test_resized_labels_are_labels() -> None:
    labels = ResizedLabels(Pixels(), (4, 2)).labels("x")
    assert labels.tolist() == [[0, 1]] * 2 + [[2, 255]] * 2
    assert ResizedImages(Pixels().image, (4, 2))("x").shape == (4, 2, 3)


def test_a_network_that_sees_another_size_answers_in_that_of_the_images() -> None:
    seen: list[torch.Size] = []

    class Network(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            seen.append(images.shape)
            return images[:, :2]

    images = torch.linspace(0, 1, 20).expand(1, 3, 10, 20)
    logits = SeenAt(Network(), (5, 10))(images)
    assert seen == [(1, 3, 5, 10)]
    assert logits.shape == (1, 2, 10, 20)
    torch.testing.assert_close(logits, images[:, :2], atol=0.06, rtol=0)
