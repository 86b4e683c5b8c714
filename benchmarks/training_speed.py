"""Time per iteration and peak memory of training in the papers' configurations, in full and in mixed precision.

Random images and weights: neither changes the speed. Loading is left out: batches are ready before the clock starts.

    python benchmarks/training_speed.py pascal                     # ResNet-101, crop 513, batch 16; needs a GPU
    python benchmarks/training_speed.py pascal --iterations 3 training.crop_size=96 training.batch_size=2
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time

import torch

from a2lc.config import RunConfig, load_config
from a2lc.segmentation import build_network
from a2lc.segmentation.descent import Descent

WARM_UP = 5  # iterations in which kernels are chosen and memory is taken


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
    descent = Descent(network, settings, device, fingerprint=0)
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
