"""The networks of the papers, and checkpoints of them that others have published."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torchvision.models import resnet50

from a2lc.foundation.errors import InputError
from a2lc.segmentation import NetworkSettings, build_network, load_weights
from a2lc.segmentation.weights import copy_weights, read_weights

RESNET50 = NetworkSettings(backbone="resnet50.tv_in1k", backbone_weights="none")


def changed(settings: NetworkSettings, **changes: object) -> NetworkSettings:
    return NetworkSettings(**{**settings.model_dump(), **changes})


def head_shapes(classes: int, separable: bool) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and shapes below `classifier.` in checkpoints of the widely used implementation, written down by hand."""
    convolutions = {
        "project.0": (48, 256, 1, 1),
        "aspp.convs.0.0": (256, 2048, 1, 1),
        "aspp.convs.1.0": (256, 2048, 3, 3),
        "aspp.convs.2.0": (256, 2048, 3, 3),
        "aspp.convs.3.0": (256, 2048, 3, 3),
        "aspp.convs.4.1": (256, 2048, 1, 1),
        "aspp.project.0": (256, 1280, 1, 1),
        "classifier.0": (256, 304, 3, 3),
        "classifier.3": (classes, 256, 1, 1),
    }
    for name, (outputs, inputs, height, width) in convolutions.items():
        if separable and height == 3:
            yield f"{name}.body.0.weight", (inputs, 1, height, width)
            yield f"{name}.body.1.weight", (outputs, inputs, 1, 1)
        else:
            yield f"{name}.weight", (outputs, inputs, height, width)
    yield "classifier.3.bias", (classes,)
    channels = {"project.1": 48, "aspp.convs.4.2": 256, "aspp.project.1": 256, "classifier.1": 256}
    channels |= {f"aspp.convs.{branch}.1": 256 for branch in range(4)}
    for name, count in channels.items():
        for statistic in ("weight", "bias", "running_mean", "running_var"):
            yield f"{name}.{statistic}", (count,)
        yield f"{name}.num_batches_tracked", ()


def public_state(classes: int, separable: bool = False) -> dict[str, Tensor]:
    """The state dict of a public ResNet-50 DeepLabV3+ with random values everywhere."""
    backbone = {name: tensor.shape for name, tensor in resnet50(weights=None).state_dict().items()}
    shapes = {f"backbone.{name}": tuple(shape) for name, shape in backbone.items() if not name.startswith("fc.")}
    shapes |= {f"classifier.{name}": shape for name, shape in head_shapes(classes, separable)}
    random = torch.Generator().manual_seed(3)
    return {
        name: torch.tensor(7) if name.endswith("num_batches_tracked") else torch.rand(shape, generator=random)
        for name, shape in shapes.items()
    }


@pytest.mark.slow
@pytest.mark.parametrize(("separable", "prefix"), [(False, ""), (True, "module.")])
def test_a_public_resnet50_checkpoint_is_loaded_tensor_by_tensor(tmp_path: Path, separable: bool, prefix: str) -> None:
    state, path = public_state(21, separable), tmp_path / "best_deeplabv3plus_resnet50_voc_os16.pth"
    momentum = {"state": {0: {"momentum_buffer": torch.ones(2)}}, "param_groups": [{"lr": 0.01, "params": [0]}]}
    checkpoint = {
        "cur_itrs": 30000,
        "model_state": {f"{prefix}{name}": tensor for name, tensor in state.items()},
        "optimizer_state": momentum,
        "scheduler_state": {"max_iters": 30000, "base_lrs": [0.01, 0.1], "last_epoch": 30000},
        "best_score": np.float64(0.772),
    }
    torch.save(checkpoint, path)
    network = build_network(changed(RESNET50, separable=separable), 21, seed=0)
    load_weights(network, path)
    loaded = {
        name.replace("conv_dw", "body.0").replace("conv_pw", "body.1"): t for name, t in network.state_dict().items()
    }
    assert loaded.keys() == state.keys()
    assert [name for name in state if not torch.equal(loaded[name], state[name])] == []


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("number", [np.float64(0.5), np.float32(0.5), np.int64(3)])
def test_numpy_numbers_beside_the_weights_do_no_harm(tmp_path: Path, zipped: bool, number: np.generic) -> None:
    path, weights = tmp_path / "checkpoint.pth", {"a.weight": torch.arange(3.0)}
    content = {"model_state": weights, "best_score": number}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    if not zipped:  # as NumPy 1 called its module
        path.write_bytes(path.read_bytes().replace(b"numpy._core.", b"numpy.core."))
    assert torch.equal(read_weights(path)["a.weight"], weights["a.weight"])


def test_code_behind_a_numpy_name_is_refused_and_not_run(tmp_path: Path) -> None:
    ran = tmp_path / "ran"

    class Evil:
        def __reduce__(self):
            return Path.touch, (ran,)

    torch.save({"model_state": {"a": torch.ones(1)}, "best_score": np.array([Evil()])}, tmp_path / "evil.pth")
    with pytest.raises(InputError, match="cannot be read as weights"):
        read_weights(tmp_path / "evil.pth")
    assert not ran.exists()


def test_weights_of_a_smaller_resnet_are_refused_by_name() -> None:
    with torch.device("meta"):
        network = build_network(changed(RESNET50, backbone="resnet101.tv_in1k"), 21, seed=0)
    message = r"voc\.pth belong to another network: \d+ missing \(backbone\.layer3\.6\..*the same backbone"
    with pytest.raises(InputError, match=message):
        copy_weights(network, public_state(21), "voc.pth")


def test_weights_for_other_classes_are_refused_with_both_numbers() -> None:
    settings = changed(RESNET50, backbone="test_resnet", aspp_channels=8)
    weights = build_network(settings, 19, seed=0).state_dict()
    network = build_network(settings, 21, seed=0)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with pytest.raises(InputError, match=r"city\.pth .*: it tells 19 classes apart instead of 21; 2 of another shape"):
        copy_weights(network, weights, "city.pth")
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def convolutions(layer: nn.Module) -> dict[str, tuple[tuple[int, ...], ...]]:
    """Stride, padding and dilation of every convolution by name."""
    found = ((name, module) for name, module in layer.named_modules() if isinstance(module, nn.Conv2d))
    return {name: (conv.stride, tuple(conv.padding), conv.dilation) for name, conv in found}


@pytest.mark.parametrize(
    ("output_stride", "replaced", "rates"),
    [(16, (False, False, True), (6, 12, 18)), (8, (False, True, True), (12, 24, 36))],
)
def test_the_papers_resnet_is_dilated_like_torchvisions(
    output_stride: int, replaced: tuple[bool, ...], rates: tuple[int, ...]
) -> None:
    network = build_network(changed(RESNET50, output_stride=output_stride), 21, seed=0).eval()
    reference = resnet50(weights=None, replace_stride_with_dilation=list(replaced)).eval()
    reference.load_state_dict(network.backbone.state_dict(), strict=False)
    for name in ("layer1", "layer2", "layer3", "layer4"):
        assert convolutions(network.backbone.get_submodule(name)) == convolutions(reference.get_submodule(name)), name
    pyramid = network.classifier.aspp.convs
    assert [(conv[0].dilation, conv[0].padding) for conv in pyramid[1:4]] == [((rate, rate),) * 2 for rate in rates]

    features = images = torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for name in ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"):
            features = reference.get_submodule(name)(features)
        ours = network.backbone(images)[-1]
    assert ours.shape == (1, 2048, 64 // output_stride, 96 // output_stride)
    torch.testing.assert_close(ours, features)
