"""SAM as the package segment-anything runs it."""

from __future__ import annotations

from functools import partial
from typing import Any

from torch import nn


def build_segmenter(config: Any) -> nn.Module:
    """A SAM of the package, with random weights, in evaluation mode.

    Args:
        config: Its sizes: `SamConfig` of transformers, whose defaults are those of ViT-B.
    """
    from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

    vision = config.vision_config
    prompts = config.prompt_encoder_config
    masks = config.mask_decoder_config
    grid = vision.image_size // vision.patch_size
    channels = vision.output_channels
    encoder = ImageEncoderViT(
        img_size=vision.image_size,
        patch_size=vision.patch_size,
        embed_dim=vision.hidden_size,
        depth=vision.num_hidden_layers,
        num_heads=vision.num_attention_heads,
        out_chans=channels,
        norm_layer=partial(nn.LayerNorm, eps=vision.layer_norm_eps),
        use_rel_pos=True,
        window_size=vision.window_size,
        global_attn_indexes=vision.global_attn_indexes,
    )
    prompt_encoder = PromptEncoder(channels, (grid, grid), (vision.image_size,) * 2, prompts.mask_input_channels)
    decoder = MaskDecoder(
        transformer_dim=channels,
        transformer=TwoWayTransformer(masks.num_hidden_layers, channels, masks.num_attention_heads, masks.mlp_dim),
        iou_head_hidden_dim=masks.iou_head_hidden_dim,
    )
    sam: nn.Module = Sam(encoder, prompt_encoder, decoder)
    return sam.eval()
