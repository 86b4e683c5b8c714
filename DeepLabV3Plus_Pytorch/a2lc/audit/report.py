"""The report of an audit: numbers, the worst masks with pictures, confused classes, the worst images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from a2lc.annotators.crops import draw_crop
from a2lc.audit.audit import Audit
from a2lc.audit.findings import Findings
from a2lc.audit.page import dot, numbers, page, picture, votes_bar
from a2lc.audit.tables import Row, Tables
from a2lc.classes import ClassSet
from a2lc.foundation.files import write_text
from a2lc.labels.overlay import draw_overlay
from a2lc.labels.store import open_pseudo_labels

# how many are shown
_MASKS = 50
_IMAGES = 12
_SWAPS = 20
_VOTES = 4
# pixels, longer side
_CROP = 960
_THUMBNAIL = 320
# columns of the table of confused classes
_PAIR = ("given", "looks like")
_COUNTS = ("pixels", "masks")
_NEUTRAL = "#a9adb3"  # of background, and of what the legend has no room for
_SCORES = {
    "calibrated": "1 − the given class's share of the votes of the mask's pixels, calibrated with the other folds",
    "pooled": "1 − the given class's share of the pooled votes of the mask's pixels",
    "lcil": "1 − the mean probability of the given class",
    "softmin": "1 − the softmin of the probability of the given class",
    "issues": "the share of the mask's pixels that confident learning flags",
}


def write_report(audit: Audit, findings: Findings, tables: Tables, notes: Sequence[str], command: str) -> None:
    """Write report.html, a page that needs nothing but itself.

    Args:
        audit: The audit, its pseudo-label set finished.
        findings: What was found.
        tables: The same in rows, worst first.
        notes: What a reader must know first, a sentence each.
        command: The command that a reader can run to get the same report.
    """
    name = audit.config.experiment
    body = [*_head(audit, tables, notes), *_masks(audit, findings, tables), *_swaps(audit.dataset.classes, tables)]
    body += [*_images(audit, tables), *_foot(audit, command)]
    write_text(audit.report, page(f"Label audit: {name}", body))


def _head(audit: Audit, tables: Tables, notes: Sequence[str]) -> Iterator[str]:
    """The numbers at the top of the page, and the notes."""
    suspicious = sum(row["suspicious"] for row in tables.masks)
    total = max(len(tables.masks), 1)
    agreed = sum(row["given"] == row["predicted"] for row in tables.masks) / total
    issues, pixels = (sum(row[name] for row in tables.images) for name in ("issues", "pixels"))
    yield f"<h1>Label audit: {escape(audit.config.experiment)}</h1>"
    yield (
        f'<p class="faint">Every image was judged by a network that had not seen it: one of {audit.settings.folds}, '
        "each trained on the images of the others, with the labels that are in question.</p>"
    )
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
        f"networks' own mistake: they agree with the labels of {agreed:.0%} of the masks.</p>"
    )
    if notes:
        yield f'<ul class="notes">{"".join(f"<li>{escape(note[0].upper() + note[1:])}.</li>" for note in notes)}</ul>'


def _masks(audit: Audit, findings: Findings, tables: Tables) -> Iterator[str]:
    shown = tables.masks[:_MASKS]
    yield f"<h2>The {len(shown)} most suspicious masks</h2>"
    yield (
        f'<p class="faint">Score: {_SCORES[audit.settings.score]}; 1 is the worst. The bar shows what the network '
        "takes the mask's pixels for.</p>"
    )
    position = {key: index for index, key in enumerate(findings.keys)}
    source = open_pseudo_labels(audit.pseudo_labels)
    yield '<div class="masks">'
    for row in shown:
        mask = source.masks(row["image_id"]) == row["mask_id"]
        share = findings.evidence.share[position[row["image_id"], row["mask_id"]]]
        yield _card(row, draw_crop(audit.dataset.image(row["image_id"]), mask), share, audit.dataset.classes)
    yield "</div>"
    if not shown:
        yield "<p>There is no mask to judge.</p>"


def _card(row: Row, crop: NDArray[np.uint8], share: NDArray[np.float64], classes: ClassSet) -> str:
    colors = {name: color_of(classes, index) for index, name in enumerate(classes.names)}
    given, predicted = (f"{dot(colors[row[key]])}{escape(row[key])}" for key in ("given", "predicted"))
    change = given if row["given"] == row["predicted"] else f"<s>{given}</s> → {predicted}"
    order = np.argsort(-share, kind="stable")[:_VOTES]
    votes = [(classes.names[k], color_of(classes, int(k)), float(share[k])) for k in order if share[k] >= 0.005]
    rest = 1 - sum(part for *_, part in votes)
    votes += [("others", _NEUTRAL, rest)] if rest >= 0.005 else []
    where = f"{row['image_id']}, mask {row['mask_id']}"
    return (
        f'<article><div class="picture">{picture(crop, where, _CROP)}</div>'
        f'<div class="text"><div class="head"><span>{row["rank"]}</span><span>score {row["score"]:.3f}</span></div>'
        f'<p class="change">{change}</p><p>{escape(row["why"])}</p>{votes_bar(votes)}'
        f'<p class="where">{escape(where)}, {row["pixels"]:,} pixels</p></div></article>'
    )


def color_of(classes: ClassSet, label: int) -> str:
    """The colour of a class as "#rrggbb"; background, black as a rule, is grey."""
    return _NEUTRAL if label == classes.unmasked_label else "#" + bytes(classes.classes[label].color).hex()


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
    yield "<h2>How it was made</h2>"
    yield (
        f'<p class="faint">{settings.folds} networks ({escape(config.network.backbone)}), '
        f"{config.training.iterations:,} iterations each; masks: {settings.masks} of at least {settings.min_pixels:,} "
        f"pixels; seed {audit.seed}. All masks, images and pairs of classes stand in masks.csv, images.csv and "
        "class_pairs.csv beside this page.</p>"
    )
    yield f"<pre>{escape(command)}</pre>"
