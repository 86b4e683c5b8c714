"""Tiny random detectors and segmenters, built offline and saved as folders that `model: <folder>` opens."""

from __future__ import annotations

import string
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn
from transformers import (
    BertConfig,
    BertTokenizer,
    GroundingDinoConfig,
    GroundingDinoForObjectDetection,
    GroundingDinoImageProcessorPil,
    MMGroundingDinoConfig,
    MMGroundingDinoForObjectDetection,
    Sam2Config,
    Sam2ImageProcessor,
    Sam2Model,
    SamConfig,
    SamHQConfig,
    SamHQModel,
    SamImageProcessorPil,
    SamModel,
    SwinConfig,
)

SIDE = 64  # pixels: what the segmenters see
EDGES = {"shortest_edge": 64, "longest_edge": 128}  # what the detectors are meant to see, settings of a detector
WORDS = ("traffic", "##light", "##si", "##gn", "road", "sky", "box", "disc", "ground")
_SPECIAL = {0: "[PAD]", 100: "[UNK]", 101: "[CLS]", 102: "[SEP]", 103: "[MASK]", 1012: ".", 1029: "?"}


def vocabulary(words: Sequence[str] = WORDS) -> list[str]:
    """A BERT vocabulary with its special tokens in their places, `words`, and all letters and digits.

    So that any word can be spelled. The models know the special tokens by their ids.
    """
    letters = string.ascii_lowercase + string.digits
    reserved = [_SPECIAL.get(index, f"[unused{index}]") for index in range(1030)]
    return [*reserved, *words, *letters, *(f"##{letter}" for letter in letters)]


def tokenizer(words: Sequence[str] = WORDS) -> BertTokenizer:
    """A tokenizer of that vocabulary."""
    return BertTokenizer(vocab={word: index for index, word in enumerate(vocabulary(words))})


def write_vocabulary(folder: Path, words: Sequence[str] = WORDS) -> Path:
    """Write a bare `vocab.txt`, as bert-base-uncased has one; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "vocab.txt"
    path.write_text("\n".join(vocabulary(words)) + "\n", encoding="utf-8")
    return path


def grounding_dino(
    seed: int = 0, queries: int = 12, kind: Literal["grounding-dino", "mm-grounding-dino"] = "grounding-dino"
) -> Any:
    """A detector of half a million random weights; it finds things of every class in any image."""
    sizes: dict[str, Any] = {
        "backbone_config": SwinConfig(
            embed_dim=16, depths=[1] * 4, num_heads=[1, 2, 2, 2], window_size=7, out_indices=[2, 3, 4]
        ),
        "text_config": BertConfig(
            vocab_size=len(vocabulary()),
            hidden_size=64,
            num_hidden_layers=1,
            num_attention_heads=1,
            intermediate_size=64,
        ),
        "d_model": 32,
        "encoder_layers": 1,
        "decoder_layers": 2,
        "encoder_ffn_dim": 64,
        "decoder_ffn_dim": 64,
        "encoder_attention_heads": 4,
        "decoder_attention_heads": 4,
        "num_queries": queries,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if kind == "mm-grounding-dino":
            return MMGroundingDinoForObjectDetection(MMGroundingDinoConfig(**sizes)).eval()
        return GroundingDinoForObjectDetection(GroundingDinoConfig(**sizes)).eval()


def segment_anything(seed: int = 2, kind: Literal["sam", "sam_hq", "sam2"] = "sam") -> Any:
    """A segmenter of some thousand random weights; its masks depend on image and box."""
    prompts = {"hidden_size": 32, "image_size": SIDE, "patch_size": 8, "mask_input_channels": 4}
    decoder = {"hidden_size": 32, "mlp_dim": 32, "num_attention_heads": 8, "iou_head_hidden_dim": 16}
    vision = {
        "hidden_size": 16,
        "output_channels": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": SIDE,
        "patch_size": 8,
        "window_size": 4,
        "global_attn_indexes": [1],
        "num_pos_feats": 16,
    }
    hiera = {
        "model_type": "sam2_hiera_det_model",
        "hidden_size": 8,
        "image_size": [SIDE, SIDE],
        "blocks_per_stage": [1, 2, 1, 1],
        "embed_dim_per_stage": [8, 16, 32, 64],
        "num_attention_heads_per_stage": [1, 1, 2, 2],
        "window_size_per_stage": [4, 2, 2, 1],
        "global_attention_blocks": [2],
    }
    pyramid = {
        "backbone_config": hiera,
        "backbone_channel_list": [64, 32, 16, 8],
        "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
        "fpn_hidden_size": 32,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: nn.Module
        if kind == "sam":
            model = SamModel(
                SamConfig(vision_config=vision, prompt_encoder_config=prompts, mask_decoder_config=decoder)
            )
        elif kind == "sam_hq":
            decoder["vit_dim"] = 16
            model = SamHQModel(
                SamHQConfig(vision_config=vision, prompt_encoder_config=prompts, mask_decoder_config=decoder)
            )
        else:
            prompts["patch_size"] = 16
            model = Sam2Model(
                Sam2Config(vision_config=pyramid, prompt_encoder_config=prompts, mask_decoder_config=decoder)
            )
        _stir(model)
    return model.eval()


def _stir(model: nn.Module) -> None:
    """Enlarge the random weights: freshly initialised segmenters draw the same mask for every box."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)


