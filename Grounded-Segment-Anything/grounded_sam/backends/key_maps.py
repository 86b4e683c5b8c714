"""Names of weights: from those of the official checkpoints to those of transformers.

Tensors are renamed, and stacked projections are split; no value changes. A name that no rule knows keeps its spelling,
so that whoever loads the weights can refuse it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from torch import Tensor

_SWIN = "model.backbone.conv_encoder.model"
_ATTENTION = r"(.*\.swin\..*)\.attn\."

_DETECTOR_RULES = (
    # parts
    (r"^backbone\.0\.patch_embed\.proj\.", rf"{_SWIN}.swin.embeddings.patch_embeddings.projection."),
    (r"^backbone\.0\.patch_embed\.norm\.", rf"{_SWIN}.swin.embeddings.norm."),
    (r"^backbone\.0\.layers\.", rf"{_SWIN}.swin.encoder.layers."),
    *((rf"^backbone\.0\.norm{stage}\.", rf"{_SWIN}.hidden_states_norms.stage{stage + 1}.") for stage in range(4)),
    (r"^input_proj\.", "model.input_proj_vision."),
    (r"^bert\.", "model.text_backbone."),
    (r"^feat_map\.", "model.text_projection."),
    (r"^transformer\.tgt_embed\.", "model.query_position_embeddings."),
    (r"^transformer\.enc_out_bbox_embed\.", "model.encoder_output_bbox_embed."),
    (r"^transformer\.encoder\.layers\.(\d+)\.", r"model.encoder.layers.\1.deformable_layer."),
    (r"^transformer\.encoder\.text_layers\.(\d+)\.", r"model.encoder.layers.\1.text_enhancer_layer."),
    (r"^transformer\.encoder\.fusion_layers\.(\d+)\.", r"model.encoder.layers.\1.fusion_layer."),
    (r"^transformer\.decoder\.norm\.", "model.decoder.layer_norm."),
    (r"^transformer\.decoder\.ref_point_head\.", "model.decoder.reference_points_head."),
    (r"^transformer\.", "model."),
    # layers of the image backbone
    (r"(\.swin\..*)\.norm1\.", r"\1.layernorm_before."),
    (r"(\.swin\..*)\.norm2\.", r"\1.layernorm_after."),
    (rf"{_ATTENTION}proj\.", r"\1.attention.o_proj."),
    (rf"{_ATTENTION}qkv\.", r"\1.attention.qkv."),
    (rf"{_ATTENTION}(relative_position_bias_table)", r"\1.attention.relative_position_bias.\2"),
    # layers of the encoder
    (r"(deformable_layer)\.norm1\.", r"\1.self_attn_layer_norm."),
    (r"(deformable_layer)\.norm2\.", r"\1.final_layer_norm."),
    (r"(text_enhancer_layer)\.norm1\.", r"\1.layer_norm_before."),
    (r"(text_enhancer_layer)\.norm2\.", r"\1.layer_norm_after."),
    (r"(fusion_layer)\.gamma_v", r"\1.vision_param"),
    (r"(fusion_layer)\.gamma_l", r"\1.text_param"),
    (r"(fusion_layer\.layer_norm)_v\.", r"\1_vision."),
    (r"(fusion_layer\.layer_norm)_l\.", r"\1_text."),
    (r"(fusion_layer\.attn\.(?:values_|out_)?)v_proj\.", r"\1vision_proj."),
    (r"(fusion_layer\.attn\.(?:values_|out_)?)l_proj\.", r"\1text_proj."),
    # layers of the decoder
    (r"(decoder\.layers\.\d+)\.catext_norm\.", r"\1.encoder_attn_text_layer_norm."),
    (r"(decoder\.layers\.\d+)\.norm1\.", r"\1.encoder_attn_layer_norm."),
    (r"(decoder\.layers\.\d+)\.norm2\.", r"\1.self_attn_layer_norm."),
    (r"(decoder\.layers\.\d+)\.norm3\.", r"\1.final_layer_norm."),
    (r"(decoder\.layers\.\d+)\.cross_attn\.", r"\1.encoder_attn."),
    (r"(decoder\.layers\.\d+)\.ca_text\.", r"\1.encoder_attn_text."),
    (r"(deformable_layer|text_enhancer_layer|decoder\.layers\.\d+)\.linear(\d)", r"\1.fc\2"),
)
# of training, of old versions of transformers, computed from the sizes, or on top of BERT and not used
_DETECTOR_UNUSED = r"^label_enc\.|position_ids$|relative_position_index$|^bert\.pooler\."

_SEGMENTER_RULES = (
    (r"^image_encoder\.", "vision_encoder."),
    (r"^vision_encoder\.patch_embed\.proj\.", "vision_encoder.patch_embed.projection."),
    (r"^vision_encoder\.blocks\.", "vision_encoder.layers."),
    (r"(vision_encoder\.neck)\.0\.", r"\1.conv1."),
    (r"(vision_encoder\.neck)\.1\.", r"\1.layer_norm1."),
    (r"(vision_encoder\.neck)\.2\.", r"\1.conv2."),
    (r"(vision_encoder\.neck)\.3\.", r"\1.layer_norm2."),
    (r"mask_downscaling\.0\.", "mask_embed.conv1."),
    (r"mask_downscaling\.1\.", "mask_embed.layer_norm1."),
    (r"mask_downscaling\.3\.", "mask_embed.conv2."),
    (r"mask_downscaling\.4\.", "mask_embed.layer_norm2."),
    (r"mask_downscaling\.6\.", "mask_embed.conv3."),
    (r"point_embeddings\.", "point_embed."),
    (r"output_upscaling\.0\.", "upscale_conv1."),
    (r"output_upscaling\.1\.", "upscale_layer_norm."),
    (r"output_upscaling\.3\.", "upscale_conv2."),
    (r"\.norm_final_attn\.", ".layer_norm_final_attn."),
    (r"\.norm(\d)\.", r".layer_norm\1."),
    (r"(output_hypernetworks_mlps\.\d+|iou_prediction_head)\.layers\.0\.", r"\1.proj_in."),
    (r"(output_hypernetworks_mlps\.\d+|iou_prediction_head)\.layers\.1\.", r"\1.layers.0."),
    (r"(output_hypernetworks_mlps\.\d+|iou_prediction_head)\.layers\.2\.", r"\1.proj_out."),
)
_SEGMENTER_UNUSED = r"^pixel_mean$|^pixel_std$"
_FREQUENCIES = "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"
_FREQUENCIES_HERE = (
    "shared_image_embedding.positional_embedding",
    "prompt_encoder.shared_embedding.positional_embedding",
)


def convert_detector(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Name the weights of an official GroundingDINO as `GroundingDinoForObjectDetection` does."""
    renamed = _renamed(weights, _DETECTOR_RULES, _DETECTOR_UNUSED)
    return {name: tensor for stacked in renamed.items() for name, tensor in _split(*stacked)}


