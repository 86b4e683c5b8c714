"""The command `grounded-sam` and the scripts: help that teaches, exit codes, presets, usage."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from a2lc.classes import ClassSet
from a2lc.foundation.images import read_image
from grounded_sam import backends
from grounded_sam.cli import build_parser, main
from grounded_sam.settings import GenerateSettings, load_settings
from tests.support.folders import make_folder
from tests.support.gsam_fake import FakeDetector, install

REPOSITORY = Path(__file__).parents[2]
SCRIPTS = REPOSITORY / "Grounded-Segment-Anything"
VERBS = re.findall(r"^    ([a-z]+)", build_parser().format_help(), flags=re.MULTILINE)


@pytest.fixture
def detector(monkeypatch: pytest.MonkeyPatch) -> FakeDetector:
    """The stand-in that is opened instead of a model."""
    for name in ("open_detector", "open_segmenter"):
        monkeypatch.setattr(backends, name, None)  # put back afterwards
    return install()


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_every_verb_shows_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([verb, "--help"])
    assert stopped.value.code == 0
    assert f"grounded-sam {verb}" in capsys.readouterr().out.split("example")[-1]


def test_help_imports_nothing_heavy() -> None:
    heavy = "{'torch', 'transformers', 'pydantic', 'numpy'}"
    code = f"import sys, grounded_sam.cli as cli; cli.build_parser(); sys.exit(bool({heavy} & {{*sys.modules}}))"
    environment = {"PYTHONPATH": os.pathsep.join([str(REPOSITORY / "DeepLabV3Plus_Pytorch"), str(SCRIPTS)]), "PATH": ""}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0


def test_the_presets_are_the_papers() -> None:
    pascal, cityscapes = load_settings("pascal"), load_settings("cityscapes")
    assert (pascal.detector.shortest_edge, pascal.detector.longest_edge) == (800, 1333)
    assert (cityscapes.detector.shortest_edge, cityscapes.detector.longest_edge) == (512, 1024)
    for settings in (pascal, cityscapes):
        assert settings.detector.reference_compat
        assert settings.filters.score_threshold == 0.2
        assert settings.filters.nms is None
        assert settings.batch_size == 1
        assert settings.target == settings.dataset.root / "pseudo_labels"
    assert not load_settings("folder", ["dataset.root=x"]).detector.reference_compat


def test_settings_are_layers(tmp_path: Path) -> None:
    own = tmp_path / "mine.yaml"
    own.write_text("base: cityscapes\nfilters: {nms: 0.7}\nbatch_size: 4\n")
    settings = load_settings(str(own), ["batch_size=2", "dataset=toyscapes"])
    assert isinstance(settings, GenerateSettings)
    assert (settings.filters.nms, settings.batch_size, settings.detector.longest_edge) == (0.7, 2, 1024)
    assert settings.dataset.name == "toyscapes"


def test_keys_and_show(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "--keys"]) == 0
    assert "filters.score_threshold = 0.2" in capsys.readouterr().out
    assert main(["generate", "pascal", "--show", "batch_size=8"]) == 0
    assert "batch_size: 8" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["generate"], "name a configuration"),
        (["generate", "pascall"], "did you mean pascal?"),
        (["generate", "pascal", "batchsize=3"], "unknown key batchsize; did you mean batch_size?"),
        (["generate", "pascal", "dataset.root=nowhere"], "VOCdevkit"),
        (["generate", "folder"], "dataset.root is missing"),
        (["inspect", "nowhere"], "classes.yaml does not exist"),
        (["inspect", "nowhere", "--classes", "pascal"], "nowhere does not exist"),
        (["export", "nowhere", "--classes", "pascal", "--to", "x"], "nowhere does not exist"),
        (["import", "nowhere", "--classes", "pascal", "--to", "x"], "nowhere does not exist"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("grounded-sam: ")
    assert told in error


def test_bad_data_is_told(tmp_path: Path, classes: ClassSet, capsys: pytest.CaptureFixture[str]) -> None:
    data = make_folder(tmp_path / "data", classes, images=2, truth=False)
    command = ["generate", "folder", f"dataset.root={data}", f"output={tmp_path / 'set'}", "device=cpu"]
    (data / "images" / "image00.jpg").touch()
    assert main(command) == 2
    assert "image00.png differ only in their suffix: rename one" in capsys.readouterr().err
    (data / "classes.yaml").write_text("classes: []\n")
    assert main(command) == 2
    assert "at least one entry" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (KeyboardInterrupt(), 130, "the same command continues"),
        (OSError(errno.ENOSPC, "No space left on device"), 2, "the disk is full"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), 2, "segmenter.boxes_at_once=1"),
    ],
)
def test_what_the_machine_does_is_told(
    tmp_path: Path, classes: ClassSet, detector: FakeDetector, capsys: pytest.CaptureFixture[str],
    error: BaseException, code: int, told: str,
) -> None:  # fmt: skip
    data = make_folder(tmp_path / "data", classes, images=2)

    def fail(images: object) -> None:
        raise error

    detector.detect = fail
    assert main(["generate", "folder", f"dataset.root={data}", f"output={tmp_path / 'set'}", "device=cpu"]) == code
    assert told in capsys.readouterr().err


def test_all_verbs_after_one_another(
    tmp_path: Path, classes: ClassSet, detector: FakeDetector, capsys: pytest.CaptureFixture[str]
) -> None:
    data = make_folder(tmp_path / "data", classes, images=3)
    made = tmp_path / "set"
    assert main(["generate", "folder", f"dataset.root={data}", f"output={made}", "device=cpu"]) == 0
    told = capsys.readouterr().out
    assert "images                          3" in told
    assert told.endswith(f"{made}\n")

    assert main(["inspect", str(made), "--images", str(data / "images"), "--sheet", str(tmp_path / "sheet.png")]) == 0
    assert capsys.readouterr().out.startswith(told.split("\n\n")[0])
    assert read_image(tmp_path / "sheet.png").tobytes() == read_image(made / "contact_sheet.png").tobytes()

    research, back = tmp_path / "research", tmp_path / "back"
    assert main(["export", str(made), "--to", str(research)]) == 0
    assert sorted(path.name for path in research.iterdir()) == ["mask_jpg", "mask_json", "obj_jpg"]
    assert main(["import", str(research), "--to", str(back), "--classes", str(made / "classes.yaml")]) == 0
    for kind in ("labels", "masks"):
        for path in (made / kind).iterdir():
            assert path.read_bytes() == (back / kind / path.name).read_bytes()
    assert main(["inspect", str(back)]) == 0
    assert (back / "contact_sheet.png").is_file()


def run_script(name: str, *arguments: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    modules = os.pathsep.join([str(REPOSITORY / "DeepLabV3Plus_Pytorch"), str(SCRIPTS)])
    return subprocess.run(
        ["bash", str(SCRIPTS / name), *arguments],
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": modules, "OMP_NUM_THREADS": "1", **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_folder_script_tells_its_usage(tmp_path: Path) -> None:
    without = run_script("run_folder.sh", folder=tmp_path)
    assert without.returncode == 2
    assert "Usage: bash Grounded-Segment-Anything/run_folder.sh IMAGES CLASSES OUT" in without.stderr
    asked = run_script("run_folder.sh", "--help", folder=tmp_path)
    assert (asked.returncode, asked.stdout) == (0, without.stderr)


@pytest.mark.parametrize(
    ("script", "words"),
    [("run_pascal.sh", ("VOCdevkit", "dataset.root")), ("run_cityscapes.sh", ("leftImg8bit", "login"))],
)
def test_missing_data_gets_one_sentence(tmp_path: Path, script: str, words: tuple[str, ...]) -> None:
    done = run_script(script, "device=cpu", folder=tmp_path, DATASET_DIR=str(tmp_path / "nothing"))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert all(word in done.stderr for word in ("grounded-sam: ", str(tmp_path / "nothing"), *words)), done.stderr


def test_scripts_hand_their_environment_on(tmp_path: Path) -> None:
    variables = {"GROUNDING_DINO_WEIGHTS": "gd.pth", "SAM_WEIGHTS": "sam.pth", "DATASET_DIR": "voc"}
    pascal = run_script("run_pascal.sh", "--show", "batch_size=3", folder=tmp_path, **variables)
    assert pascal.returncode == 0, pascal.stderr
    for line in ("output: voc/pseudo_labels", "model: gd.pth", "model: sam.pth", "batch_size: 3", "root: voc"):
        assert line in pascal.stdout
    folder = run_script("run_folder.sh", "photos", "mine.yaml", "out", "--show", folder=tmp_path)
    for line in ("root: photos", "images: .", f"classes: {tmp_path / 'mine.yaml'}", "output: out"):
        assert line in folder.stdout