def save_detector(folder: Path, model: nn.Module | None = None) -> Path:
    """Save a detector (by default `grounding_dino()`) with processor and tokenizer as on the hub; return its folder."""
    (model or grounding_dino()).save_pretrained(folder)
    GroundingDinoImageProcessorPil(size=EDGES).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder


def save_segmenter(folder: Path, model: nn.Module | None = None) -> Path:
    """Save a segmenter (by default `segment_anything()`) with its processor as on the hub; return its folder."""
    model = model or segment_anything()
    model.save_pretrained(folder)
    quarter = SIDE // 4
    if isinstance(model, Sam2Model):
        processor: Any = Sam2ImageProcessor(size={"height": SIDE, "width": SIDE})
    else:
        processor = SamImageProcessorPil(
            size={"longest_edge": SIDE},
            pad_size={"height": SIDE, "width": SIDE},
            mask_size={"longest_edge": quarter},
            mask_pad_size={"height": quarter, "width": quarter},
        )
    processor.save_pretrained(folder)
    return folder


def official_detector(model: nn.Module) -> dict[str, torch.Tensor]:
    """The weights of `grounding_dino()` under the names and in the stacks of the official checkpoint."""
    weights = {name: tensor for name, tensor in model.state_dict().items() if ".swin.layernorm." not in name}
    for parts, stack in ((("q_proj", "k_proj", "v_proj"), "qkv."), (("query", "key", "value"), "in_proj_")):
        for first in [name for name in weights if f".{parts[0]}." in name and ".text_backbone." not in name]:
            names = [first.replace(f".{parts[0]}.", f".{part}.") for part in parts]
            weights[first.replace(f"{parts[0]}.", stack)] = torch.cat([weights.pop(name) for name in names])
    official = {_official_name(name): tensor for name, tensor in weights.items()}
    width = model.get_parameter("model.text_backbone.embeddings.word_embeddings.weight").shape[1]
    unused = {"label_enc.weight": torch.zeros(3), "bert.embeddings.position_ids": torch.arange(512)[None]}
    pooler = {"bert.pooler.dense.weight": torch.zeros(width, width), "bert.pooler.dense.bias": torch.zeros(width)}
    return official | unused | pooler


def _official_name(name: str) -> str:
    for part, renames in _OFFICIAL.items():
        if part in name:
            for here, there in renames.items():
                name = name.replace(here, there)
            break
    for here, there in _OFFICIAL_PARTS.items():
        name = name.replace(here, there)
    return name


