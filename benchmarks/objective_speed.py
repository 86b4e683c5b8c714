"""What a training step costs with error-correcting output codes, against cross-entropy.

    python -m benchmarks --only objective_speed

PASCAL's 21 classes; on a CPU a ResNet-50 and four crops of 257, on a GPU a ResNet-101 and 16 of 513. The steps of both
take turns, and the fastest of each counts, which what else the machine does disturbs the least; each peak of memory is
that of a process of its own.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import torch

from a2lc.segmentation import NetworkSettings, TrainingSettings, build_network, make_objective
from a2lc.segmentation.descent import Descent
from benchmarks.table import Row, peak_memory

CLASSES = 21
WARM_UP = 2
LIMIT = "time at most 1.15x, memory at most 1.3x"
Step = Callable[[], float]


def rows() -> list[Row]:
    """A row for each variant of the codes."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    variants = {"cross-entropy": "cross_entropy", "codes": "plain", "codes, seeded": "seeded"}
    # before any network is built here: on Linux a process begins with the peak of the one that started it
    peaks = {name: _peak(variant, device) for name, variant in variants.items()}
    seconds = _seconds({name: _step(variant, device) for name, variant in variants.items()}, turns=7)
    table = []
    for name in list(variants)[1:]:
        memory = f"{peaks[name] / peaks['cross-entropy']:.3g}x the memory"
        stage = f"training step, {_size(device)}, {name}: {memory}"
        limit = LIMIT if name == "codes" else ""
        table.append(Row(stage, seconds[name], "cross-entropy", seconds["cross-entropy"], limit, peaks[name]))
    return table


def _size(device: str) -> str:
    return "resnet101, 16 crops of 513" if device == "cuda" else "resnet50, 4 crops of 257"


def _step(variant: str, device: str) -> Step:
    """A step of a training with this objective, on the same batch every time."""
    backbone, batch, crop = ("resnet101", 16, 513) if device == "cuda" else ("resnet50", 4, 257)
    chosen = {"objective": "cross_entropy"} if variant == "cross_entropy" else {
        "objective": "ecoc", "loss": {"ecoc": {"variant": variant}}}  # fmt: skip
    # a learning rate at which a step changes nothing: both stay where they began
    common = {"iterations": 1000, "batch_size": batch, "crop_size": crop, "learning_rate": 1e-6}
    settings = TrainingSettings.model_validate({**common, **chosen})
    objective = make_objective(settings, CLASSES)
    network = build_network(NetworkSettings(backbone=backbone, backbone_weights="none"), objective.channels, seed=0)
    descent = Descent(network.to(device), settings, objective, torch.device(device), fingerprint=0)
    random = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (batch, 3, crop, crop), generator=random, dtype=torch.uint8)
    labels = torch.randint(0, CLASSES, (batch, crop, crop), generator=random, dtype=torch.uint8)
    return lambda: descent.advance(images, labels)


def _seconds(steps: dict[str, Step], turns: int) -> dict[str, float]:
    """Seconds of the fastest of each step; they take turns."""
    found: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(WARM_UP + turns):
        for name, step in steps.items():
            started = time.perf_counter()
            step()
            found[name].append(time.perf_counter() - started)
    return {name: min(seconds[WARM_UP:]) for name, seconds in found.items()}


def _peak(variant: str, device: str) -> float:
    """Peak memory of some steps in MiB, in a process of its own: of the GPU where there is one."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(_peak_here, variant, device).result()


def _peak_here(variant: str, device: str) -> float:
    step = _step(variant, device)
    for _ in range(2):
        step()
    return torch.cuda.max_memory_allocated() / 2**20 if device == "cuda" else peak_memory()
