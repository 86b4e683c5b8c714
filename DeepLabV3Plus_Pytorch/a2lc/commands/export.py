"""`a2lc export`: the labels of a round as a pseudo-label set of their own."""

from __future__ import annotations

from collections.abc import Sequence

from a2lc.commands.options import ExportOptions
from a2lc.commands.request import Request
from a2lc.foundation.errors import InputError
from a2lc.foundation.terminal import show
from a2lc.labels.export import export_labels
from a2lc.loop.finished import verify_finished
from a2lc.loop.inputs import verify_inputs
from a2lc.loop.opening import open_runs
from a2lc.loop.run import Run


def export(request: Request[ExportOptions]) -> None:
    """Write the labels of a round as a pseudo-label set of their own."""
    runs = open_runs(request.configs(), computes=False)
    current = only_run(runs, "export writes one label set")
    round_index = request.options.round
    if not (current.folder / "config.yaml").exists():
        raise InputError(f"{current.folder} holds no run: nothing was corrected there yet")
    verify_inputs(current, labels_alone=True)
    verify_finished(current)
    if round_index is not None:
        _refuse_round(current, round_index)
    made_by = {"exported_by": "a2lc export", "method": current.config.method, "seed": current.seed}
    made_by["round"] = "newest" if round_index is None else round_index
    ids = current.dataset.ids("train")
    classes = current.dataset.classes
    exported = export_labels(current.state(round_index), ids, classes, request.options.to, made_by)
    show(f"{exported.root}\n")


def _refuse_round(current: Run, round_index: int) -> None:
    """Refuse a round that the run has no labels of."""
    newest = current.ledger.newest_round()
    if not 0 <= round_index <= newest:
        raise InputError(
            f"--round is {round_index} but {current.name} has labels of rounds 0 to {newest}: choose one of these, or "
            "leave it out for the newest"
        )


def only_run(runs: Sequence[Run], why: str) -> Run:
    """The single run of a verb that works on one.

    Raises:
        InputError: When there are several; `why` tells why one is wanted.
    """
    if len(runs) > 1:
        raise InputError(f"{why}: choose one method and one seed, for example method=a2lc seeds=1")
    return runs[0]
