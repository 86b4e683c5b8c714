"""The stage that trains a network on the labels of a round."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator
from functools import partial

import torch

from a2lc.evaluation.metrics import ConfusionMatrix
from a2lc.foundation.files import write_json
from a2lc.foundation.processes import on_main
from a2lc.foundation.seeding import seed_of
from a2lc.labels.state import LabelState
from a2lc.loop.features import Sight, sight
from a2lc.loop.inputs import verify_weights
from a2lc.loop.run import Run
from a2lc.loop.sense import advise
from a2lc.reporting import Example, TrainingLog, training_log
from a2lc.segmentation import (
    DeepLabV3Plus,
    Progress,
    TrainingResult,
    build_network,
    evaluate_network,
    make_objective,
    normalisation_advice,
    predict,
    train,
)

_log = logging.getLogger(__name__)
_EXAMPLES = 3  # training images shown in TensorBoard


def train_network(run: Run, round_index: int) -> None:
    """Train θ_r from the backbone's initial weights on L_r; continues inside a training that was killed.

    All processes train one network together; the main one writes.
    """
    folder = run.round_folder(round_index)
    processes = run.processes
    if run.has(folder / "training.json"):
        return
    if not run.config.training.iterations:  # labels are corrected without a network
        _write(run, round_index, TrainingResult(0, 0, None, None, 0.0))
        return
    _log.info("%s: training θ_%d", run.name, round_index)
    advice = normalisation_advice(run.config.network, run.config.training)
    if advice and round_index == 0 and processes.is_main:
        _log.warning("%s", advice)
    state = run.shared_state(round_index)
    classes = run.dataset.classes
    objective = make_objective(run.config.training, len(classes), classes.void)
    seed = seed_of(run.seed, round_index, "network")
    network = build_network(run.config.network, objective.channels, seed).to(run.device)
    verify_weights(run)
    advise(run.config, run.device)
    shown = run.config.tensorboard and processes.is_main
    log = training_log(shown, folder / "tensorboard", classes)
    with run.timed(round_index, "train"), log:
        seen = _seen(run, network)
        result = train(
            network,
            seen,
            state,
            run.dataset.ids("train"),
            run.config.training,
            num_classes=len(classes),
            void=classes.void,
            folder=folder,
            keys=(run.seed, round_index, "train"),
            device=run.device,
            validate=partial(_validate, run, seen) if run.dataset.validation_truth else None,
            on_progress=partial(_note, run, state, network, seen, log) if processes.is_main else None,
            description=f"train θ_{round_index}",
            processes=processes,
            verified=run.shared_verified(round_index) if objective.distinguishes else None,
        )
    _write(run, round_index, result)


@on_main
def _write(run: Run, round_index: int, result: TrainingResult) -> None:
    """Write what the training was like; the stage is finished."""
    write_json(run.round_folder(round_index) / "training.json", dataclasses.asdict(result))


def _seen(run: Run, network: DeepLabV3Plus) -> Sight:
    """What the network sees of the images that it learns from and is validated on."""
    validated = run.dataset.ids("val") if run.dataset.validation_truth else ()
    return sight(
        run.config,
        run.dataset,
        network,
        run.device,
        digests=run.digests,
        learns=run.dataset.ids("train"),
        judges=(*run.dataset.ids("train"), *validated),
        processes=run.processes,
    )


def _validate(run: Run, seen: Sight, candidate: torch.nn.Module) -> float:
    """Validation mIoU, each process its share of the images; all processes get the same."""
    truth = run.dataset.validation_truth
    classes = run.dataset.classes
    share = run.processes.share(run.dataset.ids("val"))
    assert truth is not None
    confusion = evaluate_network(
        candidate, share, seen, truth, len(classes), run.config.training, run.device, classes.void
    )
    return sum(run.processes.gather(confusion), start=ConfusionMatrix(len(classes))).mean_iou()


def _note(
    run: Run, state: LabelState, network: DeepLabV3Plus, seen: Sight, log: TrainingLog, progress: Progress
) -> None:
    """Tell TensorBoard how the training goes."""
    log.progress(progress.step, progress.loss, progress.learning_rate, progress.mean_iou)
    if progress.due:
        log.examples(progress.step, _examples(run, state, network, seen))


def _examples(run: Run, state: LabelState, network: DeepLabV3Plus, seen: Sight) -> Iterator[Example]:
    """The first training images, with the labels that the network learns from."""
    dataset = run.dataset
    settings = run.config.training
    objective = make_objective(settings, len(dataset.classes), dataset.classes.void)
    ids = dataset.ids("train")[:_EXAMPLES]
    predictions = predict(network, ids, seen, settings, run.device, objective=objective)
    for image_id, probabilities in predictions:
        prediction = probabilities.argmax(dim=0).byte().cpu().numpy()
        yield Example(image_id, dataset.image(image_id), state.labels(image_id), prediction)
