"""Reading and merging layers of configuration, and explaining what is wrong with them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from a2lc.foundation.errors import InputError
from a2lc.foundation.settings import by_name, models_in


def read_yaml(source: Any) -> dict[str, Any]:
    """Read a layer from a path or package resource.

    Raises:
        InputError: When it is not valid YAML or no mapping.
    """
    try:
        content = yaml.safe_load(source.read_text(encoding="utf-8"))
    except (yaml.YAMLError, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{source} cannot be read as YAML: {error}") from None
    if not isinstance(content or {}, dict):
        raise InputError(f"{source} must hold keys and values, got {type(content).__name__}")
    return dict(content or {})


def parse_overrides(overrides: Sequence[str]) -> dict[str, Any]:
    """Turn ["training.iterations=100", "seeds=1,2"] into a nested mapping.

    Raises:
        InputError: When one is not of the form key=value.
    """
    layer: dict[str, Any] = {}
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key:
            raise InputError(
                f"'{override}' is not of the form key=value, for example rounds=3 or training.batch_size=8"
            )
        try:
            value = _parse_value(text)
        except yaml.YAMLError as error:
            raise InputError(f"the value of '{override}' is not valid YAML: {error}") from None
        for part in reversed(key.split(".")):
            value = {part: value}
        layer = merge(layer, value)
    return layer


def _parse_value(text: str) -> Any:
    value = yaml.safe_load(text)
    if isinstance(value, str) and "," in value:
        parts = [yaml.safe_load(part) for part in value.split(",")]
        if all(isinstance(part, int | float) or _is_number(part) for part in parts):
            return parts
    return value


def _is_number(text: Any) -> bool:
    try:
        float(text)  # PyYAML reads 1e-4 as a string
    except (TypeError, ValueError):
        return False
    return True


def merge(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """Merge two layers, `top` wins; mappings are merged key by key, everything else is replaced.

    Where one layer has a mapping and the other a text, the text is the name in it: acquisition=sim leaves the other
    keys of the acquisition as they are.
    """
    merged = dict(base)
    for key, value in top.items():
        below = merged.get(key)
        if isinstance(below, Mapping):
            value = by_name(value)
        if isinstance(value, Mapping):
            below = by_name(below)
            value = merge(below if isinstance(below, Mapping) else {}, value)
        merged[key] = value
    return merged


def nearest(name: str, known: Iterable[str]) -> str:
    """ "; did you mean X?" for the nearest known name, "" when none is near."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else ""


def explain(error: ValidationError, model: type[BaseModel], source: str) -> str:
    """Every problem of a configuration, a line each, unknown keys with the nearest valid one."""
    keys = list(_keys(model))
    lines = []
    for problem in error.errors():
        key = ".".join(_without_tags(model, [str(part) for part in problem["loc"]]))
        if problem["type"] == "extra_forbidden":
            lines.append(f"unknown key {key}{nearest(key, keys)}")
        elif problem["type"] == "union_tag_invalid":
            expected = problem["ctx"]["expected_tags"].replace("'", "")
            lines.append(f"{key}.name is '{problem['ctx']['tag']}': expected {expected}")
        else:
            lines.append(_describe(key, problem))
    listed = "\n".join(f"  - {line}" for line in dict.fromkeys(lines))
    return f"the configuration {source} is not valid:\n{listed}"


def _describe(key: str, problem: Any) -> str:
    """A problem that pydantic found, in a sentence."""
    message = problem["msg"].removeprefix("Value error, ").replace("Input should be", "expected")
    if problem["type"] == "value_error":
        return f"{key}: {message}" if key else message
    if problem["type"] == "missing":
        return f"{key} is missing"
    choices = [choice.strip(" '") for choice in message.removeprefix("expected").replace(" or ", ",").split(",")]
    hint = nearest(str(problem["input"]), choices) if problem["type"] == "literal_error" else ""
    return f"{key} is {problem['input']!r}: {message}{hint}"


def _without_tags(model: type[BaseModel], location: Sequence[str]) -> Iterable[str]:
    """The parts of a problem's location that are keys; pydantic adds the names that tell the members of a union."""
    models = [model]
    for part in location:
        tagged = [one for one in models if len(models) > 1 and _is_tag(one, part)]
        if tagged:
            models = tagged
            continue
        yield part
        fields = [one.model_fields[part] for one in models if part in one.model_fields]
        models = [nested for info in fields for nested in models_in(info.annotation)]


def _is_tag(model: type[BaseModel], part: str) -> bool:
    """Whether a part of a location is the name that tells a member of a union."""
    return "name" in model.model_fields and part in get_args(model.model_fields["name"].annotation)


def _keys(model: type[BaseModel], prefix: str = "") -> Iterable[str]:
    """All dotted keys that a model accepts."""
    for name, info in model.model_fields.items():
        nested = list(models_in(info.annotation))
        yield f"{prefix}{name}"
        for part in nested:
            yield from _keys(part, f"{prefix}{name}.")


def describe_keys(model: type[BaseModel], prefix: str = "") -> str:
    """Every key of a model with its default and meaning, a paragraph each."""
    text = ""
    for name, info in model.model_fields.items():
        nested = list(models_in(info.annotation))
        default = info.get_default(call_default_factory=True, validated_data={})
        if not nested:
            shown = "(must be set)" if info.is_required() else yaml.safe_dump(_plain(default), default_flow_style=True)
            text += f"{prefix}{name} = {shown.splitlines()[0]}\n    {' '.join((info.description or '').split())}\n"
        for part in nested:
            text += describe_keys(part, f"{prefix}{name}.")
    return text


def _plain(value: object) -> object:
    """A value that YAML writes without tags."""
    return list(value) if isinstance(value, tuple) else value if isinstance(value, bool | int | float) else str(value)
