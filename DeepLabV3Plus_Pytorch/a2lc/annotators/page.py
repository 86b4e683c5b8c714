"""The questions of a batch as one HTML file that needs nothing but a browser, for people to whom one sends a file."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from PIL import Image

from a2lc.annotators.base import Query
from a2lc.annotators.crops import Picture
from a2lc.annotators.words import answer_for
from a2lc.classes import ClassSet
from a2lc.foundation.files import write_text
from a2lc.foundation.readers.tables import cell

_WIDEST = 1280  # pixels of a picture
_QUALITY = 82  # of the JPEGs


@dataclass(frozen=True)
class PageQuestion:
    """A question as the page shows it.

    Attributes:
        query: What is asked.
        row: Its cells in the queue file.
        picture: Its picture as a data: address, see `data_address`.
    """

    query: Query
    row: tuple[str, ...]
    picture: str


def data_address(picture: Picture) -> str:
    """An RGB (H, W, 3) uint8 picture as JPEG in a data: address."""
    photo, buffer = Image.fromarray(picture), io.BytesIO()
    photo.thumbnail((_WIDEST, _WIDEST), Image.Resampling.LANCZOS)
    photo.save(buffer, format="JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def write_page(queue: Path, columns: Sequence[str], questions: Sequence[PageQuestion], classes: ClassSet) -> None:
    """Write the page beside its queue: questions.html for queue.csv.

    What it gives back is the queue with the columns `answer` and `seconds` filled.

    Args:
        queue: Path of the queue.
        columns: The headings of the queue.
        questions: The questions in their order, at least one.
        classes: The classes that an answer may name.
    """
    content = {
        "file": f"{queue.stem}_answered.csv",
        "columns": list(columns),
        "classes": [
            {"name": entry.name, "written": cell(answer_for(classes, label)), "color": f"#{bytes(entry.color).hex()}"}
            for label, entry in enumerate(classes.classes)
        ],
        "questions": [_entry(question, classes) for question in questions],
    }
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    template = resources.files("a2lc.annotators").joinpath("questions.html").read_text(encoding="utf-8")
    text = template.replace("{{DATA}}", _as_script({"id": f"a2lc {digest}", **content}))
    write_text(page_path(queue), text)


def page_path(queue: Path) -> Path:
    """Where the page of a queue stands.

    Example:
        >>> page_path(Path("round_1/queue_2.csv"))
        PosixPath('round_1/questions_2.html')
    """
    return queue.with_name(f"{queue.stem.replace('queue', 'questions')}.html")


def _entry(question: PageQuestion, classes: ClassSet) -> dict[str, Any]:
    query = question.query
    return {
        "row": list(question.row),
        "shown": None if query.label == classes.void else classes.name_of(query.label),
        "where": f"{query.image_id}, mask {query.mask_id}",
        "picture": question.picture,
    }


def _as_script(content: Mapping[str, Any]) -> str:
    """JSON that cannot end the script it stands in, whatever the texts in it are."""
    return json.dumps(content).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
