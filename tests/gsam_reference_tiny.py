"""Tiny random networks of groundingdino-py and segment-anything, saved as .pth files like the published ones."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

import gsam_tiny
from grounded_sam.backends.reference_detector import DetectorSizes, build_detector
from grounded_sam.backends.reference_segmenter import SegmenterSizes, build_segmenter

DETECTOR = DetectorSizes(
    swin_width=16,
    swin_depths=(1, 1, 2, 1),
    swin_heads=(1, 2, 2, 2),
    encoder_layers=1,
    decoder_layers=2,
    feed_forward=64,
    queries=20,
    vocabulary=len(gsam_tiny.vocabulary()),
    bert_width=64,
    bert_layers=1,
    bert_feed_forward=64,
)
SEGMENTER = SegmenterSizes(
    image=128,
    patch=8,
    width=16,
    depth=2,
    heads=2,
    window=5,
    global_blocks=(1,),
    decoder_width=32,
    decoder_feed_forward=32,
    mask_channels=4,
    quality_width=16,
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