_OFFICIAL: dict[str, dict[str, str]] = {  # within the parts of the detector
    ".swin.encoder.": {
        "layernorm_before": "norm1",
        "layernorm_after": "norm2",
        "attention.relative_position_bias.": "attn.",
        "attention.o_proj": "attn.proj",
        "attention.": "attn.",
    },
    ".deformable_layer.": {"self_attn_layer_norm": "norm1", "final_layer_norm": "norm2", ".fc": ".linear"},
    ".text_enhancer_layer.": {"layer_norm_before": "norm1", "layer_norm_after": "norm2", ".fc": ".linear"},
    ".fusion_layer.": {
        "layer_norm_vision": "layer_norm_v",
        "layer_norm_text": "layer_norm_l",
        "vision_param": "gamma_v",
        "text_param": "gamma_l",
        "vision_proj": "v_proj",
        "text_proj": "l_proj",
    },
    "model.decoder.layers.": {
        "encoder_attn_text_layer_norm": "catext_norm",
        "encoder_attn_layer_norm": "norm1",
        "self_attn_layer_norm": "norm2",
        "final_layer_norm": "norm3",
        "encoder_attn_text": "ca_text",
        "encoder_attn": "cross_attn",
        ".fc": ".linear",
    },
}
_OFFICIAL_PARTS = {
    "model.backbone.conv_encoder.model.swin.embeddings.patch_embeddings.projection": "backbone.0.patch_embed.proj",
    "model.backbone.conv_encoder.model.swin.embeddings.norm": "backbone.0.patch_embed.norm",
    "model.backbone.conv_encoder.model.swin.encoder.layers": "backbone.0.layers",
    "model.backbone.conv_encoder.model.hidden_states_norms.stage2": "backbone.0.norm1",
    "model.backbone.conv_encoder.model.hidden_states_norms.stage3": "backbone.0.norm2",
    "model.backbone.conv_encoder.model.hidden_states_norms.stage4": "backbone.0.norm3",
    "model.encoder.layers.0.deformable_layer": "transformer.encoder.layers.0",
    "model.encoder.layers.0.text_enhancer_layer": "transformer.encoder.text_layers.0",
    "model.encoder.layers.0.fusion_layer": "transformer.encoder.fusion_layers.0",
    "model.decoder.layer_norm": "transformer.decoder.norm",
    "model.decoder.reference_points_head": "transformer.decoder.ref_point_head",
    "model.decoder": "transformer.decoder",
    "model.input_proj_vision": "input_proj",
    "model.text_backbone": "bert",
    "model.text_projection": "feat_map",
    "model.query_position_embeddings": "transformer.tgt_embed",
    "model.encoder_output_bbox_embed": "transformer.enc_out_bbox_embed",
    "model.enc_output": "transformer.enc_output",
    "model.level_embed": "transformer.level_embed",
}


def official_segmenter(model: nn.Module) -> dict[str, torch.Tensor]:
    """The weights of `segment_anything()` under the names of the official checkpoint."""
    official = {"pixel_mean": torch.zeros(3, 1, 1), "pixel_std": torch.ones(3, 1, 1)}
    for name, tensor in model.state_dict().items():
        if not name.startswith("shared_image_embedding."):
            for here, there in _OFFICIAL_SAM.items():
                name = name.replace(here, there)
            official[name] = tensor
    return official


_OFFICIAL_SAM = {
    "shared_embedding.positional_embedding": "pe_layer.positional_encoding_gaussian_matrix",
    "point_embed.": "point_embeddings.",
    "mask_embed.conv1": "mask_downscaling.0",
    "mask_embed.layer_norm1": "mask_downscaling.1",
    "mask_embed.conv2": "mask_downscaling.3",
    "mask_embed.layer_norm2": "mask_downscaling.4",
    "mask_embed.conv3": "mask_downscaling.6",
    "vision_encoder.neck.conv1": "image_encoder.neck.0",
    "vision_encoder.neck.layer_norm1": "image_encoder.neck.1",
    "vision_encoder.neck.conv2": "image_encoder.neck.2",
    "vision_encoder.neck.layer_norm2": "image_encoder.neck.3",
    "vision_encoder.layers": "image_encoder.blocks",
    "vision_encoder": "image_encoder",
    "projection": "proj",
    "upscale_conv1": "output_upscaling.0",
    "upscale_layer_norm": "output_upscaling.1",
    "upscale_conv2": "output_upscaling.3",
    "layer_norm_final_attn": "norm_final_attn",
    "layer_norm": "norm",
    **{f"{head}.layers.0": f"{head}.layers.1" for head in ("0", "1", "2", "3", "iou_prediction_head")},
    "proj_in": "layers.0",
    "proj_out": "layers.2",
}
