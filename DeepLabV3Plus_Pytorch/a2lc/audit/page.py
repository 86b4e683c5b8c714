"""The look of the report: one HTML page with everything in it."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from a2lc.classes import ClassSet

_STYLE = """
:root { color-scheme: light dark; --paper: #fbfaf8; --card: #ffffff; --ink: #23262b; --faint: #6c727b; --line: #e4e2dd;
  --accent: #b3402e; --bar: #eceae5; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181b; --card: #1e2125; --ink: #e4e5e7; --faint: #969ca5;
  --line: #32363c; --accent: #ef8a76; --bar: #2b2f35; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans",
  sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 44px 24px 64px; }
h1 { font-size: 29px; line-height: 1.2; font-weight: 650; letter-spacing: -.012em; margin: 0 0 6px; }
h2 { font-size: 19px; font-weight: 650; margin: 48px 0 4px; }
p { margin: 0 0 14px; max-width: 74ch; }
.faint, figcaption, th { color: var(--faint); }
.numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 1px; margin: 26px 0;
  background: var(--line); border: 1px solid var(--line); border-radius: 10px; overflow: hidden; }
.numbers div { background: var(--card); padding: 14px 18px; }
.numbers b { display: block; font-size: 25px; font-weight: 600; line-height: 1.25; font-variant-numeric: tabular-nums; }
.numbers span { color: var(--faint); font-size: 13px; }
.notes { margin: 0 0 20px; padding: 12px 18px 12px 34px; border-left: 3px solid var(--accent);
  background: var(--card); }
.alarm { padding: 12px 18px; border: 2px solid #d3321d; border-radius: 8px; color: #d3321d; font-weight: 600;
  max-width: none; overflow-wrap: anywhere; }
