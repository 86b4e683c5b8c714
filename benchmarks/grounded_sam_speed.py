"""Time per image and peak memory of the Grounded-SAM backends, GroundingDINO-T and SAM ViT-B with random weights.

    python benchmarks/grounded_sam_speed.py [--backends transformers,reference] [--device cuda] [--batch-size 4]
                                            [--precision bfloat16] [--images 8] [--boxes 32] [--size 1024x2048]

Nothing is downloaded: the models are built from their published configurations, and random weights take as long as
trained ones. Each backend runs in a process of its own. Detection asks for the 19 classes of Cityscapes; segmentation
gets a fixed number of random boxes, because what random weights detect says nothing. `--tiny` takes tiny models, to try
the benchmark itself.
"""

from __future__ import annotations

import argparse
import importlib.util
import multiprocessing
import resource
import string
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from a2lc.classes import load_classes
from grounded_sam.backends import DetectorSettings, SegmenterSettings, open_detector, open_segmenter
from grounded_sam.detections import FilterSettings

SPECIAL = {0: "[PAD]", 100: "[UNK]", 101: "[CLS]", 102: "[SEP]", 103: "[MASK]", 1012: ".", 1029: "?"}
SHORTEST_EDGE = 512  # pixels to which the detector's images are resized, as the papers do it for Cityscapes
TINY_EDGE = 128  # the same for tiny models
T = TypeVar("T")


@dataclass(frozen=True)
class Task:
    """What is measured of each backend; sizes in pixels."""

    device: str
    precision: Any
    images: int
    batch_size: int
    boxes: int
    height: int
    width: int
    tiny: bool


@dataclass(frozen=True)
class Result:
    """Seconds per image of either step, and MiB: resident, and of the GPU where there is one."""

    detection: float
    segmentation: float
    memory: float
    gpu_memory: float


def main() -> None:
    """Measure the backends one after the other and print a table."""
    arguments = parse()
    height, width = map(int, arguments.size.split("x"))
    task = Task(
        arguments.device,
        arguments.precision,
        arguments.images,
        arguments.batch_size,
        arguments.boxes,
        height,
        width,
        arguments.tiny,
    )
    print(
        f"{arguments.size}, {task.device}, {task.precision}, batch size {task.batch_size}, {task.boxes} boxes per image"
    )
    print(f"{'backend':<14}{'detect s/img':>14}{'segment s/img':>15}{'img/s':>9}{'peak MiB':>10}{'GPU MiB':>9}")
    for backend in arguments.backends.split(","):
        with tempfile.TemporaryDirectory() as folder:
            models = alone(MAKERS[backend], Path(folder), task.tiny)
            result = alone(measure, backend, models, task)
        rate = 1 / (result.detection + result.segmentation)
        print(
            f"{backend:<14}{result.detection:>14.3f}{result.segmentation:>15.3f}{rate:>9.3f}"
            f"{result.memory:>10.0f}{result.gpu_memory:>9.0f}"
        )


def parse() -> argparse.Namespace:
    """Read the command line."""
    installed = all(importlib.util.find_spec(name) for name in ("groundingdino", "segment_anything"))
    cuda = torch.cuda.is_available()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backends", default="transformers,reference" if installed else "transformers")
    parser.add_argument("--device", default="cuda" if cuda else "cpu")
    parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16", "float16"])
    parser.add_argument("--images", type=int, default=16 if cuda else 1)
    parser.add_argument("--batch-size", type=int, default=1)
    parser.add_argument("--boxes", type=int, default=32, help="boxes that SAM gets per image")
    parser.add_argument("--size", default="1024x2048", help="height x width of the images in pixels")
    parser.add_argument("--tiny", action="store_true", help="tiny models, to try the benchmark itself")
    return parser.parse_args()


