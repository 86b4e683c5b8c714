"""Reading weight files and copying them into a network, whole or not at all."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Mapping
from pathlib import Path

import timm
from torch import Tensor, nn

from a2lc.errors import InputError

_SHOWN = 3  # names per kind of problem


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a state dict from a .safetensors file or a PyTorch checkpoint, onto the CPU; no pickled code is run.

    Raises:
        InputError: When the file is missing or holds no weights.
    """
    if not path.is_file():
        raise InputError(f"the weights file {path} does not exist")
    try:
        weights = timm.models.load_state_dict(str(path), weights_only=True)
    except Exception as error:  # unpickling bytes that are no pickle raises anything
        reason = textwrap.shorten(str(error), 100) or type(error).__name__
        raise InputError(f"{path} cannot be read as weights ({reason}): give a .safetensors or .pth file") from None
    if not weights or not all(isinstance(tensor, Tensor) for tensor in weights.values()):
        raise InputError(f"{path} holds something else than named tensors: give the state dict of a network")
    return weights


def copy_weights(
    module: nn.Module, weights: Mapping[str, Tensor], source: str, unused: Collection[str] = frozenset()
) -> None:
    """Copy weights into a module; every tensor must find its place.

    timm names the stages of some backbones `stages_0` where the whole model says `stages.0`: both spellings fit.

    Args:
        module: What receives the weights.
        weights: State dict; BatchNorm's `num_batches_tracked` may be absent.
        source: What the error message calls the weights, a path as a rule.
        unused: Names that the weights may hold beyond what the module needs.

    Raises:
        InputError: When a tensor is missing, left over, or of another shape; the message names them.
    """
    own = {_canonical(name): name for name in module.state_dict()}
    given = {_canonical(name): tensor for name, tensor in weights.items()}
    allowed = {_canonical(name) for name in unused}
    shapes = {name: tuple(module.state_dict()[key].shape) for name, key in own.items()}
    problems = [
        _listed("missing", [name for name in own if name not in given and not name.endswith("num_batches_tracked")]),
        _listed("unknown", [name for name in given if name not in own and name not in allowed]),
        _listed(
            "of another shape",
            [
                f"{name} {tuple(given[name].shape)} instead of {shapes[name]}"
                for name in own
                if name in given and tuple(given[name].shape) != shapes[name]
            ],
        ),
    ]
    if any(problems):
        raise InputError(f"the weights in {source} belong to another network: {'; '.join(filter(None, problems))}")
    module.load_state_dict({key: given[name] for name, key in own.items() if name in given}, strict=False)


def _canonical(name: str) -> str:
    return re.sub(r"_(\d+)\.", r".\1.", name)


def _listed(kind: str, names: list[str]) -> str:
    more = ", ..." * (len(names) > _SHOWN)
    return f"{len(names)} {kind} ({', '.join(names[:_SHOWN])}{more})" if names else ""
