r"""Training in two processes: as this file run by torchrun, compared with the same training in one.

python -m torch.distributed.run --standalone --nproc-per-node 2 \
    -m tests.segmentation.test_distributed_training FOLDER usual
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from a2lc.foundation.errors import InputError
from a2lc.foundation.processes import Processes, identify, joined, leave
from a2lc.segmentation import build_network
from tests.support.training_case import NETWORK, Pictures, run_training, same

STEPS = 20
CASES: dict[str, dict[str, Any]] = {
    "frozen": {"batchnorm": "frozen", "dropout": 0.0},
    "accumulated": {"batchnorm": "frozen", "dropout": 0.0, "accumulation": 2, "channels_last": True, "workers": 1},
    "usual": {"iterations": 8, "save_every": 3, "validate_every": 2},
}
pytestmark = pytest.mark.xdist_group("distributed training")  # what they share takes long to make


class Spotted(Pictures):
    """Every image lacks labels in another number of rows, so the processes count different numbers of pixels."""

    def labels(self, image_id):
        labels = super().labels(image_id)
        labels[: 7 * int(image_id[-1])] = 255
        return labels


def case(folder: Path, name: str, processes: Processes, killed_at: int | None = None) -> list[float]:
    """Run a case and return the losses of its steps; the main process dies after step `killed_at`."""
    options = {"batch_size": 4, "iterations": STEPS, "validate_every": 8, **CASES[name]}
    network = build_network(NETWORK.model_copy(update={"dropout": options.pop("dropout", 0.5)}), 2, seed=1)
    losses = []

    def note(progress):
        losses.append(progress.loss)
        if progress.step == killed_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def size(candidate):
        """A number that depends on all weights and statistics; the processes must agree on it."""
        values = sum(tensor.double().abs().sum().item() for tensor in candidate.state_dict().values())
        assert len(set(processes.gather(values))) == 1
        return 1 / (1 + values)

    result = run_training(
        folder / name, Spotted(), network=network, validate=size, on_progress=note, processes=processes, **options
    )
    assert len(set(processes.gather(result))) == 1
    return losses


def main(folder: Path, names: str, killed_at: int | None = None) -> None:
    """Run the named cases in this process and those beside it, and leave their losses in `folder`."""
    torch.set_num_threads(1)
    with joined(identify()) as processes:
        losses = {name: case(folder, name, processes, killed_at) for name in names.split(",")}
    if processes.is_main:
        (folder / "losses.json").write_text(json.dumps(losses))


def launch(folder: Path, *arguments: str) -> int:
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", __file__]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([*command, str(folder), *arguments], env=environment, capture_output=True, text=True)
    sys.stderr.write(done.stderr)  # shown where a test fails
    return done.returncode


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    folder = tmp_path_factory.mktemp("together")
    assert launch(folder, ",".join(CASES)) == 0
    return folder, json.loads((folder / "losses.json").read_text())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["frozen", "accumulated"])
def test_two_processes_have_the_losses_of_one(tmp_path, together, name):
    folder, losses = together
    alone = case(tmp_path, "frozen", Processes())
    assert len(losses[name]) == STEPS
    assert losses[name] == pytest.approx(alone, rel=0, abs=1e-4)
    weights, expected = load_file(folder / name / "last.safetensors"), load_file(tmp_path / "frozen/last.safetensors")
    for key, tensor in expected.items():
        torch.testing.assert_close(weights[key], tensor, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_killed_processes_continue_with_the_same_bits(tmp_path, together):
    folder, losses = together
    assert launch(tmp_path, "usual", "5") != 0
    assert (tmp_path / "usual" / "training.pt").exists()
    assert launch(tmp_path, "usual") == 0
    assert json.loads((tmp_path / "losses.json").read_text())["usual"] == losses["usual"][3:]
    for name in ("best.safetensors", "last.safetensors"):
        assert same(load_file(tmp_path / "usual" / name), load_file(folder / "usual" / name))


def test_batches_that_cannot_be_divided_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"batch_size is 4, which cannot be divided.*3 processes.*multiple of 3"):
        run_training(tmp_path, batch_size=4, processes=Processes(1, 3))
    with pytest.raises(InputError, match=r"accumulation=4 passes each: make it a multiple of 4"):
        run_training(tmp_path, batch_size=6, accumulation=4)
    with pytest.raises(InputError, match=r"a single image for each pass.*BatchNorm needs two"):
        run_training(tmp_path, batch_size=4, accumulation=2, processes=Processes(0, 2))
    with pytest.raises(InputError, match=r"synchronised, which PyTorch has for GPUs only: on a CPU set it to frozen"):
        run_training(tmp_path, batch_size=4, batchnorm="synchronised", processes=Processes(0, 2))
    assert not list(tmp_path.iterdir())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:]))
    leave(0)
