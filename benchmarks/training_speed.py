"""How fast training is: each measure for speed against plain PyTorch, and the papers' configurations by themselves.

`rows` is training's part of the performance table: drawn JPEG images go from disk through augmentation into steps.
The command line measures the steps of a configuration alone, in full and in mixed precision: random images and
weights, which do not change the speed, and batches that are ready before the clock starts.

    python benchmarks/training_speed.py pascal                     # ResNet-101, crop 513, batch 16; needs a GPU
    python benchmarks/training_speed.py pascal --iterations 3 training.crop_size=96 training.batch_size=2
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional
from torchvision import tv_tensors
from torchvision.transforms import v2

from a2lc.foundation.images import image_size, read_image
from a2lc.loop.config import RunConfig, load_config
from a2lc.segmentation import NetworkSettings, TrainingSettings, build_network, make_objective
from a2lc.segmentation.decoded import decode_once
from a2lc.segmentation.descent import Descent
from a2lc.segmentation.loading import load_batches
from a2lc.segmentation.sampling import TrainingSamples, batch_of_step
from a2lc.segmentation.transforms import VOID, Augmentation, normalise, to_tensor

if TYPE_CHECKING:
    from benchmarks.table import Row

WARM_UP = 5  # iterations in which kernels are chosen and memory is taken
CLASSES = 21
IMAGES = 16
SIZE = (375, 500)  # of most images of PASCAL VOC
Advance = Callable[[Tensor, Tensor], float]


@dataclass(frozen=True)
class Photos:
    """Drawn images of photographs' size and sharpness, as JPEG files; the labels are stripes."""

    folder: Path

    def draw(self) -> None:
        """Write the files."""
        for index in range(IMAGES):
            coarse = np.random.default_rng(index).integers(0, 256, (SIZE[0] // 8, SIZE[1] // 8, 3), dtype=np.uint8)
            Image.fromarray(coarse).resize(SIZE[::-1]).save(self.image_path(str(index)), quality=90)

    def image_path(self, image_id: str) -> Path:
        """The file of an image."""
        return self.folder / f"{image_id}.jpg"

    def size(self, image_id: str) -> tuple[int, int]:
        """(height, width)."""
        return image_size(self.image_path(image_id))

    def image(self, image_id: str) -> NDArray[np.uint8]:
        """RGB (H, W, 3) uint8."""
        return read_image(self.image_path(image_id))

    def labels(self, image_id: str) -> NDArray[np.uint8]:
        """(H, W) uint8."""
        return np.tile(np.arange(SIZE[1], dtype=np.uint8) // 24, (SIZE[0], 1))


def rows() -> list[Row]:
    """Training with and without each measure for speed, on the GPU where there is one."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with tempfile.TemporaryDirectory() as folder:
        photos = Photos(Path(folder))
        photos.draw()
        kept = decode_once(photos, photos.folder / "cache")
        return [*_loading_rows(photos, kept), *_step_rows(photos, kept, device)]


def _loading_rows(photos: Photos, kept: Callable[[str], NDArray[np.uint8]]) -> list[Row]:
    from benchmarks.table import Row, seconds_of  # found from the root of the repository only

    def every(read: Callable[[str], object]) -> Callable[[], object]:
        return lambda: [np.array(read(str(index))) for index in range(IMAGES)]

    size = f"{SIZE[1]}x{SIZE[0]}"
    decoded, decoding = seconds_of(every(kept)) / IMAGES, seconds_of(every(photos.image)) / IMAGES
    image, labels = photos.image("0").copy(), photos.labels("0")
    augment, apart = Augmentation(TrainingSettings(scale=(1.5, 1.5))), tv_tensors.Image(to_tensor(image))
    size_after, crop = [int(side * 1.5) for side in SIZE], v2.RandomCrop(513, pad_if_needed=True)
    ours = seconds_of(lambda: augment(image, labels, 0), 21)
    plain = seconds_of(
        lambda: crop(
            v2.functional.resize(apart, size_after), v2.functional.resize(tv_tensors.Mask(labels), size_after)
        ),
        21,
    )
    return [
        Row(f"read an image of {size} that was decoded before", decoded, "decode the JPEG", decoding),
        Row(f"scale {size} by 1.5 and crop 513", ours, "colours apart in memory", plain),
    ]


def _step_rows(photos: Photos, kept: Callable[[str], NDArray[np.uint8]], device: torch.device) -> list[Row]:
    from benchmarks.table import Row

    on_gpu = device.type == "cuda"
    network = NetworkSettings(backbone="resnet101" if on_gpu else "mobilenetv1_100", backbone_weights="none")
    common = {"iterations": WARM_UP + 30, "batch_size": 16, "crop_size": 513} if on_gpu else {
        "iterations": WARM_UP + 5, "batch_size": 4, "crop_size": 128}  # fmt: skip
    off = {**common, "channels_last": False, "workers": 0}
    fast = {**common, "channels_last": True, "workers": None if on_gpu else 1}
    measures: dict[str, tuple[dict[str, Any], bool]] = {
        "fused optimizer": (off, False),
        "fused, channels_last": ({**off, "channels_last": True}, False),
        "fused, decoded images": (off, True),
        "fused, workers": ({**off, "workers": fast["workers"]}, False),
        "fused, accumulation=2": ({**off, "accumulation": 2}, False),
        "all of these but accumulation": (fast, True),
    }
    if on_gpu:
        measures["all, tf32"] = ({**fast, "tf32": True}, True)
        measures["all, mixed precision"] = ({**fast, "mixed_precision": True}, True)
        measures["all, mixed precision, compile"] = ({**fast, "mixed_precision": True, "compile": True}, True)

    def measured(changes: dict[str, Any], read: Callable[[str], NDArray[np.uint8]], plain: bool = False) -> Any:
        settings = TrainingSettings(**changes)
        built = build_network(network, CLASSES, seed=0).to(device)
        advance = (
            _plain(built, settings, device)
            if plain
            else Descent(built, settings, make_objective(settings, CLASSES), device, 0).advance
        )
        if on_gpu:
            torch.cuda.reset_peak_memory_stats()
        seconds = _seconds_per_step(advance, photos, read, settings, device)
        return seconds, torch.cuda.max_memory_allocated() / 2**20 if on_gpu else None

    def rate(seconds: float) -> str:
        return f"{common['batch_size'] / seconds:.3g} images/s"

    reference, _ = measured(off, photos.image, plain=True)
    table = []
    for name, (changes, decoded) in measures.items():
        seconds, peak = measured(changes, kept if decoded else photos.image)
        stage = f"training step, {network.backbone}, {common['batch_size']} crops of {common['crop_size']}, {name}: "
        yardstick = f"plain PyTorch: {rate(reference)}"
        table.append(Row(stage + rate(seconds), seconds, yardstick, reference, peak=peak))
    return table


def _seconds_per_step(
    advance: Advance, photos: Photos, read: Callable[[str], NDArray[np.uint8]], settings: TrainingSettings,
    device: torch.device,
) -> float:  # fmt: skip
    """Median over the steps, from batch to batch, loading included."""
    ids = [str(index) for index in range(IMAGES)]
    samples = TrainingSamples(read, photos, ids, CLASSES, Augmentation(settings))
    batches = (batch_of_step(step, IMAGES, settings.batch_size, (0,)) for step in range(settings.iterations))
    times = [time.perf_counter()]
    for images, labels in load_batches(samples, batches, settings.workers, device):
        advance(images, labels)
        times.append(time.perf_counter())
    return statistics.median(np.diff(times)[WARM_UP:])


def _plain(network: torch.nn.Module, settings: TrainingSettings, device: torch.device) -> Advance:
    """A training step as one writes it down first: PyTorch's defaults, but no TF32."""
    rates = {"lr": settings.learning_rate, "momentum": settings.momentum, "weight_decay": settings.weight_decay}
    optimizer = torch.optim.SGD(network.train().parameters(), **rates)

    def advance(images: Tensor, labels: Tensor) -> float:
        inputs = normalise(images.to(device), settings.mean, settings.std)
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            loss = functional.cross_entropy(network(inputs), labels.to(device).long(), ignore_index=VOID)
            optimizer.zero_grad()
            loss.backward()
        optimizer.step()
        return loss.item()

    return advance


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", choices=["pascal", "cityscapes"])
    parser.add_argument("settings", nargs="*", metavar="key=value")
    parser.add_argument("--iterations", type=int, default=200)
    arguments = parser.parse_intermixed_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    name = torch.cuda.get_device_name() if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    print(f"{arguments.config} on {name}, PyTorch {torch.__version__}, {arguments.iterations} iterations")
    print("| precision | median ms/iteration | images/s | peak memory (GiB) |\n| :-- | --: | --: | --: |")
    for mixed in [False, True] if device.type == "cuda" else [False]:
        more = ["network.backbone_weights=none", f"training.mixed_precision={str(mixed).lower()}"]
        (config,) = load_config(arguments.config, ["method=a2lc", *arguments.settings, *more])
        seconds, memory = measure(config, device, arguments.iterations)
        rate = config.training.batch_size / seconds
        print(f"| {'mixed' if mixed else 'full'} | {1000 * seconds:.1f} | {rate:.1f} | {memory:.2f} |", flush=True)


def measure(config: RunConfig, device: torch.device, iterations: int) -> tuple[float, float]:
    """Median seconds per iteration and peak memory in GiB (of the GPU, or of the whole process on a CPU)."""
    settings = config.training.model_copy(update={"iterations": iterations + WARM_UP})
    network = build_network(config.network, 21, seed=0).to(device)
    descent = Descent(network, settings, make_objective(settings, 21), device, fingerprint=0)
    shape = (settings.batch_size, *settings.crop)
    images = torch.randint(0, 256, (shape[0], 3, *shape[1:]), dtype=torch.uint8)
    labels = torch.randint(0, 21, shape, dtype=torch.uint8)
    if device.type == "cuda":
        images, labels = images.pin_memory(), labels.pin_memory()
        torch.cuda.reset_peak_memory_stats()
    times = []
    for _ in range(iterations + WARM_UP):
        started = time.perf_counter()
        descent.advance(images, labels)  # returns the loss, so it has waited for the device
        times.append(time.perf_counter() - started)
    on_cuda = device.type == "cuda"
    peak = torch.cuda.max_memory_allocated() if on_cuda else 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return statistics.median(times[WARM_UP:]), peak / 2**30


if __name__ == "__main__":
    main()
