"""Whether the networks know enough to doubt the labels: how often they agree with them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from a2lc.audit.audit import Audit
from a2lc.audit.tables import Row

_TOO_LITTLE = 0.5  # of the masks: networks that deny most labels say little about any of them
_LONGER = 4  # times as many iterations
_AT_LEAST = 1000  # iterations where there were none


def agreement(masks: Sequence[Row]) -> float:
    """Share of the masks whose given class is the one that the networks take them for; 1 where there are none."""
    return sum(row["given"] == row["predicted"] for row in masks) / len(masks) if masks else 1.0


def distrust(audit: Audit, masks: Sequence[Row], command: str) -> str | None:
    """Why the ranking is not to be trusted, with what to do, a sentence without a full stop; None where it is.

    Args:
        audit: The audit.
        masks: Rows of `Tables.masks`.
        command: The command of the audit.
    """
    agreed = agreement(masks)
    if agreed >= _TOO_LITTLE:
        return None
    if audit.predictions:
        return (
            f"the predictions agree with the labels of only {agreed:.0%} of the masks: either most labels are wrong, "
            "or the model cannot judge them. See that its classes are those of the class list, in that order"
        )
    return (
        f"the networks agree with the labels of only {agreed:.0%} of the masks: either most labels are wrong, or the "
        f"networks have learned too little to judge them. Train longer: {longer(audit, command)}"
    )


def longer(audit: Audit, command: str) -> str:
    """The command of an audit with four times as many iterations, into a folder beside its own."""
    words = iter(shlex.split(command))
    kept = []
    for word in words:
        if word == "--to":
            next(words, None)
        elif not word.startswith(("--to=", "training.iterations=")):
            kept.append(word)
    iterations = _LONGER * audit.config.training.iterations or _AT_LEAST
    target = audit.folder.with_name(f"{audit.folder.name}_longer")
    return shlex.join([*kept, f"training.iterations={iterations}", "--to", str(target)])
