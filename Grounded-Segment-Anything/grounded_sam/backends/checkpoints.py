"""From the `model` of a setting to a loaded model: known names, hub repositories, folders and official .pth files."""

from __future__ import annotations

import hashlib
import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from a2lc.foundation.digests import refuse_damaged
from a2lc.foundation.errors import InputError
from a2lc.foundation.readers.checkpoints import check_weights
from grounded_sam.backends.key_maps import convert_detector, convert_segmenter
from grounded_sam.backends.models import FAMILIES, MODELS, Family, Task, known_names
from grounded_sam.backends.official import detector_config, image_processor_sizes, segmenter_config

BERT = "google-bert/bert-base-uncased"
_HUB = "https://huggingface.co"
_MODEL_FILES = ("config.json", "preprocessor_config.json", "*.safetensors")
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "vocab.txt")
_OPTIONAL_FILES = ("*.safetensors.index.json", "processor_config.json", "special_tokens_map.json")
_SPECIAL_IDS = {"[CLS]": 101, "[SEP]": 102, ".": 1012, "?": 1029}  # the models know them by these numbers
_SHOWN = 3  # names in a message


@dataclass(frozen=True)
class Origin:
    """Where the weights of a model are from; names of files and folders do not matter.

    Attributes:
        hashes: SHA-256 of each weights file, hexadecimal, in the order of the file names.
        hub_id: The repository on the Hugging Face hub that was asked for; None = files of the user.
    """

    hashes: tuple[str, ...]
    hub_id: str | None = None

    def describe(self) -> dict[str, Any]:
        """What manifest.json records of a model with these weights."""
        return {"backend": "transformers", "weights": list(self.hashes), "hub_id": self.hub_id}


@dataclass(frozen=True)
class LoadedModel:
    """A model with what belongs to it.

    Attributes:
        model: Of transformers, float32, in evaluation mode, on the CPU.
        processor: Prepares its inputs, and for a segmenter reads its outputs.
        family: The model's row in the table.
        origin: Where its weights are from.
    """

    model: Any
    processor: Any
    family: Family
    origin: Origin


def load_model(name: str, task: Task) -> LoadedModel:
    """Load a model whole, or not at all.

    Args:
        name: A known name, a hub id, a folder or a .pth file.
        task: What the model is needed for.

    Raises:
        InputError: When it cannot be had, is for another task, or its weights do not fit.
    """
    path = Path(name).expanduser()
    if path.is_file():
        return _load_file(path, task)
    if path.exists():
        return _load_folder(path, task)
    hub_id = _hub_id(name, task)
    return _load_folder(_download(name, hub_id, task), task, hub_id)


def _hub_id(name: str, task: Task) -> str:
    if name in known_names(task):
        return MODELS[name].hub_id
    if re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", name) and not name.endswith((".pth", ".pt", ".safetensors")):
        return name
    raise InputError(
        f"{task}.model is '{name}', which is no file or folder here: give one of {', '.join(known_names(task))}, "
        "the id of a repository on the Hugging Face hub, a folder, or an official .pth file"
    )


def _download(name: str, hub_id: str, task: Task) -> Path:
    files = _MODEL_FILES + (_TOKENIZER_FILES if task == "detector" else ())
    try:
        return _snapshot(hub_id, files + _OPTIONAL_FILES)
    except Exception as error:  # whatever the network, the hub or its client raise
        folder = f"weights/{hub_id.rsplit('/', 1)[-1]}"
        raise InputError(
            f"{task}.model '{name}' could not be downloaded ({_reason(error)}): fetch {', '.join(files)} from "
            f"{_HUB}/{hub_id}/tree/main, put them into a folder, for example {folder}, and set {task}.model={folder}"
        ) from error


def _snapshot(hub_id: str, files: tuple[str, ...]) -> Path:
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(hub_id, allow_patterns=list(files)))


def _load_folder(folder: Path, task: Task, hub_id: str | None = None) -> LoadedModel:
    import transformers

    family = _family_of(folder, task)
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise InputError(f"{folder} holds no .safetensors file: fetch model.safetensors of the same repository")
    hashes = tuple(map(sha256_of, weights))
    for path, digest in zip(weights, hashes, strict=True):
        refuse_damaged(path, digest)
    try:
        model, report = _load_weights(family, folder, local_files_only=True)
        image_processor = getattr(transformers, family.image_processor).from_pretrained(folder)
    except Exception as error:  # each kind of broken file fails in its own way
        raise InputError(
            f"{folder} cannot be loaded as {family.model} ({_reason(error)}): fetch the files of the repository again"
        ) from error
    _refuse_partial(folder, report, ("missing", "mismatched"))
    parts = (image_processor, load_tokenizer(folder)) if task == "detector" else (image_processor,)
    processor = getattr(transformers, family.processor)(*parts)
    return LoadedModel(model.eval(), processor, family, Origin(hashes, hub_id))


