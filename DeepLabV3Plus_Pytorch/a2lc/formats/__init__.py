"""Label formats: how labels and masks are kept in files. Each is one module; nothing else in the house names one.

A format of another package registers itself in `FORMATS` when it is imported, or is announced by an entry point of the
group `a2lc.formats`.
"""

from a2lc.formats.base import LabelFormat, LabelSet, LabelWriter, Likeness, Limits, PseudoLabelSet, Reading
from a2lc.formats.registry import FORMATS, detect_format, open_labels
from a2lc.formats.writing import Conversion

__all__ = [
    "FORMATS",
    "Conversion",
    "LabelFormat",
    "LabelSet",
    "LabelWriter",
    "Likeness",
    "Limits",
    "PseudoLabelSet",
    "Reading",
    "detect_format",
    "open_labels",
]
