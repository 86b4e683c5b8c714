"""How good networks become on given labels: the ground truth of the training images, the first labels, or any others.

    python -m benchmarks.trained_on pascal dataset.root=data/voc pseudo_labels=data/grounded_sam/0.2 \\
        network.backbone=mobilenetv1_100 training=frozen seeds=1,2,3 --labels ground_truth --to outputs/ground_truth

A network per seed is trained as the loop trains θ₀, with the same random choices, and measured on the validation
images: mIoU over classes that occur in at least `--at-least` training images, over present classes and over all, and
pixel accuracy. `metrics.json` of a seed has them with the CPU time; a training that was stopped continues.
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from a2lc.datasets import Dataset, open_dataset
from a2lc.evaluation.metrics import ConfusionMatrix
from a2lc.formats import Reading, open_labels
from a2lc.foundation.devices import choose_device, prepare_device
from a2lc.foundation.digests import FileDigests
from a2lc.foundation.files import read_json, write_json
from a2lc.foundation.seeding import seed_of
from a2lc.labels.base import LabelSource
from a2lc.labels.store import open_pseudo_labels
from a2lc.loop.config import RunConfig, load_config
from a2lc.loop.features import sight
from a2lc.segmentation import build_network, evaluate_network, make_objective, train


def labels_named(name: str, config: RunConfig, dataset: Dataset) -> LabelSource:
    """What is learned from: ground_truth, initial (the pseudo-label set), or a folder of labels in any format."""
    if name == "ground_truth":
        assert dataset.ground_truth is not None, "the training images have no ground truth"
        return dataset.ground_truth
    if name == "initial":
        folder = config.pseudo_labels or dataset.pseudo_labels
        assert folder is not None, "set pseudo_labels"
        return open_pseudo_labels(folder, config.undetected)
    return open_labels(Path(name), Reading(dataset.classes))


def frequent_classes(dataset: Dataset, at_least: int) -> list[int]:
    """Classes that occur in the ground truth of so many training images."""
    counts = np.zeros(256, dtype=int)
    assert dataset.ground_truth is not None
    for image_id in dataset.ids("train"):
        counts[np.unique(dataset.ground_truth.labels(image_id))] += 1
    return [k for k in range(len(dataset.classes)) if counts[k] >= at_least]


def measure(
    config: RunConfig, dataset: Dataset, labels: LabelSource, seed: int, folder: Path
) -> tuple[ConfusionMatrix, dict[str, float]]:
    """Train a network of a seed on labels; its confusion on the validation images, and what it took.

    Args:
        config: Network and training.
        dataset: Images of both splits.
        labels: What is learned from.
        seed: Of network and training.
        folder: Where the weights go.
    """
    device = choose_device(config.device)
    prepare_device(device, config.deterministic)
    classes = dataset.classes
    truth = dataset.validation_truth
    assert truth is not None, "the validation images have no ground truth"
    channels = make_objective(config.training, len(classes), classes.void).channels
    network = build_network(config.network, channels, seed_of(seed, 0, "network")).to(device)
    ids, validated = dataset.ids("train"), dataset.ids("val")
    began = time.process_time()
    seen = sight(config, dataset, network, device, digests=FileDigests(), learns=ids, judges=validated)
    started = time.process_time()
    result = train(
        network, seen, labels, ids, config.training, num_classes=len(classes), void=classes.void, folder=folder,
        keys=(seed, 0, "train"), device=device, description=f"seed {seed}",
    )  # fmt: skip
    trained = time.process_time()
    confusion = evaluate_network(network, validated, seen, truth, len(classes), config.training, device, classes.void)
    return confusion, {
        "cpu_seconds_features": started - began,
        "cpu_seconds_training": trained - started,
        "cpu_seconds_validation": time.process_time() - trained,
        "seconds_training": result.seconds,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Train and measure every seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", help="name or file of the configuration")
    parser.add_argument("settings", nargs="*", help="key=value")
    parser.add_argument("--labels", default="ground_truth", help="ground_truth, initial, or a folder of labels")
    parser.add_argument("--at-least", type=int, default=40, help="training images of a frequent class")
    parser.add_argument("--to", type=Path, required=True, help="folder of the weights and metrics")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    config = load_config(options.config, options.settings)[0]
    dataset = open_dataset(config.dataset)
    labels = labels_named(options.labels, config, dataset)
    frequent = frequent_classes(dataset, options.at_least)
    print("frequent classes:", ", ".join(dataset.classes.names[k] for k in frequent))
    rows = []
    for seed in config.seeds:
        path = options.to / f"seed{seed}" / "metrics.json"
        if not path.exists():
            confusion, took = measure(config, dataset, labels, seed, path.parent)
            metrics = confusion.to_metrics()
            iou = [metrics.class_iou[k] or 0.0 for k in frequent]
            found = {
                "mean_iou_frequent": statistics.mean(iou),
                "mean_iou_present": metrics.mean_iou_present,
                "mean_iou": metrics.mean_iou,
                "accuracy": metrics.accuracy,
            }
            write_json(path, {**found, **took})
        rows.append(read_json(path))
        print(json.dumps(rows[-1]))
    for name in rows[0]:
        values = [row[name] for row in rows]
        spread = statistics.stdev(values) if len(values) > 1 else 0.0
        print(f"{name}: {statistics.mean(values):.4f} ± {spread:.4f}")


if __name__ == "__main__":
    main()
