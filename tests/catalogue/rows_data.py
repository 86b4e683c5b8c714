"""Bad data: manifests, labels, masks, images, classes, lists of images."""

from __future__ import annotations

from collections.abc import Iterator

from tests.catalogue import commands as on
from tests.catalogue.damages import (
    ANY_FILE,
    ANY_JSON,
    ANY_TEXT,
    CUT,
    GONE,
    NOISE,
    Damage,
    a_dangling_link,
    a_link_loop,
    a_pipe,
    appended,
    bomb,
    copied_to,
    edited,
    encoded,
    holding,
    lacking,
    picture,
    replaced,
    setting,
)
from tests.catalogue.row import Row, crossed

_SET = "data/pseudo_labels"
_FIRST = ("images", "image00")


def _renamed(name: str) -> Damage:
    def edit(value: dict) -> None:
        value["images"][name] = value["images"].pop("image00")

    return Damage(f"an id {name[:12]!r}", edited(edit))


_FOREIGN_IDS = tuple(
    _renamed(name)
    for name in (
        "/etc/passwd",
        "../../neighbour/secret",
        "a/../../b",
        "",
        ".",
        "nul\0",
        "line\nbreak",
        "\x1b[31mred",
        "x" * 300,
    )
)
_MANIFEST = (
    *ANY_JSON,
    GONE,
    *_FOREIGN_IDS,
    Damage("no images", lacking("images")),
    Damage("no classes", lacking("classes")),
    Damage("images are a list", setting("images", to=["image00"])),
    Damage("an image is null", setting(*_FIRST, to=None)),
    Damage("an image is a number", setting(*_FIRST, to=3)),
    Damage("an image lacks its size", lacking(*_FIRST, "size"), ends=0),  # the maps tell it
    Damage("size is a text", setting(*_FIRST, "size", to="48x56")),
    Damage("size is negative", setting(*_FIRST, "size", to=[-48, 56])),
    Damage("size is not finite", replaced(r"48", "NaN")),
    Damage("size has three numbers", setting(*_FIRST, "size", to=[48, 56, 3])),
    Damage("masks are negative", setting(*_FIRST, "masks", to=-1)),
    Damage("masks are a text", setting(*_FIRST, "masks", to="four")),
    Damage("classes are a number", setting("classes", to=3)),
    Damage("classes hold null", setting("classes", 0, to=None)),
    Damage("void is a text", setting("void", to="none")),
    Damage("schema of the future", setting("schema", to=99)),
    Damage("schema is a text", setting("schema", to="one")),
    Damage("the same image twice", replaced(r'"image01"', '"image00"')),
)
_SHAPE = Damage("another size", picture("P", (20, 20)))
_LABELS = (
    *ANY_FILE,
    CUT,
    GONE,
    _SHAPE,
    Damage("a text", holding("class 1\n")),
    Damage("a photo", picture("RGB")),
    Damage("a photo with transparency", picture("RGBA")),
    Damage("a JPEG named .png", picture("L", form="JPEG")),
    Damage("a class that does not exist", picture("L", value=77)),
    Damage("16 bits", picture("I;16", value=300)),
    Damage("floating point", picture("F", form="TIFF")),
    Damage("a bomb", bomb),
)
_MASKS = (*ANY_FILE, CUT, GONE, _SHAPE, Damage("a photo", picture("RGB")), Damage("a bomb", bomb))
_SIXTEEN = "16 bits"
_OBJECTS = (
    *(damage for damage in _LABELS[::2] if damage.name != _SIXTEEN),
    Damage(_SIXTEEN, picture("I;16", value=300), ends=0),  # there may be as many objects
)
_IMAGES = (
    *ANY_FILE,
    CUT,
    Damage("a text", holding("a photo\n")),
    Damage("a bomb", bomb),
    Damage("SVG", holding('<svg xmlns="http://www.w3.org/2000/svg"/>')),
)
_BOMB_YAML = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join([f'*{chr(97 + i)}'] * 9)}]\n" for i in range(9)
)
BAD_YAML = (
    *ANY_TEXT,
    GONE,
    Damage("an expansion of aliases", holding(f"{_BOMB_YAML}classes: *j\n")),
    Damage("10,000 deep", holding("classes: " + "[" * 10_000 + "]" * 10_000)),
    Damage("a list", holding("- 1\n- 2\n")),
    Damage("null", holding("null\n")),
    Damage("a number", holding("17\n")),
    Damage("a text", holding("just words\n")),
    Damage("two documents", holding("a: 1\n---\nb: 2\n")),
    Damage("not YAML", holding("classes: [a, b\nc: }\n")),
    Damage("a tab", holding("classes:\n\t- a\n")),
    Damage("keys of several kinds", holding("1: a\nx: b\nnull: c\n2001-01-01: d\n")),
    Damage("a list as key", holding("[1, 2]: a\n")),
    Damage("a Python object", holding("!!python/object/apply:os.system ['touch ../planted']\n")),
    Damage("an anchor that is not there", holding("classes: *nowhere\n")),
    Damage("an alias to itself", holding("classes: &a [*a]\n")),
)


