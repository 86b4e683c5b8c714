"""An audit by the predictions of any model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from a2lc.cli import main
from a2lc.foundation.images import read_index_map, write_label_map
from tests.support.audit_case import audit_arguments, colored_folder, read_rows, two_things


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Six images whose right labels the predictions know, one of them with a wrong label, and the predictions."""
    colored_folder(tmp_path / "data", two_things(), images=6)
    for index in range(6):
        path = tmp_path / "data" / "ground_truth" / f"image{index:02d}.png"
        labels = read_index_map(path).astype(np.uint8)
        array = probabilities(labels)
        target = tmp_path / "predictions" / f"image{index:02d}"
        target.parent.mkdir(exist_ok=True)
        if index % 2:
            np.savez_compressed(target.with_suffix(".npz"), array)
        else:
            np.save(target.with_suffix(".npy"), array.astype(np.float16))
        if index == 4:
            write_label_map(path, np.where(labels == 1, 2, labels).astype(np.uint8), two_things().palette())
    return tmp_path / "data"


def probabilities(labels: NDArray[np.uint8]) -> NDArray[np.float32]:
    array = np.full((3, *labels.shape), 0.1, dtype=np.float32)
    np.put_along_axis(array, labels[None].astype(np.int64), 0.8, axis=0)
    return array


def arguments(data: Path, *more: str) -> list[str]:
    root = data.parent
    return audit_arguments(data, root / "audit", "--predictions", str(root / "predictions"), *more)


def test_labels_are_judged_without_training(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = data.parent / "audit"
    assert main(arguments(data)) == 0
    rows = read_rows(target / "masks.csv")
    assert (rows[0]["image_id"], rows[0]["given"], rows[0]["predicted"]) == ("image04", "blue <box>", "red box")
    assert [row["suspicious"] for row in rows] == ["True"] + ["False"] * 11
    assert not list(target.glob("fold_*"))
    assert 'alarm">' not in (target / "report.html").read_text()
    assert main(audit_arguments(data, target)) == 2  # networks were asked for
    assert "--predictions: given -> none" in capsys.readouterr().err


def test_other_predictions_are_judged_anew(data: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert main(arguments(data)) == 0
    for path in (data.parent / "predictions").iterdir():
        path.unlink()
        labels = read_index_map(data / "ground_truth" / f"{path.stem}.png").astype(np.uint8)
        wrong = np.choose(labels, [0, 2, 1]).astype(np.uint8)
        np.save(path.with_suffix(".npy"), probabilities(wrong))
    assert main(arguments(data, "--score", "pooled")) == 0
    rows = read_rows(data.parent / "audit" / "masks.csv")
    assert min(float(row["score"]) for row in rows) > 0.5


def test_every_unfit_file_is_named(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = data.parent / "predictions"
    good = np.load(folder / "image00.npy")
    np.save(folder / "image00.npy", good[:2])
    (folder / "image01.npz").unlink()
    np.save(folder / "image02.npy", good * 2)
    np.savez(folder / "image03.npz", good, good)
    (folder / "image04.npy").write_bytes(b"no array")
    np.savez(folder / "image05.npz", good.astype(np.float64))
    assert main(arguments(data)) == 2
    said = capsys.readouterr().err
    for sentence in (
        "'image00': its predictions are 2x48x64, expected 3x48x64",
        "'image01': there is no",
        "'image02': the sum over the classes is off from 1 by up to 1",
        "holds 2 arrays",
        "image04.npy cannot be read as an array",
        "'image05': its predictions are float64",
    ):
        assert sentence in said
    assert not (data.parent / "audit").exists()


def test_pixels_that_are_no_probabilities(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = data.parent / "predictions"
    good = np.load(folder / "image00.npy").astype(np.float32)
    negative, hole = good.copy(), good.copy()
    negative[:2] += np.array([-1, 1], dtype=np.float32)[:, None, None]
    hole[0, 5, 5] = np.nan
    np.save(folder / "image00.npy", negative)
    np.save(folder / "image02.npy", hole)
    assert main(arguments(data)) == 2
    assert capsys.readouterr().err.count("negative or not finite") == 2
