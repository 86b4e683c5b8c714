"""What the verbs of the command line do: each works alone on the folder that `a2lc run` uses."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import yaml
from tqdm.contrib.logging import logging_redirect_tqdm

from a2lc.annotators import AnswersAnnotator
from a2lc.audit import audit_settings, conduct, loop_arguments, next_steps, open_audit, take_answers
from a2lc.classes import load_classes
from a2lc.commands.predict_folder import images_below, predict_images
from a2lc.datasets import open_dataset
from a2lc.foundation.devices import choose_device, prepare_device
from a2lc.foundation.errors import InputError
from a2lc.foundation.files import read_json
from a2lc.foundation.layers import describe_keys
from a2lc.labels.export import export_labels
from a2lc.loop import correction, evaluation, scoring, training
from a2lc.loop.config import RunConfig, dump_config, load_config
from a2lc.loop.opening import claimed, open_runs
from a2lc.loop.report import report as write_report
from a2lc.loop.rounds import batches_per_round, run_rounds
from a2lc.loop.run import Run
from a2lc.loop.start import start
from a2lc.simulation import SimulationSettings, is_simulation, load_simulation, run_simulation
from a2lc.sweep.sweep import run_sweep


def run(arguments: argparse.Namespace, command: str) -> None:
    """The whole loop for every seed and method, with tables after every method."""
    simulated = bool(arguments.config) and is_simulation(arguments.config)
    if arguments.keys:
        _print(describe_keys(SimulationSettings if simulated else RunConfig))
        return
    if simulated:
        arguments.processes.on_main(lambda: _simulate(arguments, command))
        return
    configs = _configs(arguments)
    if arguments.show:
        _print("---\n".join(dump_config(config) for config in configs))
        return
    runs = open_runs(configs, arguments.processes)
    for current in runs:
        with claimed(current), logging_redirect_tqdm([logging.getLogger()]):
            run_rounds(current)
        folder = arguments.processes.on_main(lambda: write_report(runs, command))
    _print(arguments.processes.on_main((folder / "summary.md").read_text))
    _print(f"tables and figure: {folder}\n")


def _simulate(arguments: argparse.Namespace, command: str) -> None:
    """A configuration that is a simulation: masks and ground truth alone."""
    settings = load_simulation(arguments.config, arguments.settings)
    if arguments.show:
        _print(yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False))
        return
    folder = run_simulation(settings, command)
    _print((folder / "summary.md").read_text(encoding="utf-8"))
    _print(f"tables and figure: {folder}\n")


def train(arguments: argparse.Namespace, command: str) -> None:
    """Train θ_r, where r is the first round whose labels are ready and whose network is not trained."""

    def work(current: Run, round_index: int) -> None:
        current.processes.on_main(lambda: _need_corrected(current, round_index))
        start(current)
        training.train_network(current, round_index)

    _each(arguments, work)


def score(arguments: argparse.Namespace, command: str) -> None:
    """Score the masks of the open round."""

    def work(current: Run, round_index: int) -> None:
        _need_trained(round_index)
        scoring.score(current, round_index)
        _print(f"{current.mask_table_path(round_index)}\n")

    _each(arguments, work)


def select(arguments: argparse.Namespace, command: str) -> None:
    """Write the queue of the next batch of questions."""

    def work(current: Run, round_index: int) -> None:
        _need_trained(round_index)
        batch = _open_batch(current, round_index)
        path = current.queue_path(round_index, batch)
        annotator = AnswersAnnotator(path, path, current.dataset.image, current.dataset.classes)
        annotator.ask(correction.select_queries(current, round_index, batch), current.state())
        _print(f"{path}\n")

    _each(arguments, work)


def correct(arguments: argparse.Namespace, command: str) -> None:
    """Record answers: those of a filled queue, or those of the configured annotator."""

    def work(current: Run, round_index: int) -> None:
        _need_trained(round_index)
        batch, annotator = _open_batch(current, round_index), None
        if current.ledger.is_done(round_index, batch, "annotate"):
            raise InputError(
                f"the answers of round {round_index} are recorded already: a2lc propagate or train comes next"
            )
        if arguments.answers:
            path = current.queue_path(round_index, batch)
            classes, name = current.dataset.classes, arguments.annotator_name
            annotator = AnswersAnnotator(path, Path(arguments.answers), current.dataset.image, classes, name)
        correction.annotate(current, round_index, batch, annotator)
        decisions = [decision for decision in current.ledger.decisions(round_index) if decision.queried]
        _print(f"{len(decisions)} answers recorded, {sum(d.relabelled for d in decisions)} labels changed\n")

    _each(arguments, work)


def propagate(arguments: argparse.Namespace, command: str) -> None:
    """Learn from the answers of the open round."""

    def work(current: Run, round_index: int) -> None:
        _need_trained(round_index)
        asked = current.ledger.batches(round_index, "annotate")
        if not asked:
            raise InputError(f"round {round_index} has no answers yet: take them first with a2lc correct")
        correction.propagate(current, round_index, asked - 1)
        changed = sum(not decision.queried for decision in current.ledger.decisions(round_index))
        _print(f"{changed} labels changed by propagation\n")

    _each(arguments, work)


def predict(arguments: argparse.Namespace, command: str) -> None:
    """Label images with a trained network: a run's newest one, or any checkpoint."""
    images = images_below(Path(arguments.images))
    weights = Path(arguments.weights) if arguments.weights else None
    if weights is None:
        current = _only_run(open_runs(_configs(arguments)), "predict uses one network")
        trained = _trained_rounds(current)
        _need_trained(trained)
        config, classes, weights = current.config, current.dataset.classes, current.weights_path(trained - 1)
    else:
        config = _configs(arguments)[0]
        classes = load_classes(arguments.classes) if arguments.classes else open_dataset(config.dataset).classes
    device = choose_device(config.device)
    prepare_device(device, config.deterministic)
    target, workers = Path(arguments.to), config.training.workers
    predict_images(config.network, weights, images, classes, config.training, device, target, workers=workers)
    _print(f"{target}\n")


