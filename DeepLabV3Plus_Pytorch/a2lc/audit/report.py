"""The report of an audit: numbers, the worst masks with pictures, confused classes, the worst images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from importlib import resources

from a2lc.audit.agreement import agreement, distrust
from a2lc.audit.audit import Audit
from a2lc.audit.cards import mask_cards
from a2lc.audit.findings import Findings
from a2lc.audit.page import color_of, dot, numbers, page, picture
from a2lc.audit.tables import Tables
from a2lc.classes import ClassSet
from a2lc.foundation.files import write_text
from a2lc.labels.overlay import draw_overlay

# how many are shown
_IMAGES = 12
_SWAPS = 20
_THUMBNAIL = 320  # pixels, longer side
# columns of the table of confused classes
_PAIR = ("given", "looks like")
_COUNTS = ("pixels", "masks")


def write_report(audit: Audit, findings: Findings, tables: Tables, notes: Sequence[str], command: str) -> None:
    """Write report.html, a page that needs nothing but itself.

    Args:
        audit: The audit, its pseudo-label set and its queue finished.
        findings: What was found.
        tables: The same in rows, worst first.
        notes: What a reader must know first, a sentence each.
        command: The command that a reader can run to get the same report.
    """
    name = audit.config.experiment
    body = [*_head(audit, tables, notes, distrust(audit, tables.masks, command)), *mask_cards(audit, findings, tables)]
    body += _swaps(audit.dataset.classes, tables)
    body += [*_images(audit, tables), *_foot(audit, command)]
    write_text(audit.report, page(f"Label audit: {name}", body, _script()))


def _script() -> str:
    """What the page does."""
    return (resources.files("a2lc.audit") / "report.js").read_text(encoding="utf-8")


def _head(audit: Audit, tables: Tables, notes: Sequence[str], doubt: str | None) -> Iterator[str]:
    """The numbers at the top of the page, why they are not to be trusted, and the notes."""
    suspicious = sum(row["suspicious"] for row in tables.masks)
    total = max(len(tables.masks), 1)
    issues, pixels = (sum(row[name] for row in tables.images) for name in ("issues", "pixels"))
    yield f"<h1>Label audit: {escape(audit.config.experiment)}</h1>"
    yield f'<p class="faint">{escape(_judges(audit))}</p>'
    yield numbers(
        [
            (f"{len(tables.images):,}", "images"),
            (f"{len(tables.masks):,}", "masks judged"),
            (f"{suspicious:,}", f"suspicious masks ({suspicious / total:.1%})"),
            (f"{issues / max(pixels, 1):.1%}", "of the labelled pixels are suspicious"),
            (f"{sum(row['suspicious_masks'] > 0 for row in tables.images):,}", "images with such a mask"),
        ]
    )
    yield (
        '<p class="faint">Suspicious is what looks more like another class, by confident learning. Some of it is the '
        f"networks' own mistake: they agree with the labels of {agreement(tables.masks):.0%} of the masks.</p>"
    )
    if doubt:
        yield f'<p class="alarm">{_sentence(doubt)}</p>'
    yield f"<p>Masks: {escape(audit.choice.reason)}.</p>"
    if notes:
        yield f'<ul class="notes">{"".join(f"<li>{_sentence(note)}</li>" for note in notes)}</ul>'


def _judges(audit: Audit) -> str:
    """Whose predictions they are."""
    if audit.predictions:
        return (
            f"Every image was judged by the predictions in {audit.predictions.folder}, which are worth something only "
            "if their model has not learned from the image."
        )
    return (
        f"Every image was judged by a network that had not seen it: one of {audit.settings.folds}, each trained on the "
        "images of the others, with the labels that are in question."
    )


def _sentence(text: str) -> str:
    """A note as the page has it."""
    return f"{escape(text[0].upper() + text[1:])}."


def _swaps(classes: ClassSet, tables: Tables) -> Iterator[str]:
    swaps = tables.swaps[:_SWAPS]
    yield "<h2>Commonly confused classes</h2>"
    if not swaps:
        yield "<p>No pixel's label is in doubt.</p>"
        return
    yield '<p class="faint">Suspicious pixels and masks, by their class and the class they look like.</p>'
    heads = (*(f"<th>{name}</th>" for name in _PAIR), *(f'<th class="right">{name}</th>' for name in _COUNTS))
    yield f"<table><tr>{''.join(heads)}<th></th></tr>"
    colors = {name: color_of(classes, index) for index, name in enumerate(classes.names)}
    for swap in swaps:
        names = "".join(f"<td>{dot(colors[swap[key]])}{escape(swap[key])}</td>" for key in ("given", "predicted"))
        bar = f'<td class="bar"><i style="width:{swap["pixels"] / swaps[0]["pixels"]:.1%}"></i></td>'
        yield f'<tr>{names}<td class="right">{swap["pixels"]:,}</td><td class="right">{swap["masks"]:,}</td>{bar}</tr>'
    yield "</table>"


def _images(audit: Audit, tables: Tables) -> Iterator[str]:
    shown = tables.images[:_IMAGES]
    yield f"<h2>The {len(shown)} images with the worst labels</h2>"
    yield (
        '<p class="faint">Quality: softmin of the probability of the given class over all pixels; 1 is the best. The '
        "colours are the given labels.</p>"
    )
    yield '<div class="images">'
    for row in shown:
        image_id = row["image_id"]
        overlay = draw_overlay(audit.dataset.image(image_id), audit.labels.labels(image_id), audit.dataset.classes)
        yield (
            f"<figure>{picture(overlay, image_id, _THUMBNAIL)}<figcaption>{escape(image_id)}<br>quality "
            f"{row['score']:.3f}, {row['issues'] / max(row['pixels'], 1):.0%} of the pixels suspicious</figcaption>"
            "</figure>"
        )
    yield "</div>"


def _foot(audit: Audit, command: str) -> Iterator[str]:
    config = audit.config
    settings = audit.settings
    networks = f"{settings.folds} networks ({config.network.backbone}), {config.training.iterations:,} iterations each"
    judges = f"predictions: {audit.predictions.folder}" if audit.predictions else networks
    yield "<h2>How it was made</h2>"
    yield (
        f'<p class="faint">{escape(judges)}; masks: {settings.masks} of at least {settings.min_pixels:,} '
        f"pixels; seed {audit.seed}. All masks, images and pairs of classes stand in masks.csv, images.csv and "
        "class_pairs.csv beside this page.</p>"
    )
    yield f"<pre>{escape(command)}</pre>"
