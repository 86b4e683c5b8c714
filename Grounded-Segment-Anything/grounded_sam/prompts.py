"""From class names to captions for a text-prompted detector, and from its token scores back to classes.

GroundingDINO reads one caption of phrases, "road. traffic light. sky.", and scores every token of it for every box. A
class is known by the positions of its tokens, so that two phrases may share a word.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from torch import Tensor

from a2lc.classes import ClassSet
from a2lc.foundation.errors import InputError, refuse

MAX_TOKENS = 256
NO_CLASS = -1
_DELIMITERS = (".", "?")  # the model tells phrases apart by them
_SEPARATOR = ". "
_SPECIAL_TOKENS = 2  # one before and one after the caption

Policy = Literal["position", "last"]
Gate = Literal["class", "all"]


class Tokenizer(Protocol):
    """BERT's tokenizer, as far as captions need it."""

    unk_token_id: int

    def __call__(
        self, text: str, *, add_special_tokens: bool = True, return_offsets_mapping: bool = False
    ) -> Mapping[str, Any]:
        """The tokens of a text: `input_ids`, and where asked for `offset_mapping`, characters from and to."""
        ...


@dataclass(frozen=True)
class Prompt:
    """One caption and the meaning of its tokens.

    Attributes:
        caption: Phrases in lower case, each ended by a full stop.
        token_class: Class index of the token at each position, as many as the model has positions; -1 = no class.
    """

    caption: str
    token_class: tuple[int, ...]


@dataclass(frozen=True)
class _Phrase:
    """A phrase in the form that the model reads, the class it stands for, and the ids of its tokens."""

    text: str
    label: int
    tokens: tuple[int, ...]


def make_prompts(
    classes: ClassSet, tokenizer: Tokenizer, max_tokens: int = MAX_TOKENS, policy: Policy = "position"
) -> tuple[Prompt, ...]:
    """Write the captions that ask for all classes: as few as hold them, phrases in the order of the classes.

    Background (class 0 where `classes.unmasked` is "background") is not asked for, nor is a class without prompts.

    Args:
        classes: The classes and their phrases.
        tokenizer: That of the model; it must give the characters of each token.
        max_tokens: Positions of the model; a longer list of classes is split into several captions.
        policy: "position": a token belongs to the phrase it stands in. "last": as in the research code, it belongs to
            the last phrase that has the same token, wherever it stands.

    Raises:
        InputError: When there is nothing to ask for, or a phrase is empty, unreadable for the model, too long, the
            same for two classes, or contains '.' or '?'.
    """
    phrases = _phrases(classes, tokenizer, max_tokens)
    last = {token: phrase.label for phrase in phrases for token in phrase.tokens} if policy == "last" else {}
    return tuple(_prompt(group, tokenizer, max_tokens, last) for group in _groups(phrases, max_tokens))


def _phrases(classes: ClassSet, tokenizer: Tokenizer, max_tokens: int) -> list[_Phrase]:
    """The phrases of all classes that are looked for. Raises InputError, with a line for every unusable one."""
    asked = range(1 if classes.unmasked == "background" else 0, len(classes))
    texts = [(" ".join(prompt.lower().split()), label) for label in asked for prompt in classes.classes[label].prompts]
    if not texts:
        raise InputError("no class has a prompt, so there is nothing to look for: give at least one class a prompt")
    phrases = [_Phrase(text, label, _tokens(text, tokenizer)) for text, label in dict.fromkeys(texts)]
    owner: dict[str, str] = {}
    problems = []
    for phrase in phrases:
        name = classes.names[phrase.label]
        fault = _fault(phrase, tokenizer, max_tokens)
        if fault is None and owner.setdefault(phrase.text, name) != name:
            fault = f"is a prompt of '{owner[phrase.text]}' too: no detector could tell the two classes apart"
        if fault is not None:
            problems.append(f"the prompt '{phrase.text}' of the class '{name}' {fault}")
    refuse("the classes cannot be asked for", problems)
    return phrases


def _tokens(text: str, tokenizer: Tokenizer) -> tuple[int, ...]:
    """The ids of a text, without the special ones around it."""
    return tuple(tokenizer(text, add_special_tokens=False)["input_ids"])


def _fault(phrase: _Phrase, tokenizer: Tokenizer, max_tokens: int) -> str | None:
    """What is wrong with a phrase by itself, as the end of a sentence."""
    if any(delimiter in phrase.text for delimiter in _DELIMITERS):
        return "contains '.' or '?', which end a phrase: leave it out, or give the parts as several prompts"
    if set(phrase.tokens) <= {tokenizer.unk_token_id}:
        return "has no word that the detector knows: say it in English words"
    room = max_tokens - _SPECIAL_TOKENS - 1
    if len(phrase.tokens) > room:
        return f"has {len(phrase.tokens)} tokens, but the detector reads at most {room}: shorten it"
    return None


def _groups(phrases: Sequence[_Phrase], max_tokens: int) -> Iterator[list[_Phrase]]:
    """Cut the phrases into runs that fit into one caption each."""
    group: list[_Phrase] = []
    used = _SPECIAL_TOKENS
    for phrase in phrases:
        needed = len(phrase.tokens) + 1  # and its full stop
        if used + needed > max_tokens:
            yield group
            group = []
            used = _SPECIAL_TOKENS
        group.append(phrase)
        used += needed
    yield group


def _prompt(phrases: Sequence[_Phrase], tokenizer: Tokenizer, max_tokens: int, last: dict[int, int]) -> Prompt:
    caption = _SEPARATOR.join(phrase.text for phrase in phrases) + _SEPARATOR.strip()
    encoded = tokenizer(caption, return_offsets_mapping=True)
    label_at = [NO_CLASS] * len(caption)
    start = 0
    for phrase in phrases:
        end = start + len(phrase.text)
        label_at[start:end] = [phrase.label] * len(phrase.text)
        start = end + len(_SEPARATOR)
    token_class = [NO_CLASS] * max_tokens
    for position, (token, (begin, end)) in enumerate(zip(encoded["input_ids"], encoded["offset_mapping"], strict=True)):
        if begin < end:  # special tokens stand for no characters
            token_class[position] = last.get(token, label_at[begin])
    return Prompt(caption, tuple(token_class))


def classify(logits: Tensor, prompt: Prompt, num_classes: int, gate: Gate) -> tuple[Tensor, Tensor, Tensor]:
    """Turn the token scores of each query into its class.

    Args:
        logits: (Q, T) float, one per query and token; -inf where the caption has no token.
        prompt: The caption that was asked, T positions.
        num_classes: C.
        gate: What decides whether a query is a detection: "class", its class score; "all", as in the research code,
            its best score at any token, full stops and special tokens included.

    Returns:
        (Q,) int64 class indices, (Q,) float32 class scores (the best of the class's tokens) and (Q,) float32 gates, all
        in [0, 1].
    """
    scores = logits.float().sigmoid()
    token_class = torch.tensor(prompt.token_class, device=logits.device)
    named = token_class != NO_CLASS
    per_class = scores.new_zeros(len(scores), num_classes)
    per_class.scatter_reduce_(1, token_class[named].expand(len(scores), -1), scores[:, named], "amax")
    best, classes = per_class.max(dim=1)
    return classes, best, scores.amax(dim=1) if gate == "all" else best