def _classes(*lines: str) -> str:
    return "classes:\n" + "".join(f"- {line}\n" for line in lines)


_CLASSES = (
    *BAD_YAML,
    Damage("no classes", holding("unmasked: void\n")),
    Damage("empty classes", holding("classes: []\n")),
    Damage("classes are null", holding("classes: null\n")),
    Damage("classes are a text", holding("classes: road\n")),
    Damage("a class is null", holding(_classes("ground", "null", "disc"))),
    Damage("a class is a list", holding(_classes("ground", "[a]", "disc"))),
    Damage("the same name twice", holding(_classes("ground", "box", "box")), "box"),
    Damage("names equal but for case", holding(_classes("ground", "Box", "box"))),
    Damage("names equal when folded", holding(_classes("ground", "Straße", "strasse"))),
    Damage("names equal but for Unicode form", holding(_classes("ground", "caf\u00e9", "cafe\u0301"))),
    Damage("300 classes", holding(_classes(*(f"c{index}" for index in range(300))))),
    Damage("a colour of four numbers", holding(_classes("ground", "{name: box, color: [1, 2, 3, 4]}", "disc"))),
    Damage("a colour of 999", holding(_classes("ground", "{name: box, color: [999, 0, 0]}", "disc"))),
    Damage("a colour that is a text", holding(_classes("ground", "{name: box, color: red}", "disc"))),
    Damage("prompts are a number", holding(_classes("ground", "{name: box, prompts: 3}", "disc"))),
    Damage(
        "no prompts", holding(_classes("ground", "{name: box, prompts: []}", "disc")), ends=0
    ),  # who detects nothing needs none
    Damage("an unknown key", holding(_classes("ground", "{name: box, colour: [1, 2, 3]}", "disc"))),
    Damage("a name with an escape", holding(_classes("ground", '"bo\\x1b[31mx"', "disc"))),
    Damage("an empty name", holding(_classes("ground", "''", "disc"))),
    Damage("void is 300", replaced(r"void: 255", "void: 300")),
    Damage("void is a class", replaced(r"void: 255", "void: 1")),
    Damage("void is a text", replaced(r"void: 255", "void: none")),
    Damage("unmasked is unknown", replaced(r"unmasked: void", "unmasked: sometimes")),
)
_BROKEN_NAME = Damage("a name with a line break", holding(_classes("ground", '"bo\\nx"', "disc")))
_LIST = (
    *ANY_FILE,
    Damage("UTF-16", encoded("utf-16")),
    Damage("Latin-1", encoded("latin-1")),
    Damage("an image that is not there", appended("image99\n"), "image99"),
    Damage("an absolute path", appended("/etc/passwd\n"), "/etc/passwd"),
    Damage("a way out", appended("../../neighbour/secret\n"), "neighbour"),
    Damage("NUL", appended("nul\0name\n")),
    Damage("an escape", appended("\x1b[31mred\n")),
    Damage("the same image twice", appended("image00\n"), "image00"),
    Damage("a line of a megabyte", appended("x" * 1_000_000 + "\n")),
    Damage("a backslash", appended("folder\\image\n")),
)
_BOTH = Damage("an image for training and validation", appended("image06\n"), "image06")


