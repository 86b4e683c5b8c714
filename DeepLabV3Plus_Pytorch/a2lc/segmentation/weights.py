"""Reading weight files and copying them into a network, whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import timm
import torch
from torch import Tensor, nn

from a2lc.foundation.errors import InputError
from a2lc.foundation.files import is_there
from a2lc.foundation.readers.checkpoints import check_weights, reason

_SHOWN = 3  # names per kind of problem
_CLASS_BIAS = "classifier.classifier.3.bias"  # (C,): one value per class, in our networks and in public checkpoints


class _Ignored:
    """Stands for the NumPy numbers in a checkpoint, a best score as a rule: nobody needs them, so none is made."""

    def __init__(self, *arguments: object) -> None: ...

    def __setstate__(self, state: object) -> None: ...


# the names by which NumPy numbers are pickled, before and since NumPy 2
_NUMPY_NUMBERS: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
    (_Ignored, name) for name in ("numpy.dtype", "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar")
]


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a state dict from a .safetensors file or a PyTorch checkpoint, onto the CPU; no pickled code is run.

    The state dict may be the whole file or stand under state_dict, model or model_state beside other things, and its
    names may begin with the `module.` of PyTorch's DataParallel.

    Raises:
        InputError: When the file is missing, holds no weights, or weights that are NaN or infinite.
    """
    if not is_there(path):
        raise InputError(f"the weights file {path} does not exist: give the .safetensors or .pth file of a network")
    try:
        with torch.serialization.safe_globals(_NUMPY_NUMBERS):
            found = timm.models.load_state_dict(str(path), weights_only=True)
        weights: dict[str, Tensor] = timm.models.clean_state_dict(found.get("model_state", found))
    except Exception as error:  # unpickling bytes that are no pickle raises anything
        raise InputError(
            f"{path} cannot be read as weights ({reason(error)}): give a .safetensors or .pth file"
        ) from None
    check_weights(weights, path, "give the state dict of a network")
    return weights


def copy_weights(
    module: nn.Module, weights: Mapping[str, Tensor], source: str, unused: Collection[str] = frozenset()
) -> None:
    """Copy weights into a module; every tensor must find its place.

    timm names the stages of some backbones `stages_0` where the whole model says `stages.0`, and the two halves of a
    separable convolution `conv_dw` and `conv_pw` where public DeepLabV3+ checkpoints say `body.0` and `body.1`: all
    these spellings fit.

    Args:
        module: What receives the weights.
        weights: State dict; BatchNorm's `num_batches_tracked` may be absent.
        source: What the error message calls the weights, a path as a rule.
        unused: Names that the weights may hold beyond what the module needs.

    Raises:
        InputError: When a tensor is missing, left over, or of another type or shape; the message names them, and the
            numbers of classes where they differ.
    """
    state = module.state_dict()
    own = {_canonical(name): name for name in state}
    given = {_canonical(name): tensor for name, tensor in weights.items()}
    allowed = {_canonical(name) for name in unused}
    shapes = {name: tuple(state[key].shape) for name, key in own.items()}
    problems = [
        _other_classes(given.get(_CLASS_BIAS), shapes.get(_CLASS_BIAS)),
        _listed("missing", [name for name in own if name not in given and not name.endswith("num_batches_tracked")]),
        _listed("unknown", [name for name in given if name not in own and name not in allowed]),
        _listed(
            "of another type",
            [
                f"{name} {given[name].dtype} instead of {state[key].dtype}"
                for name, key in own.items()
                if name in given and given[name].is_floating_point() != state[key].is_floating_point()
            ],
        ),
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
        raise InputError(
            f"the weights in {source} belong to another network: {'; '.join(filter(None, problems))}: give weights of "
            "the same backbone, head and classes"
        )
    module.load_state_dict({key: given[name] for name, key in own.items() if name in given}, strict=False)


def _canonical(name: str) -> str:
    name = name.replace(".body.0.", ".conv_dw.").replace(".body.1.", ".conv_pw.")
    return re.sub(r"_(\d+)\.", r".\1.", name)


def _other_classes(given: Tensor | None, own: tuple[int, ...] | None) -> str:
    if given is None or own is None or len(given) == own[0]:
        return ""
    return f"it tells {len(given)} classes apart instead of {own[0]}"


def _listed(kind: str, names: list[str]) -> str:
    more = ", ..." * (len(names) > _SHOWN)
    return f"{len(names)} {kind} ({', '.join(names[:_SHOWN])}{more})" if names else ""
