"""Tiny random networks of groundingdino-py and segment-anything, saved as .pth files like the published ones."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn
from transformers import BertConfig, GroundingDinoConfig, SamConfig, SwinConfig

from grounded_sam.backends.reference_detector import build_detector
from grounded_sam.backends.reference_segmenter import build_segmenter
from tests.support import gsam_tiny

DETECTOR = GroundingDinoConfig(
    backbone_config=SwinConfig(embed_dim=16, depths=[1, 1, 2, 1], num_heads=[1, 2, 2, 2]),
    text_config=BertConfig(
        vocab_size=len(gsam_tiny.vocabulary()),
        hidden_size=64,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=64,
    ),
    encoder_layers=1,
    decoder_layers=2,
    encoder_ffn_dim=64,
    num_queries=20,
)
_PATCHES = {"image_size": 128, "patch_size": 8}
SEGMENTER = SamConfig(
    vision_config={
        "hidden_size": 16,
        "output_channels": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "window_size": 5,
        "global_attn_indexes": [1],
        **_PATCHES,
    },
    prompt_encoder_config={"hidden_size": 32, "mask_input_channels": 4, **_PATCHES},
    mask_decoder_config={"hidden_size": 32, "mlp_dim": 32, "iou_head_hidden_dim": 16},
)


def save_detector(folder: Path) -> Path:
    """Write `detector.pth` and, beside it, `vocab.txt`; return the path of the weights."""
    gsam_tiny.write_vocabulary(folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build_detector(DETECTOR, gsam_tiny.tokenizer())
        _stir(model, 0.05)
    # as in GroundingDINO's published file: wrapped, and with what its training left there
    weights = {f"module.{name}": tensor for name, tensor in model.state_dict().items()}
    left = {
        "module.label_enc.weight": torch.zeros(2, 2),
        "module.bert.embeddings.position_ids": torch.arange(512)[None],
    }
    torch.save({"model": weights | left}, folder / "detector.pth")
    return folder / "detector.pth"


def save_segmenter(folder: Path) -> Path:
    """Write `segmenter.pth`; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build_segmenter(SEGMENTER)
        _stir(model, 0.3)
    torch.save(model.state_dict(), folder / "segmenter.pth")
    return folder / "segmenter.pth"


def _stir(model: nn.Module, spread: float) -> None:
    """Change all weights at random: of a fresh network many are zero, and would hide what they are multiplied with."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.add_(spread * torch.randn_like(parameter))
            if "decoder.norm." in name:
                parameter.mul_(0.1)  # scores far from 0 and 1, as those of trained networks are
