"""Prompts: which token stands for which class, splitting, the research code's tables, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from a2lc.classes import ClassSet, load_classes, parse_classes
from a2lc.foundation.errors import InputError
from grounded_sam.prompts import Prompt, classify, make_prompts
from tests.support.gsam_tiny import tokenizer

TOKENIZER = tokenizer()
WORD = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=6)


def class_set(*entries: Any, unmasked: str = "void") -> ClassSet:
    return parse_classes({"classes": list(entries), "unmasked": unmasked}, "test")


def words_of(prompt: Prompt) -> dict[int, str]:
    """Characters (from the whole words of the caption) that each class owns, joined."""
    encoded = TOKENIZER(prompt.caption, return_offsets_mapping=True)["offset_mapping"]
    owned: dict[int, str] = {}
    for (begin, end), label in zip(encoded, prompt.token_class, strict=False):
        if label >= 0:
            owned[label] = owned.get(label, "") + prompt.caption[begin:end]
    return owned


def test_tokens_belong_to_the_phrase_they_stand_in() -> None:
    classes = class_set(
        {"name": "light", "prompts": ["Trafficlight", "traffic   LIGHT"]}, {"name": "sign", "prompts": ["trafficsign"]}
    )
    (prompt,) = make_prompts(classes, TOKENIZER)
    assert prompt.caption == "trafficlight. traffic light. trafficsign."
    # [CLS] traffic ##light . traffic l ##i ##g ##h ##t . traffic ##si ##gn . [SEP]
    assert prompt.token_class[:16] == (-1, 0, 0, -1, *(0,) * 6, -1, 1, 1, 1, -1, -1)
    assert len(prompt.token_class) == 256
    assert set(prompt.token_class[16:]) == {-1}


def test_policy_last_gives_a_shared_word_to_the_later_class() -> None:
    classes = class_set({"name": "light", "prompts": ["trafficlight"]}, {"name": "sign", "prompts": ["trafficsign"]})
    (exact,) = make_prompts(classes, TOKENIZER)
    (research,) = make_prompts(classes, TOKENIZER, policy="last")
    assert research.caption == exact.caption
    assert exact.token_class[1:7] == (0, 0, -1, 1, 1, 1)
    assert research.token_class[1:7] == (1, 0, -1, 1, 1, 1)  # 'traffic' means the sign, '##light' stays the light


def test_cityscapes_policies_differ_at_the_research_codes_double_key_only() -> None:
    classes = load_classes("cityscapes")
    whole = tokenizer([*(name for name in classes.names if " " not in name), "traffic", "##light", "##si", "##gn"])
    (exact,), (research,) = (make_prompts(classes, whole, policy=policy) for policy in ("position", "last"))
    differ = [index for index in range(256) if exact.token_class[index] != research.token_class[index]]
    assert [(exact.token_class[index], research.token_class[index]) for index in differ] == [(6, 7)]


def test_background_is_not_asked_for() -> None:
    (prompt,) = make_prompts(class_set("box", "disc", unmasked="background"), TOKENIZER)
    assert words_of(prompt) == {1: "disc"}


@settings(max_examples=30, deadline=None)
@given(names=st.lists(WORD, min_size=1, max_size=30, unique=True), limit=st.integers(12, 64))
def test_every_class_is_asked_for_exactly_once_within_the_limit(names: list[str], limit: int) -> None:
    names = [f"c{name}" for name in names]  # no reserved words
    prompts = make_prompts(class_set(*names), TOKENIZER, max_tokens=limit)
    asked = [phrase for prompt in prompts for phrase in prompt.caption.removesuffix(".").split(". ")]
    assert asked == names
    owned = [item for prompt in prompts for item in words_of(prompt).items()]
    assert sorted(owned) == list(enumerate(names))
    for prompt in prompts:
        assert len(TOKENIZER(prompt.caption)["input_ids"]) <= limit == len(prompt.token_class)


@pytest.mark.parametrize(
    ("entries", "unmasked", "words"),
    [
        (["background"], "background", "nothing to look for"),
        ([{"name": "a", "prompts": []}], "void", "nothing to look for"),
        (["st. bernard"], "void", "'st. bernard' of the class 'st. bernard' contains '.'"),
        (["what?"], "void", "contains '.'"),
        (["dog", {"name": "pet", "prompts": ["cat", "Dog"]}], "void", "prompt 'dog' of the class 'pet' is a prompt of"),
        (["z" * 60 + " " + "y" * 60], "void", "has 120 tokens, but the detector reads at most 97"),
        (["猫"], "void", "no word that the detector knows"),
        ([{"name": "a", "prompts": [" "]}], "void", "no word that the detector knows"),
    ],
)
def test_refusals(entries: list[Any], unmasked: str, words: str) -> None:
    with pytest.raises(InputError, match=words.replace(".", r"\.").replace("?", r"\?")):
        make_prompts(class_set(*entries, unmasked=unmasked), TOKENIZER, max_tokens=100)


def test_the_same_phrase_twice_for_one_class_is_asked_once() -> None:
    (prompt,) = make_prompts(class_set({"name": "dog", "prompts": ["dog", "Dog "]}), TOKENIZER)
    assert prompt.caption == "dog."


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_classify_equals_brute_force(data: st.DataObject) -> None:
    num_classes = data.draw(st.integers(1, 4))
    token_class = tuple(data.draw(st.lists(st.integers(-1, num_classes - 1), min_size=1, max_size=8)))
    queries = data.draw(st.integers(0, 5))
    number = st.one_of(st.just(float("-inf")), st.floats(-5, 5, width=32))
    rows = [data.draw(st.lists(number, min_size=len(token_class), max_size=len(token_class))) for _ in range(queries)]
    logits = torch.tensor(rows, dtype=torch.float32).reshape(queries, len(token_class))
    for gate in ("class", "all"):
        classes, scores, gates = classify(logits, Prompt("", token_class), num_classes, gate)
        for query, row in enumerate(torch.sigmoid(logits).tolist()):
            best = [
                max([0.0, *(p for p, c in zip(row, token_class, strict=True) if c == label)])
                for label in range(num_classes)
            ]
            assert scores[query] == max(best)
            assert best[int(classes[query])] == max(best)
            assert gates[query] == (max(row) if gate == "all" else max(best))
