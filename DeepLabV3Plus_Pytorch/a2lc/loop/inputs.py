"""What the meaning of a ledger hangs on: the inputs that a seed was begun with, by fingerprint, and whether they stand.

A ledger names masks by their ids and labels by their indices: over others its answers say something else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from a2lc.foundation.errors import InputError
from a2lc.foundation.files import write_json
from a2lc.loop.run import Run

_log = logging.getLogger(__name__)
_RECORD = "inputs.json"
_MEMORY = ".inputs_seen.json"  # what is known of files by size and time; without it they are read again
_BEFORE_WORK = frozenset({"config.yaml", "log.txt", ".lock", _RECORD, _MEMORY})
_SHOWN = 5  # names in a sentence


class Inputs(BaseModel):
    """Fingerprints of what a run works on; the same inputs give the same record on any machine.

    Attributes:
        classes: Names in index order.
        unmasked: What a pixel under no mask is.
        void: Index of void.
        digests: {kind of file: {training image id: SHA-256 of its file}}, the ids in the order of the data set.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: tuple[str, ...]
    unmasked: str
    void: int
    digests: dict[str, dict[str, str]]


def verify_inputs(run: Run, full: bool = False) -> None:
    """Compare the inputs of a run with those that its seed was begun with; writes nothing.

    Compared are the training images (which, and their files), initial labels, mask maps, and the classes' names, order,
    void and background. Files are compared by content; one that has the size and the times that it had when it was read
    last is not read again. Nothing is compared before anything was made of the inputs, nor where an earlier version
    began the seed, which recorded none. For the main process alone.

    Args:
        run: The run.
        full: Read every file again.

    Raises:
        InputError: When anything is other than before; says what, and how much of it.
    """
    earlier = _recorded(run)
    if earlier is None or not _is_begun(run):
        return
    lines = list(_changes(earlier, _inputs(run, full)))
    if lines:
        listed = "\n".join(f"  - {line}" for line in lines)
        raise InputError(
            f"{run.seed_folder} was begun with other inputs, on which its ledger depends; nothing was changed:\n"
            f"{listed}\nput back what was there, or start a new run with experiment=<name> or output=<folder>"
        )


def record_inputs(run: Run) -> None:
    """Record the inputs of a seed where that was not done yet; to be called after `verify_inputs`, in the main process.

    Raises:
        InputError: When the record is damaged, or a file is missing.
    """
    earlier = _recorded(run)
    begun = _is_begun(run)
    if earlier is None and begun:
        _log.info("%s: its inputs are recorded from now on; earlier rounds cannot be checked against them", run.name)
    now = _inputs(run)
    if earlier is not None and begun:  # what a start has made since is added
        now = earlier.model_copy(update={"digests": now.digests | earlier.digests})
    if now != earlier:
        write_json(run.round_folder(0) / _RECORD, now.model_dump(mode="json"))
    run.digests.keep(run.seed_folder / _MEMORY)


def _recorded(run: Run) -> Inputs | None:
    """The inputs that the seed was begun with; None where none were recorded."""
    path = run.round_folder(0) / _RECORD
    if not path.is_file():
        return None
    try:
        return Inputs.model_validate_json(path.read_bytes())
    except ValidationError as error:
        problem = error.errors()[0]["msg"]
        raise InputError(
            f"{path} is damaged ({problem}): put it back from a copy, or, when the inputs are still those of the first "
            "round, remove it and they are recorded again"
        ) from None


def _is_begun(run: Run) -> bool:
    """Whether anything was made of the inputs: a network begun, masks scored, a question answered."""
    return any(path.name not in _BEFORE_WORK and path.is_file() for path in run.seed_folder.rglob("*"))


def _inputs(run: Run, read: bool = False) -> Inputs:
    """The inputs as they are now."""
    run.digests.recall(run.seed_folder / _MEMORY)
    classes = run.dataset.classes
    ids = run.dataset.ids("train")
    digests = {kind: _digests_of(run, ids, path_of, read) for kind, path_of in _kinds(run)}
    return Inputs(classes=classes.names, unmasked=classes.unmasked, void=classes.void, digests=digests)


def _kinds(run: Run) -> Iterator[tuple[str, Callable[[str], Path]]]:
    """The kinds of files that there are one of for every training image, as they are called in messages."""
    yield "images", run.dataset.image_path
    yield "initial label maps", run.pseudo_labels.label_path
    yield "mask maps", run.pseudo_labels.mask_path
    if run.config.start.name != "given" and run.has_first_labels:
        yield "label maps of the start", run.first_labels.label_path


def _digests_of(run: Run, ids: Sequence[str], path_of: Callable[[str], Path], read: bool) -> dict[str, str]:
    digests = run.digests.of_all([path_of(image_id) for image_id in ids], read=read)
    return dict(zip(ids, digests, strict=True))


def _changes(earlier: Inputs, now: Inputs) -> Iterator[str]:
    """Sentences about what differs, first what the others follow from."""
    if earlier.classes != now.classes:
        yield f"the classes were {', '.join(earlier.classes)} and are {', '.join(now.classes)}"
    if earlier.void != now.void:
        yield f"the void index was {earlier.void} and is {now.void}"
    if earlier.unmasked != now.unmasked:
        yield f"a pixel under no mask was {earlier.unmasked} and is {now.unmasked}"
    before, after = (list(inputs.digests["images"]) for inputs in (earlier, now))
    yield from _listed("training images added", [name for name in after if name not in earlier.digests["images"]])
    yield from _listed("training images gone", [name for name in before if name not in now.digests["images"]])
    if before != after and sorted(before) == sorted(after):
        yield "the training images stand in another order"
    for kind in [kind for kind in earlier.digests if kind in now.digests]:
        yield from _listed(f"{kind} with other content", _replaced(earlier.digests[kind], now.digests[kind]))


def _replaced(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    return [name for name in before if name in after and before[name] != after[name]]


def _listed(what: str, names: Sequence[str]) -> Iterator[str]:
    """A line with the number of names and the first of them; none where there is no name."""
    if names:
        more = ", ..." if len(names) > _SHOWN else ""
        yield f"{what}: {len(names)} ({', '.join(names[:_SHOWN])}{more})"