def _family_of(folder: Path, task: Task) -> Family:
    config = folder / "config.json"
    try:
        kind = json.loads(config.read_text(encoding="utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError, RecursionError):
        raise InputError(
            f"{folder} is no model of transformers (its config.json cannot be read): {task}.model takes a folder with "
            f"{', '.join(_MODEL_FILES)}, or a .pth file"
        ) from None
    family = FAMILIES.get(kind)
    if family is None or family.task != task:
        known = ", ".join(sorted(name for name, row in FAMILIES.items() if row.task == task))
        raise InputError(f"{config} says that the model is of type '{kind}': {task}.model must be one of {known}")
    return family


def _load_file(path: Path, task: Task) -> LoadedModel:
    """Load an official checkpoint into the same classes as those from the hub."""
    import transformers

    is_detector = task == "detector"
    family = FAMILIES["grounding-dino" if is_detector else "sam"]
    weights = (convert_detector if is_detector else convert_segmenter)(read_official(path))
    try:
        config = (detector_config if is_detector else segmenter_config)(weights)
    except KeyError as error:
        raise InputError(_other_model(path, f"it has no weights {error}")) from error
    sizes = {} if is_detector else image_processor_sizes(config)
    parts = [getattr(transformers, family.image_processor)(**sizes)]
    if is_detector:
        parts.append(load_tokenizer(_tokenizer_folder(path)))
    model, report = _load_weights(family, None, config=config, state_dict=weights)
    _refuse_partial(path, report, ("missing", "mismatched", "unexpected"))
    processor = getattr(transformers, family.processor)(*parts)
    return LoadedModel(model.eval(), processor, family, Origin((sha256_of(path),)))


def read_official(path: Path) -> dict[str, Tensor]:
    """Read the state dict of an official checkpoint onto the CPU; no pickled code is run.

    It may be the whole file or stand under "model", and its names may begin with the `module.` of DataParallel.

    Raises:
        InputError: When the file holds no weights.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # unpickling bytes that are no pickle raises anything
        raise InputError(
            f"{path} is no PyTorch file that can be read ({_reason(error)}): give an official .pth file, or a folder"
        ) from None
    weights = content.get("model", content) if isinstance(content, Mapping) else content
    if not isinstance(weights, Mapping) or not all(isinstance(value, Tensor) for value in weights.values()):
        raise InputError(f"{path} holds something else than named weights: give an official .pth file")
    check_weights(weights, path, "give an official .pth file")
    return {name.removeprefix("module."): tensor for name, tensor in weights.items()}


def _tokenizer_folder(path: Path) -> Path:
    """Where the tokenizer for an official GroundingDINO is: beside the file, or downloaded."""
    if any((path.parent / name).is_file() for name in ("vocab.txt", "tokenizer.json")):
        return path.parent
    try:
        return _snapshot(BERT, _TOKENIZER_FILES)
    except Exception as error:  # as in `_download`
        raise InputError(
            f"{path} needs the vocabulary of bert-base-uncased, which could not be downloaded ({_reason(error)}): "
            f"fetch {_HUB}/{BERT}/resolve/main/vocab.txt and put it into {path.parent}"
        ) from error


def load_tokenizer(folder: Path) -> Any:
    """Load the BERT tokenizer of a folder with vocab.txt or tokenizer.json.

    Raises:
        InputError: When it cannot be read, or numbers the special tokens otherwise than the detectors do.
    """
    from transformers import BertTokenizer

    try:
        tokenizer = BertTokenizer.from_pretrained(folder, local_files_only=True)
        found = {token: tokenizer.convert_tokens_to_ids(token) for token in _SPECIAL_IDS}
    except Exception as error:
        raise InputError(f"{folder} holds no tokenizer ({_reason(error)}): fetch vocab.txt of {_HUB}/{BERT}") from error
    if found != _SPECIAL_IDS:
        raise InputError(
            f"the tokenizer in {folder} is not that of bert-base-uncased, which the detectors need: fetch vocab.txt of "
            f"{_HUB}/{BERT}"
        )
    return tokenizer


def sha256_of(path: Path) -> str:
    """SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _load_weights(family: Family, folder: Path | None, **options: Any) -> tuple[Any, dict[str, Any]]:
    """Build a model and load what fits, and report what does not."""
    import transformers

    with _hushed():
        loaded: tuple[Any, dict[str, Any]] = getattr(transformers, family.model).from_pretrained(
            folder, dtype=torch.float32, output_loading_info=True, ignore_mismatched_sizes=True, **options
        )
    return loaded


@contextmanager
def _hushed() -> Iterator[None]:
    """No progress bar of transformers for weights that lie on the disk, nor its table of those that do not fit."""
    from transformers.utils import logging

    verbosity = logging.get_verbosity()
    bars = logging.is_progress_bar_enabled()
    logging.set_verbosity_error()  # `_refuse_partial` says it in a sentence
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def _refuse_partial(path: Path, report: Mapping[str, Any], kinds: tuple[str, ...]) -> None:
    """Refuse weights that fill a model only in part, or hold more than it has."""
    problems = []
    for kind in kinds:
        names = sorted(str(entry if isinstance(entry, str) else entry[0]) for entry in report[f"{kind}_keys"])
        if names:
            more = ", ..." * (len(names) > _SHOWN)
            problems.append(f"{len(names)} {kind} weights: {', '.join(names[:_SHOWN])}{more}")
    if problems:
        raise InputError(_other_model(path, "; ".join(problems)))


def _other_model(path: Path, reason: str) -> str:
    """The sentence about a file that belongs to another model."""
    return (
        f"{path} belongs to another model ({reason}): official files that fit are groundingdino_swint_ogc.pth for a "
        "detector, and sam_vit_h_4b8939.pth, sam_vit_l_0b3195.pth or sam_vit_b_01ec64.pth for a segmenter"
    )


def _reason(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    is_said = bool(lines) and not isinstance(error, KeyError)  # which gives the key alone
    return textwrap.shorten(lines[0], 160, placeholder="...") if is_said else type(error).__name__
