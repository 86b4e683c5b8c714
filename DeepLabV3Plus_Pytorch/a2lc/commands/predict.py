"""`a2lc predict`: label images with a trained network, a run's newest one or any checkpoint."""

from __future__ import annotations

from pathlib import Path

from a2lc.classes import ClassSet, load_classes
from a2lc.commands.export import only_run
from a2lc.commands.options import PredictOptions
from a2lc.commands.predict_folder import images_below, predict_images
from a2lc.commands.request import Request
from a2lc.datasets import open_dataset
from a2lc.foundation.devices import choose_device, prepare_device
from a2lc.foundation.terminal import show
from a2lc.loop.config import RunConfig
from a2lc.loop.features import features_folder
from a2lc.loop.opening import open_runs
from a2lc.loop.progress import need_trained, trained_rounds
from a2lc.loop.sense import refuse_beyond_machine


def predict(request: Request[PredictOptions]) -> None:
    """Label images with a trained network: a run's newest one, or any checkpoint."""
    options = request.options
    images = images_below(options.images)
    config, classes, weights = _given(request, options.weights) if options.weights else _newest(request)
    refuse_beyond_machine(config)
    device = choose_device(config.device)
    prepare_device(device, config.deterministic)
    workers = config.training.workers
    predict_images(
        *(config.network, weights, images, classes, config.training, device, options.to),
        workers=workers,
        features=features_folder(config),
    )
    show(f"{options.to}\n")


def _newest(request: Request[PredictOptions]) -> tuple[RunConfig, ClassSet, Path]:
    """The newest network of a run, with its configuration and classes."""
    current = only_run(open_runs(request.configs()), "predict uses one network")
    trained = trained_rounds(current)
    need_trained(trained)
    return current.config, current.dataset.classes, current.weights_path(trained - 1)


def _given(request: Request[PredictOptions], weights: Path) -> tuple[RunConfig, ClassSet, Path]:
    """A checkpoint, with the configuration of its network and the classes it knows."""
    config = request.configs()[0]
    named = request.options.classes
    classes = load_classes(named) if named else open_dataset(config.dataset).classes
    return config, classes, weights
