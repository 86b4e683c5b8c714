"""Where models come from: folders, official files, downloads that fail; nothing is loaded in part."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch

from a2lc.foundation.errors import InputError
from grounded_sam.backends.checkpoints import Origin, load_model
from grounded_sam.backends.models import FAMILIES, MODELS, Task
from tests.support.gsam_tiny import (
    grounding_dino,
    official_detector,
    official_segmenter,
    save_detector,
    save_segmenter,
    segment_anything,
    write_vocabulary,
)


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> str:
        raise OSError("the network is unreachable\nand more")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)


@pytest.fixture(scope="module")
def detector_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_detector(tmp_path_factory.mktemp("detector"))


@pytest.fixture(scope="module")
def segmenter_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_segmenter(tmp_path_factory.mktemp("segmenter"))


def equal_weights(left: Any, right: Any) -> bool:
    """Whether two models have the same weights; the norm that Swin has and the detector never uses is left out."""
    ours, theirs = left.state_dict(), right.state_dict()
    used = [name for name in ours if ".swin.layernorm." not in name]
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in used)


def test_every_row_of_the_table_names_classes_of_transformers() -> None:
    import transformers

    for family in FAMILIES.values():
        for name in (family.model, family.processor, family.image_processor):
            assert hasattr(transformers, name)
    assert all(known.hub_id.count("/") == 1 and known.license for known in MODELS.values())


def test_folders_are_loaded_whole_and_hashed(detector_folder: Path, segmenter_folder: Path) -> None:
    for folder, task, model in (
        (detector_folder, "detector", grounding_dino()),
        (segmenter_folder, "segmenter", segment_anything()),
    ):
        loaded = load_model(str(folder), task)
        assert equal_weights(loaded.model, model)
        assert not loaded.model.training
        expected = sha256((folder / "model.safetensors").read_bytes()).hexdigest()
        assert loaded.origin == Origin((expected,))


def test_an_official_detector_is_converted_without_loss(tmp_path: Path) -> None:
    model = grounding_dino(seed=3)
    official = official_detector(model)
    torch.save({"model": {f"module.{name}": tensor for name, tensor in official.items()}}, tmp_path / "swint.pth")
    write_vocabulary(tmp_path)
    loaded = load_model(str(tmp_path / "swint.pth"), "detector")
    assert equal_weights(loaded.model, model)
    assert loaded.model.config.decoder_attention_heads == 4
    assert loaded.processor.tokenizer("road.")["input_ids"] == [101, 1034, 1012, 102]


def test_an_official_segmenter_is_converted_without_loss(tmp_path: Path) -> None:
    model = segment_anything(seed=3)
    torch.save(official_segmenter(model), tmp_path / "sam.pth")
    loaded = load_model(str(tmp_path / "sam.pth"), "segmenter")
    assert equal_weights(loaded.model, model)
    vision, expected = loaded.model.config.vision_config, model.config.vision_config
    for name in ("image_size", "patch_size", "window_size", "global_attn_indexes", "num_attention_heads"):
        assert getattr(vision, name) == getattr(expected, name)
    assert loaded.model.config.mask_decoder_config.layer_norm_eps == 1e-5
    assert loaded.processor.image_processor.pad_size["height"] == vision.image_size


def _without(weights: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: tensor for key, tensor in weights.items() if key != name}


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda w: _without(w, "mask_decoder.iou_token.weight"), "1 missing weights: mask_decoder.iou_token.weight"),
        (lambda w: _without(w, "image_encoder.pos_embed"), "belongs to another model"),
        (
            lambda w: w | {"mask_decoder.hf_token.weight": torch.zeros(1, 32)},
            "1 unexpected weights: .*hf_token",
        ),
        (
            lambda w: w | {"mask_decoder.iou_token.weight": torch.zeros(2, 32)},
            "1 mismatched weights: .*iou_token",
        ),
        (lambda w: {"epoch": 3}, "something else than named weights"),
    ],
)
def test_partial_official_files_are_refused(
    tmp_path: Path, spoil: Callable[[dict[str, Any]], dict[str, Any]], words: str
) -> None:
    torch.save(spoil(official_segmenter(segment_anything())), tmp_path / "sam.pth")
    with pytest.raises(InputError, match=words):
        load_model(str(tmp_path / "sam.pth"), "segmenter")


def test_files_of_the_other_task_or_no_weights_are_refused(tmp_path: Path, detector_folder: Path) -> None:
    torch.save(official_segmenter(segment_anything()), tmp_path / "sam.pth")
    with pytest.raises(InputError, match=r"sam\.pth belongs to another model.*groundingdino_swint_ogc\.pth"):
        load_model(str(tmp_path / "sam.pth"), "detector")
    (tmp_path / "page.pth").write_text("<html>not found</html>")
    with pytest.raises(InputError, match=r"page\.pth is no PyTorch file that can be read"):
        load_model(str(tmp_path / "page.pth"), "segmenter")
    with pytest.raises(InputError, match=r"type 'grounding-dino': segmenter\.model must be one of sam, sam2"):
        load_model(str(detector_folder), "segmenter")
    with pytest.raises(InputError, match="is no model of transformers"):
        load_model(str(tmp_path), "segmenter")


def test_a_folder_with_half_of_its_weights_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = save_segmenter(tmp_path) / "model.safetensors"
    save_file(_without(load_file(weights), "vision_encoder.pos_embed"), weights, {"format": "pt"})
    with pytest.raises(InputError, match=r"1 missing weights: vision_encoder\.pos_embed"):
        load_model(str(tmp_path), "segmenter")
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(InputError, match="cannot be loaded as SamModel"):
        load_model(str(tmp_path), "segmenter")
    weights.unlink()
    with pytest.raises(InputError, match=r"fetch model\.safetensors"):
        load_model(str(tmp_path), "segmenter")


def test_another_tokenizer_is_refused(tmp_path: Path) -> None:
    save_detector(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).unlink()
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n.\n?\n")
    with pytest.raises(InputError, match="not that of bert-base-uncased"):
        load_model(str(tmp_path), "detector")


@pytest.mark.usefixtures("no_hub")
@pytest.mark.parametrize(
    ("name", "task", "words"),
    [
        ("sam-vit-huge", "segmenter", r"unreachable\): fetch config\.json.*huggingface\.co/facebook/sam-vit-huge/tree"),
        ("sam-vit-huge", "segmenter", r"segmenter\.model=weights/sam-vit-huge$"),
        (
            "grounding-dino-tiny",
            "detector",
            r"vocab\.txt from https://huggingface\.co/IDEA-Research/grounding-dino-tiny",
        ),
        ("someone/some-sam", "segmenter", r"huggingface\.co/someone/some-sam/tree/main"),
        ("weights/gone.pth", "detector", r"no file or folder here: give one of grounding-dino-tiny"),
        ("sam-vit-huge", "detector", r"no file or folder here: give one of grounding-dino-tiny"),
        ("gone", "segmenter", r"no file or folder here: give one of sam-vit-base"),
    ],
)
def test_what_cannot_be_downloaded_is_told_with_what_to_fetch(name: str, task: Task, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        load_model(name, task)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("no_hub")
def test_an_official_detector_asks_for_its_vocabulary(tmp_path: Path) -> None:
    torch.save({"model": official_detector(grounding_dino())}, tmp_path / "swint.pth")
    with pytest.raises(InputError, match=r"vocab\.txt and put it into"):
        load_model(str(tmp_path / "swint.pth"), "detector")


def test_downloads_fetch_what_is_needed_and_are_read_like_folders(
    monkeypatch: pytest.MonkeyPatch, segmenter_folder: Path
) -> None:
    asked: dict[str, Any] = {}

    def fetch(repository: str, allow_patterns: list[str]) -> str:
        asked[repository] = allow_patterns
        return str(segmenter_folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetch)
    loaded = load_model("sam-vit-base", "segmenter")
    assert loaded.origin.hub_id == "facebook/sam-vit-base"
    assert loaded.origin.hashes == load_model(str(segmenter_folder), "segmenter").origin.hashes
    assert "*.safetensors" in asked["facebook/sam-vit-base"]