def convert_segmenter(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Name the weights of an official SAM as `SamModel` does."""
    converted = _renamed(weights, _SEGMENTER_RULES, _SEGMENTER_UNUSED)
    if _FREQUENCIES in converted:
        converted |= dict.fromkeys(_FREQUENCIES_HERE, converted.pop(_FREQUENCIES))
    return converted


def _renamed(weights: Mapping[str, Tensor], rules: Iterable[tuple[str, str]], unused: str) -> dict[str, Tensor]:
    """Apply every rule to every name, in order, and leave out the names that `unused` matches."""
    steps: list[Callable[[str], str]] = [_rule(*rule) for rule in rules]
    converted = {}
    for name, tensor in weights.items():
        if not re.search(unused, name):
            for step in steps:
                name = step(name)
            converted[name] = tensor
    return converted


def _rule(pattern: str, replacement: str) -> Callable[[str], str]:
    """A renaming of what matches a pattern."""
    compiled = re.compile(pattern)
    return lambda name: compiled.sub(replacement, name)


def _split(name: str, tensor: Tensor) -> list[tuple[str, Tensor]]:
    """Take query, key and value apart where the official checkpoint stacks them."""
    if match := re.fullmatch(r"(.*\.)in_proj_(weight|bias)", name):
        parts = ("query", "key", "value")
    elif match := re.fullmatch(r"(.*\.)qkv\.(weight|bias)", name):
        parts = ("q_proj", "k_proj", "v_proj")
    else:
        return [(name, tensor)]
    chunks = tensor.chunk(3)
    return [(f"{match[1]}{part}.{match[2]}", chunk.clone()) for part, chunk in zip(parts, chunks, strict=True)]
