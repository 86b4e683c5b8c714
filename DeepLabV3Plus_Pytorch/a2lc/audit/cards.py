"""The masks in the report: a card each, with what sorts, filters and answers them in the page."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from a2lc.annotators.crops import draw_crop
from a2lc.audit.audit import Audit
from a2lc.audit.findings import Findings
from a2lc.audit.page import NEUTRAL, color_of, dot, jpeg, picture, votes_bar
from a2lc.audit.tables import Row, Tables
from a2lc.classes import ClassSet
from a2lc.foundation.ids import MaskKey
from a2lc.foundation.readers.tables import cell, read_csv
from a2lc.labels.store import open_pseudo_labels

# how many are shown: all questions of the queue, within these
_FEWEST = 50
_MOST = 200
_VOTES = 4
# pixels, longer side
_CROP = 960
_WHOLE = 800
_SCORES = {
    "calibrated": "1 − the given class's share of the votes of the mask's pixels, calibrated with the other folds",
    "pooled": "1 − the given class's share of the pooled votes of the mask's pixels",
    "lcil": "1 − the mean probability of the given class",
    "softmin": "1 − the softmin of the probability of the given class",
    "issues": "the share of the mask's pixels that confident learning flags",
}
_KEYS = {  # report.js listens to them
    "j": "next",
    "k": "previous",
    "y": "yes, the label is right",
    "p": "it is what it looks like",
    "c": "another class",
    "v": "void: none of them",
    "s": "skip",
    "u": "undo",
    "w": "whole image",
}
_DIALOG = (
    '<dialog id="whole"><figure><div class="frame"><img alt="the whole image"><i id="box"></i></div>'
    '<figcaption id="which"></figcaption></figure></dialog>'
)


def mask_cards(audit: Audit, findings: Findings, tables: Tables) -> Iterator[str]:
    """The section of the most suspicious masks; its queue and its pseudo-label set are finished."""
    questions = _Questions(audit)
    shown = tables.masks[: min(max(len(questions.rows), _FEWEST), _MOST)]
    yield f"<h2>The {len(shown)} most suspicious masks</h2>"
    yield (
        f'<p class="faint">Score: {_SCORES[audit.settings.score]}; 1 is the worst. The bar shows what the network '
        "takes the mask's pixels for.</p>"
    )
    if not shown:
        yield "<p>There is no mask to judge.</p>"
    yield from _tools(shown, audit.dataset.classes)
    position = {key: index for index, key in enumerate(findings.keys)}
    source = open_pseudo_labels(audit.pseudo_labels)
    images: dict[str, str] = {}
    yield '<div class="masks">'
    for row in shown:
        key: MaskKey = (row["image_id"], row["mask_id"])
        image = audit.dataset.image(key[0])
        images.setdefault(key[0], jpeg(image, _WHOLE)[0])
        mask = source.masks(key[0]) == key[1]
        crop = picture(draw_crop(image, mask), f"{key[0]}, mask {key[1]}", _CROP)
        share = findings.evidence.share[position[key]]
        yield _card(row, crop, share, audit.dataset.classes, mask, questions.rows.get(key))
    yield f"</div>{_DIALOG}"
    yield f'<script type="application/json" id="audit-data">{questions.data(images, audit.dataset.classes)}</script>'


class _Questions:
    """The rows of the queue, as the page fills them."""

    def __init__(self, audit: Audit) -> None:
        text = audit.queue.read_text(encoding="utf-8")
        self._columns, *self._cells = csv.reader(io.StringIO(text, newline=""))
        self._digest = hashlib.sha256(text.encode()).hexdigest()
        rows = read_csv(audit.queue, ("image_id", "mask_id", "answer"))
        self.rows: dict[MaskKey, int] = {(r["image_id"], int(r["mask_id"])): index for index, r in enumerate(rows)}

    def data(self, images: dict[str, str], classes: ClassSet) -> str:
        """What the page works with, as JSON that may stand in a <script>."""
        content = {
            "key": f"a2lc audit {self._digest}",  # under which a browser keeps the answers to these questions
            "columns": self._columns,
            "rows": self._cells,
            "classes": classes.names,
            "written": {name: cell(name) for name in classes.names if cell(name) != name},
            "images": images,
        }
        return json.dumps(content, ensure_ascii=False).replace("<", "\\u003c")


def _tools(shown: Sequence[Row], classes: ClassSet) -> Iterator[str]:
    """What sorts and filters the cards, and what becomes of the answers."""
    names = {row[key] for row in shown for key in ("given", "predicted")}
    options = _options([name for name in classes.names if name in names])
    images = _options(sorted({row["image_id"] for row in shown}))
    orders = {"score": "score", "given": "given class", "predicted": "looks like", "image": "image", "pixels": "size"}
    sorts = "".join(f'<option value="{key}">{name}</option>' for key, name in orders.items())
    keys = "".join(f"<span><kbd>{key}</kbd> {meaning}</span>" for key, meaning in _KEYS.items())
    yield (
        '<div class="tools"><div>'
        f'<label>class <select id="class"><option value="">all</option>{options}</select></label>'
        f'<label>image <select id="image"><option value="">all</option>{images}</select></label>'
        '<label>score at least <input id="score" type="number" min="0" max="1" step="0.05" value="0"></label>'
        '<label>text <input id="text" type="search" size="14"></label>'
        f'<label>sort by <select id="order">{sorts}</select></label>'
        '<label><input id="open" type="checkbox"> unanswered</label><span id="shown" class="faint"></span></div>'
        '<div><b id="count"></b><button type="button" id="undo">undo</button>'
        '<button type="button" id="download">download the filled queue</button>'
        '<span id="saved" class="faint">kept in this browser</span></div>'
        f'<div class="faint">{keys}</div></div>'
    )


def _options(values: Sequence[str]) -> str:
    return "".join(f"<option>{escape(value)}</option>" for value in values)


def _place(mask: NDArray[np.bool_]) -> str:
    """Where a mask (H, W) lies: top, left, height and width of its box in per cent of the image."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    height, width = mask.shape
    start = rows[0] / height, columns[0] / width
    extent = (np.ptp(rows) + 1) / height, (np.ptp(columns) + 1) / width
    return " ".join(f"{part:.2%}" for part in (*start, *extent))


