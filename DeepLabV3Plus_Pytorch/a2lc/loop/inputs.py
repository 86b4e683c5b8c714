"""What the meaning of a ledger hangs on: the inputs that a seed was begun with, by fingerprint, and whether they stand.

A ledger names masks by their ids and labels by their indices: over others its answers say something else.
"""

from __future__ import annotations

import logging
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from a2lc.foundation.errors import InputError
from a2lc.foundation.files import write_json
from a2lc.foundation.processes import on_main
from a2lc.loop.begun import INPUTS, INPUTS_SEEN, is_begun
from a2lc.loop.input_files import IMAGES, OF_TABLES, VALIDATION, WEIGHTS, Kind, kinds_of, weights_of
from a2lc.loop.run import Run

_log = logging.getLogger(__name__)
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


def verify_inputs(run: Run, full: bool = False, *, labels_alone: bool = False) -> None:
    """Compare the inputs of a run with those that its seed was begun with; writes nothing.

    Compared are the training images (which, and their files), initial labels, mask maps, and the classes' names, order,
    void and background; and, unless `labels_alone`, ground truth, validation images and the backbone's weights. Files
    are compared by content; one that has the size and the times that it had when it was read last is not read again.
    Nothing is compared before anything was made of the inputs, nor where an earlier version began the seed, which
    recorded none, or less. For the main process alone.

    Args:
        run: The run.
        full: Read every file again.
        labels_alone: Compare what the labels of a round hang on, for work that measures and trains nothing.

    Raises:
        InputError: When anything is other than before; says what, and how much of it.
    """
    earlier = _recorded(run)
    if earlier is None or not is_begun(run.seed_folder):
        return
    _refuse(run, list(_changes(earlier, _inputs(run, kinds_of(run, labels_alone), full))))


def _refuse(run: Run, changes: Sequence[str]) -> None:
    if changes:
        listed = "\n".join(f"  - {line}" for line in changes)
        raise InputError(
            f"{run.seed_folder} was begun with other inputs, on which its ledger or its tables depend; nothing was "
            f"changed:\n{listed}\nput back what was there, or start a new run with experiment=<name> or "
            "output=<folder>"
        )


@on_main
def verify_weights(run: Run) -> None:
    """Check the backbone's weights when they have been read, for only then a download is there, and record them.

    Raises:
        InputError: When they are damaged, or other than those that the seed was begun with.
    """
    kinds = list(weights_of(run))
    earlier = _recorded(run)
    if not kinds or earlier is None:
        return
    from a2lc.segmentation.downloads import check_download  # loads PyTorch

    check_download(run.config.network)
    now = _inputs(run, kinds)
    _refuse(run, [line for kind in now.digests for line in _replaced(kind, earlier, now)])
    _write(run, earlier, _joined(earlier, now))


def record_inputs(run: Run) -> None:
    """Record the inputs of a seed where that was not done yet; to be called after `verify_inputs`, in the main process.

    Raises:
        InputError: When the record is damaged, or a file is missing.
    """
    earlier = _recorded(run)
    begun = is_begun(run.seed_folder)
    if earlier is None and begun:
        _log.info("%s: its inputs are recorded from now on; earlier rounds cannot be checked against them", run.name)
    now = _inputs(run, kinds_of(run))
    if earlier is not None and begun:  # what a start has made since, or an earlier version did not record, is added
        now = _joined(earlier, now)
    _write(run, earlier, now)


def _joined(earlier: Inputs, now: Inputs) -> Inputs:
    """The earlier inputs and what is new among those of now."""
    kinds = [*earlier.digests, *(kind for kind in now.digests if kind not in earlier.digests)]
    digests = {kind: now.digests.get(kind, {}) | earlier.digests.get(kind, {}) for kind in kinds}
    return earlier.model_copy(update={"digests": digests})


def _write(run: Run, earlier: Inputs | None, now: Inputs) -> None:
    """Write the record, where it is another than before, and what is known of files."""
    if now != earlier:
        write_json(run.round_folder(0) / INPUTS, now.model_dump(mode="json"))
    run.digests.keep(run.seed_folder / INPUTS_SEEN)


def _recorded(run: Run) -> Inputs | None:
    """The inputs that the seed was begun with; None where none were recorded."""
    path = run.round_folder(0) / INPUTS
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


def _inputs(run: Run, kinds: Iterable[Kind], read: bool = False) -> Inputs:
    """The inputs as they are now."""
    run.digests.recall(run.seed_folder / INPUTS_SEEN)
    classes = run.dataset.classes
    digests = {kind.name: _digests_of(run, kind.present(), read) for kind in kinds}
    return Inputs(classes=classes.names, unmasked=classes.unmasked, void=classes.void, digests=digests)


def _digests_of(run: Run, paths: Mapping[str, Path], read: bool) -> dict[str, str]:
    return dict(zip(paths, run.digests.of_all(list(paths.values()), read=read), strict=True))


def _changes(earlier: Inputs, now: Inputs) -> Iterator[str]:
    """Sentences about what differs, first what the others follow from."""
    if earlier.classes != now.classes:
        yield f"the classes were {', '.join(earlier.classes)} and are {', '.join(now.classes)}"
    if earlier.void != now.void:
        yield f"the void index was {earlier.void} and is {now.void}"
    if earlier.unmasked != now.unmasked:
        yield f"a pixel under no mask was {earlier.unmasked} and is {now.unmasked}"
    before, after = (list(inputs.digests[IMAGES]) for inputs in (earlier, now))
    yield from _listed("training images added", _without(after, before))
    yield from _listed("training images gone", _without(before, after))
    if before != after and sorted(before) == sorted(after):
        yield "the training images stand in another order"
    for kind in [kind for kind in earlier.digests if kind in now.digests]:
        yield from _replaced(kind, earlier, now)
        if kind in OF_TABLES and earlier.digests[kind]:
            yield from _exchanged(kind, earlier, now)


def _replaced(kind: str, earlier: Inputs, now: Inputs) -> Iterator[str]:
    """What has other content than before."""
    before = earlier.digests.get(kind, {})
    after = now.digests[kind]
    yield from _listed(f"{kind} with other content", [n for n in before if n in after and before[n] != after[n]])


def _exchanged(kind: str, earlier: Inputs, now: Inputs) -> Iterator[str]:
    """What of a kind is there no more and, of validation images, what is new; weights may be elsewhere in a cache."""
    before = earlier.digests[kind]
    after = now.digests[kind]
    if kind != WEIGHTS:
        yield from _listed(f"{kind} gone", _without(before, after))
    if kind == VALIDATION:
        yield from _listed(f"{kind} added", _without(after, before))


def _without(names: Iterable[str], others: Container[str]) -> list[str]:
    return [name for name in names if name not in others]


def _listed(what: str, names: Sequence[str]) -> Iterator[str]:
    """A line with the number of names and the first of them; none where there is no name."""
    if names:
        more = ", ..." if len(names) > _SHOWN else ""
        yield f"{what}: {len(names)} ({', '.join(names[:_SHOWN])}{more})"
