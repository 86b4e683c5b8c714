"""The stage that trains a network on the labels of a round."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator
from functools import partial

import torch

from a2lc.files import write_json
from a2lc.reporting import Example, TrainingLog, training_log
from a2lc.run import Run
from a2lc.seeding import seed_of
from a2lc.segmentation import DeepLabV3Plus, Progress, TrainingResult, build_network, evaluate_network, predict, train

_log = logging.getLogger(__name__)
_EXAMPLES = 3  # training images shown in TensorBoard


def train_network(run: Run, round_index: int) -> None:
    """Train θ_r from the backbone's initial weights on L_r; continues inside a training that was killed."""
    folder = run.round_folder(round_index)
    if (folder / "training.json").exists():
        return
    if not run.config.training.iterations:  # labels are corrected without a network
        write_json(folder / "training.json", dataclasses.asdict(TrainingResult(0, 0, None, None, 0.0)))
        return
    _log.info("%s: training θ_%d", run.name, round_index)
    classes = len(run.dataset.classes)
    network = build_network(run.config.network, classes, seed_of(run.seed, round_index, "network")).to(run.device)

    def validate(candidate: torch.nn.Module) -> float:
        truth = run.dataset.validation_truth
        assert truth is not None
        confusion = evaluate_network(
            candidate, run.dataset.ids("val"), run.dataset.image, truth, classes, run.config.training, run.device
        )
        return confusion.mean_iou()

    log = training_log(run.config.tensorboard, folder / "tensorboard", run.dataset.classes)
    with run.timed(round_index, "train"), log:
        result = train(
            network,
            run.dataset.image,
            run.state(round_index),
            run.dataset.ids("train"),
            run.config.training,
            num_classes=classes,
            folder=folder,
            keys=(run.seed, round_index, "train"),
            device=run.device,
            validate=validate if run.dataset.validation_truth else None,
            on_progress=partial(_note, run, round_index, network, log),
            description=f"train θ_{round_index}",
        )
    write_json(folder / "training.json", dataclasses.asdict(result))


def _note(run: Run, round_index: int, network: DeepLabV3Plus, log: TrainingLog, progress: Progress) -> None:
    log.progress(progress.step, progress.loss, progress.learning_rate, progress.mean_iou)
    if progress.due:
        log.examples(progress.step, _examples(run, round_index, network))


def _examples(run: Run, round_index: int, network: DeepLabV3Plus) -> Iterator[Example]:
    """The first training images, with the labels that the network learns from."""
    dataset, state = run.dataset, run.state(round_index)
    ids = dataset.ids("train")[:_EXAMPLES]
    for image_id, probabilities in predict(network, ids, dataset.image, run.config.training, run.device):
        prediction = probabilities.argmax(dim=0).byte().cpu().numpy()
        yield Example(image_id, dataset.image(image_id), state.labels(image_id), prediction)
