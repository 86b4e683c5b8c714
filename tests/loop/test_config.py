"""Configurations: every preset parses, layers and overrides win in order, mistakes name the nearest valid key."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from a2lc.foundation.errors import InputError
from a2lc.foundation.layers import describe_keys
from a2lc.loop.config import RunConfig, dump_config, load_config

CONFIGS = Path(__file__).parents[2] / "DeepLabV3Plus_Pytorch" / "a2lc" / "configs"


@pytest.mark.parametrize("preset", sorted(path.stem for path in CONFIGS.glob("*.yaml")))
@pytest.mark.parametrize("fidelity", ["official", "corrected"])
def test_every_preset_parses_with_every_method(preset: str, fidelity: str) -> None:
    methods = sorted(path.stem for path in (CONFIGS / "methods").glob("*.yaml"))
    extra = ["dataset.root=x"] if preset == "folder" else []
    configs = load_config(preset, [f"method={','.join(methods)}", f"fidelity={fidelity}", *extra])
    assert [config.method for config in configs] == methods
    for config in configs:
        assert RunConfig.model_validate(yaml.safe_load(dump_config(config))) == config


def test_methods_are_the_papers() -> None:
    a2lc, alc, random = load_config("pascal", ["method=a2lc,alc,random"])
    assert (a2lc.acquisition.name, a2lc.annotator.rule, a2lc.propagation.name) == ("abc", "majority", "lcm")
    assert (alc.acquisition.name, alc.annotator.rule, alc.propagation.name) == ("sim", "representative", "none")
    assert (random.acquisition.name, random.annotator.rule, random.propagation.name) == ("random", "majority", "none")
    assert (a2lc.checkpoint, a2lc.training.padding, a2lc.annotator.void) == ("best", "background", "answer")
    assert (a2lc.propagation.mode, a2lc.propagation.threshold) == ("compat", 0.99)
    assert (a2lc.budget, a2lc.rounds, a2lc.seeds) == (1000, 5, (1, 2, 3))


def test_fidelity_is_a_layer_that_single_keys_override() -> None:
    (config,) = load_config("pascal", ["method=a2lc", "fidelity=corrected", "training.padding=background"])
    assert (config.checkpoint, config.propagation.mode, config.training.padding) == ("last", "fixed", "background")


def test_overrides() -> None:
    overrides = ["seeds=4,5", "training.learning_rate=1e-3", "acquisition=sim", "propagation.threshold=0.9,0.99"]
    (config,) = load_config("pascal", [*overrides, "rounds=2", "method=a2lc", "pseudo_labels=/data/a,b"])
    assert config.seeds == (4, 5)
    assert config.training.learning_rate == 1e-3
    assert config.acquisition.name == "sim"
    assert config.propagation.threshold == (0.9, 0.99)
    assert config.pseudo_labels == Path("/data/a,b")


def test_own_file_in_yaml(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("dataset: {name: folder, root: photos}\nmethod: alc\nbudget: 7\nacquisition: area\n")
    (config,) = load_config(str(path), ["budget=8"])
    assert (config.experiment, config.method, config.budget, config.acquisition.name) == ("mine", "alc", 8, "area")


def test_own_file_on_a_base(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("base: folder\ndataset: {root: photos}\nbudget: 7\n")
    (config,), (base,) = load_config(str(path)), load_config("folder", ["dataset.root=photos"])
    assert (config.experiment, config.budget, config.dataset) == ("mine", 7, base.dataset)
    assert config.training == base.training


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("trainig.iterations=5", r"unknown key trainig; did you mean training\?"),
        ("training.iteration=5", r"unknown key training\.iteration; did you mean training\.iterations\?"),
        ("dataset.rot=x", r"unknown key dataset\.rot; did you mean dataset\.root\?"),
        ("acquisition=abd", r"'abd' is not among the acquisitions.*did you mean abc\?"),
        ("propagation=lcn", r"propagation\.name: 'lcn' is not among the learners.*did you mean lcm\?"),
        ("method=a2lcc", r"method is 'a2lcc'.*did you mean a2lc\?"),
        ("fidelity=oficial", r"fidelity is 'oficial'.*did you mean official\?"),
        ("dataset=pascall", r"dataset\.name is 'pascall': expected pascal, folder, toyscapes"),
        ("budget=0", r"budget is 0: expected greater than or equal to 1"),
        ("budget=many", r"budget is 'many'"),
        ("seeds=1,1", r"seeds must be different"),
        ("propagation.threshold=0.9,0.99", r"lists 2 rounds but rounds is 5"),
        ("rounds", r"'rounds' is not of the form key=value"),
        ("rounds=[1", r"is not valid YAML"),
    ],
)
def test_mistakes_are_explained(override: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_config("pascal", [override])


def test_all_problems_at_once_and_unknown_configurations() -> None:
    with pytest.raises(InputError) as caught:
        load_config("pascal", ["budget=0", "rounds=-1", "wrong=1"])
    assert len(str(caught.value).splitlines()) == 4
    with pytest.raises(InputError, match=r"no configuration pascl.*did you mean pascal\?"):
        load_config("pascl")


def test_every_key_has_a_meaning() -> None:
    text = describe_keys(RunConfig)
    assert "training.learning_rate = 0.1" in text
    assert "dataset.download = false" in text
    lines = text.splitlines()
    assert [key for key, meaning in zip(lines[::2], lines[1::2], strict=True) if not meaning.strip()] == []