@media (prefers-color-scheme: dark) { .alarm { color: #ff8672; border-color: #ff8672; } }
.masks { display: grid; gap: 16px; margin-top: 18px; }
article { display: grid; grid-template-columns: minmax(0, 1.35fr) minmax(0, 1fr); background: var(--card);
  border: 1px solid var(--line); border-radius: 10px; overflow: hidden; break-inside: avoid; }
article .picture { background: var(--bar); display: flex; align-items: center; justify-content: center; }
article img { display: block; width: auto; height: auto; max-width: 100%; max-height: 300px; }
article .text { padding: 16px 20px; display: flex; flex-direction: column; gap: 8px; min-width: 0; }
article p { margin: 0; }
article[hidden] { display: none; }
article { scroll-margin-top: 170px; }
article.current { outline: 3px solid var(--accent); outline-offset: 1px; }
article.answered .picture { opacity: .55; }
.tools { position: sticky; top: 0; z-index: 1; background: var(--paper); border-bottom: 1px solid var(--line);
  padding: 10px 0; margin-top: 12px; font-size: 13px; display: grid; gap: 8px; }
.tools > div { display: flex; flex-wrap: wrap; gap: 6px 14px; align-items: center; }
.answers { display: flex; flex-wrap: wrap; gap: 6px; }
button, select, input { font: inherit; font-size: 13px; color: inherit; background: var(--card); padding: 3px 9px;
  border: 1px solid var(--line); border-radius: 6px; max-width: 100%; }
select { max-width: 190px; }
button { cursor: pointer; }
button[aria-pressed=true] { background: var(--accent); border-color: var(--accent); color: var(--card); }
button.whole { border: 0; background: none; padding: 0 0 0 8px; text-decoration: underline; color: var(--accent); }
kbd { font: 12px ui-monospace, "DejaVu Sans Mono", monospace; padding: 0 5px; border: 1px solid var(--line);
  border-radius: 4px; background: var(--card); color: var(--ink); }
dialog { border: 0; border-radius: 10px; padding: 14px; background: var(--card); color: var(--ink); max-width: 94vw; }
dialog .frame { position: relative; }
dialog figure img { aspect-ratio: auto; border-radius: 0; }
#box { position: absolute; border: 3px solid #ff00c8; box-shadow: 0 0 0 1px #fff; }
.head { display: flex; justify-content: space-between; color: var(--faint); font-size: 13px;
  font-variant-numeric: tabular-nums; }
.change { font-size: 18px; font-weight: 600; line-height: 1.35; }
.change s { color: var(--faint); font-weight: 450; text-decoration-color: var(--accent); }
.dot { display: inline-block; width: 11px; height: 11px; border-radius: 3px; margin-right: 7px; vertical-align: -1px;
  border: 1px solid color-mix(in srgb, var(--ink) 30%, transparent); }
.votes { display: flex; height: 8px; border-radius: 4px; overflow: hidden; background: var(--bar); }
.legend { display: flex; flex-wrap: wrap; gap: 2px 16px; font-size: 13px; color: var(--faint); }
.where { font-size: 12.5px; color: var(--faint); overflow-wrap: anywhere; margin-top: auto !important; }
table { border-collapse: collapse; width: 100%; margin-top: 12px; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 500; font-size: 13px; }
th, td { padding: 7px 14px 7px 0; border-bottom: 1px solid var(--line); vertical-align: middle; }
.right { text-align: right; }
td.bar { width: 32%; padding-right: 0; }
td.bar i { display: block; height: 8px; min-width: 2px; border-radius: 4px; background: var(--accent); opacity: .75; }
.images { display: grid; grid-template-columns: repeat(auto-fill, minmax(230px, 1fr)); gap: 16px; margin-top: 18px; }
figure { margin: 0; }
figure img { display: block; width: 100%; height: auto; aspect-ratio: 4 / 3; object-fit: contain;
  background: var(--bar); border-radius: 8px; }
figcaption { font-size: 13px; line-height: 1.4; margin-top: 6px; overflow-wrap: anywhere; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 12px 16px; overflow-x: auto;
  font: 12.5px/1.5 ui-monospace, "DejaVu Sans Mono", monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
@media (max-width: 720px) { article { grid-template-columns: 1fr; } main { padding: 26px 14px 40px; } }
"""
_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"  # nothing is fetched
)
NEUTRAL = "#a9adb3"  # of background, and of what the legend has no room for
_QUALITY = 82  # of the JPEGs


def page(title: str, body: Iterable[str], script: str) -> str:
    """A whole HTML page that needs nothing from outside."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f'<title>{escape(title)}</title>\n<link rel="icon" href="data:,">\n<style>{_STYLE}</style>\n</head>\n'
        "<body>\n<main>\n" + "\n".join(body) + f"\n</main>\n<script>\n{script}</script>\n</body>\n</html>\n"
    )


def picture(image: NDArray[np.uint8], alt: str, longest: int) -> str:
    """An <img> that holds an RGB (H, W, 3) uint8 picture as JPEG, no side longer than `longest` pixels."""
    source, (width, height) = jpeg(image, longest)
    return f'<img src="{source}" width="{width}" height="{height}" alt="{escape(alt)}">'


def jpeg(image: NDArray[np.uint8], longest: int) -> tuple[str, tuple[int, int]]:
    """An RGB (H, W, 3) uint8 picture as the address of a JPEG in itself, and its width and height."""
    photo = Image.fromarray(image)
    buffer = io.BytesIO()
    photo.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    photo.save(buffer, format="JPEG", quality=_QUALITY, optimize=True)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f"data:image/jpeg;base64,{data}", photo.size


def numbers(entries: Sequence[tuple[str, str]]) -> str:
    """A row of large numbers, each with what it counts below."""
    tiles = "".join(f"<div><b>{escape(value)}</b><span>{escape(label)}</span></div>" for value, label in entries)
    return f'<div class="numbers">{tiles}</div>'


def dot(color: str) -> str:
    """A small square of a colour, "#rrggbb"."""
    return f'<span class="dot" style="background:{color}"></span>'


def color_of(classes: ClassSet, label: int) -> str:
    """The colour of a class as "#rrggbb"; background, black as a rule, is grey."""
    return NEUTRAL if label == classes.unmasked_label else "#" + bytes(classes.classes[label].color).hex()


def votes_bar(parts: Sequence[tuple[str, str, float]]) -> str:
    """Shares as a bar of coloured pieces with a legend: (name, colour, share in [0, 1])."""
    pieces = "".join(f'<i style="background:{color};width:{share:.2%}"></i>' for _, color, share in parts)
    legend = "".join(f"<span>{dot(color)}{escape(name)} {share:.0%}</span>" for name, color, share in parts)
    return f'<div class="votes">{pieces}</div><div class="legend">{legend}</div>'
