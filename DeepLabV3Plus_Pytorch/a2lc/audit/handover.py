"""From an audit to people and to the correction loop: the queue, the mask table, and answers taken back."""

from __future__ import annotations

import dataclasses
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

from a2lc.acquisition import MaskScores
from a2lc.acquisition.table import MaskTable
from a2lc.annotators import AnswersAnnotator
from a2lc.audit.audit import Audit
from a2lc.audit.findings import Findings
from a2lc.foundation.errors import InputError, WaitingForAnswers
from a2lc.labels.export import export_labels
from a2lc.labels.ledger import Decision
from a2lc.labels.state import LabelState
from a2lc.loop.config import load_config
from a2lc.loop.correction import annotate, annotator_context, select_queries
from a2lc.loop.opening import claimed, open_runs
from a2lc.loop.run import Run
from a2lc.mask_statistics import MaskStatistics

_ROUND = 1  # of the loop: its questions are those of the audit


def loop_arguments(audit: Audit, config: str, settings: Sequence[str]) -> list[str]:
    """Configuration and settings with which `a2lc run` continues from an audit.

    Args:
        audit: The audit.
        config: Name or path of its configuration.
        settings: Its settings, "key=value".
    """
    own = [f"pseudo_labels={audit.pseudo_labels}", f"output={audit.folder}", "annotator=answers"]
    return [config, *settings, f"method={audit.config.method}", f"seeds={audit.seed}", *own]


def hand_over(audit: Audit, findings: Findings, loop: Sequence[str]) -> None:
    """Write mask_table.parquet, put it where the loop looks for the scores of its first round, and write queue.csv.

    Args:
        audit: The audit, its pseudo-label set finished.
        findings: What was found.
        loop: See `loop_arguments`.
    """
    evidence = findings.evidence
    score = audit.settings.score
    statistics = {name: getattr(evidence, name) for name in MaskStatistics.__dataclass_fields__}
    scores = MaskScores(**statistics, score=findings.suspicion.scores[score])
    image_ids = tuple(image_id for image_id, _ in findings.keys)
    table = MaskTable(image_ids, scores, (None,) * len(image_ids), {"acquisition": f"audit: {score}"})
    run = _open_loop(loop)
    for path in (audit.folder / "mask_table.parquet", run.mask_table_path(_ROUND)):
        table.write(path, audit.dataset.classes, ())
    audit.queue.unlink(missing_ok=True)  # it has no answers, or the audit would have been refused
    _annotator(audit, run, audit.queue).ask(select_queries(run, _ROUND, 0), run.state(0))


def take_answers(audit: Audit, answers: Path, loop: Sequence[str]) -> Path:
    """Record the answers of a filled queue as those of the loop's first round, and export the corrected labels.

    Answers that are there are taken and the labels corrected by them; the other questions wait.

    Args:
        audit: A finished audit.
        answers: A filled copy of its queue, or the queue itself; what is empty waits.
        loop: See `loop_arguments`.

    Returns:
        The corrected pseudo-label set.

    Raises:
        WaitingForAnswers: When questions wait; the sentence says where the labels are that were corrected so far.
        InputError: When the audit is not finished, an answer is not valid (all are listed and none is taken), or all
            answers were taken before.
    """
    if not audit.is_done:
        raise InputError(f"the audit in {audit.folder} is not finished: run it without --answers first")
    run = _open_loop(loop)
    target = audit.folder / "corrected"
    if (target / "manifest.json").exists() and run.ledger.is_done(_ROUND, 0, "annotate"):
        raise InputError(f"the answers are taken already, into {target}: continue with a2lc run {shlex.join(loop)}")
    with claimed(run):
        annotator = _annotator(audit, run, answers)
        try:
            annotate(run, _ROUND, 0, annotator)
        except WaitingForAnswers as waiting:
            decisions = annotator.so_far()
            if decisions:
                _export(run, _corrected(run.state(0), decisions), target)
                note = f"; {len(decisions)} are answered, and {target} holds the labels corrected so far"
                raise WaitingForAnswers(f"{waiting}{note}") from None
            raise
        return _export(run, run.state(), target)


def _corrected(state: LabelState, decisions: Sequence[Decision]) -> LabelState:
    """The labels with decisions about whole masks."""
    corrections: dict[str, dict[int, int]] = {}
    for decision in decisions:
        if decision.label_after is not None:
            corrections.setdefault(decision.image_id, {})[decision.mask_id] = decision.label_after
    return LabelState(state.initial, corrections)


def _export(run: Run, state: LabelState, target: Path) -> Path:
    """Write the corrected labels in the place of those that fewer answers gave."""
    if (target / "manifest.json").exists():
        shutil.rmtree(target)
    made_by = {"made_by": "a2lc audit --answers"}
    return export_labels(state, run.dataset.ids("train"), run.dataset.classes, target, made_by).root


def _open_loop(loop: Sequence[str]) -> Run:
    return open_runs(load_config(loop[0], loop[1:]))[0]


def _annotator(audit: Audit, run: Run, answers: Path) -> AnswersAnnotator:
    """People who fill the queue of the audit, and answer the first questions of the loop by that."""
    context = annotator_context(run, _ROUND, 0)
    return AnswersAnnotator(dataclasses.replace(context, queue=audit.queue, answers=answers))


def next_steps(audit: Audit, command: str, loop: Sequence[str]) -> str:
    """What to do after the audit, as text with the commands.

    Args:
        audit: A finished audit.
        command: The command of the audit itself.
        loop: See `loop_arguments`.
    """
    return (
        f"report: {audit.report}\n\n"
        f"To correct the labels, write yes, a class, no, void or skip (see classes.txt) into the column 'answer' of\n"
        f"{audit.queue}, then:\n  {command} --answers {shlex.quote(str(audit.queue))}\n"
        f"To go on with the correction loop from there:\n  {shlex.join(['a2lc', 'run', *loop])}\n"
    )
