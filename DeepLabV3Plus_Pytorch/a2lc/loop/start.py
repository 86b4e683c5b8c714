"""The stage before all rounds of a run that starts without labels: a few clicks, a network, and its labels as L₀."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from a2lc.annotators import Query
from a2lc.annotators.ground_truth import majority
from a2lc.foundation.bars import bar
from a2lc.foundation.processes import on_main
from a2lc.foundation.seeding import generator, seed_of
from a2lc.labels.ledger import Ledger
from a2lc.labels.state import LabelState, apply_corrections
from a2lc.labels.store import PseudoLabelWriter
from a2lc.labels.verified import VerifiedPixels, answers_by_image
from a2lc.loop.correction import annotator_context, make_annotator
from a2lc.loop.features import sight
from a2lc.loop.inputs import verify_weights
from a2lc.loop.run import Run
from a2lc.mask_statistics import mask_statistics
from a2lc.segmentation import DeepLabV3Plus, Objective, build_network, load_weights, make_objective, predict, train

_log = logging.getLogger(__name__)


def start(run: Run) -> None:
    """Make the first labels of a run whose pseudo-label set has none, and record the clicks they cost as round 0.

    Randomly drawn masks are answered; a network learns from them and labels all others: a mask its dominant predicted
    class, a pixel under no mask the predicted one. Done once per seed and shared by its methods.

    Source: ALC, the R-start of its Figure 5.

    Raises:
        WaitingForAnswers: When people have to answer first.
    """
    if run.config.start.name == "given":
        return
    if not run.has(run.start_folder / "pseudo_labels" / "manifest.json"):
        state = _answered(run)
        _train(run, state)
        _label(run, state)
    _record(run)


def _answers(run: Run) -> Ledger:
    """The answers that the methods of the seed share."""
    return Ledger(run.start_folder / "ledger.sqlite")


@on_main
def _answered(run: Run) -> LabelState:
    """The answers to the first questions; they are asked where they were not yet."""
    answers = _answers(run)
    nothing = LabelState(run.pseudo_labels)
    if not answers.is_done(0, 0, "annotate"):
        _log.info("%s: asking about %d masks to start with", run.name, run.config.start.clicks)
        context = dataclasses.replace(
            annotator_context(run, 0, 0),  # shared by the methods of the seed
            queue=run.start_folder / "queue.csv",
            inbox=run.start_folder / "inbox.sqlite",
        )
        answers.record(0, 0, "annotate", make_annotator(context).answer(_random_queries(run), nothing))
    return LabelState(run.pseudo_labels, answers.corrections())


@on_main
def _record(run: Run) -> None:
    """Put the clicks that the seed's methods share into the method's ledger."""
    if not run.ledger.is_done(0, 0, "annotate"):
        run.ledger.record(0, 0, "annotate", _answers(run).decisions_of(0))


def _random_queries(run: Run) -> list[Query]:
    """Masks drawn evenly from all, each asked about at a pixel drawn evenly from it; in order of image and mask id."""
    ids = run.dataset.ids("train")
    counted = bar(ids, "count", leave=False)
    keys = [
        (image_id, mask)
        for image_id in counted
        for mask in np.unique(run.pseudo_labels.masks(image_id)).tolist()
        if mask
    ]
    order = generator(run.seed, "start").permutation(len(keys))[: run.config.start.clicks]
    chosen: dict[str, list[int]] = {}
    for image_id, mask in sorted(keys[index] for index in order):
        chosen.setdefault(image_id, []).append(mask)
    return [query for image_id, masks in chosen.items() for query in _queries_of(run, image_id, masks)]


def _queries_of(run: Run, image_id: str, mask_ids: list[int]) -> Iterator[Query]:
    """The questions about these masks of an image, in their order."""
    labels = run.pseudo_labels.labels(image_id)
    masks = run.pseudo_labels.masks(image_id)
    for mask in mask_ids:
        rows, columns = np.nonzero(masks == mask)
        pixel = int(generator(run.seed, "start", image_id, mask).integers(len(rows)))
        yield Query(image_id, mask, majority(labels[masks == mask]), 0.0, (int(rows[pixel]), int(columns[pixel])))


def _objective(run: Run) -> Objective:
    classes = run.dataset.classes
    return make_objective(run.config.training, len(classes), classes.void)


def _network(run: Run) -> DeepLabV3Plus:
    """The network of the start, with its initial weights."""
    seed = seed_of(run.seed, "start", "network")
    return build_network(run.config.network, _objective(run).channels, seed).to(run.device)


def _train(run: Run, state: LabelState) -> None:
    """Train on the images in which something was answered; the rest of their pixels is void."""
    if run.has(run.start_folder / "last.safetensors"):
        return
    network = _network(run)
    verify_weights(run)
    ids = [image_id for image_id in run.dataset.ids("train") if image_id in state.corrections]
    train(
        network,
        sight(run.config, run.dataset, network, run.device, digests=run.digests, learns=ids, processes=run.processes),
        state,
        ids,
        run.config.training,
        num_classes=len(run.dataset.classes),
        void=run.dataset.classes.void,
        folder=run.start_folder,
        keys=(run.seed, "start", "train"),
        device=run.device,
        description="train for first labels",
        processes=run.processes,
        verified=_shared_verified(run, state),
    )


@on_main
def _shared_verified(run: Run, state: LabelState) -> VerifiedPixels:
    """Which pixels the answers verified."""
    return VerifiedPixels(state, answers_by_image(_answers(run).answers()))


@on_main
def _label(run: Run, state: LabelState) -> None:
    """Write the pseudo-label set that the network gives; answered masks keep their answers."""
    network = _network(run)
    dataset = run.dataset
    load_weights(network, run.start_folder / "last.safetensors")
    ids = dataset.ids("train")
    made_by = {"start": "clicks", "clicks": run.config.start.clicks, "seed": run.seed}
    writer = PseudoLabelWriter(run.start_folder / "pseudo_labels", dataset.classes, made_by)
    seen = sight(run.config, dataset, network, run.device, digests=run.digests, judges=ids)
    predictions = predict(network, ids, seen, run.config.training, run.device, objective=_objective(run))
    for image_id, probabilities in bar(predictions, "first labels", len(ids)):
        masks = run.pseudo_labels.masks(image_id)
        writer.write(image_id, _labels_of(probabilities, masks, state.corrections.get(image_id, {})), masks)
    writer.finish()


def _labels_of(probabilities: Tensor, masks: NDArray[np.int32], answered: Mapping[int, int]) -> NDArray[np.uint8]:
    """The first labels (H, W) of an image: the answered class of a mask, else its dominant predicted one."""
    predicted = probabilities.argmax(0).byte().cpu().numpy()
    statistics = mask_statistics(probabilities, predicted, masks)
    corrections = dict(zip(statistics.mask_id.tolist(), statistics.predicted.tolist(), strict=True)) | {**answered}
    return apply_corrections(predicted, masks, corrections)
