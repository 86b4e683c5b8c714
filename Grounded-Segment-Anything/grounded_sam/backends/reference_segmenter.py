"""SAM as the package segment-anything runs it.

A checkpoint tells all sizes of its network by the shapes of its tensors, so ViT-B, ViT-L and ViT-H need no
configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from torch import Tensor, nn

_BLOCK = "image_encoder.blocks"
_MASK_DECODER = "mask_decoder.transformer.layers"


@dataclass(frozen=True)
class SegmenterSizes:
    """Sizes of a SAM in pixels, patches and channels; the defaults are those of `sam_vit_b_01ec64.pth`."""

    image: int = 1024
    patch: int = 16
    width: int = 768
    depth: int = 12
    heads: int = 12
    window: int = 14
    global_blocks: tuple[int, ...] = (2, 5, 8, 11)
    decoder_width: int = 256
    decoder_feed_forward: int = 2048
    mask_channels: int = 16
    quality_width: int = 256


def segmenter_sizes(weights: Mapping[str, Tensor]) -> SegmenterSizes:
    """Read the sizes off the shapes of a checkpoint.

    Raises:
        KeyError: When a tensor that every SAM has is absent.
    """
    _, grid, _, width = weights["image_encoder.pos_embed"].shape
    patch = weights["image_encoder.patch_embed.proj.weight"].shape[-1]
    depth = sum(name.startswith(_BLOCK) and name.endswith(".norm1.weight") for name in weights)
    tables = [weights[f"{_BLOCK}.{block}.attn.rel_pos_h"].shape for block in range(depth)]
    reach = [(rows + 1) // 2 for rows, _ in tables]  # patches that a block attends over, in height
    return SegmenterSizes(
        image=grid * patch,
        patch=patch,
        width=width,
        depth=depth,
        heads=width // weights[f"{_BLOCK}.0.attn.rel_pos_h"].shape[1],
        window=min(reach),
        global_blocks=tuple(block for block in range(depth) if reach[block] == grid),
        decoder_width=len(weights["image_encoder.neck.0.weight"]),
        decoder_feed_forward=len(weights[f"{_MASK_DECODER}.0.mlp.lin1.weight"]),
        mask_channels=len(weights["prompt_encoder.mask_downscaling.3.weight"]),
        quality_width=len(weights["mask_decoder.iou_prediction_head.layers.0.weight"]),
    )


def build_segmenter(sizes: SegmenterSizes) -> nn.Module:
    """A SAM of the package, with random weights, in evaluation mode."""
    from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

    grid = sizes.image // sizes.patch
    encoder = ImageEncoderViT(
        img_size=sizes.image,
        patch_size=sizes.patch,
        embed_dim=sizes.width,
        depth=sizes.depth,
        num_heads=sizes.heads,
        out_chans=sizes.decoder_width,
        norm_layer=partial(nn.LayerNorm, eps=1e-6),
        use_rel_pos=True,
        window_size=sizes.window,
        global_attn_indexes=sizes.global_blocks,
    )
    prompts = PromptEncoder(sizes.decoder_width, (grid, grid), (sizes.image, sizes.image), sizes.mask_channels)
    decoder = MaskDecoder(
        transformer_dim=sizes.decoder_width,
        transformer=TwoWayTransformer(2, sizes.decoder_width, 8, sizes.decoder_feed_forward),
        iou_head_hidden_dim=sizes.quality_width,
    )
    sam: nn.Module = Sam(encoder, prompts, decoder)
    return sam.eval()
