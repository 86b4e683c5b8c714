"""Sets of superpixels: a set that is killed, continued and read by the other wing."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from a2lc.classes import ClassSet
from a2lc.foundation.errors import InputError
from a2lc.foundation.files import read_json
from a2lc.foundation.images import image_size, write_image
from a2lc.labels.check import check_pseudo_labels
from a2lc.labels.store import PseudoLabelSet, PseudoLabelWriter, open_pseudo_labels
from grounded_sam.cli import main
from grounded_sam.sharding import Share
from grounded_sam.superpixel_sets import make_superpixel_set
from grounded_sam.superpixels import METHODS, Slic, open_superpixels
from tests.support.folders import make_folder
from tests.support.gsam_fake import die_at
from tests.support.superpixel_case import brute_force_majority, photo

IMAGES = 5
LONGEST_LIFE = 20  # files opened, renames and removals; a set of 5 images does more
REPOSITORY = Path(__file__).parents[2]
NEEDS_NO_CV2 = ("slic", "felzenszwalb")


@pytest.fixture
def data(tmp_path: Path, classes: ClassSet) -> Path:
    """Drawn images; their pseudo-labels stand for those of a foundation model."""
    return make_folder(tmp_path / "data", classes, images=IMAGES)


def arguments(data: Path, output: Path, *options: str) -> list[str]:
    return ["superpixels", f"{data / 'images'}", f"{output}", "--classes", f"{data / 'classes.yaml'}", *options]


def contents(output: Path) -> dict[str, bytes]:
    files = sorted(path for path in output.rglob("*") if path.is_file())
    return {path.relative_to(output).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize("method", NEEDS_NO_CV2)
def test_a_set_that_the_other_wing_reads(
    tmp_path: Path, data: Path, classes: ClassSet, method: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source = open_pseudo_labels(data / "pseudo_labels")
    options = ("--method", method, "--segments", "20", "--labels", str(source.root))
    assert main(arguments(data, tmp_path / "set", *options)) == 0
    assert capsys.readouterr().out.startswith(f"{IMAGES} images, ")
    made = open_pseudo_labels(tmp_path / "set")
    ids = made.image_ids()
    assert ids == source.image_ids()
    check_pseudo_labels(made, ids, classes, lambda image_id: image_size(data / "images" / f"{image_id}.png"))
    for image_id in ids:
        masks = made.masks(image_id)
        assert masks.min() == 1
        assert masks.max() == made.manifest["images"][image_id]["masks"] > 3
        assert np.array_equal(made.labels(image_id), brute_force_majority(source.labels(image_id), masks))
    assert made.manifest["made_by"]["superpixels"] | {"scikit-image": ""} == {
        "method": method, "segments": 20, "scikit-image": "",
    }  # fmt: skip
    assert str(tmp_path) not in (tmp_path / "set" / "manifest.json").read_text()
    assert (tmp_path / "set" / "classes.yaml").is_file()
    assert (tmp_path / "set" / "contact_sheet.png").is_file()


def test_only_images_with_labels_are_cut(tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_image(data / "images" / "more.png", photo(20, 30))
    assert main(arguments(data, tmp_path / "set", "--labels", str(data / "pseudo_labels"))) == 0
    assert open_pseudo_labels(tmp_path / "set").image_ids() == open_pseudo_labels(data / "pseudo_labels").image_ids()
    write_image(tmp_path / "other" / "more.png", photo(20, 30))
    other = ["superpixels", str(tmp_path / "other"), *arguments(data, tmp_path / "new")[2:]]
    assert main([*other, "--labels", str(data / "pseudo_labels")]) == 2
    assert "has labels for none of the images" in capsys.readouterr().err


def test_labels_are_void_where_none_are_given(tmp_path: Path, data: Path, classes: ClassSet) -> None:
    assert main(arguments(data, tmp_path / "set")) == 0
    made = open_pseudo_labels(tmp_path / "set")
    assert all((made.labels(image_id) == classes.void).all() for image_id in made.image_ids())
    assert made.manifest["made_by"]["labels"] == "void"


def work(given_arguments: list[str], operation: int | None, folder: Path) -> None:
    if operation is not None:
        die_at(operation, folder)
    sys.exit(main(given_arguments))


def start(given_arguments: list[str], output: Path, operation: int | None = None) -> int | None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.support.gsam_fake", "grounded_sam.superpixel_sets", "skimage.segmentation"])
    process = context.Process(target=work, args=(given_arguments, operation, output), daemon=True)
    process.start()
    process.join()
    return process.exitcode


def test_kills_at_random_change_nothing(tmp_path: Path, data: Path) -> None:
    assert main(arguments(data, tmp_path / "alone", "--segments", "9")) == 0
    output, rng, kills = tmp_path / "killed", random.Random(0), 0
    for _ in range(5):
        code = start(arguments(data, output, "--segments", "9"), output, rng.randrange(LONGEST_LIFE))
        assert code in (0, -signal.SIGKILL)
        kills += code == -signal.SIGKILL
    assert kills > 2
    assert main(arguments(data, output, "--segments", "9")) == 0
    assert contents(output) == contents(tmp_path / "alone")


def test_finished_images_are_kept_and_shares_add_up(tmp_path: Path, data: Path, classes: ClassSet) -> None:
    def make(output: str, share: Share) -> PseudoLabelSet | None:
        return make_superpixel_set(data / "images", tmp_path / output, classes, Slic(9), None, share)

    assert make("two", Share(1, 2)) is None
    before = (tmp_path / "two/masks/image01.png").stat().st_ino
    assert make("two", Share(0, 2)) is not None
    assert (tmp_path / "two/masks/image01.png").stat().st_ino == before
    assert make("alone", Share()) is not None
    assert contents(tmp_path / "two") == contents(tmp_path / "alone")


def test_images_that_cannot_be_used_are_named_and_the_rest_is_done(
    tmp_path: Path, data: Path, classes: ClassSet, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = data / "images" / "image01.png"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:99])
    small = PseudoLabelWriter(data / "pseudo_labels", classes, {})  # labels of another size
    labels, masks = np.zeros((5, 5), dtype=np.uint8), np.ones((5, 5), dtype=np.uint16)
    kept = {name: (data / f"pseudo_labels/{name}/image03.png").read_bytes() for name in ("labels", "masks")}
    for index in range(IMAGES):
        if index == 3:
            small.write(f"image{index:02d}", labels, masks)
    options = ("--segments", "9", "--labels", str(data / "pseudo_labels"))
    assert main(arguments(data, tmp_path / "set", *options)) == 2
    told = capsys.readouterr().err
    assert "2 of 5 images are left out" in told
    assert str(broken) in told
    assert "image03.png is 5x5, but its image" in told
    assert not (tmp_path / "set" / "manifest.json").exists()
    assert len(list((tmp_path / "set" / "records").glob("*.json"))) == 3

    broken.write_bytes(whole)
    assert main(arguments(data, tmp_path / "set", *options)) == 2
    assert "1 of 5 images" in capsys.readouterr().err
    for name, content in kept.items():
        (data / f"pseudo_labels/{name}/image03.png").write_bytes(content)
    assert main(arguments(data, tmp_path / "set", *options)) == 2
    assert "labels.sha256: " in capsys.readouterr().err  # images are not mixed out of two sets of labels
    assert main(arguments(data, tmp_path / "new", *options)) == 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--segments", "12"], "superpixels.segments: 9 there, 12 now"),
        (["--segments", "9", "--method", "felzenszwalb"], "superpixels.method: slic there, felzenszwalb now"),
        (["--segments", "9", "--labels", "{set}"], "labels: void there, None now"),
    ],
)
def test_other_parameters_are_refused(
    tmp_path: Path, data: Path, options: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(data, tmp_path / "set", "--segments", "9")) == 0
    before = contents(tmp_path / "set")
    given_options = [option.format(set=data / "pseudo_labels") for option in options]
    assert main(arguments(data, tmp_path / "set", *given_options)) == 2
    assert told in capsys.readouterr().err
    assert contents(tmp_path / "set") == before


def test_bad_input_is_told(tmp_path: Path, data: Path, classes: ClassSet, capsys: pytest.CaptureFixture[str]) -> None:
    def told(*given_arguments: str) -> str:
        assert main(list(given_arguments)) == 2
        return capsys.readouterr().err

    out = tmp_path / "set"
    assert "no method slick" in told(*arguments(data, out, "--method", "slick"))
    assert "--segments is 0: give a number from 1 to 65,535" in told(*arguments(data, out, "--segments", "0"))
    nowhere = ("superpixels", "nowhere", str(out), "--classes", "pascal")
    assert "nowhere does not exist: give a folder of images" in told(*nowhere)
    assert "lies in the folder of the images" in told(*arguments(data, data / "images" / "set"))
    assert "was not begun by grounded-sam" in told(*arguments(data, data / "pseudo_labels"))
    assert "nowhere does not exist" in told(*arguments(data, out, "--labels", "nowhere"))
    assert "was made for the classes" in told(
        "superpixels", str(data / "images"), str(out), "--classes", "pascal", "--labels", str(data / "pseudo_labels")
    )
    assert not out.exists() or not any(out.glob("[!.]*"))


def test_more_superpixels_than_a_mask_map_holds(
    tmp_path: Path, classes: ClassSet, capsys: pytest.CaptureFixture[str]
) -> None:
    write_image(tmp_path / "images" / "large.png", np.zeros((257, 256, 3), dtype=np.uint8))

    class EveryPixel:
        def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.int32]:
            return np.arange(1, image.shape[0] * image.shape[1] + 1, dtype=np.int32).reshape(image.shape[:2])

        def describe(self) -> dict[str, Any]:
            return {}

    with pytest.raises(InputError, match=r"large\.png has 65,792 superpixels, but a mask map of 16 bits holds 65,535"):
        make_superpixel_set(tmp_path / "images", tmp_path / "set", classes, EveryPixel(), None, Share())


# what plain OpenCV, a broken one and one that another wheel has overwritten look like
@pytest.mark.parametrize("cv2", [None, SimpleNamespace(), SimpleNamespace(ximgproc=SimpleNamespace())])
def test_seeds_without_the_contrib_modules(cv2: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", cv2)
    with pytest.raises(InputError, match=r"needs cv2\.ximgproc .* pip install 'a2lc\[seeds\]' .* the same folder cv2"):
        open_superpixels("seeds")


@pytest.fixture(scope="module")
def opencv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with OpenCV and its contrib modules and nothing else; skips where pip cannot get it."""
    folder = tmp_path_factory.mktemp("opencv")
    command = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--target", str(folder)]
    done = subprocess.run(
        [sys.executable, *command, "opencv-contrib-python-headless>=4.10"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"pip cannot install opencv-contrib-python-headless: {done.stderr.strip()[-200:]}")
    return folder


def with_opencv(opencv: Path, *command: str) -> subprocess.CompletedProcess[str]:
    wings = [str(REPOSITORY / wing) for wing in ("DeepLabV3Plus_Pytorch", "Grounded-Segment-Anything")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(opencv), *wings])}
    return subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.xdist_group("opencv")
