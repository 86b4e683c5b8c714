"""How well `a2lc audit` finds labels that were made wrong on purpose.

The masks are those that `a2lc audit` chooses for the ground truth of the training images: connected regions of at least
100 pixels where objects stand on background, superpixels where labels cover the image. A tenth of them, drawn by seed,
get another of the classes that masks have. Then the labels are audited, and the ranking of the masks is compared with
what is known; a judged mask is wrong where most of its pixels are.

    python benchmarks/audit_injected_errors.py VOC_ROOT [--seeds 1,2] [--to results/audit] [key=value ...]
    python benchmarks/audit_injected_errors.py data/toyscapes --config demo --to outputs/errors

Settings are passed to `a2lc audit pascal`, or to the configuration after --config. --masks chooses what the audit
judges, --errors what gets the wrong labels. What it makes goes below --work, where a killed benchmark continues; a
table (summary.md), the numbers of every seed (seed<k>.csv) and a figure (precision_recall.png) go to --to.
"""

from __future__ import annotations

import argparse
import csv
import os
import shlex
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, precision_recall_curve

from a2lc.audit.choice import choose_masks
from a2lc.audit.labels import survey
from a2lc.audit.masks import find_masks
from a2lc.audit.scores import SCORE_NAMES
from a2lc.audit.settings import AuditSettings
from a2lc.cli import main as a2lc
from a2lc.datasets import Dataset, open_dataset
from a2lc.formats.png import LabelFolder
from a2lc.foundation.environment import COMMAND_VARIABLE
from a2lc.foundation.files import atomic_path, write_text
from a2lc.foundation.images import write_label_map
from a2lc.foundation.seeding import generator
from a2lc.labels.store import open_pseudo_labels
from a2lc.loop.config import load_config

