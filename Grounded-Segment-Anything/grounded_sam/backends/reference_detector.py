"""GroundingDINO as the package groundingdino-py runs it, made to work with transformers 5.

A checkpoint tells all sizes of its network by the shapes of its tensors, so Swin-T and Swin-B need no configuration.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any

from torch import Tensor, nn

UNUSED = ("label_enc.weight", "bert.embeddings.position_ids")  # of training and of old transformers, in public files


@dataclass(frozen=True)
class DetectorSizes:
    """Sizes of a GroundingDINO; the defaults are those of `groundingdino_swint_ogc.pth`."""

    swin_width: int = 96
    swin_depths: tuple[int, ...] = (2, 2, 6, 2)
    swin_heads: tuple[int, ...] = (3, 6, 12, 24)
    swin_window: int = 7
    encoder_layers: int = 6
    decoder_layers: int = 6
    feed_forward: int = 2048
    queries: int = 900
    vocabulary: int = 30522
    bert_width: int = 768
    bert_layers: int = 12
    bert_feed_forward: int = 3072


def detector_sizes(weights: Mapping[str, Tensor]) -> DetectorSizes:
    """Read the sizes off the shapes of a checkpoint.

    Raises:
        KeyError: When a tensor that every GroundingDINO has is absent.
    """
    stages = range(_count(weights, r"backbone\.0\.layers\.(\d+)\."))
    tables = [
        weights[f"backbone.0.layers.{stage}.blocks.0.attn.relative_position_bias_table"].shape for stage in stages
    ]
    vocabulary, bert_width = weights["bert.embeddings.word_embeddings.weight"].shape
    return DetectorSizes(
        swin_width=len(weights["backbone.0.patch_embed.proj.weight"]),
        swin_depths=tuple(_count(weights, rf"backbone\.0\.layers\.{stage}\.blocks\.(\d+)\.") for stage in stages),
        swin_heads=tuple(heads for _, heads in tables),
        swin_window=(round(tables[0][0] ** 0.5) + 1) // 2,  # the table has (2 window - 1)² rows
        encoder_layers=_count(weights, r"transformer\.encoder\.layers\.(\d+)\."),
        decoder_layers=_count(weights, r"transformer\.decoder\.layers\.(\d+)\."),
        feed_forward=len(weights["transformer.encoder.layers.0.linear1.weight"]),
        queries=len(weights["transformer.tgt_embed.weight"]),
        vocabulary=vocabulary,
        bert_width=bert_width,
        bert_layers=_count(weights, r"bert\.encoder\.layer\.(\d+)\."),
        bert_feed_forward=len(weights["bert.encoder.layer.0.intermediate.dense.weight"]),
    )


def _count(weights: Mapping[str, Tensor], pattern: str) -> int:
    """How many numbers a list of layers counts up to."""
    found = (re.match(pattern, name) for name in weights)
    return 1 + max((int(match[1]) for match in found if match), default=-1)


class BertAdapter(nn.Module):
    """Stands in for groundingdino-py's BERT wrapper, which calls methods that transformers 5 no longer has.

    The parameters keep the wrapper's names, so that checkpoints fit; the work is done by BERT's own public forward.
    """

    def __init__(self, bert_model: Any) -> None:
        super().__init__()
        self.config = bert_model.config
        self.embeddings, self.encoder, self.pooler = bert_model.embeddings, bert_model.encoder, bert_model.pooler
        self._bert = (bert_model,)  # in a tuple it is no submodule, whose parameters would be listed twice

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor, position_ids: Tensor
    ) -> dict[str, Tensor]:
        """Text features (B, L, D) float32 under "last_hidden_state".

        Args:
            input_ids: (B, L) int64.
            attention_mask: (B, L, L) bool, which tokens see each other: those of one phrase.
            token_type_ids: (B, L) int64.
            position_ids: (B, L) int64, counted within each phrase.
        """
        (bert,) = self._bert
        output = bert(
            input_ids=input_ids,
            attention_mask=attention_mask[:, None],
            token_type_ids=token_type_ids,
            position_ids=position_ids,
        )
        return {"last_hidden_state": output.last_hidden_state}


def build_detector(sizes: DetectorSizes, tokenizer: Any) -> nn.Module:
    """A GroundingDINO of the package, with random weights, in evaluation mode; nothing is downloaded.

    Args:
        sizes: Of the network.
        tokenizer: BERT's, with the vocabulary that the weights were trained with.
    """
    from groundingdino.models.GroundingDINO import backbone, groundingdino
    from groundingdino.util import get_tokenlizer

    def swin(_name: str, **options: Any) -> nn.Module:
        made: nn.Module = backbone.swin_transformer.SwinTransformer(
            embed_dim=sizes.swin_width,
            depths=list(sizes.swin_depths),
            num_heads=list(sizes.swin_heads),
            window_size=sizes.swin_window,
            **options,
        )
        return made

    # the package offers no other way to choose Swin's sizes, nor to build BERT without fetching its weights
    bert = {"get_tokenlizer": lambda _: tokenizer, "get_pretrained_language_model": lambda _: _bert(sizes)}
    with (
        _replaced(backbone.backbone, build_swin_transformer=swin),
        _replaced(get_tokenlizer, **bert),
        _replaced(groundingdino, BertModelWarper=BertAdapter),
    ):
        model: nn.Module = groundingdino.build_groundingdino(_options(sizes))
    return model.eval()


@contextmanager
def _replaced(module: ModuleType, **values: Any) -> Iterator[None]:
    """Give names of a module other values while the block runs."""
    before = {name: getattr(module, name) for name in values}
    vars(module).update(values)
    try:
        yield
    finally:
        vars(module).update(before)


def _bert(sizes: DetectorSizes) -> nn.Module:
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=sizes.vocabulary,
        hidden_size=sizes.bert_width,
        num_hidden_layers=sizes.bert_layers,
        num_attention_heads=sizes.bert_width // 64,  # in every published BERT
        intermediate_size=sizes.bert_feed_forward,
    )
    return BertModel(config)


def _options(sizes: DetectorSizes) -> SimpleNamespace:
    """The package's own configuration with these sizes; its activation checkpointing only serves training."""
    from groundingdino.config import GroundingDINO_SwinT_OGC as published

    options = {name: value for name, value in vars(published).items() if not name.startswith("_")}
    options |= {"enc_layers": sizes.encoder_layers, "dec_layers": sizes.decoder_layers}
    options |= {"dim_feedforward": sizes.feed_forward, "num_queries": sizes.queries}
    return SimpleNamespace(**options | {"use_checkpoint": False, "use_transformer_ckpt": False})
