"""The page of questions, answered in a browser by its keyboard, and the file it gives back; nothing in it is code."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from a2lc.annotators import Query
from a2lc.annotators.filled import read_answers
from a2lc.annotators.inbox import Question
from a2lc.annotators.queue import write_queue
from a2lc.classes import ClassSet, parse_classes
from a2lc.labels.state import LabelState
from a2lc.labels.store import PseudoLabelWriter

CLASSES = ["road", "car", "van, red", "</script><script>document.title='run'</script>", "=1+1", "no", "sea"]
IMAGES = [f"street/{number:02d}" for number in range(29)] + ["<img src=x onerror=\"document.title='run'\">"]
ANSWERS = [  # keys pressed, and the answer they are
    (["Enter"], ("yes", None)),
    (["1", "Enter"], ("class", 1)),
    (["c", "a", "Enter"], ("class", 1)),
    ([" ", "v", "Enter"], ("class", 2)),
    (["3", "Enter"], ("class", 3)),
    (["=", "Enter"], ("class", 4)),
    (["5", "Enter"], ("class", 5)),
    (["v"], ("void", None)),
    (["s"], ("skip", None)),
    (["n"], ("no", None)),
]


@pytest.fixture
def queue(tmp_path: Path) -> tuple[Path, list[Question], ClassSet]:
    """A queue of 30 questions, its questions, and the classes."""
    classes = parse_classes({"classes": CLASSES}, "classes.yaml")
    writer = PseudoLabelWriter(tmp_path / "set", classes, {})
    names = [name.replace("/", "_") for name in IMAGES]
    for name in names:
        writer.write(name, np.zeros((4, 4), dtype=np.uint8), np.ones((4, 4), dtype=np.uint8))
    queries = [Query(name, 1, index % len(CLASSES), 1.0, (0, 0)) for index, name in enumerate(names)]
    image = np.full((4, 4, 3), 120, dtype=np.uint8)
    write_queue(tmp_path / "queue.csv", queries, LabelState(writer.finish()), lambda _: image, classes)
    return tmp_path / "queue.csv", [Question(number, query) for number, query in enumerate(queries)], classes


def test_the_page_holds_everything_and_no_text_of_others_as_code(
    queue: tuple[Path, list[Question], ClassSet],
) -> None:
    text = queue[0].with_name("questions.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    for outside in ("://", "@import", "url(", "fetch(", "XMLHttpRequest", "eval(", "innerHTML"):
        assert outside not in text, outside
    assert text.count("<script") == 2, "the data and the program"
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    data = json.loads(found[1])
    assert [entry["name"] for entry in data["classes"]] == CLASSES
    assert len(data["questions"]) == 30
    assert all(entry["picture"].startswith("data:image/jpeg;base64,") for entry in data["questions"])


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, where it is installed."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install a2lc[dev]")
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("there is no chromium: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


def press(page: Any, keys: list[str]) -> None:
    for key in keys:
        page.keyboard.press("Space" if key == " " else key)


def test_thirty_questions_by_keyboard_with_a_reload(
    browser: Any, queue: tuple[Path, list[Question], ClassSet], tmp_path: Path
) -> None:
    path, questions, classes = queue
    context = browser.new_context(accept_downloads=True)
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(path.with_name("questions.html").as_uri())
    for keys, _ in ANSWERS:
        press(page, keys)
    press(page, ["s", "z", "Enter", "z"])  # both taken back
    for keys, _ in ANSWERS[:5]:
        press(page, keys)
    page.reload()
    assert page.locator("#progress").inner_text().startswith("15 of 30 answered")
    for keys, _ in [*ANSWERS[5:], *ANSWERS]:
        press(page, keys)
    assert page.locator("#progress").inner_text().startswith("30 of 30 answered")
    assert page.title() == "Questions about masks"
    with page.expect_download() as waiting:
        page.locator("#download").click()
    filled = tmp_path / "filled.csv"
    waiting.value.save_as(filled)
    context.close()
    assert not faults
    assert {url.partition(":")[0] for url in asked} <= {"file", "data", "blob"}

    answers = read_answers(filled, questions, classes, "ann")
    assert [(answer.kind, answer.label) for answer in answers] == [said for _, said in ANSWERS] * 3
    assert all(answer.seconds is not None for answer in answers)
    with filled.open(newline="", encoding="utf-8-sig") as file, path.open(newline="", encoding="utf-8") as empty:
        for after, before in zip(csv.DictReader(file), csv.DictReader(empty), strict=True):
            assert {**after, "answer": "", "seconds": ""} == before
