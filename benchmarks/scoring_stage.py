"""The scoring stage as a whole against the network alone: python -m benchmarks.scoring_stage

"The network alone" is what `View.probabilities` does with images that lie decoded in memory: normalisation, forward
pass, upsampling to the size of the image and softmax; same images, same network, same threads. "The stage" is
`a2lc.loop.scoring.score`: counting the labels, loading images, labels and masks, the network, the statistics of all
masks, and writing the mask table.

Images are drawn by seed, of PASCAL's size and with about as many masks, unless --root and --pseudo-labels name real
ones (PASCAL VOC 2012 layout); the network has random weights. On a CUDA device the network is a ResNet-101 and the
images are 1024x2048.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import torch as safetensors

from a2lc.classes import parse_classes
from a2lc.foundation.images import write_image
from a2lc.labels.store import PseudoLabelWriter
from a2lc.loop.config import load_config
from a2lc.loop.opening import open_runs
from a2lc.loop.run import Run
from a2lc.loop.scoring import score
from a2lc.segmentation import NativeView, ScoringNetwork, build_network, load_weights, make_objective
from a2lc.segmentation.descent import weights_of
from a2lc.segmentation.transforms import to_tensor
from benchmarks.table import Row, markdown, peak_memory

_REPEATS = 3
_LIMIT = "at most 1.15x the network's time"


@dataclass(frozen=True)
class Case:
    """What is scored.

    Attributes:
        name: What the row is called.
        images: Number of images.
        size: Height and width in pixels.
        masks: Masks per image.
        settings: Of the run: network, device, workers.
    """

    name: str
    images: int
    size: tuple[int, int]
    masks: int
    settings: tuple[str, ...]


_MOBILENET = ("network.backbone=mobilenetv1_100", "network.separable=true")
PASCAL = Case("scoring, MobileNetV1", 24, (375, 500), 8, (*_MOBILENET, "device=cpu"))
CITYSCAPES = Case(
    "scoring, ResNet-101", 24, (1024, 2048), 100,
    ("network.backbone=resnet101", "device=cuda", "training.workers=8", "scoring.mixed_precision=bf16"),
)  # fmt: skip
SMALL = ("network.backbone=test_resnet", "network.aspp_channels=16", "device=cpu", "training.workers=0")


def rows() -> list[Row]:
    """The stage on drawn images: MobileNetV1 on the CPU and, where there is one, ResNet-101 on the GPU."""
    cases = [PASCAL, CITYSCAPES] if torch.cuda.is_available() else [PASCAL]
    return [_drawn_row(case) for case in cases]


def scaling() -> list[Row]:
    """Seconds per image, and peak memory of a process of its own, for more and more images."""
    found = []
    for images in (50, 100, 200, 400):
        command = [sys.executable, "-m", "benchmarks.scoring_stage", "--scored", str(images)]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=dict(os.environ)).stdout
        seconds, peak = map(float, output.split())
        found.append(Row(f"scoring an image, of {images}", seconds / images, limit="constant", peak=peak))
    return found


def _drawn_row(case: Case) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        return measure(drawn_run(case, Path(folder)), case.name)


def measure(run: Run, name: str) -> Row:
    """Time the stage and the network alone, by turns; the medians count."""
    network = build_network(run.config.network, len(run.dataset.classes), seed=0)
    load_weights(network, run.weights_path(0))
    ready = ScoringNetwork(network, run.config.scoring, run.device).eval()
    images = [to_tensor(run.dataset.image(image_id)).unsqueeze(0) for image_id in run.dataset.ids("train")]
    _forward(run, ready, images[:2])
    _score(run)
    times = [(_score(run), _forward(run, ready, images)) for _ in range(_REPEATS)]
    stage, alone = (float(np.median(column)) for column in zip(*times, strict=True))
    count = len(images)
    return Row(f"{name}, {count} images", stage, "its network alone", alone, _LIMIT, peak_memory())


def _score(run: Run) -> float:
    run.mask_table_path(1).unlink(missing_ok=True)
    started = time.perf_counter()
    score(run, 1)
    return time.perf_counter() - started


def _forward(run: Run, network: torch.nn.Module, images: list[torch.Tensor]) -> float:
    settings, view = run.config.training, NativeView()
    objective = make_objective(settings, len(run.dataset.classes))
    started = time.perf_counter()
    for image in images:
        view.probabilities(network, image.to(run.device), settings.mean, settings.std, objective)
    if run.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


def drawn_run(case: Case, folder: Path) -> Run:
    """A run on drawn images, its first network "trained": random weights on disk."""
    classes = parse_classes({"classes": [f"class {index}" for index in range(21)]}, "drawn")
    writer = PseudoLabelWriter(folder / "pseudo_labels", classes, {"backend": "drawn"})
    for index in range(case.images):
        image, labels, masks = draw(case, index)
        write_image(folder / "images" / f"{index:04d}.jpg", image)
        writer.write(f"{index:04d}", labels, masks)
    writer.finish()
    classes.write(folder / "classes.yaml")
    return trained_run("folder", (f"dataset.root={folder}", "annotator=answers", *case.settings), folder / "out")


def draw(case: Case, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Image (H, W, 3) uint8 of smooth noise, labels (H, W) uint8, and ellipses as masks (H, W) uint16."""
    random, (height, width) = np.random.default_rng(index), case.size
    coarse = torch.from_numpy(random.integers(0, 256, (1, 3, height // 8, width // 8)).astype(np.float32))
    image = torch.nn.functional.interpolate(coarse, size=case.size, mode="bilinear")[0].permute(1, 2, 0).byte().numpy()
    labels, masks = np.zeros(case.size, dtype=np.uint8), np.zeros(case.size, dtype=np.uint16)
    rows, columns = np.ogrid[:height, :width]
    for mask in range(1, case.masks + 1):
        radius = random.uniform(0.3, 1.2, 2) * np.sqrt(height * width / case.masks) / 2
        inside = ((rows - random.uniform(0, height)) / radius[0]) ** 2 + (
            (columns - random.uniform(0, width)) / radius[1]
        ) ** 2 < 1
        labels[inside], masks[inside] = random.integers(1, 21), mask
    return image, labels, masks


def trained_run(config: str, settings: tuple[str, ...], output: Path) -> Run:
    """A run whose round 0 has random weights."""
    common = ("method=a2lc", "seeds=1", "network.backbone_weights=none", "training.iterations=1", f"output={output}")
    (run,) = open_runs(load_config(config, [*common, "scoring.view=native", *settings]))
    network = build_network(run.config.network, len(run.dataset.classes), seed=0)
    for name in ("best", "last"):
        path = run.round_folder(0) / f"{name}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(safetensors.save(weights_of(network)))
    return run


def _scored(images: int) -> None:
    """Score that many small images and print the seconds and the peak memory in MiB."""
    with tempfile.TemporaryDirectory() as folder:
        run = drawn_run(Case("", images, (96, 128), 10, SMALL), Path(folder))
        print(_score(run), peak_memory())


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="folder that holds VOCdevkit/VOC2012")
    parser.add_argument("--pseudo-labels", type=Path, help="pseudo-label set of its training images")
    parser.add_argument("--scored", type=int, help=argparse.SUPPRESS)
    parser.add_argument("settings", nargs="*", help="of the run, for example training.workers=0")
    arguments = parser.parse_intermixed_args()
    if arguments.scored:
        _scored(arguments.scored)
    elif arguments.root:
        given = (f"dataset.root={arguments.root}", f"pseudo_labels={arguments.pseudo_labels}")
        with tempfile.TemporaryDirectory() as folder:
            run = trained_run("pascal", (*given, *PASCAL.settings, *arguments.settings), Path(folder))
            print(markdown([measure(run, PASCAL.name)]))
    else:
        print(markdown(rows() + scaling()))


if __name__ == "__main__":
    main()
