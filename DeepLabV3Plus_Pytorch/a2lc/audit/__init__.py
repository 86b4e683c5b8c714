"""Auditing the labels of a data set: which masks and images have suspicious labels.

A second consumer of the rooms beside `a2lc.loop.rounds`: networks trained on parts of the data judge the labels of the
rest (`segmentation`), the pixels' verdicts become scores of images and masks (`quality`), and what is suspicious goes
to people and to the correction loop (`labels`, `annotators`).
"""

from typing import TYPE_CHECKING

from a2lc.foundation.lazy import lazily

if TYPE_CHECKING:
    from a2lc.audit.audit import Audit, open_audit
    from a2lc.audit.conduct import conduct
    from a2lc.audit.handover import loop_arguments, next_steps, take_answers
    from a2lc.audit.settings import AuditSettings, audit_settings
else:
    __getattr__, __dir__ = lazily(__name__)

__all__ = [
    "Audit",
    "AuditSettings",
    "audit_settings",
    "conduct",
    "loop_arguments",
    "next_steps",
    "open_audit",
    "take_answers",
]
