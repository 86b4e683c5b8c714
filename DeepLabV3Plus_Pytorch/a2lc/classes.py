"""The classes of a data set: names, prompts, colours and the void index."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import yaml

from a2lc.foundation.errors import InputError, refuse
from a2lc.foundation.files import write_text
from a2lc.foundation.ids import folded
from a2lc.foundation.readers.text import Source
from a2lc.foundation.readers.yaml_files import read_yaml

MAX_CLASSES = 255
RESERVED = ("yes", "skip", "void")  # words with a meaning of their own in an answered queue


@dataclass(frozen=True)
class SemanticClass:
    """One class: its name, the phrases a detector is prompted with, and its RGB colour (0..255 each)."""

    name: str
    prompts: tuple[str, ...]
    color: tuple[int, int, int]


@dataclass(frozen=True)
class ClassSet:
    """The classes in index order.

    Attributes:
        classes: Class 0, 1, ...; at most 255.
        unmasked: What a pixel under no mask is: "background" (class 0, never prompted) or "void".
        void: Index of pixels that belong to no class and count nowhere.
    """

    classes: tuple[SemanticClass, ...]
    unmasked: Literal["background", "void"] = "void"
    void: int = 255

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def names(self) -> tuple[str, ...]:
        """Class names in index order."""
        return tuple(entry.name for entry in self.classes)

    @property
    def unmasked_label(self) -> int:
        """Label of a pixel under no mask."""
        return 0 if self.unmasked == "background" else self.void

    def name_of(self, label: int) -> str:
        """Name of a label; "void" for the void index."""
        return "void" if label == self.void else self.classes[label].name

    def palette(self) -> bytes:
        """768 bytes for a palette PNG: R G B per index, black for unused ones, white for void."""
        table = bytearray(768)
        for index, entry in enumerate(self.classes):
            table[3 * index : 3 * index + 3] = bytes(entry.color)
        table[3 * self.void : 3 * self.void + 3] = bytes((224, 224, 192))
        return bytes(table)

    def to_dict(self) -> dict[str, Any]:
        """The content of a classes.yaml."""
        entries = [{"name": c.name, "prompts": list(c.prompts), "color": list(c.color)} for c in self.classes]
        return {"classes": entries, "unmasked": self.unmasked, "void": self.void}

    def write(self, path: Path) -> None:
        """Write a classes.yaml that `load_classes` reads back, atomically."""
        write_text(path, yaml.safe_dump(self.to_dict(), sort_keys=False, default_flow_style=None))


def load_classes(name_or_path: str | Path) -> ClassSet:
    """Load a class set: the name of a built-in one ("pascal", "cityscapes", "toyscapes") or the path of a classes.yaml.

    Raises:
        InputError: When it does not exist or is not valid; every problem is listed.
    """
    folder = resources.files("a2lc") / "configs" / "classes"
    built_in = folder / f"{name_or_path}.yaml"
    path = Path(name_or_path)
    if len(path.parts) == 1 and not path.suffix and built_in.is_file():
        source: Source = built_in
    elif path.exists():
        source = path
    else:
        known = sorted(Path(entry.name).stem for entry in folder.iterdir())
        raise InputError(
            f"no class list {name_or_path}: give the path of a classes.yaml or one of the built-in sets "
            f"({', '.join(known)})"
        )
    return parse_classes(read_yaml(source, "give a list of classes, each with a name"), str(source))


def parse_classes(content: Any, source: str) -> ClassSet:
    """Build a `ClassSet` from the content of a classes.yaml.

    A class may be a bare name; prompts default to the name, colours to the PASCAL VOC palette.

    Raises:
        InputError: When the content is not valid; every problem is listed under `source`.
    """
    if not isinstance(content, dict) or not isinstance(content.get("classes"), list) or not content["classes"]:
        raise InputError(f"{source} needs a list 'classes' with at least one entry, each with a name")
    unknown = sorted(map(str, set(content) - {"classes", "unmasked", "void"}))
    problems = [f"unknown key '{key}': expected classes, unmasked, void" for key in unknown]
    entries = [_parse_class(index, entry, problems) for index, entry in enumerate(content["classes"])]
    void, unmasked = content.get("void", 255), content.get("unmasked", "void")
    if unmasked not in ("background", "void"):
        problems.append(f"unmasked is '{unmasked}': expected background or void")
    if not _is_integer(void) or not len(entries) <= void <= 255:
        problems.append(f"void is {void}: expected an index from {len(entries)} to 255")
    problems += _name_problems([entry.name for entry in entries])
    refuse(f"{source} is not a valid class list", problems)
    return ClassSet(tuple(entries), unmasked, void)


def _parse_class(index: int, entry: Any, problems: list[str]) -> SemanticClass:
    entry = {"name": entry} if isinstance(entry, str) else entry
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str) or not entry["name"].strip():
        problems.append(f"class {index} has no name (a bare yes, no, on or off must be quoted)")
        return SemanticClass(f"class {index}", (), voc_color(index))
    problems += [
        f"class {index}: unknown key '{key}'" for key in sorted(map(str, set(entry) - {"name", "prompts", "color"}))
    ]
    prompts = entry.get("prompts", [entry["name"]])
    if not isinstance(prompts, list) or not all(isinstance(prompt, str) for prompt in prompts):
        problems.append(f"class {index} ({entry['name']}): prompts must be a list of phrases")
        prompts = []
    color = entry.get("color", voc_color(index))
    if not _is_color(color):
        problems.append(f"class {index} ({entry['name']}): color must be [r, g, b] with values 0 to 255, got {color}")
        color = voc_color(index)
    return SemanticClass(_one_line(entry["name"]), tuple(prompts), (color[0], color[1], color[2]))


def _one_line(name: str) -> str:
    """A name in one Unicode form, with single blanks for its line breaks and other white space."""
    return " ".join(unicodedata.normalize("NFC", name).split())


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_color(color: Any) -> bool:
    return isinstance(color, Sequence) and len(color) == 3 and all(_is_integer(v) and 0 <= v <= 255 for v in color)


def _name_problems(names: Sequence[str]) -> list[str]:
    problems = [f"'{name}' is a reserved word: choose another name" for name in names if folded(name) in RESERVED]
    problems += [
        f"'{name.encode(errors='replace').decode()}' holds a character that cannot be shown: choose another name"
        for name in names
        if any(unicodedata.category(character) in ("Cc", "Cs") for character in name)
    ]
    alike = defaultdict(list)
    for name in names:
        alike[folded(name)].append(name)
    for group in alike.values():
        if len(set(group)) < len(group):
            problems.append(f"the name '{group[0]}' stands twice")
        elif len(group) > 1:
            listed = " and ".join(f"'{name}'" for name in group)
            problems.append(
                f"the names {listed} differ only in case or Unicode form: an answer could mean each of them"
            )
    if len(names) > MAX_CLASSES:
        problems.append(f"{len(names)} classes: at most {MAX_CLASSES} fit into 8-bit label maps")
    return problems


def voc_color(index: int) -> tuple[int, int, int]:
    """Colour of an index in the PASCAL VOC palette: its bits dealt out to R, G and B, most significant first."""
    red = green = blue = 0
    for shift in range(7, -1, -1):
        red |= (index & 1) << shift
        green |= (index >> 1 & 1) << shift
        blue |= (index >> 2 & 1) << shift
        index >>= 3
    return red, green, blue
