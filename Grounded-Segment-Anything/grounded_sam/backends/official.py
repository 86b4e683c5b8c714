"""Configurations of transformers for the official checkpoints, read off the shapes of their weights.

Swin-T and Swin-B GroundingDINO and SAM ViT-B, L and H need nothing beside the file. Names are those of transformers, as
`grounded_sam.backends.key_maps` gives them. Numbers of heads that no shape tells are those that all published models
have: 64 channels per head in BERT, eight heads in SAM's mask decoder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isqrt
from typing import Any

from torch import Tensor

_BERT_HEAD = 64  # channels
_POINTS = 4  # that a head of deformable attention looks at, per level
_LAYER_NORM_EPS = 1e-5  # of the official mask decoder; transformers' default is another
_SWIN = "model.backbone.conv_encoder.model.swin"


def detector_config(weights: Mapping[str, Tensor]) -> Any:
    """`GroundingDinoConfig` of converted weights.

    Raises:
        KeyError: When a tensor that every GroundingDINO has is missing.
    """
    from transformers import GroundingDinoConfig

    levels = _count(weights, r"model\.input_proj_vision\.(\d+)\.")
    per_head = levels * _POINTS
    queries, width = weights["model.query_position_embeddings.weight"].shape
    encoder = "model.encoder.layers.0.deformable_layer"
    decoder = "model.decoder.layers.0"
    return GroundingDinoConfig(
        backbone_config=_swin_config(weights),
        text_config=_bert_config(weights),
        num_queries=queries,
        d_model=width,
        num_feature_levels=levels,
        encoder_layers=_count(weights, r"model\.encoder\.layers\.(\d+)\."),
        encoder_ffn_dim=len(weights[f"{encoder}.fc1.weight"]),
        encoder_attention_heads=len(weights[f"{encoder}.self_attn.attention_weights.bias"]) // per_head,
        decoder_layers=_count(weights, r"model\.decoder\.layers\.(\d+)\."),
        decoder_ffn_dim=len(weights[f"{decoder}.fc1.weight"]),
        decoder_attention_heads=len(weights[f"{decoder}.encoder_attn.attention_weights.bias"]) // per_head,
    )


def _swin_config(weights: Mapping[str, Tensor]) -> Any:
    from transformers import SwinConfig

    stages = range(_count(weights, rf"{_SWIN}\.encoder\.layers\.(\d+)\."))
    bias = "attention.relative_position_bias.relative_position_bias_table"
    tables = [weights[f"{_SWIN}.encoder.layers.{stage}.blocks.0.{bias}"].shape for stage in stages]
    return SwinConfig(
        embed_dim=len(weights[f"{_SWIN}.embeddings.norm.weight"]),
        depths=[_count(weights, rf"{_SWIN}\.encoder\.layers\.{stage}\.blocks\.(\d+)\.") for stage in stages],
        num_heads=[heads for _, heads in tables],
        window_size=(isqrt(tables[0][0]) + 1) // 2,  # the table has (2 window - 1)² rows
        out_indices=[2, 3, 4],
    )


def _bert_config(weights: Mapping[str, Tensor]) -> Any:
    from transformers import BertConfig

    embeddings = "model.text_backbone.embeddings"
    layers = "model.text_backbone.encoder.layer"
    vocabulary, width = weights[f"{embeddings}.word_embeddings.weight"].shape
    return BertConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        num_hidden_layers=_count(weights, r"model\.text_backbone\.encoder\.layer\.(\d+)\."),
        num_attention_heads=max(1, width // _BERT_HEAD),
        intermediate_size=len(weights[f"{layers}.0.intermediate.dense.bias"]),
        max_position_embeddings=len(weights[f"{embeddings}.position_embeddings.weight"]),
    )


def segmenter_config(weights: Mapping[str, Tensor]) -> Any:
    """`SamConfig` of converted weights.

    Raises:
        KeyError: When a tensor that every SAM has is missing.
    """
    from transformers import SamConfig

    _, grid, _, width = weights["vision_encoder.pos_embed"].shape
    patch = weights["vision_encoder.patch_embed.projection.weight"].shape[-1]
    depth = _count(weights, r"vision_encoder\.layers\.(\d+)\.")
    tables = [weights[f"vision_encoder.layers.{layer}.attn.rel_pos_h"].shape for layer in range(depth)]
    reach = [(rows + 1) // 2 for rows, _ in tables]  # rows of patches that a layer attends over
    channels = len(weights["vision_encoder.neck.conv1.weight"])
    image = {"image_size": grid * patch, "patch_size": patch}
    return SamConfig(
        vision_config={
            **image,
            "hidden_size": width,
            "output_channels": channels,
            "num_hidden_layers": depth,
            "num_attention_heads": width // tables[0][1],
            "mlp_dim": len(weights["vision_encoder.layers.0.mlp.lin1.bias"]),
            "window_size": min(reach),
            "global_attn_indexes": [layer for layer in range(depth) if reach[layer] == grid],
            "num_pos_feats": weights["shared_image_embedding.positional_embedding"].shape[1],
        },
        prompt_encoder_config={
            **image,
            "hidden_size": channels,
            "mask_input_channels": len(weights["prompt_encoder.mask_embed.conv2.bias"]),
        },
        mask_decoder_config={
            "hidden_size": channels,
            "mlp_dim": len(weights["mask_decoder.transformer.layers.0.mlp.lin1.bias"]),
            "iou_head_hidden_dim": len(weights["mask_decoder.iou_prediction_head.proj_in.bias"]),
            "layer_norm_eps": _LAYER_NORM_EPS,
        },
    )


def _count(weights: Mapping[str, Tensor], pattern: str) -> int:
    """Length of a list of layers: how many different numbers stand where `pattern` has its group."""
    matches = (re.match(pattern, name) for name in weights)
    return len({match[1] for match in matches if match})


def image_processor_sizes(config: Any) -> dict[str, dict[str, int]]:
    """Sizes for `SamImageProcessorPil` that fit a `SamConfig`."""
    side: int = config.vision_config.image_size
    quarter = side // 4
    return {
        "size": {"longest_edge": side},
        "pad_size": {"height": side, "width": side},
        "mask_size": {"longest_edge": quarter},
        "mask_pad_size": {"height": quarter, "width": quarter},
    }
