"""The commands that bad inputs are tried with."""

from __future__ import annotations

from tests.catalogue.row import Command
from tests.catalogue.worlds import ANSWERED, ASKED, AUDIT, COMMON, POSTERIOR, STOPPED, TRAINED

_OUT = ("outputs",)

# on data alone
RUN = Command("run", "data", f"a2lc run {COMMON} rounds=0", _OUT)
TRAIN = Command("train", "data", f"a2lc train {COMMON}", _OUT)
FRESH_AUDIT = Command("audit", "data", f"a2lc audit {AUDIT}", ("audited",))
AUDIT_TRUTH = Command(
    "audit truth", "data", f"a2lc audit {COMMON} --to audited --folds 2 --min-pixels 10", ("audited",)
)
MEASURE = Command(
    "evaluate labels",
    "data",
    "a2lc evaluate --labels data/pseudo_labels --ground-truth data/ground_truth --ids data/train.txt "
    "--classes data/classes.yaml",
)
GENERATE = Command("generate", "data", "grounded-sam generate folder dataset.root=data output=made", ("made",))
SUPERPIXELS = Command(
    "superpixels", "data", "grounded-sam superpixels data/images made --classes data/classes.yaml", ("made",)
)
RELABEL = Command(
    "superpixels --labels",
    "data",
    "grounded-sam superpixels data/images made --classes data/classes.yaml --labels data/pseudo_labels",
    ("made",),
)
INSPECT = Command(
    "inspect",
    "data",
    "grounded-sam inspect data/pseudo_labels --classes data/classes.yaml --images data/images --sheet sheet.png",
    ("sheet.png",),
)
TO_RESEARCH = Command(
    "export layout",
    "data",
    "grounded-sam export data/pseudo_labels --classes data/classes.yaml --to made",
    ("made",),
)
SHOW = Command("run --show", "data", "a2lc run tools/config.yaml --show")
RUN_FILE = Command("run file", "data", "a2lc run tools/config.yaml rounds=0", _OUT)
GENERATE_SHOW = Command("generate --show", "data", "grounded-sam generate tools/config.yaml --show")
SWEEP = Command("sweep", "data", "a2lc sweep tools/sweep.yaml --dry-run")

# on research masks
IMPORT = Command("import", "research", "grounded-sam import research --classes data/classes.yaml --to made", ("made",))
INSPECT_RESEARCH = Command(
    "inspect research",
    "research",
    "grounded-sam inspect research --classes data/classes.yaml --sheet sheet.png",
    ("sheet.png",),
)

# on finished work
AGAIN = Command("run again", "finished", f"a2lc run {COMMON}", _OUT)
RUN_ON = Command("run on", "finished", f"a2lc run {COMMON} rounds=2", _OUT)
REPORT = Command("report", "finished", f"a2lc report {COMMON}", _OUT)
EVALUATE = Command("evaluate", "finished", f"a2lc evaluate {COMMON}", _OUT)
EVALUATE_FIRST = Command("evaluate first", "trained", f"a2lc evaluate {TRAINED}", _OUT)
EXPORT = Command("export", "finished", f"a2lc export {COMMON} --to made", (*_OUT, "made"))
PREDICT = Command("predict", "finished", f"a2lc predict {COMMON} --images data/images --to made", (*_OUT, "made"))
PREDICT_FILE = Command(
    "predict --weights",
    "finished",
    f"a2lc predict {COMMON} --weights outputs/runs/folder/seed1/a2lc/round_1/last.safetensors "
    "--classes data/classes.yaml --images data/images --to made",
    ("made",),
)
POSTERIOR_AGAIN = Command("posterior again", "posterior", f"a2lc run {POSTERIOR} rounds=2", _OUT)

# on work that goes on
SCORE = Command("score", "trained", f"a2lc score {TRAINED}", _OUT)
SELECT = Command("select", "asked", f"a2lc select {ASKED}", _OUT)
CORRECT = Command("correct", "asked", f"a2lc correct {ASKED} --answers outputs/answers.csv", _OUT)
PROPAGATE = Command("propagate", "answered", f"a2lc propagate {ANSWERED}", _OUT)
TRAIN_ON = Command("train on", "stopped", f"a2lc train {STOPPED}", _OUT)
ANSWER_AUDIT = Command("audit --answers", "audited", f"a2lc audit {AUDIT} --answers outputs/audited.csv", ("audited",))
AUDIT_AGAIN = Command("audit again", "audited", f"a2lc audit {AUDIT}", ("audited",))
PREDICT_AGAIN = Command(
    "predict again", "predicted", f"a2lc predict {COMMON} --images data/images --to predicted", (*_OUT, "predicted")
)
GENERATE_AGAIN = Command(
    "generate again", "generated", "grounded-sam generate folder dataset.root=data output=generated", ("generated",)
)
SUPERPIXELS_AGAIN = Command(
    "superpixels again", "cut", "grounded-sam superpixels data/images cut --classes data/classes.yaml", ("cut",)
)
