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
        ("seeds=1,1", r"seeds: 1 stands twice"),
        ("seeds=-1", r"seeds\.0 is -1: expected greater than or equal to 0"),
        ("seeds=true", r"seeds\.0: expected a whole number"),
        (f"seeds={','.join(map(str, range(1001)))}", r"seeds .*at most 1000 items"),
        ("rounds=100000000", r"rounds is 100000000: expected less than or equal to 1000"),
        ("method=5", r"method is '5': expected one of a2lc"),
        ("method=", r"method is empty"),
        ("method=a2lc,,alc", r"method is empty"),
        ("method=a2lc,alc,a2lc", r"method names a2lc twice"),
        ("official=5", r"official is 5: expected keys and values"),
        ("training.learning_rate=.inf", r"learning_rate is inf: expected a finite number"),
        ("training.learning_rate=1e999", r"learning_rate is '1e999': expected a finite number"),
        ("training..iterations=1", r"is not of the form key=value"),
        ("rounds={1: 2, a: 3}", r"the key a is a text, others are not"),
        ("rounds={a: 2, a: 3}", r"the key 'a' stands twice"),
        ("rounds=2024-13-45", r"the value of 'rounds=2024-13-45' is not valid YAML"),
        (f"rounds={'[' * 10_000}", r"nest"),
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


def test_a_name_too_long_for_a_file_is_no_configuration() -> None:
    with pytest.raises(InputError, match="no configuration xxx"):
        load_config("x" * 300)


def test_an_unknown_method_or_fidelity_hides_no_other_mistake() -> None:
    with pytest.raises(InputError) as caught:
        load_config("pascal", ["method=a2lcc,allc", "fidelity=oficial", "budget=0", "wrong=1"])
    assert [word in str(caught.value) for word in ("a2lcc", "allc", "oficial", "budget", "wrong")] == [True] * 5


def test_a_file_and_the_command_line_take_the_same(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    for method in ("5", "", "[]", "[a2lc, a2lc]", "[1, 2]", "{a: 1}"):
        path.write_text(f"base: pascal\nmethod: {method}\n")
        messages = []
        for arguments in ((str(path), ()), ("pascal", (f"method={method}",))):
            with pytest.raises(InputError) as caught:
                load_config(*arguments)
            messages.append(str(caught.value).partition("\n")[2])
        assert messages[0] == messages[1]
    path.write_text("base: pascal\nmethod: a2lc, alc\nseeds: 1,2\n")
    assert [config.method for config in load_config(str(path))] == ["a2lc", "alc"]
    assert load_config(str(path))[0].seeds == (1, 2)


_LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (_LAUGHS.encode(), "aliases"),
        (b"[" * 100_000, "nest"),
        (b"a: " + b"x" * 3_000_000, "larger than"),
        (b"budget: 1\nrounds: 2\nbudget: 3\n", "'budget' stands twice"),
        (b"a: 1\n2: 3\n", "the key 2 is a number, others are not"),
        ("budget: 1\n".encode("utf-16"), "UTF-16"),
        ("experiment: café\n".encode("latin-1"), "Latin-1"),
        (b"budget: .nan\n", "budget is nan"),
        (b"a: !!python/object/apply:os.getcwd []\n", "not valid YAML"),
        (b"- a\n- b\n", "list instead of keys and values"),
    ],
)
def test_a_file_that_is_no_configuration_is_told(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        load_config(str(path), ["method=alc", "dataset=pascal"])
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_typo_hides_no_other_problem() -> None:
    with pytest.raises(InputError) as caught:
        load_config("folder", ["dataset.root=photos", "dataset.rot=x", "budgt=4", "training.iterations=0", "rounds=2"])
    told = str(caught.value)
    assert "unknown key dataset.rot" in told
    assert "unknown key budgt" in told
    assert "training.iterations is 0 but this run needs a network" in told


def test_every_key_has_a_meaning() -> None:
    text = describe_keys(RunConfig)
    assert "training.learning_rate = 0.1" in text
    assert "dataset.download = false" in text
    lines = text.splitlines()
    assert [key for key, meaning in zip(lines[::2], lines[1::2], strict=True) if not meaning.strip()] == []


def test_a_preset_of_training_lies_above_the_configuration_and_below_overrides(tmp_path: Path) -> None:
    (plain,) = load_config("pascal", ["method=a2lc"])
    (config,) = load_config("pascal", ["method=a2lc", "training=frozen", "training.iterations=7"])
    assert (config.network.frozen, config.training.on_features, config.training.optimizer) == (True, True, "adamw")
    assert (config.training.iterations, config.training.name) == (7, "frozen")
    assert config.network.backbone == plain.network.backbone, "what a preset does not name stays"
    assert load_config("pascal", ["training=papers"]) == load_config("pascal")
    path = tmp_path / "mine.yaml"
    path.write_text("base: pascal\nmethod: a2lc\ntraining: frozen\n")
    (written,) = load_config(str(path), ["training.iterations=7"])
    assert written.training == config.training
    path.write_text("base: pascal\nmethod: a2lc\ntraining: {name: frozen, iterations: 7}\n")
    assert load_config(str(path))[0].training == config.training, "a file's own keys lie above the preset it names"
    (papers,) = load_config(str(path), ["training=papers"])
    assert (papers.network.frozen, papers.training.optimizer) == (False, "sgd"), "the last preset counts alone"


def test_an_unknown_preset_of_training_is_refused_with_those_there_are() -> None:
    with pytest.raises(InputError, match=r"training is 'frozn': expected one of frozen, papers; did you mean frozen"):
        load_config("pascal", ["training=frozn"])


def test_features_need_a_frozen_backbone() -> None:
    with pytest.raises(InputError, match=r"training\.on_features is true.*network\.frozen=true"):
        load_config("pascal", ["training.on_features=true"])
