"""The commands that are killed: every verb that writes."""

from __future__ import annotations

from dataclasses import dataclass

from tests.catalogue.worlds import ANSWERED, ASKED, AUDIT, COMMON, POSTERIOR, SCORED, TRAINED


@dataclass(frozen=True)
class Job:
    """A command and the prepared work it goes on with.

    Attributes:
        name: The verb.
        world: A key of `worlds.WORLDS`.
        line: The command line, words separated by single blanks.
    """

    name: str
    world: str
    line: str


JOBS = (
    Job("run", "data", f"a2lc run {COMMON} inner_batch=2"),
    Job("run posterior", "data", f"a2lc run {POSTERIOR} inner_batch=2"),
    Job("run R-start", "data", f"a2lc run {COMMON} start.name=clicks start.clicks=20 propagation=none"),
    Job("train", "data", f"a2lc train {TRAINED} training.iterations=6"),
    Job("score", "trained", f"a2lc score {TRAINED}"),
    Job("select", "scored", f"a2lc select {SCORED}"),
    Job("correct", "asked", f"a2lc correct {ASKED} --answers outputs/answers.csv"),
    Job("propagate", "answered", f"a2lc propagate {ANSWERED}"),
    Job("predict", "finished", f"a2lc predict {COMMON} --images data/images --to made"),
    Job("evaluate", "trained", f"a2lc evaluate {TRAINED}"),
    Job("audit", "data", f"a2lc audit {AUDIT}"),
    Job("audit --answers", "audited", f"a2lc audit {AUDIT} --answers outputs/audited.csv"),
    Job("export", "finished", f"a2lc export {COMMON} --to made"),
    Job("report", "finished", f"a2lc report {COMMON}"),
    Job("generate", "data", "grounded-sam generate folder dataset.root=data output=made"),
    Job("superpixels", "data", "grounded-sam superpixels data/images made --classes data/classes.yaml"),
    Job("import", "research", "grounded-sam import research --classes data/classes.yaml --to made"),
    Job("export layout", "data", "grounded-sam export data/pseudo_labels --classes data/classes.yaml --to made"),
    Job("inspect", "data", "grounded-sam inspect data/pseudo_labels --classes data/classes.yaml --sheet sheet.png"),
)
