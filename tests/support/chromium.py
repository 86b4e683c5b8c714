"""A browser without a window, for pages that have to work in one."""

from __future__ import annotations

import json
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
_ARGUMENTS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--dump-dom")
_CATCH = "<script>window.broken = []; addEventListener('error', (event) => broken.push(event.message));</script>"


class _Said(HTMLParser):
    """The text of <pre id="said">."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = ("id", "said") in attrs

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        self.text += data if self._inside else ""


def in_browser(page: Path, folder: Path, script: str) -> Any:
    """Open a copy of a page, run a script after its own, and give back what the script returns, by way of JSON.

    Args:
        page: The HTML file.
        folder: Takes the copy and what the browser keeps; pages opened with the same one share what they kept.
        script: The body of a function; `press("y")` presses a key.
    """
    run = (
        "<script>const press = (key) => document.body.dispatchEvent("
        "new KeyboardEvent('keydown', { key, bubbles: true }));"
        f"const said = document.createElement('pre'); said.id = 'said'; const work = () => {{ {script} }};"
        "said.textContent = JSON.stringify({ result: work(), broken }); document.body.append(said);</script>"
    )
    copy = folder / "page.html"
    text = page.read_text(encoding="utf-8").replace("<style>", f"{_CATCH}<style>", 1)
    copy.write_text(text.replace("</body>", f"{run}</body>"), encoding="utf-8")
    command = [str(CHROMIUM), *_ARGUMENTS, f"--user-data-dir={folder / 'browser'}", copy.as_uri()]
    said = _Said()
    said.feed(subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout)
    outcome = json.loads(said.text)
    assert outcome["broken"] == []
    return outcome["result"]