def evaluate(arguments: argparse.Namespace, command: str) -> None:
    """Measure the trained rounds of a run."""
    for current in open_runs(_configs(arguments), arguments.processes):
        with claimed(current):
            trained = current.processes.on_main(partial(_trained_rounds, current))
            for round_index in range(trained):
                evaluation.evaluate(current, round_index)
                current.processes.on_main(partial(_show_round, current, round_index))


def _show_round(current: Run, round_index: int) -> None:
    metrics = read_json(current.round_folder(round_index) / "metrics.json")
    _print(f"{current.name}, round {round_index}: {evaluation.summary_line(metrics)}\n")


def export(arguments: argparse.Namespace, command: str) -> None:
    """Write the labels of a round as a pseudo-label set of their own."""
    current = _only_run(open_runs(_configs(arguments)), "export writes one label set")
    round_index = arguments.round
    if not (current.folder / "ledger.sqlite").exists():
        raise InputError(f"{current.folder} has no ledger: nothing was corrected there yet")
    made_by = {"exported_by": "a2lc export", "method": current.config.method, "seed": current.seed}
    made_by["round"] = "newest" if round_index is None else round_index
    state, ids, classes = current.state(round_index), current.dataset.ids("train"), current.dataset.classes
    _print(f"{export_labels(state, ids, classes, Path(arguments.to), made_by).root}\n")


def audit(arguments: argparse.Namespace, command: str) -> None:
    """Rank the labels of a data set by how suspicious they are, or take the answers to the questions that follow."""
    settings = ["fidelity=corrected", *arguments.settings]  # an audit reproduces no published number
    config = load_config(arguments.config, settings)[0]
    labels, target = (Path(name) if name else None for name in (arguments.labels, arguments.to))
    current = open_audit(config, audit_settings(vars(arguments)), labels, target)
    loop = loop_arguments(current, arguments.config, settings)
    if arguments.answers:
        _print(f"{take_answers(current, Path(arguments.answers), loop)}\n")
        return
    with logging_redirect_tqdm([logging.getLogger()]):
        conduct(current, command, loop)
    _print(next_steps(current, command, loop))


def report(arguments: argparse.Namespace, command: str) -> None:
    """Write tables and figure again from the metrics of all finished rounds."""
    _print(f"{write_report(open_runs(_configs(arguments)), command, arguments.against)}\n")


def sweep(arguments: argparse.Namespace, command: str) -> None:
    """Run, or submit, every job of a sweep."""
    path, overrides = Path(arguments.config), arguments.settings
    run_sweep(path, command, overrides, arguments.jobs, slurm=arguments.slurm, dry_run=arguments.dry_run)


def _configs(arguments: argparse.Namespace) -> list[RunConfig]:
    if arguments.config is None:
        raise InputError(f"name a configuration, for example: a2lc {arguments.verb} demo")
    return load_config(arguments.config, arguments.settings)


def _only_run(runs: list[Run], why: str) -> Run:
    if len(runs) > 1:
        raise InputError(f"{why}: choose one method and one seed, for example method=a2lc seeds=1")
    return runs[0]


def _each(arguments: argparse.Namespace, work: Callable[[Run, int], None]) -> None:
    """Do one stage of the open round of every run; the open round follows the newest trained network."""
    for current in open_runs(_configs(arguments), arguments.processes):
        with claimed(current), logging_redirect_tqdm([logging.getLogger()]):
            work(current, current.processes.on_main(partial(_open_round, current)))


def _open_round(current: Run) -> int:
    """The round after the newest trained network, 0 before the first training."""
    round_index = _trained_rounds(current)
    if round_index > current.config.rounds:
        raise InputError(f"all {current.config.rounds} rounds of {current.name} are done: set rounds higher to go on")
    return round_index


def _trained_rounds(current: Run) -> int:
    trained = [(current.round_folder(index) / "training.json").exists() for index in range(current.config.rounds + 1)]
    return trained.index(False) if False in trained else len(trained)


def _open_batch(current: Run, round_index: int) -> int:
    return min(current.ledger.batches(round_index, "propagate"), batches_per_round(current) - 1)


def _need_trained(round_index: int) -> None:
    if round_index == 0:
        raise InputError("there is no trained network yet: run a2lc train with the same configuration first")


def _need_corrected(current: Run, round_index: int) -> None:
    if round_index and current.ledger.batches(round_index, "propagate") < batches_per_round(current):
        raise InputError(
            f"round {round_index} is not corrected yet: a2lc score, select, correct and propagate come first"
        )


def _print(text: str) -> None:
    sys.stdout.write(text)
