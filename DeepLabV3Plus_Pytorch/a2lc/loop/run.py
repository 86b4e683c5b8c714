"""One run: a method on a data set with a seed, and its folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from a2lc.datasets import Dataset
from a2lc.foundation.claims import ClaimKind
from a2lc.foundation.digests import FileDigests
from a2lc.foundation.files import is_there, read_json, write_json, write_text
from a2lc.foundation.layers import read_yaml
from a2lc.foundation.processes import Processes, on_main
from a2lc.foundation.settings import Decides
from a2lc.labels.ledger import Ledger
from a2lc.labels.state import LabelState
from a2lc.labels.store import PseudoLabelSet, open_pseudo_labels
from a2lc.labels.verified import VerifiedPixels, answers_by_image
from a2lc.loop.begun import is_begun
from a2lc.loop.config import RunConfig, dump_config

if TYPE_CHECKING:
    import torch

_OF_SEED = frozenset({Decides.FIRST_NETWORK})
_OF_METHOD = _OF_SEED | {Decides.MASKS, Decides.ROUNDS}


SECONDS_LOST = "delete it: the seconds of this round are then not known"


@dataclass(frozen=True)
class Run:
    """One method on one data set with one seed.

    The folder is `<output>/runs/<experiment>/seed<k>/`, with `round_0/` (θ₀, shared by all methods) and
    `<method>/{config.yaml, ledger.sqlite, log.txt, round_<r>/...}` in it. Several processes may work on a run: the main
    one writes the folder and opens the ledger, and tells the others what it finds there.
    """

    config: RunConfig
    seed: int
    dataset: Dataset
    pseudo_labels: PseudoLabelSet
    chosen_device: torch.device | None
    processes: Processes = field(default_factory=Processes)
    digests: FileDigests = field(default_factory=FileDigests, repr=False, compare=False)

    @property
    def device(self) -> torch.device:
        """Where to compute.

        Raises:
            RuntimeError: When the run was opened for work that computes nothing.
        """
        if self.chosen_device is None:
            raise RuntimeError(f"{self.name} was opened without a device")
        return self.chosen_device

    @property
    def name(self) -> str:
        """How the run is called in messages."""
        return f"{self.config.experiment}, seed {self.seed}, {self.config.method}"

    @property
    def seed_folder(self) -> Path:
        """Folder of the seed, shared by the methods."""
        return self.config.output / "runs" / self.config.experiment / f"seed{self.seed}"

    @property
    def folder(self) -> Path:
        """Folder of the method."""
        return self.seed_folder / self.config.method

    def round_folder(self, round_index: int) -> Path:
        """Folder of a round; round 0 is shared by the methods."""
        return (self.folder if round_index else self.seed_folder) / f"round_{round_index}"

    def mask_table_path(self, round_index: int) -> Path:
        """Scores of a round's masks."""
        return self.round_folder(round_index) / "mask_table.parquet"

    def queue_path(self, round_index: int, batch: int = 0) -> Path:
        """Questions to people in a round."""
        return self.round_folder(round_index) / (f"queue_{batch}.csv" if batch else "queue.csv")

    def weights_path(self, round_index: int) -> Path:
        """The weights of θ_r that score the next round."""
        return self.round_folder(round_index) / f"{self.config.checkpoint}.safetensors"

    @property
    def start_folder(self) -> Path:
        """Folder of what a start without labels makes; shared by the methods."""
        return self.seed_folder / "start"

    @cached_property
    def first_labels(self) -> PseudoLabelSet:
        """L₀: the pseudo-label set as given, or as a start from a few clicks labelled it.

        Kept once it is there; before a start has made it, every look is refused and none is remembered.
        """
        if self.config.start.name == "given":
            return self.pseudo_labels
        return open_pseudo_labels(self.start_folder / "pseudo_labels")

    @property
    def has_first_labels(self) -> bool:
        """Whether L₀ is there: from the beginning where labels are given, else once a start has made it."""
        return self.config.start.name == "given" or (self.start_folder / "pseudo_labels" / "manifest.json").exists()

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger of the method."""
        return Ledger(self.folder / "ledger.sqlite")

    def state(self, round_index: int | None = None) -> LabelState:
        """L_r; None = after all decisions made so far."""
        if round_index == 0:
            return LabelState(self.first_labels)
        return LabelState(
            self.first_labels,
            self.ledger.corrections(up_to_round=round_index),
            self.ledger.pixel_corrections(up_to_round=round_index),
        )

    @on_main
    def has(self, path: Path) -> bool:
        """Whether the main process finds this file; to be asked by all processes together."""
        return is_there(path)

    @on_main
    def shared_state(self, round_index: int) -> LabelState:
        """L_r as the main process finds it; to be asked by all processes together."""
        return self.state(round_index)

    @on_main
    def shared_verified(self, round_index: int) -> VerifiedPixels:
        """Which pixels of L_r an annotator verified, as the main process finds it; to be asked by all together."""
        answers = self.ledger.answers(up_to_round=round_index)
        return VerifiedPixels(self.state(round_index), answers_by_image(answers))

    @contextmanager
    def timed(self, round_index: int, stage: str) -> Iterator[None]:
        """Add the seconds that a stage takes to seconds.json of its round."""
        started = time.perf_counter()
        yield
        if self.processes.is_main:
            self._add_seconds(round_index, stage, time.perf_counter() - started)

    def _add_seconds(self, round_index: int, stage: str, taken: float) -> None:
        """Add to what a stage took before, in an earlier batch or command."""
        path = self.round_folder(round_index) / "seconds.json"
        seconds = read_json(path, dict[str, float], SECONDS_LOST) if is_there(path) else {}
        seconds[stage] = round(seconds.get(stage, 0.0) + taken, 3)
        write_json(path, seconds)

    def compare_folder(self) -> None:
        """Compare with the config.yaml of the folder, if there is one and anything was made there; writes nothing.

        Raises:
            InputError: When the folder was made with another configuration (the difference is shown), or by no run.
        """
        self._claim_of_seed.compare(self.round_folder(0), self.config)
        own = _claim_kind(_OF_METHOD, is_begun)
        own.refuse_foreign(self.folder)
        own.compare(self.folder, self.config)

    def claim_folder(self) -> None:
        """Write config.yaml beside the results, where it is not there yet or nothing was made by it.

        Raises InputError as `compare_folder`.
        """
        self.compare_folder()  # the seed's, too, before the method's folder is begun
        _claim_kind(_OF_METHOD, is_begun).claim(self.folder, self.config)
        self._claim_of_seed.claim(self.round_folder(0), self.config)

    @property
    def _claim_of_seed(self) -> ClaimKind[RunConfig]:
        """That of round 0, on which everything below the seed's folder stands."""
        return _claim_kind(_OF_SEED, lambda folder: is_begun(self.seed_folder))


def _claim_kind(decide: frozenset[Decides], begun: Callable[[Path], bool]) -> ClaimKind[RunConfig]:
    """A folder whose files are decided about by the keys of its config.yaml that have these marks, once there are any.

    An earlier configuration that failed before it made anything claims nothing.
    """
    return ClaimKind(
        name="config.yaml",
        read=lambda path: RunConfig.model_validate(read_yaml(path)),
        write=lambda path, config: write_text(path, dump_config(config)),
        difference=lambda earlier, now: earlier.difference(now, decide),
        own=("ledger.sqlite*", "inbox.sqlite*", "log.txt", "mask_pool.npz", "round_*"),  # an audit writes the first
        begun=begun,
        foreign="{folder} holds files but no config.yaml, so no run made it; nothing was changed: start a new run with "
        "experiment=<name> or output=<folder>",
        damaged="{path} is not a configuration of this version: choose another experiment ({error})",
        other="{folder} was made with another configuration; nothing was changed:\n{lines}\n"
        "continue with the earlier values, or start a new run with experiment=<name> or output=<folder>",
    )
