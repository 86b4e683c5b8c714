"""Teacher and student: learning from images without labels, beside those that have some."""

from typing import TYPE_CHECKING

from a2lc.foundation.lazy import lazily

if TYPE_CHECKING:
    from a2lc.segmentation.consistency.registry import METHODS, MIXINGS, TRUST, MethodEntry
    from a2lc.segmentation.consistency.samples import UnlabelledImages
    from a2lc.segmentation.consistency.settings import ConsistencySettings
    from a2lc.segmentation.consistency.teacher import Teacher
    from a2lc.segmentation.consistency.training import LabelledImages, train_with_teacher
else:
    __getattr__, __dir__ = lazily(__name__)

__all__ = [
    "METHODS",
    "MIXINGS",
    "TRUST",
    "ConsistencySettings",
    "LabelledImages",
    "MethodEntry",
    "Teacher",
    "UnlabelledImages",
    "train_with_teacher",
]