SHARE = 0.1  # of the masks that get a wrong label
COLORS = dict(zip(SCORE_NAMES, ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00"), strict=True))


@dataclass(frozen=True)
class Ranking:
    """The audit of one seed, compared with what was injected.

    Attributes:
        seed: Of the errors and of the audit.
        injected: Masks that were given a wrong label.
        wrong: (M,) bool, whether most pixels of a judged mask have a wrong label.
        scores: Name of a score → (M,) float.
    """

    seed: int
    injected: int
    wrong: NDArray[np.bool_]
    scores: dict[str, NDArray[np.float64]]

    def numbers(self, name: str) -> dict[str, float]:
        """What one score achieves: average precision, and the share of hits among the worst masks."""
        best = self.wrong[np.argsort(-self.scores[name], kind="stable")]
        count = int(self.wrong.sum())
        return {
            "average precision": float(average_precision_score(self.wrong, self.scores[name])),
            "precision in the worst 50": float(best[:50].mean()),
            f"found in the worst {SHARE:.0%}": float(best[: round(SHARE * len(best))].sum() / count),
            f"found in the worst {2 * SHARE:.0%}": float(best[: round(2 * SHARE * len(best))].sum() / count),
        }


def main() -> None:
    """Inject, audit, compare, and write table and figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("--config", default="pascal", help="configuration of the audit")
    parser.add_argument("--masks", default="auto", help="as in a2lc audit")
    parser.add_argument("--errors", default="auto", help="masks that get wrong labels, as in a2lc audit --masks")
    parser.add_argument("--seeds", default="1", help="seeds, separated by commas")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--work", type=Path, default=Path("outputs/audit_injected_errors"))
    parser.add_argument("--to", type=Path, default=Path("results/audit"))
    parser.add_argument("settings", nargs="*", metavar="key=value")
    arguments = parser.parse_intermixed_args()
    settings = [f"dataset.root={arguments.root}", *arguments.settings]
    rankings = []
    for seed in map(int, arguments.seeds.split(",")):
        options = ["--folds", str(arguments.folds), "--masks", arguments.masks]
        work = arguments.work / f"seed{seed}"
        rankings.append(measure(seed, [arguments.config, *settings], options, arguments.errors, work))
        write_seed(arguments.to / f"seed{seed}.csv", rankings[-1])
    command = os.environ.get(COMMAND_VARIABLE) or shlex.join(["python", *sys.argv])
    write_text(arguments.to / "summary.md", summary(rankings, command))
    draw(rankings, arguments.to / "precision_recall.png")
    print((arguments.to / "summary.md").read_text())


def measure(seed: int, settings: Sequence[str], options: Sequence[str], errors: str, work: Path) -> Ranking:
    """Inject errors, audit the labels, and tell which of the judged masks are wrong.

    Args:
        seed: Of the errors and of the audit.
        settings: Configuration and settings of the audit.
        options: More of the audit.
        errors: What gets the wrong labels.
        work: Where everything goes.
    """
    dataset = open_dataset(load_config(settings[0], settings[1:])[0].dataset)
    injected = inject(dataset, seed, errors, work / "labels")
    command = ["audit", settings[0], "budget=50", *settings[1:], f"seeds={seed}", f"experiment=injected_errors_{seed}"]
    if a2lc([*command, "--labels", str(work / "labels"), "--to", str(work / "audit"), *options]):
        raise SystemExit("the audit failed")
    return compare(dataset, seed, injected, work)


def inject(dataset: Dataset, seed: int, errors: str, folder: Path) -> int:
    """Write label maps with errors; returns how many masks have one."""
    assert dataset.ground_truth is not None
    labels = {image_id: dataset.ground_truth.labels(image_id) for image_id in dataset.ids("train")}
    asked = AuditSettings.model_validate({"masks": errors})
    kind = choose_masks(asked, survey(dataset, dataset.ground_truth)).kind
    regions = {
        image_id: find_masks(dataset.image(image_id), of_image, dataset.classes, AuditSettings(masks=kind))
        for image_id, of_image in labels.items()
    }
    masks = [(image_id, mask) for image_id, found in regions.items() for mask in range(1, int(found.max()) + 1)]
    given = [int(labels[image_id][regions[image_id] == mask][0]) for image_id, mask in masks]
    random, classes = generator(seed, "injected errors"), sorted(set(given))
    chosen = random.choice(len(masks), round(SHARE * len(masks)), replace=False)
    for index in chosen:
        image_id, mask = masks[index]
        labels[image_id][regions[image_id] == mask] = random.choice([k for k in classes if k != given[index]])
    for image_id, of_image in labels.items():
        write_label_map(folder / f"{image_id}.png", of_image, dataset.classes.palette())
    return len(chosen)


def compare(dataset: Dataset, seed: int, injected: int, work: Path) -> Ranking:
    """Which masks of the audit are wrong: most of their pixels differ from ground truth."""
    truth, classes = dataset.ground_truth, dataset.classes
    assert truth is not None
    given, source = LabelFolder(work / "labels", len(classes)), open_pseudo_labels(work / "audit/pseudo_labels")
    different = {i: truth.labels(i) != given.labels(i) for i in dataset.ids("train")}
    with (work / "audit/masks.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    masks = {image_id: source.masks(image_id) for image_id in {row["image_id"] for row in rows}}
    wrong = [different[row["image_id"]][masks[row["image_id"]] == int(row["mask_id"])].mean() > 0.5 for row in rows]
    scores = {name: np.array([float(row[name]) for row in rows]) for name in SCORE_NAMES}
    return Ranking(seed, injected, np.array(wrong), scores)


def write_seed(path: Path, ranking: Ranking) -> None:
    """Every number of a seed, a row per score."""
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        rows = [{"score": name, "masks": len(ranking.wrong), **ranking.numbers(name)} for name in SCORE_NAMES]
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def summary(rankings: Sequence[Ranking], command: str) -> str:
    """The table, with the command."""
    counts = ", ".join(f"{int(r.wrong.sum())} of {len(r.wrong)} masks (seed {r.seed})" for r in rankings)
    columns = list(rankings[0].numbers(SCORE_NAMES[0]))
    table = [f"| score | {' | '.join(columns)} |", "| :-- |" + " --: |" * len(columns)]
    table += [f"| {name} | {' | '.join(_cell(rankings, name, column) for column in columns)} |" for name in SCORE_NAMES]
    lines = [
        "# Injected errors: how well an audit ranks them",
        f"```\n{command}\n```",
        f"Wrong labels: {counts}. Mean over the seeds, ± standard deviation (n - 1) where there are several; the "
        f"average precision of a random order is about {np.mean([r.wrong.mean() for r in rankings]):.2f}. "
        f"`{SCORE_NAMES[0]}` is the default of `a2lc audit`.",
        "\n".join(table),
        "![Precision against recall](precision_recall.png)",
    ]
    return "\n\n".join(lines) + "\n"


def _cell(rankings: Sequence[Ranking], name: str, column: str) -> str:
    values = [ranking.numbers(name)[column] for ranking in rankings]
    deviation = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.3f}{deviation}"


def draw(rankings: Sequence[Ranking], path: Path) -> None:
    """Precision against recall, a line per score and seed."""
    figure = Figure(figsize=(7, 4.8), dpi=150, layout="constrained", facecolor="white")
    axes = figure.subplots()
    for name in SCORE_NAMES:
        for ranking in rankings:
            precision, recall, _ = precision_recall_curve(ranking.wrong, ranking.scores[name])
            mean = statistics.mean(r.numbers(name)["average precision"] for r in rankings)
            label = f"{name} ({mean:.2f})" if ranking is rankings[0] else None
            width = 2.4 if name == SCORE_NAMES[0] else 1.4
            axes.plot(recall, precision, color=COLORS[name], linewidth=width, label=label, drawstyle="steps-post")
    axes.axhline(float(np.mean([r.wrong.mean() for r in rankings])), color="#6b7480", linewidth=1, linestyle=":")
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall: wrong labels found", ylabel="precision")
    axes.legend(title="score (average precision)", frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    with atomic_path(path) as temporary:
        FigureCanvasAgg(figure).print_png(temporary, metadata={"Software": None})


if __name__ == "__main__":
    main()
