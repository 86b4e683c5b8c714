"""GroundingDINO as the package groundingdino-py runs it, made to work with transformers 5."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any

from torch import Tensor, nn

UNUSED = ("label_enc.weight", "bert.embeddings.position_ids")  # of training and of old transformers, in public files


class BertAdapter(nn.Module):
    """Stands in for groundingdino-py's BERT wrapper, which calls methods that transformers 5 no longer has.

    The parameters keep the wrapper's names, so that checkpoints fit; the work is done by BERT's own public forward.
    """

    def __init__(self, bert_model: Any) -> None:
        super().__init__()
        self.config = bert_model.config
        self.embeddings = bert_model.embeddings
        self.encoder = bert_model.encoder
        self.pooler = bert_model.pooler
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


def build_detector(config: Any, tokenizer: Any) -> nn.Module:
    """A GroundingDINO of the package, with random weights, in evaluation mode; nothing is downloaded.

    Args:
        config: Its sizes: `GroundingDinoConfig` of transformers, whose defaults are those of Swin-T.
        tokenizer: BERT's, with the vocabulary that the weights were trained with.
    """
    from groundingdino.models.GroundingDINO import backbone, groundingdino
    from groundingdino.util import get_tokenlizer
    from transformers import BertModel

    image = config.backbone_config
    text = config.text_config

    def swin(_name: str, **options: Any) -> nn.Module:
        made: nn.Module = backbone.swin_transformer.SwinTransformer(
            embed_dim=image.embed_dim,
            depths=image.depths,
            num_heads=image.num_heads,
            window_size=image.window_size,
            **options,
        )
        return made

    # the package offers no other way to choose Swin's sizes, nor to build BERT without fetching its weights
    bert = {"get_tokenlizer": lambda _: tokenizer, "get_pretrained_language_model": lambda _: BertModel(text)}
    with (
        _replaced(backbone.backbone, build_swin_transformer=swin),
        _replaced(get_tokenlizer, **bert),
        _replaced(groundingdino, BertModelWarper=BertAdapter),
    ):
        model: nn.Module = groundingdino.build_groundingdino(_options(config))
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


def _options(config: Any) -> SimpleNamespace:
    """The package's own configuration with these sizes; its activation checkpointing only serves training."""
    from groundingdino.config import GroundingDINO_SwinT_OGC as published

    options = {name: value for name, value in vars(published).items() if not name.startswith("_")}
    options |= {"enc_layers": config.encoder_layers, "dec_layers": config.decoder_layers}
    options |= {"dim_feedforward": config.encoder_ffn_dim, "num_queries": config.num_queries}
    return SimpleNamespace(**options | {"use_checkpoint": False, "use_transformer_ckpt": False})
