"""Reading and merging layers of configuration, and explaining what is wrong with them."""

from __future__ import annotations

import copy
import difflib
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from textwrap import shorten
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from a2lc.foundation.errors import InputError
from a2lc.foundation.readers.yaml_files import parse_yaml
from a2lc.foundation.readers.yaml_files import read_yaml as read_document
from a2lc.foundation.settings import by_name, models_in

_LAYER_REMEDY = "write one 'key: value' a line, as a2lc run --keys lists them"
_VALUE_REMEDY = "write a number, a text or a list, for example seeds=1,2"
_DEEPEST_KEY = 20  # parts of a dotted key
_SHOWN = 200  # characters of an override in a message


def read_yaml(source: Any) -> dict[str, Any]:
    """Read a layer from a path or package resource.

    Raises:
        InputError: When it is not valid YAML or no mapping.
    """
    content = read_document(source, _LAYER_REMEDY)
    if not isinstance(content or {}, dict):
        raise InputError(f"{source} holds {type(content).__name__} instead of keys and values: {_LAYER_REMEDY}")
    return dict(content or {})


def find_yaml(name_or_path: str, folders: Sequence[Any]) -> Any:
    """The file of a configuration: a built-in one by its name, or a path.

    Args:
        name_or_path: What was given.
        folders: Folders of built-in ones, the first that has the name wins.

    Raises:
        InputError: When there is none; says which there are.
    """
    for folder in folders:
        if f"{name_or_path}.yaml" in {entry.name for entry in folder.iterdir()}:
            return folder / f"{name_or_path}.yaml"
    path = Path(name_or_path)
    if os.path.isfile(path):  # noqa: PTH113  a name too long is no file
        return path
    names = [entry.name for folder in folders for entry in folder.iterdir() if entry.name.endswith(".yaml")]
    known = sorted(name.removesuffix(".yaml") for name in names)
    raise InputError(
        f"no configuration {name_or_path}: give a YAML file or one of {', '.join(known)}{nearest(name_or_path, known)}"
    )


def parse_overrides(overrides: Sequence[str]) -> dict[str, Any]:
    """Turn ["training.iterations=100", "seeds=1,2"] into a nested mapping.

    Raises:
        InputError: When one is not of the form key=value, or its value is none that a file could hold.
    """
    layer: dict[str, Any] = {}
    for override in overrides:
        layer = merge(layer, _parse_override(override))
    return layer


def _parse_override(override: str) -> dict[str, Any]:
    """One "key=value" as a nested mapping."""
    shown = shorten(override, _SHOWN)
    key, equals, text = override.partition("=")
    parts = key.split(".")
    if not equals or not all(parts) or len(parts) > _DEEPEST_KEY:
        raise InputError(f"'{shown}' is not of the form key=value, for example rounds=3 or training.batch_size=8")
    value = _parse_value(text, f"the value of '{shown}'")
    for part in reversed(parts):
        value = {part: value}
    nested: dict[str, Any] = value
    return nested


def _parse_value(text: str, source: str) -> Any:
    value = parse_yaml(text, source, _VALUE_REMEDY)
    if isinstance(value, str) and "," in value:
        parts = [parse_yaml(part, source, _VALUE_REMEDY) for part in value.split(",")]
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
    return told(problems_of(error, model), source)


def told(problems: Sequence[str], source: str) -> str:
    """The problems of a configuration as one message."""
    listed = "\n".join(f"  - {line}" for line in dict.fromkeys(problems))
    return f"the configuration {source} is not valid:\n{listed}"


def problems_in(content: Mapping[str, Any], model: type[BaseModel]) -> list[str]:
    """A line for every problem of a configuration, those that its unknown keys hide too: checks over several keys."""
    try:
        model.model_validate(content)
    except ValidationError as error:
        problems = problems_of(error, model)
        unknown = [problem["loc"] for problem in error.errors() if problem["type"] == "extra_forbidden"]
        rest = _without(content, unknown)
        return [*problems, *problems_in(rest, model)] if rest != content else problems
    return []


def _without(content: Mapping[str, Any], locations: Iterable[Sequence[int | str]]) -> dict[str, Any]:
    """Nested mappings without the keys at some locations, in which pydantic adds the names of members of unions."""
    rest = copy.deepcopy(dict(content))
    for *above, last in locations:
        inner: Any = rest
        for part in above:
            inner = inner.get(part, inner) if isinstance(inner, dict) else inner
        if isinstance(inner, dict):
            inner.pop(last, None)
    return rest


def problems_of(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """A line for every problem of a configuration, unknown keys with the nearest valid one."""
    keys = list(_keys(model))
    lines = []
    for problem in error.errors():
        key = ".".join(_without_tags(model, [str(part) for part in problem["loc"]]))
        if problem["type"] == "extra_forbidden":
            others = [other for other in keys if other != key]  # another data set may have it
            hint = nearest(key, others) or "; take it out"
            lines.append(f"unknown key {key}{hint}")
        elif problem["type"] == "union_tag_invalid":
            expected = problem["ctx"]["expected_tags"].replace("'", "")
            lines.append(f"{key}.name is '{problem['ctx']['tag']}': expected {expected}")
        else:
            lines.append(_describe(key, problem))
    return lines


def _describe(key: str, problem: Any) -> str:
    """A problem that pydantic found, in a sentence."""
    message = problem["msg"].removeprefix("Value error, ").replace("Input should be", "expected")
    if problem["type"] == "value_error":
        return f"{key}: {message}" if key else message
    if problem["type"] == "path_type":
        message = "expected a path"
    if problem["type"] == "missing":
        return f"{key} is missing: give it a value"
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


def describe_keys(model: type[BaseModel], given: Mapping[str, Any] | None = None, prefix: str = "") -> str:
    """Every key of a model with its value and meaning, a paragraph each.

    Args:
        model: The settings class.
        given: Values other than the defaults, nested. Where a section may be of several classes, its name in them
            chooses one; without it the keys of each are listed.
        prefix: What stands before each key.
    """
    values = given or {}
    text = ""
    for name, info in model.model_fields.items():
        inner = by_name(values.get(name))
        section = inner if isinstance(inner, Mapping) else {}
        nested = _chosen(list(models_in(info.annotation)), section)
        if not nested:
            text += f"{prefix}{name} = {_shown(info, values, name)}\n    {' '.join((info.description or '').split())}\n"
        for part in nested:
            text += describe_keys(part, section, f"{prefix}{name}.")
    return text


def _chosen(models: list[type[BaseModel]], section: Mapping[str, Any]) -> list[type[BaseModel]]:
    """The settings class that the name in a section is of, where there are several; all where it is of none."""
    named = [model for model in models if len(models) > 1 and _is_tag(model, str(section.get("name")))]
    return named or models


def _shown(info: FieldInfo, values: Mapping[str, Any], name: str) -> str:
    """The value of a key in a line."""
    if name not in values and info.is_required():
        return "(must be set)"
    value = values[name] if name in values else info.get_default(call_default_factory=True, validated_data={})
    return str(yaml.safe_dump(_plain(value), default_flow_style=True, width=math.inf).splitlines()[0])


def _plain(value: object) -> object:
    """A value that YAML writes without tags."""
    if isinstance(value, tuple | list):
        return list(value)
    return value if isinstance(value, bool | int | float) else str(value)
