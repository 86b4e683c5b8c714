"""Configurations of trainings with unlabelled images: layers, what papers report, and refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

from a2lc.cli import main
from a2lc.foundation.errors import InputError
from a2lc.loop.config import load_config
from a2lc.semi_supervised.settings import TRAININGS, SemiSupervisedSettings, load_training

BUILT_IN = sorted(entry.name.removesuffix(".yaml") for entry in TRAININGS.iterdir() if entry.name.endswith(".yaml"))
METHODS = sorted(entry.name.removesuffix(".yaml") for entry in (TRAININGS / "methods").iterdir())


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_training_parses_with_every_method(name: str) -> None:
    configs = load_training(name, [f"method={','.join(METHODS)}"])
    assert [config.method for config in configs] == METHODS
    for config in configs:
        assert SemiSupervisedSettings.model_validate(config.model_dump(mode="json")) == config


def test_a_method_is_a_layer_below_the_configuration_and_the_command_line() -> None:
    fixmatch, dacs = load_training("ssl-cityscapes", ["method=fixmatch,dacs", "consistency.mixing=none"])
    assert (fixmatch.consistency.name, fixmatch.consistency.ema_decay) == ("fixmatch", 0.0)
    assert (dacs.consistency.name, dacs.consistency.ema_decay) == ("dacs", 0.99)
    assert fixmatch.consistency.threshold == dacs.consistency.threshold == 0.0, "of the configuration"
    assert fixmatch.consistency.mixing == dacs.consistency.mixing == "none"


def test_splits_are_names() -> None:
    (config,) = load_training("ssl-pascal", ["split=1/16,1/8,183", "method=fixmatch"])
    assert config.splits == ("1/16", "1/8", "183")
    (config,) = load_training("ssl-pascal", ["split=183", "method=fixmatch"])
    assert config.splits == ("183",)
    (adaptation,) = load_training("uda-gta-cityscapes")
    assert adaptation.splits == ("all",)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("ssl-pascal", ["split=1/0"], "'1/0' is no split"),
        ("ssl-pascal", ["split=9/8"], "'9/8' is no split"),
        ("ssl-pascal", ["split=null"], r"split is not set.*split=1/8"),
        ("ssl-pascal", ["split=1/8,1/8"], "1/8 stands twice"),
        ("ssl-pascal", ["split=1/8,1/4", "labelled=a.txt"], "labelled is one list"),
        ("ssl-pascal", ["source=gta"], "source is set"),
        ("ssl-pascal", ["source_size=[4,4]"], "there is no source"),
        ("ssl-pascal", ["training=frozen"], "strong views need pixels"),
        ("ssl-pascal", ["training.on_features=true"], "strong views need pixels"),
        ("ssl-pascal", ["method=fixmach"], r"method is 'fixmach'.*did you mean fixmatch\?"),
        ("ssl-pascal", ["consistency.treshold=1"], r"unknown key consistency\.treshold; did you mean consistency\.thr"),
        ("ssl-pascall", [], r"no configuration ssl-pascall.*did you mean ssl-pascal\?"),
    ],
)
def test_mistakes_are_explained(name: str, settings: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_training(name, settings)


def test_other_verbs_say_that_they_do_not_take_it(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("job: semi_supervised\ndataset: toyscapes\nsplit: 1/2\n")
    with pytest.raises(InputError, match="a2lc run alone takes it"):
        load_config(str(path))


def test_a_file_says_what_job_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("job: semi_supervised\ndataset: toyscapes\nsplit: 1/2\n")
    assert main(["run", str(path), "--show"]) == 0
    assert "experiment: mine" in capsys.readouterr().out
    path.write_text("job: semi_suprevised\ndataset: toyscapes\n")
    assert main(["run", str(path), "--show"]) == 2
    assert "did you mean semi_supervised?" in capsys.readouterr().err
    assert main(["run", "ssl-pascal", "--keys"]) == 0
    assert "consistency.ema_decay = 0.0" in capsys.readouterr().out
    assert main(["run", "ssl-pascl"]) == 2
    assert "did you mean ssl-pascal?" in capsys.readouterr().err