def alone(function: Callable[..., T], *arguments: Any) -> T:
    """Call a function in a process of its own, which takes its memory with it when it ends."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(function, *arguments).result()


def measure(backend: Any, models: tuple[Path, Path], task: Task) -> Result:
    """Load both models of one backend and time its two steps; on CUDA after a first time that is not counted."""
    device = torch.device(task.device)
    chosen: dict[str, Any] = {"backend": backend, "precision": task.precision}
    shortest = TINY_EDGE if task.tiny else SHORTEST_EDGE
    detector_settings = DetectorSettings(
        model=str(models[0]), shortest_edge=shortest, longest_edge=2 * shortest, **chosen
    )
    detector = open_detector(detector_settings, load_classes("cityscapes"), FilterSettings(), device)
    segmenter = open_segmenter(SegmenterSettings(model=str(models[1]), **chosen), device)
    images, boxes = random_input(task)

    def detect() -> None:
        for start in range(0, len(images), task.batch_size):
            detector.detect(images[start : start + task.batch_size])

    def segment() -> None:
        for image in images:
            for _ in segmenter.segment(image, boxes):
                pass

    if device.type == "cuda":
        detect()
        segment()
        torch.cuda.reset_peak_memory_stats(device)
    detection, segmentation = (seconds(step, device) / task.images for step in (detect, segment))
    gpu_memory = torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else 0
    return Result(detection, segmentation, peak_memory(), gpu_memory)


def seconds(step: Callable[[], None], device: torch.device) -> float:
    """How long a step takes, the work of the GPU included."""
    start = time.perf_counter()
    step()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def peak_memory() -> float:
    """Most resident memory that this process has had, in MiB, while it loaded the models or ran them."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def random_input(task: Task) -> tuple[list[NDArray[np.uint8]], NDArray[np.float32]]:
    """Noise images (H, W, 3), and boxes (N, 4) inside them, x0 y0 x1 y1 in pixels."""
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (task.height, task.width, 3), dtype=np.uint8) for _ in range(task.images)]
    corners = np.sort(rng.random((task.boxes, 2, 2)), axis=1) * [task.width, task.height]
    return images, corners.reshape(-1, 4).astype(np.float32)


def vocabulary(size: int) -> list[str]:
    """A made-up BERT vocabulary that knows the words of the classes; the special tokens stand where the model wants."""
    words = {word for entry in load_classes("cityscapes").classes for text in entry.prompts for word in text.split()}
    letters = [*string.ascii_lowercase, *(f"##{letter}" for letter in string.ascii_lowercase)]
    known = [*(SPECIAL.get(index, f"[unused{index}]") for index in range(1030)), *sorted(words | set(letters))]
    return known + [f"[unused{index}]" for index in range(len(known), size)]


def tokenizer_of(size: int) -> Any:
    """A tokenizer of that made-up vocabulary."""
    from transformers import BertTokenizer

    return BertTokenizer(vocab={word: index for index, word in enumerate(vocabulary(size))})


def transformers_models(folder: Path, tiny: bool) -> tuple[Path, Path]:
    """Save both models as on the hub; return the folders of the detector and of the segmenter."""
    import transformers as hf

    detector_config, segmenter_config = configs(tiny)
    detector, segmenter = folder / "detector", folder / "segmenter"
    hf.GroundingDinoForObjectDetection(detector_config).save_pretrained(detector)
    hf.GroundingDinoImageProcessorPil().save_pretrained(detector)
    tokenizer_of(detector_config.text_config.vocab_size).save_pretrained(detector)
    hf.SamModel(segmenter_config).save_pretrained(segmenter)
    side = segmenter_config.vision_config.image_size
    hf.SamImageProcessorPil(size={"longest_edge": side}, pad_size={"height": side, "width": side}).save_pretrained(
        segmenter
    )
    return detector, segmenter


def reference_models(folder: Path, tiny: bool) -> tuple[Path, Path]:
    """Save both models like the published .pth files, with the vocabulary beside them; return their paths."""
    from grounded_sam.backends.reference_detector import build_detector
    from grounded_sam.backends.reference_segmenter import build_segmenter

    detector_config, segmenter_config = configs(tiny)
    words = detector_config.text_config.vocab_size
    detector, segmenter = folder / "detector.pth", folder / "segmenter.pth"
    (folder / "vocab.txt").write_text("\n".join(vocabulary(words)) + "\n", encoding="utf-8")
    torch.save({"model": build_detector(detector_config, tokenizer_of(words)).state_dict()}, detector)
    torch.save(build_segmenter(segmenter_config).state_dict(), segmenter)
    return detector, segmenter


def configs(tiny: bool) -> tuple[Any, Any]:
    """Sizes of GroundingDINO-T and SAM ViT-B, or of the smallest detector and segmenter that run."""
    from transformers import BertConfig, GroundingDinoConfig, SamConfig, SwinConfig

    if not tiny:
        return GroundingDinoConfig(), SamConfig()
    bert = BertConfig(hidden_size=64, num_hidden_layers=1, num_attention_heads=1, intermediate_size=64, vocab_size=2000)
    swin = SwinConfig(embed_dim=16, depths=[1] * 4, num_heads=[1, 2, 2, 2], out_indices=[2, 3, 4])
    layers = {"encoder_layers": 1, "decoder_layers": 2, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64}
    patches = {"image_size": TINY_EDGE, "patch_size": 16}
    vision = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "global_attn_indexes": [], **patches}
    return (
        GroundingDinoConfig(text_config=bert, backbone_config=swin, num_queries=64, **layers),
        SamConfig(vision_config=vision, prompt_encoder_config=patches),
    )


MAKERS = {"transformers": transformers_models, "reference": reference_models}

if __name__ == "__main__":
    main()
