"""The report in a browser: sorted, filtered, answered by keyboard, and its queue taken by the audit."""

from __future__ import annotations

from pathlib import Path

import pytest

from a2lc.annotators import read_queue
from a2lc.cli import main
from tests.support.audit_case import audit_arguments, colored_folder, read_rows, two_things
from tests.support.chromium import CHROMIUM, in_browser

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium"),
    pytest.mark.xdist_group("audit page"),
]
IMAGES = "[...document.querySelectorAll('article:not([hidden])')].map((card) => card.dataset.image)"


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished audit with three questions, beside its data."""
    root = tmp_path_factory.mktemp("page")
    colored_folder(root / "data", two_things(), images=4)
    assert main(audit_arguments(root / "data", root / "audit", iterations=1)) == 0
    return root


def test_cards_are_sorted_and_filtered(audited: Path, tmp_path: Path) -> None:
    rows = read_rows(audited / "audit" / "masks.csv")
    script = f"""
        const set = (id, value) => {{ byId(id).value = value; byId(id).dispatchEvent(new Event('input')); }};
        const seen = {{ all: {IMAGES} }};
        set('order', 'image'); seen.sorted = {IMAGES};
        set('class', 'red box'); seen.red = {IMAGES}.length; set('class', '');
        set('image', 'image02'); seen.image = {IMAGES}; set('image', '');
        set('text', 'IMAGE01, mask 2'); seen.text = {IMAGES}; set('text', '');
        set('score', '{rows[2]["score"]}'); seen.score = {IMAGES}.length; set('score', 0);
        byId('open').click(); seen.open = {IMAGES}.length;
        return seen;"""
    seen = in_browser(audited / "audit" / "report.html", tmp_path, script)
    assert seen["all"] == [row["image_id"] for row in rows]
    assert seen["sorted"] == sorted(seen["all"])
    assert seen["red"] == len([row for row in rows if "red box" in (row["given"], row["predicted"])])
    assert seen["image"] == ["image02", "image02"]
    assert seen["text"] == ["image01"]
    assert seen["score"] >= 2
    assert seen["open"] == 3


def test_answers_by_keyboard_are_kept_and_taken(audited: Path, tmp_path: Path) -> None:
    page = audited / "audit" / "report.html"
    in_browser(page, tmp_path, "press('j'); press('s'); press('v'); press('v'); press('u'); return 0;")
    csv = in_browser(
        page, tmp_path, "press('j'); press('y'); return filled();"
    )  # opened anew: the second answer is kept
    answered = tmp_path / "queue_answered.csv"
    answered.write_text(csv, encoding="utf-8", newline="")
    asked = read_queue(audited / "audit" / "queue.csv")
    given = read_queue(answered)
    assert [(row.image_id, row.mask_id) for row in given] == [(row.image_id, row.mask_id) for row in asked]
    assert [row.answer for row in given] == ["yes", "void", ""]


def test_class_and_whole_image(audited: Path, tmp_path: Path) -> None:
    script = """
        press('j'); const card = document.querySelector('article.current'); const list = card.querySelector('select');
        list.value = 'blue <box>'; list.dispatchEvent(new Event('change')); press('k'); press('w');
        return { csv: filled(), open: byId('whole').open, place: card.dataset.box };"""
    seen = in_browser(audited / "audit" / "report.html", tmp_path, script)
    assert seen["open"]
    assert ",blue <box>," in seen["csv"].splitlines()[1]
    assert seen["place"].split()[3] == "31.25%"  # a box of 20 pixels in an image of 64