def _card(
    row: Row, crop: str, share: NDArray[np.float64], classes: ClassSet, mask: NDArray[np.bool_], question: int | None
) -> str:
    """One mask.

    Args:
        row: Of `Tables.masks`.
        crop: Its picture.
        share: (C,) share of its pixels that the network takes for each class.
        classes: Names and colours.
        mask: (H, W), where it is.
        question: Its row in the queue; None = nobody is asked about it.
    """
    colors = {name: color_of(classes, index) for index, name in enumerate(classes.names)}
    given, predicted = (f"{dot(colors[row[key]])}{escape(row[key])}" for key in ("given", "predicted"))
    change = given if row["given"] == row["predicted"] else f"<s>{given}</s> → {predicted}"
    where = f"{row['image_id']}, mask {row['mask_id']}"
    known = {"image": row["image_id"], **{key: row[key] for key in ("given", "predicted", "score", "pixels", "rank")}}
    known["box"] = _place(mask)
    known["aspect"] = f"{mask.shape[1] / mask.shape[0]:.4f}"
    if question is not None:
        known["row"] = question
    attributes = "".join(f' data-{name}="{escape(str(value))}"' for name, value in known.items())
    return (
        f'<article{attributes}><div class="picture">{crop}</div>'
        f'<div class="text"><div class="head"><span>{row["rank"]}</span><span>score {row["score"]:.3f}</span></div>'
        f'<p class="change">{change}</p><p>{escape(row["why"])}</p>{votes_bar(_votes(share, classes))}'
        f"{_answers(row) if question is not None else ''}"
        f'<p class="where">{escape(where)}, {row["pixels"]:,} pixels <button type="button" class="whole">whole image'
        "</button></p></div></article>"
    )


def _votes(share: NDArray[np.float64], classes: ClassSet) -> list[tuple[str, str, float]]:
    """The largest shares as (name, colour, share), and the rest."""
    order = np.argsort(-share, kind="stable")[:_VOTES]
    votes = [(classes.names[k], color_of(classes, int(k)), float(share[k])) for k in order if share[k] >= 0.005]
    rest = 1 - sum(part for *_, part in votes)
    return votes + ([("others", NEUTRAL, rest)] if rest >= 0.005 else [])


def _answers(row: Row) -> str:
    """What can be said to a question."""
    offers = [("yes", f"yes, {row['given']}")]
    offers += [(row["predicted"], row["predicted"])] if row["predicted"] != row["given"] else []
    offers += [("void", "void"), ("skip", "skip")]
    buttons = [
        f'<button type="button" data-answer="{escape(answer)}">{escape(text)}</button>' for answer, text in offers
    ]
    listed = '<select aria-label="another class"><option value="">another class…</option></select>'
    return f'<div class="answers">{"".join([*buttons, listed])}</div>'
