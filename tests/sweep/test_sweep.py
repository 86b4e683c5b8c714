"""Sweeps: the jobs of a file, run here with a failing one among them, and through submitit's local executor."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from a2lc.classes import ClassSet
from a2lc.cli import main
from a2lc.foundation.environment import ATTACHED_VARIABLE
from a2lc.foundation.errors import InputError
from a2lc.foundation.layers import parse_overrides
from a2lc.loop.config import load_config
from a2lc.reporting import read_results
from a2lc.sweep.jobs import Job, flat, jobs_of
from a2lc.sweep.local import threads
from a2lc.sweep.settings import SweepSettings, load_sweep
from a2lc.sweep.slurm import Task, submit_jobs
from tests.support.tiny import tiny_data

SCALARS = st.integers() | st.booleans() | st.none() | st.sampled_from(["lcm", "data/voc", "1", "yes", "a: b", "[", ""])
NAMES = st.sampled_from(["alpha", "beta", "gamma"])
# no network: a run of a second or two
QUICK = {"rounds": 1, "budget": 4, "training.iterations": 0, "propagation": "none", "device": "cpu"}


def write_sweep(path: Path, **content: Any) -> Path:
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


class TestJobs:
    def test_a_job_per_run_and_seed_with_all_methods(self, tmp_path: Path) -> None:
        path = write_sweep(
            tmp_path / "papers.yaml",
            runs=[
                {"config": "pascal", "settings": {"dataset": {"root": "voc"}, "rounds": 3}},
                {"config": "cityscapes", "methods": "a2lc", "seeds": 7},
            ],
            methods=["a2lc", "alc"],
            seeds=[1, 2],
            settings={"output": str(tmp_path), "rounds": 4, "training": {"scale": [0.5, 1]}},
        )
        jobs = jobs_of(load_sweep(path), "papers", ["budget=9"])
        assert [job.name for job in jobs] == ["pascal, seed 1", "pascal, seed 2", "cityscapes, seed 7"]
        for job, methods, seed, rounds in zip(
            jobs, ("a2lc,alc", "a2lc,alc", "a2lc"), (1, 2, 7), (3, 3, 4), strict=True
        ):
            verb, config, *settings = job.arguments
            configs = load_config(config, settings)
            assert verb == "run"
            assert ",".join(one.method for one in configs) == methods
            assert (configs[0].seeds, configs[0].rounds, configs[0].budget) == ((seed,), rounds, 9)
            assert configs[0].training.scale == (0.5, 1)
        assert len({job.log for job in jobs}) == 3

    @given(st.recursive(st.dictionaries(NAMES, SCALARS), lambda deeper: st.dictionaries(NAMES, SCALARS | deeper)))
    def test_settings_arrive_as_they_are_written(self, settings: dict[str, Any]) -> None:
        given = parse_overrides([f"{key}={text}" for key, text in flat(settings)])
        assert dict(flat(given)) == dict(flat(settings))
        for key, value in settings.items():
            assert isinstance(value, dict) or given[key] == value

    def test_bad_files_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="unknown key sedes; did you mean seeds"):
            load_sweep(write_sweep(tmp_path / "a.yaml", runs=[{"config": "demo"}], sedes=[1]))
        with pytest.raises(InputError, match="runs is missing"):
            load_sweep(write_sweep(tmp_path / "b.yaml", seeds=[1]))
        with pytest.raises(InputError, match="did you mean demo"):
            jobs_of(SweepSettings.model_validate({"runs": [{"config": "demoo"}]}), "c")
        with pytest.raises(InputError, match="same folders"):
            jobs_of(SweepSettings.model_validate({"runs": [{"config": "demo"}, {"config": "demo"}]}), "d")

    def test_every_job_gets_its_share_of_the_threads(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OMP_NUM_THREADS", "9")
        assert threads(2)["OMP_NUM_THREADS"] == "4"
        assert threads(20)["NUMBA_NUM_THREADS"] == "1"


@pytest.mark.slow
def test_a_sweep_ends_with_tables_though_a_job_fails_and_then_has_little_to_do(
    tmp_path: Path, classes: ClassSet, capsys: pytest.CaptureFixture[str]
) -> None:
    data, output = tiny_data(tmp_path / "data", classes), tmp_path / "out"
    path = write_sweep(
        tmp_path / "sweep.yaml",
        runs=[
            {"config": "folder", "settings": {"experiment": "good", "dataset.root": str(data)}},
            {"config": "folder", "seeds": [1], "settings": {"experiment": "bad", "dataset.root": str(tmp_path / "no")}},
        ],
        methods=["random", "area"],
        seeds=[1, 2],
        settings={"output": str(output), **QUICK},
    )
    command = ["sweep", str(path), "--jobs", "2"]

    assert main([*command, "--dry-run"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 3
    assert all(line.startswith("a2lc run folder ") for line in printed)
    assert not output.exists()

    assert main(command) == 2
    told = capsys.readouterr().err
    log = output / "sweeps/sweep/bad_seed1.log"
    assert "bad, seed 1 ended with exit code 2: a2lc: " in told
    assert str(log) in told
    assert "good, seed" not in told
    results = read_results(output / "results/good")
    assert {seed: {row["method"] for row in rows} for seed, rows in results.items()} == {
        seed: {"random", "area"} for seed in (1, 2)
    }
    assert f"a2lc sweep {path}" in (output / "results/good/summary.md").read_text()

    logs = {name: (output / f"sweeps/sweep/good_seed{name}.log").read_bytes() for name in (1, 2)}
    assert main(command) == 2
    assert "3 jobs, 2 of them done" in capsys.readouterr().err
    assert logs == {name: (output / f"sweeps/sweep/good_seed{name}.log").read_bytes() for name in (1, 2)}
    assert log.read_text().count("a2lc: ") == 2  # the failed one was tried again


def test_a_job_ends_with_the_process_that_started_it() -> None:
    job = subprocess.Popen(
        [sys.executable, "-m", "a2lc.cli", "run", "demo", "--show"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={
            "PYTHONPATH": str(Path(__file__).parents[2] / "DeepLabV3Plus_Pytorch"),
            "PATH": "",
            ATTACHED_VARIABLE: "1",
        },
    )
    assert job.communicate()[0] == b""  # closes the pipe: it ends before it could print
    assert job.returncode == 1


class TestSlurm:
    @pytest.mark.slow
    def test_jobs_run_through_submitit_and_are_queued_again_as_they_are(
        self, tmp_path: Path, classes: ClassSet
    ) -> None:
        submitit = pytest.importorskip("submitit")
        data = tiny_data(tmp_path / "data", classes)
        settings = {"dataset.root": str(data), "output": str(tmp_path / "out"), "experiment": "tiny", **QUICK}
        content = {"runs": [{"config": "folder", "settings": settings}], "methods": ["random"]}
        (job,) = jobs_of(SweepSettings.model_validate(content), "sweep")
        assert not job.is_done

        (submitted,) = submit_jobs([job], tmp_path / "%j", {"timeout_min": 10}, "a2lc sweep it", cluster="local")
        submitted.result()
        assert job.is_done
        assert "a2lc sweep it" in (tmp_path / "out/results/tiny/summary.md").read_text()

        again = Task(job, "a2lc sweep it").checkpoint()
        assert isinstance(again, submitit.helpers.DelayedSubmission)
        assert again.function == Task(job, "a2lc sweep it")

    def test_a_failing_job_is_an_error_for_the_cluster(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("A2LC_COMMAND", "")
        job = Job("nothing", ("run", "no_such_file.yaml"), tmp_path, tmp_path / "job.log")
        with pytest.raises(RuntimeError, match="nothing ended with exit code 2"):
            Task(job, "a2lc sweep it")()
        assert not job.is_done

    def test_what_is_missing_is_told(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        pytest.importorskip("submitit")
        with pytest.raises(InputError, match=r"cannot be submitted .*slurm:"):
            submit_jobs([], tmp_path, {"slurm_partitoin": "gpu"}, "", cluster="local")
        monkeypatch.setitem(sys.modules, "submitit", None)
        with pytest.raises(InputError, match=r"pip install 'a2lc\[slurm\]'"):
            submit_jobs([], tmp_path, {}, "")