def rows() -> Iterator[Row]:
    """All rows about data."""
    manifest = f"{_SET}/manifest.json"
    yield from crossed(manifest, _MANIFEST, on.RUN, on.TO_RESEARCH)
    yield from crossed(manifest, (*ANY_JSON[::3], *_MANIFEST[len(ANY_JSON) + 1 :: 2]), on.INSPECT, on.RELABEL)
    yield from crossed(manifest, (CUT, *_FOREIGN_IDS[:3]), on.EXPORT, on.MEASURE, on.FRESH_AUDIT)
    yield from crossed(f"{_SET}/labels/image01.png", _LABELS, on.RUN)
    yield from crossed(f"{_SET}/labels/image01.png", _LABELS[::2], on.TO_RESEARCH, on.MEASURE)
    yield from crossed(f"{_SET}/labels/image01.png", _LABELS[1::2], on.INSPECT, on.FRESH_AUDIT)
    yield from crossed(f"{_SET}/masks/image01.png", _MASKS, on.RUN)
    yield from crossed(f"{_SET}/masks/image01.png", _MASKS[::2], on.TO_RESEARCH, on.EXPORT)
    yield from crossed("data/images/image01.png", _IMAGES, on.TRAIN, on.GENERATE)
    yield from crossed("data/images/image01.png", _IMAGES[::2], on.PREDICT_FILE, on.FRESH_AUDIT)
    yield from crossed("data/images/image01.png", _IMAGES[1::2], on.SUPERPIXELS)
    yield from crossed("data/images/image01.png", (Damage("another size", picture("RGB", (20, 20))),), on.RUN)
    yield from crossed("data/ground_truth/image01.png", (*ANY_FILE[1:], *_LABELS[8:]), on.MEASURE)
    yield from crossed("data/ground_truth/image01.png", _LABELS[::2], on.RUN, on.AUDIT_TRUTH)
    yield from crossed("data/classes.yaml", _CLASSES, on.RUN)
    yield from crossed("data/classes.yaml", _CLASSES[::2], on.SUPERPIXELS, on.MEASURE)
    yield from crossed("data/classes.yaml", _CLASSES[1::2], on.PREDICT_FILE, on.GENERATE)
    yield from crossed("data/classes.yaml", _CLASSES[::3], on.IMPORT)
    yield from crossed("data/classes.yaml", (_BROKEN_NAME,), on.RUN, on.MEASURE)  # the set's masks are of others
    whole = Damage(_BROKEN_NAME.name, _BROKEN_NAME.change, ends=0)  # a blank stands in its place
    yield from crossed("data/classes.yaml", (whole,), on.SUPERPIXELS, on.IMPORT)
    yield from crossed("data/train.txt", (*_LIST, _BOTH), on.RUN)
    yield from crossed("data/train.txt", _LIST, on.MEASURE)
    yield from crossed("data/val.txt", _LIST[::2], on.TRAIN)
    yield from crossed("research/mask_jpg/image01.png", _MASKS, on.IMPORT)
    yield from crossed("research/obj_jpg/image01.png", _OBJECTS, on.IMPORT, on.INSPECT_RESEARCH)
    twin = Damage("an image in two formats", copied_to("image01.jpg"), "image01")
    yield from crossed("data/images/image01.png", (twin,), on.TRAIN, on.SUPERPIXELS, on.PREDICT_FILE)
    odd = (
        Damage("a pipe among the images", a_pipe),
        Damage("noise among the images", holding(NOISE)),
        Damage("a loop among the images", a_link_loop),
        Damage("a dangling link among the images", a_dangling_link),
    )
    yield from crossed("data/images/odd.png", odd, on.SUPERPIXELS, on.PREDICT_FILE)
    one_bit = Damage("one bit", picture("1"), ends=0)
    yield from crossed("data/images/image01.png", (one_bit, Damage("grey", picture("L"), ends=0)), on.SUPERPIXELS)
