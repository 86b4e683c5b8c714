"""The network: names of its weights, its arithmetic, its backbones and the weights they start with."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch.nn import functional
from torchvision.models import resnet18

from a2lc.foundation.errors import InputError
from a2lc.segmentation import NetworkSettings, build_network, load_weights

TINY = NetworkSettings(backbone="test_resnet", backbone_weights="none", aspp_channels=8)


def tiny(**changes):
    return NetworkSettings(**{**TINY.model_dump(), **changes})


def test_weight_names_are_those_of_public_resnet_checkpoints():
    names = set(build_network(tiny(backbone="resnet18"), 5, seed=0).state_dict())
    backbone = {name for name in resnet18(weights=None).state_dict() if not name.startswith("fc.")}
    convolutions = [f"aspp.convs.{branch}.0" for branch in range(4)] + ["aspp.convs.4.1"]
    batchnorms = [f"aspp.convs.{branch}.1" for branch in range(4)] + ["aspp.convs.4.2"]
    convolutions += ["project.0", "aspp.project.0", "classifier.0", "classifier.3"]
    batchnorms += ["project.1", "aspp.project.1", "classifier.1"]
    statistics = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    head = {f"{name}.weight" for name in convolutions} | {"classifier.3.bias"}
    head |= {f"{name}.{statistic}" for name in batchnorms for statistic in statistics}
    assert names == {f"backbone.{name}" for name in backbone} | {f"classifier.{name}" for name in head}


def test_logits_follow_the_paper_step_by_step():
    network = build_network(tiny(aspp_rates=(2, 3, 4)), 3, seed=1).eval()
    weights = network.classifier.state_dict()
    for name, tensor in weights.items():  # statistics that are not the identity
        if name.endswith(("running_mean", "running_var")):
            tensor.copy_(torch.rand(tensor.shape) + 0.5)
    images = torch.randn(2, 3, 48, 80)

    def block(features, conv, norm, dilation=1):
        kernel = weights[f"{conv}.weight"]
        features = functional.conv2d(features, kernel, padding=dilation * (kernel.shape[-1] // 2), dilation=dilation)
        mean, var = weights[f"{norm}.running_mean"], weights[f"{norm}.running_var"]
        features = (features - mean[:, None, None]) / (var[:, None, None] + 1e-5).sqrt()
        return functional.relu(
            features * weights[f"{norm}.weight"][:, None, None] + weights[f"{norm}.bias"][:, None, None]
        )

    def enlarged(features, size):
        return functional.interpolate(features, size=size, mode="bilinear", align_corners=False)

    with torch.no_grad():
        features = network.backbone(images)
        low, high = features[1], features[-1]
        assert low.shape[-2:] == (12, 20)
        assert high.shape[-2:] == (3, 5)
        branches = [block(high, "aspp.convs.0.0", "aspp.convs.0.1")]
        branches += [
            block(high, f"aspp.convs.{i}.0", f"aspp.convs.{i}.1", rate) for i, rate in ((1, 2), (2, 3), (3, 4))
        ]
        pooled = block(high.mean(dim=(2, 3), keepdim=True), "aspp.convs.4.1", "aspp.convs.4.2")
        branches.append(pooled.expand(-1, -1, 3, 5))
        pyramid = block(torch.cat(branches, 1), "aspp.project.0", "aspp.project.1")
        joined = torch.cat([block(low, "project.0", "project.1"), enlarged(pyramid, (12, 20))], 1)
        decoded = block(joined, "classifier.0", "classifier.1")
        kernel, bias = weights["classifier.3.weight"], weights["classifier.3.bias"]
        expected = enlarged(functional.conv2d(decoded, kernel, bias), (48, 80))
        torch.testing.assert_close(network(images), expected)


@pytest.mark.parametrize("backbone", ["test_resnet", "test_efficientnet", "test_convnext", "mobilenetv3_small_050"])
@pytest.mark.parametrize("output_stride", [8, 16])
def test_any_convolutional_backbone_and_odd_sizes(backbone, output_stride):
    network = build_network(tiny(backbone=backbone, output_stride=output_stride), 4, seed=0).eval()
    images = torch.zeros(1, 3, 96, 160)
    assert network.backbone(images)[-1].shape[-2:] == (96 // output_stride, 160 // output_stride)
    assert network(torch.zeros(1, 3, 65, 99)).shape == (1, 4, 65, 99)


def test_atrous_rates_double_at_output_stride_8_and_can_be_given():
    assert NetworkSettings().rates == (6, 12, 18)
    assert NetworkSettings(output_stride=8).rates == (12, 24, 36)
    assert NetworkSettings(output_stride=8, aspp_rates=(1, 2, 3)).rates == (1, 2, 3)


def test_separable_head_has_depthwise_3x3_convolutions_at_the_same_rates():
    network = build_network(tiny(separable=True), 4, seed=0)
    spatial = [m for m in network.classifier.modules() if isinstance(m, torch.nn.Conv2d) and m.kernel_size == (3, 3)]
    assert [conv.dilation[0] for conv in spatial] == [6, 12, 18, 1]
    assert all(conv.groups == conv.in_channels for conv in spatial)
    assert network(torch.zeros(2, 3, 64, 64)).shape == (2, 4, 64, 64)


def test_weights_depend_on_the_seed_alone():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = build_network(TINY, 3, seed=5).state_dict()
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(2)
    second, other = build_network(TINY, 3, seed=5).state_dict(), build_network(TINY, 3, seed=6).state_dict()
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())
    assert not torch.equal(first["classifier.classifier.3.weight"], other["classifier.classifier.3.weight"])


def test_backbone_batchnorm_momentum_leaves_the_head_alone():
    network = build_network(TINY, 3, seed=0)

    def momenta(part):
        return {module.momentum for module in part.modules() if isinstance(module, torch.nn.BatchNorm2d)}

    assert momenta(network.backbone) == {0.01}
    assert momenta(network.classifier) == {0.1}


@pytest.mark.parametrize("backbone", ["test_resnet", "test_convnext"])  # timm renames the stages of the second
@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_backbone_starts_from_a_file_of_the_whole_timm_model(tmp_path, backbone, suffix):
    whole = timm.create_model(backbone, num_classes=7).state_dict()
    path = tmp_path / f"weights{suffix}"
    if suffix == ".pth":
        torch.save({"state_dict": whole}, path)
    else:
        save_file(whole, path)
    network = build_network(tiny(backbone=backbone, backbone_weights=str(path)), 3, seed=0)
    for name, tensor in network.backbone.state_dict().items():
        assert torch.equal(tensor, whole[name.replace("stages_", "stages.").replace("stem_", "stem.")])


def test_shared_mobilenet_weights_fit():
    if "A2LC_SHARED" not in os.environ:
        pytest.skip("A2LC_SHARED does not name the folder with weights/mobilenetv1_100.imagenet.safetensors")
    path = Path(os.environ["A2LC_SHARED"]) / "weights" / "mobilenetv1_100.imagenet.safetensors"
    network = build_network(tiny(backbone="mobilenetv1_100", backbone_weights=str(path)), 3, seed=0)
    last = network.backbone.state_dict()["blocks.4.1.conv_pw.weight"]
    assert torch.equal(last.squeeze(), torch.eye(1024))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda weights: weights.pop("layer1.0.conv1.weight"), r"1 missing \(layer1\.0\.conv1\.weight\)"),
        (lambda weights: weights.update(extra=torch.zeros(1)), r"1 unknown \(extra\)"),
        (
            lambda weights: weights.update({"conv1.weight": torch.zeros(2, 3, 1, 1)}),
            r"1 of another shape \(conv1\.weight \(2, 3, 1, 1\) instead of \(64, 3, 7, 7\)\)",
        ),
        (
            lambda weights: weights.update({"conv1.weight": weights["conv1.weight"].bool()}),
            r"1 of another type \(conv1\.weight torch\.bool instead of torch\.float32\)",
        ),
    ],
)
def test_unfitting_backbone_weights_are_refused_by_name(tmp_path, change, message):
    weights, path = timm.create_model("resnet18").state_dict(), tmp_path / "weights.pth"
    change(weights)
    torch.save(weights, path)
    with pytest.raises(InputError, match=message) as caught:
        build_network(tiny(backbone="resnet18", backbone_weights=str(path)), 3, seed=0)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"hello" * 100])
@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_files_that_are_no_weights_are_refused(tmp_path, content, suffix):
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(content)
    with pytest.raises(InputError, match="cannot be read as weights"):
        build_network(tiny(backbone_weights=str(path)), 3, seed=0)


def test_a_checkpoint_that_needs_code_is_refused_and_not_run(tmp_path):
    ran = tmp_path / "ran"

    class Evil:
        def __reduce__(self):
            return Path.touch, (ran,)

    torch.save({"state_dict": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(InputError, match="cannot be read as weights"):
        build_network(tiny(backbone_weights=str(tmp_path / "evil.pth")), 3, seed=0)
    assert not ran.exists()


@pytest.mark.parametrize(
    ("backbone", "message"),
    [
        ("resnet-50", "did you mean resnet50"),
        ("resnet101.tv_in2k", "did you mean resnet101.tv_in1k"),
        ("levit_128s", "does not give features at stride 4 and 16.*choose a ResNet"),
    ],
)
def test_unfit_backbones_are_refused(backbone, message):
    with pytest.raises(InputError, match=message):
        build_network(tiny(backbone=backbone), 3, seed=0)


def test_missing_weights_file_and_failed_download_say_what_to_do(monkeypatch):
    with pytest.raises(InputError, match="'imagenett': expected imagenet, none or an existing file"):
        build_network(tiny(backbone_weights="imagenett"), 3, seed=0)
    create = timm.create_model

    def offline(name, pretrained=False, **arguments):
        if pretrained:
            raise OSError("no route to host")
        return create(name, **arguments)

    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(InputError, match=r"could not be downloaded \(no route to host\).*\.safetensors"):
        build_network(tiny(backbone_weights="imagenet"), 3, seed=0)


def test_load_weights_round_trip_and_another_number_of_classes(tmp_path):
    network, path = build_network(TINY, 3, seed=1), tmp_path / "last.safetensors"
    save_file(network.state_dict(), path)
    other = build_network(TINY, 3, seed=2)
    load_weights(other, path)
    assert all(torch.equal(tensor, other.state_dict()[name]) for name, tensor in network.state_dict().items())
    with pytest.raises(InputError, match=r"classifier\.classifier\.3\.weight \(3, 8, 1, 1\) instead of \(5, 8, 1, 1\)"):
        load_weights(build_network(TINY, 5, seed=2), path)
    with pytest.raises(InputError, match="does not exist"):
        load_weights(other, tmp_path / "absent.safetensors")


def test_head_starts_with_kaiming_weights():
    head = build_network(tiny(aspp_channels=64), 3, seed=0).classifier
    for conv in (head.aspp.convs[1][0], head.aspp.project[0], head.classifier[0]):
        fan_in = conv.in_channels * conv.kernel_size[0] * conv.kernel_size[1]
        assert conv.weight.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.05)