def test_seeds_from_the_command_line(tmp_path: Path, data: Path, opencv: Path) -> None:
    for output in ("set", "again"):
        command = arguments(data, tmp_path / output, "--method", "seeds", "--segments", "20")
        command += ["--labels", str(data / "pseudo_labels")]
        done = with_opencv(opencv, "-m", "grounded_sam.cli", *command)
        assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "set") == contents(tmp_path / "again")
    made, source = open_pseudo_labels(tmp_path / "set"), open_pseudo_labels(data / "pseudo_labels")
    assert read_json(tmp_path / "set/manifest.json")["made_by"]["superpixels"]["method"] == "seeds"
    for image_id in source.image_ids():
        masks = made.masks(image_id)
        assert np.unique(masks).tolist() == list(range(1, masks.max() + 1))
        assert 12 <= masks.max() <= 20
        assert np.array_equal(made.labels(image_id), brute_force_majority(source.labels(image_id), masks))


SIZES = """
import numpy as np
from a2lc.foundation.errors import InputError
from grounded_sam.superpixels import open_superpixels
cut = refused = 0
for seed in range(300):
    rng = np.random.default_rng(seed)
    height, width = rng.integers(1, 60), rng.integers(1, 60 if seed % 3 else 400)
    wanted = int(np.exp(rng.uniform(0, np.log(height * width + 1))))
    image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    try:
        ids = open_superpixels("seeds", wanted)(image)
    except InputError as error:
        assert "too small or too long" in str(error)
        refused += 1
        continue
    assert ids.shape == (height, width) and ids.min() == 1, (seed, ids.min())
    assert len(np.unique(ids)) == ids.max(), seed
    cut += 1
assert cut > 100 and refused > 30, (cut, refused)
ids = open_superpixels("seeds")(np.zeros((128, 128, 3), dtype=np.uint8))
assert ids.max() == 16, ids.max()
"""


@pytest.mark.slow
@pytest.mark.xdist_group("opencv")
def test_seeds_refuses_what_opencv_crashes_on(opencv: Path) -> None:
    done = with_opencv(opencv, "-c", SIZES)
    assert done.returncode == 0, (done.returncode, done.stderr)


def test_the_command_names_every_method() -> None:
    help_text = subprocess.run(
        [sys.executable, "-m", "grounded_sam.cli", "superpixels", "--help"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert all(method in help_text for method in METHODS)


def test_the_script(tmp_path: Path, data: Path) -> None:
    script = REPOSITORY / "Grounded-Segment-Anything" / "run_superpixels.sh"
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        command = ["bash", str(script), *options]
        return subprocess.run(command, cwd=data, env=environment, capture_output=True, text=True, check=False)

    without = run("images")
    assert without.returncode == 2
    assert "run_superpixels.sh IMAGES CLASSES OUT" in without.stderr
    done = run("images", "classes.yaml", "../set", "--segments", "9")
    assert done.returncode == 0, done.stderr
    assert open_pseudo_labels(tmp_path / "set").image_ids() == [f"image{index:02d}" for index in range(IMAGES)]
