"""Bad configurations, bad command lines, and places that cannot take results."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.catalogue import commands as on
from tests.catalogue.damages import (
    Damage,
    a_dangling_link,
    a_file,
    a_foreign_folder,
    a_link_loop,
    a_pipe,
    holding,
    nothing,
)
from tests.catalogue.row import Command, Row, crossed
from tests.catalogue.rows_data import BAD_YAML
from tests.catalogue.worlds import ASKED, AUDIT, COMMON

_CONFIG = tuple(
    Damage(name, holding(f"base: folder\ndataset: {{root: data}}\n{line}\n"), says)
    for name, line, says in (
        ("an unknown key", "budgett: 3", "budgett"),
        ("an unknown key inside", "training: {iteration: 3}", "iteration"),
        ("a text for a number", "budget: many", "budget"),
        ("a list for a number", "budget: [1]", "budget"),
        ("a number for a group", "training: 3", "training"),
        ("a learning rate that is not a number", "training: {learning_rate: .nan}", "learning_rate"),
        ("a learning rate without end", "training: {learning_rate: .inf}", "learning_rate"),
        ("a negative learning rate", "training: {learning_rate: -1}", "learning_rate"),
        ("a negative budget", "budget: -4", "budget"),
        ("a budget of 1e400", "budget: 1e400", "budget"),
        ("a method that is a number", "method: 5", "method"),
        ("an empty method", "method: ''", "method"),
        ("an unknown method", "method: guess", "guess"),
        ("the same key twice", "budget: 3\nbudget: 4", "budget"),
        ("keys of several kinds", "1: a\nnull: b", ""),
        ("seeds are a text", "seeds: many", "seeds"),
        ("a negative seed", "seeds: [-1]", "seeds"),
        ("the same seed twice", "seeds: [1, 1]", "seeds"),
        ("a NUL in a path", 'output: "a\\0b"', "output"),
        ("an experiment that leads out", "experiment: ../../out", "experiment"),
        ("an absolute experiment", "experiment: /tmp/out", "experiment"),
    )
)
_BASES = (
    Damage("itself as base", holding("base: tools/config.yaml\ndataset: {root: data}\n"), "base"),
    Damage("an unknown base", holding("base: folderr\n"), "folderr"),
    Damage("a list as base", holding("base: [folder]\n"), "base"),
)
_SWEEPS = tuple(
    Damage(name, holding(text), says)
    for name, text, says in (
        ("no runs", "methods: a2lc\n", "runs"),
        ("runs are empty", "runs: []\n", "runs"),
        ("a run without a configuration", "runs: [{seeds: 1}]\n", "config"),
        ("an unknown configuration", "runs: [{config: folderr}]\n", "folderr"),
        ("the same run twice", "runs: [{config: demo}, {config: demo}]\n", "demo"),
        ("seeds are texts", "runs: [{config: demo}]\nseeds: [a]\n", "seeds"),
        ("settings are a list", "runs: [{config: demo, settings: [a]}]\n", "settings"),
        ("an unknown method", "runs: [{config: demo}]\nmethods: guess\n", "guess"),
    )
)

# settings that cannot be meant: what is set, what has to be named
_SETTINGS = (
    ("training.workers=500", "training.workers"),
    ("training.workers=-1", "training.workers"),
    ("training.batch_size=100000", "training.batch_size"),
    ("training.batch_size=0", "training.batch_size"),
    ("training.crop_size=1000000", "training.crop_size"),
    ("training.iterations=-1", "training.iterations"),
    ("training.learning_rate=nan", "training.learning_rate"),
    ("training.learning_rate=1e400", "training.learning_rate"),
    ("rounds=100000000", "rounds"),
    ("rounds=-1", "rounds"),
    ("rounds=1.5", "rounds"),
    ("budget=0", "budget"),
    ("inner_batch=0", "inner_batch"),
    ("seeds=[]", "seeds"),
    ("seeds=a", "seeds"),
    ("method=5", "method"),
    ("method=", "method"),
    ("method=,", "method"),
    ("method=a2lc,a2lc", "a2lc"),
    ("method=../x", "method"),
    ("experiment=../x", "experiment"),
    ("experiment=/tmp/x", "experiment"),
    ("experiment=", "experiment"),
    ("experiment=a/../../b", "experiment"),
    ("device=gpu", "device"),
    ("device=cuda:99", "cuda"),
    ("network.backbone=resnet", "resnet"),
    ("network.backbone_weights=nowhere.pth", "nowhere.pth"),
    ("network.backbone_weights=tools", "tools"),
    ("network.output_stride=5", "output_stride"),
    ("dataset.root=nowhere", "nowhere"),
    ("dataset.root=tools/config.yaml", "config.yaml"),
    ("dataset.root=", "dataset.root"),
    ("dataset.name=foldr", "foldr"),
    ("pseudo_labels=nowhere", "nowhere"),
    ("pseudo_labels=tools/config.yaml", "config.yaml"),
    ("pseudo_labels=data/images", "images"),
    ("propagation.threshold=2", "threshold"),
    ("propagation.threshold=nan", "threshold"),
    ("acquisition=abcd", "abcd"),
    ("annotator=nobody", "nobody"),
    ("fidelity=strict", "fidelity"),
    ("start.name=clicks start.clicks=0", "start.clicks"),
    ("budget", "budget"),
    ("=3", "="),
    ("a..b=3", r"a\.\.b"),
    ("budget=[", "budget"),
    ("budget={a: &a [*a]}", "budget"),
    ("budget=!!python/object/apply:os.getcwd []", "budget"),
    ("__class__=3", "__class__"),
)
# whole command lines: where, what, what has to be named
_LINES = (
    ("data", "a2lc", "VERB"),
    ("data", "a2lc runn", "runn"),
    ("data", "a2lc run", "configuration"),
    ("data", "a2lc run nowhere.yaml", r"nowhere\.yaml"),
    ("data", "a2lc run data", "data"),
    ("data", "a2lc run nowhere.yaml --keys", r"nowhere\.yaml"),
    ("data", f"a2lc run {COMMON} --nonsense", "nonsense"),
    ("data", f"a2lc score {COMMON}", "train"),
    ("data", f"a2lc select {COMMON}", "train"),
    ("data", f"a2lc correct {COMMON}", "train"),
    ("data", f"a2lc propagate {COMMON}", "train"),
    ("data", f"a2lc export {COMMON}", "--to"),
    ("data", f"a2lc export {COMMON} --to made", "no run|nothing"),
    ("data", f"a2lc predict {COMMON} --images data/images --to made", "train"),
    ("data", f"a2lc predict {COMMON} --images nowhere --to made", "nowhere"),
    ("data", f"a2lc predict {COMMON} --images tools --to made", "tools"),
    ("data", f"a2lc predict {COMMON} --images data/images --weights nowhere.pt --to made", "nowhere"),
    ("data", f"a2lc report {COMMON}", "run|finished"),
    ("data", f"a2lc report {COMMON} --against money", "money"),
    ("data", f"a2lc audit {AUDIT} --folds 1", "folds"),
    ("data", f"a2lc audit {AUDIT} --folds 1000", "folds"),
    ("data", f"a2lc audit {AUDIT} --min-pixels -1", "min.pixels"),
    ("data", f"a2lc audit {AUDIT} --min-pixels 1000000", "min.pixels|mask"),
    ("data", f"a2lc audit {AUDIT} --labels nowhere", "nowhere"),
    ("data", f"a2lc audit {AUDIT} --answers nowhere.csv", "nowhere|audit"),
    ("data", f"a2lc audit {AUDIT} --predictions nowhere", "nowhere"),
    ("data", f"a2lc audit {AUDIT} --superpixels 0 --masks superpixels", "superpixels"),
    ("data", "a2lc sweep nowhere.yaml", "nowhere"),
    ("data", "a2lc sweep tools/sweep.yaml --jobs 0", "jobs"),
    ("data", "a2lc sweep tools/sweep.yaml --jobs -3", "jobs"),
    ("data", "a2lc evaluate", "configuration|--labels"),
    ("data", "a2lc evaluate --labels data/pseudo_labels", "ground.truth"),
    ("data", "a2lc evaluate --labels nowhere --ground-truth data/ground_truth --classes data/classes.yaml", "nowhere"),
    (
        "data",
        "a2lc evaluate --labels data/pseudo_labels --ground-truth nowhere --classes data/classes.yaml",
        "nowhere",
    ),
    (
        "data",
        "a2lc evaluate --labels data/pseudo_labels --ground-truth data/ground_truth --classes nowhere",
        "nowhere",
    ),
    (
        "data",
        "a2lc evaluate --labels data/pseudo_labels --ground-truth data/ground_truth --classes pascal",
        "manifest|class",
    ),
    ("finished", f"a2lc export {COMMON} --to made --round 99", "99"),
    ("finished", f"a2lc export {COMMON} --to made --round -1", "-1|round"),
    ("finished", f"a2lc export {COMMON} --to made --round one", "round"),
    ("finished", f"a2lc export {COMMON} --to made method=a2lc,alc", "method"),
    ("finished", f"a2lc report {COMMON} rounds=100000000", "rounds"),
    ("finished", f"a2lc run {COMMON} training.batch_size=3", "batch_size"),
    ("finished", f"a2lc run {COMMON} training.iterations=3", "iterations"),
    ("finished", f"a2lc train {COMMON}", "rounds"),
    ("finished", f"a2lc score {COMMON}", "rounds"),
    ("asked", f"a2lc correct {ASKED} --answers nowhere.csv", "nowhere"),
    ("asked", f"a2lc correct {ASKED} --answers data", "data"),
    ("asked", f"a2lc propagate {ASKED}", "answers"),
    ("asked", f"a2lc train {ASKED}", "correct"),
    ("data", "grounded-sam", "VERB"),
    ("data", "grounded-sam generatee", "generatee"),
    ("data", "grounded-sam generate", "configuration"),
    ("data", "grounded-sam generate folder", "dataset.root"),
    ("data", "grounded-sam generate folder dataset.root=nowhere", "nowhere"),
    ("data", "grounded-sam generate folder dataset.root=data output=made limit=0", "limit"),
    ("data", "grounded-sam generate folder dataset.root=data output=made batch_size=0", "batch_size"),
    (
        "data",
        "grounded-sam generate folder dataset.root=data output=made filters.score_threshold=nan",
        "score_threshold",
    ),
    ("data", "grounded-sam generate folder dataset.root=data output=made filters.score_threshold=5", "score_threshold"),
    ("data", "grounded-sam generate folder dataset.root=data output=made filters.class_thresholds.whale=0.5", "whale"),
    ("data", "grounded-sam generate folder dataset.root=data output=made device=gpu", "gpu"),
    ("data", "grounded-sam superpixels data/images made", "classes"),
    ("data", "grounded-sam superpixels nowhere made --classes data/classes.yaml", "nowhere"),
    ("data", "grounded-sam superpixels data/images made --classes data/classes.yaml --method cuts", "cuts"),
    ("data", "grounded-sam superpixels data/images made --classes data/classes.yaml --segments 0", "segments"),
    ("data", "grounded-sam superpixels data/images made --classes data/classes.yaml --segments 1000000", "segments"),
    ("data", "grounded-sam superpixels data/images data/images/made --classes data/classes.yaml", "made"),
    ("data", "grounded-sam superpixels data/images made --classes data/classes.yaml --labels nowhere", "nowhere"),
    ("data", "grounded-sam inspect nowhere", "nowhere"),
    ("data", "grounded-sam inspect data/pseudo_labels", "classes"),
    ("data", "grounded-sam inspect data/pseudo_labels --classes pascal", "class"),
    ("data", "grounded-sam inspect data/pseudo_labels --classes data/classes.yaml --images nowhere", "nowhere"),
    (
        "data",
        "grounded-sam inspect data/pseudo_labels --classes data/classes.yaml --sheet data/images/image00.png",
        "image00",
    ),
    ("data", "grounded-sam export data/pseudo_labels", "--to"),
    ("data", "grounded-sam export nowhere --classes data/classes.yaml --to made", "nowhere"),
    ("data", "grounded-sam import data/images --classes data/classes.yaml --to made", "images"),
    ("data", "grounded-sam import nowhere --classes data/classes.yaml --to made", "nowhere"),
)

_PLACES = (
    Damage("a file stands there", a_file),
    Damage("a foreign folder stands there", a_foreign_folder),
    Damage("a dangling link stands there", a_dangling_link),
    Damage("a link loop stands there", a_link_loop),
    Damage("a pipe stands there", a_pipe),
)
_NAMES = (
    ("a name that is too long", "x" * 300, "x{20}"),
    ("a place below a file", "data/classes.yaml/made", "classes.yaml"),
    ("a place that cannot be made", "/proc/made", "/proc"),
    ("the folder of the data", "data", "data"),
    ("a pseudo-label set", "data/pseudo_labels", "pseudo_labels"),
)


def _writers(place: str) -> tuple[Command, ...]:
    """Every command that writes into a folder it is given."""
    weights = "outputs/runs/folder/seed1/a2lc/round_1/last.safetensors"
    lines = (
        ("export", "finished", f"a2lc export {COMMON} --to {place}"),
        (
            "predict",
            "finished",
            f"a2lc predict {COMMON} --weights {weights} --classes data/classes.yaml --images data/images --to {place}",
        ),
        ("audit", "data", f"a2lc audit {AUDIT} --to {place}"),
        ("generate", "data", f"grounded-sam generate folder dataset.root=data output={place}"),
        ("superpixels", "data", f"grounded-sam superpixels data/images {place} --classes data/classes.yaml"),
        ("export layout", "data", f"grounded-sam export data/pseudo_labels --classes data/classes.yaml --to {place}"),
        ("import", "research", f"grounded-sam import research --classes data/classes.yaml --to {place}"),
    )
    return tuple(Command(f"{name} into {place[:30]}", world, line) for name, world, line in lines)


def rows() -> Iterator[Row]:
    """All rows about requests."""
    yield from crossed("tools/config.yaml", BAD_YAML, on.RUN_FILE, on.GENERATE_SHOW)
    yield from crossed("tools/sweep.yaml", BAD_YAML, on.SWEEP)
    for damage in _SWEEPS:
        yield Row(on.SWEEP, "tools/sweep.yaml", damage, (damage.says,))
    for damage in (*_CONFIG, *_BASES):
        says = (damage.says,) if damage.says else (r"config\.yaml",)
        yield Row(on.SHOW, "tools/config.yaml", damage, says)
    for setting, says in _SETTINGS:
        command = Command("run", "data", f"a2lc run {COMMON} {setting}", ("outputs",))
        yield Row(command, "", Damage(setting, nothing), (says,))
    for world, line, says in _LINES:
        short = re.sub(re.escape(COMMON), "…", line)
        yield Row(Command(f"line on {world}", world, line, ("outputs",)), "", Damage(short[:150], nothing), (says,))
    for command in _writers("made"):
        yield from crossed("made", _PLACES, command)
    yield from crossed("outputs", _PLACES[:1] + _PLACES[2:], on.RUN)
    yield from crossed("sheet.png", (_PLACES[0], *_PLACES[2:]), on.INSPECT)
    for name, place, says in _NAMES:
        for command in _writers(place):
            yield Row(command, "", Damage(name, nothing), (says,))
