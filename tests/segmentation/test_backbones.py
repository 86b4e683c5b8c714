"""Backbones of every family: logits of the size of the image, exact geometry, weights from files, a training."""

from __future__ import annotations

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional

from a2lc.foundation.errors import InputError
from a2lc.segmentation import (
    NetworkSettings,
    TrainingSettings,
    build_network,
    evaluate_network,
    normalisation_advice,
)
from a2lc.segmentation.pyramid import Pyramid, resample
from tests.support.training_case import CPU, IDS, Pictures, fast, run_training

VIT = NetworkSettings(backbone="test_vit", backbone_weights="none", aspp_channels=8, dropout=0)
SLOW = pytest.mark.slow


def vit(**changes):
    return VIT.model_copy(update=changes)


@pytest.mark.parametrize("output_stride", [8, 16])
@pytest.mark.parametrize(
    "backbone",
    [
        "resnet18",
        "mobilenetv1_100",
        "convnext_atto",
        "test_vit",
        "vit_tiny_patch16_224",
        "eva02_tiny_patch14_224",
        pytest.param("vit_small_patch14_dinov2", marks=SLOW),
        pytest.param("vit_small_patch16_dinov3", marks=SLOW),
        pytest.param("vit_base_patch16_siglip_224", marks=SLOW),
        pytest.param("swin_tiny_patch4_window7_224", marks=SLOW),
        pytest.param("hrnet_w18_small", marks=SLOW),
    ],
)
def test_every_family_gives_logits_of_the_size_of_the_image(backbone, output_stride):
    network = build_network(vit(backbone=backbone, output_stride=output_stride), 4, seed=0).eval()
    with torch.no_grad():
        high = network.backbone(torch.randn(1, 3, 64, 96))[-1]
        logits = network(torch.randn(1, 3, 65, 99))
    assert high.shape[-2:] == (64 // output_stride, 96 // output_stride)
    assert logits.shape == (1, 4, 65, 99)
    assert logits.isfinite().all()


@pytest.mark.parametrize("backbone", ["gmlp_s16_224", "levit_128s", "cait_xxs24_224"])
def test_models_of_one_image_size_are_refused_with_the_families_that_fit(backbone):
    message = r"does not give features at stride 4 and 16.*ResNet.*ConvNeXt, HRNet, Swin or ViT \(DINOv2"
    with pytest.raises(InputError, match=message):
        build_network(vit(backbone=backbone), 3, seed=0)


def test_whole_maps_are_interpolated_as_by_pytorch():
    features = torch.randn(2, 3, 5, 7)
    expected = functional.interpolate(features, size=(11, 6), mode="bilinear", align_corners=False)
    torch.testing.assert_close(resample(features, (5, 7), (11, 6)), expected)


class _Ramp(Pyramid):
    """Its features are the coordinates of the centres of their pixels, in pixels of the image."""

    def levels(self, images):
        height, width = images.shape[-2:]
        rows, columns = torch.arange(height) + 0.5, torch.arange(width) + 0.5
        ramp = torch.stack(torch.meshgrid(rows, columns, indexing="ij"))[None]
        return [functional.avg_pool2d(ramp, stride) for stride in self.strides]


def test_features_cover_the_image_and_nothing_of_the_padding():
    targets = (4, 16)
    maps = _Ramp(torch.nn.Identity(), (2, 2), (14, 14), targets)(torch.zeros(1, 3, 100, 150))
    for ramp, target in zip(maps, targets, strict=True):
        for axis, (side, count) in enumerate(((100, -(-100 // target)), (150, -(-150 // target)))):
            centres = (torch.arange(count) + 0.5) * side / count
            along = ramp[0, axis].mean(dim=1 - axis)
            inner = (centres > 7) & (centres < side - 7)  # half a patch from the border, there is a neighbour
            torch.testing.assert_close(along[inner], centres[inner])


def test_position_embeddings_of_another_grid_are_resampled_as_by_timm(tmp_path):
    other = timm.create_model("test_vit", img_size=96, num_classes=7)  # a grid of 6 x 6 instead of 10 x 10
    path = tmp_path / "other.safetensors"
    save_file(other.state_dict(), path)
    network = build_network(vit(backbone_weights=str(path)), 3, seed=0)
    expected = timm.create_model(
        "test_vit", pretrained=True, num_classes=0, pretrained_cfg_overlay={"state_dict": load_file(path)}
    )
    torch.testing.assert_close(network.backbone.model.pos_embed, expected.pos_embed)
    torch.testing.assert_close(network.backbone.model.blocks[0].attn.qkv.weight, other.blocks[0].attn.qkv.weight)


def test_weights_of_another_transformer_are_refused_by_name(tmp_path):
    path = tmp_path / "resnet.safetensors"
    save_file(timm.create_model("test_resnet").state_dict(), path)
    with pytest.raises(InputError, match=r"resnet\.safetensors belong to another network: .*missing \(cls_token"):
        build_network(vit(backbone_weights=str(path)), 3, seed=0)


@pytest.mark.parametrize("backbone", ["test_vit", pytest.param("swin_tiny_patch4_window7_224", marks=SLOW)])
def test_a_transformer_learns_and_is_scored(tmp_path, backbone):
    network, pictures, losses = build_network(vit(backbone=backbone), 2, seed=1), Pictures(), []
    run_training(
        tmp_path, network=network, iterations=12, validate_every=0,
        on_progress=lambda progress: losses.append(progress.loss),
    )  # fmt: skip
    confusion = evaluate_network(network.eval(), IDS, pictures.image, pictures, 2, fast(), CPU)
    assert sum(losses[-4:]) < sum(losses[:4])
    assert confusion.mean_iou() > 0.5


def test_every_weight_that_learns_has_a_gradient():
    network = build_network(vit(backbone="hrnet_w18_small"), 2, seed=0)
    network(torch.randn(2, 3, 64, 64)).sum().backward()
    learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
    assert all(parameter.grad is not None for parameter in learning)


def test_other_normalisation_than_that_of_the_weights_is_named():
    siglip = NetworkSettings(backbone="vit_base_patch16_siglip_224")
    assert "training.mean=[0.5,0.5,0.5] training.std=[0.5,0.5,0.5]" in normalisation_advice(siglip, TrainingSettings())
    halves = TrainingSettings(mean=(0.5,) * 3, std=(0.5,) * 3)
    assert normalisation_advice(siglip, halves) is None
    assert normalisation_advice(siglip.without_weights(), TrainingSettings()) is None
    assert normalisation_advice(NetworkSettings(), TrainingSettings()) is None
