"""A²LC: active label correction for semantic segmentation, from noisy masks to a trustworthy data set.

Every name is loaded when it is first used. Of single functions:

    >>> import a2lc
    >>> weights = a2lc.adaptive_class_weights([900, 100, 0])
    >>> statistics = a2lc.mask_statistics.mask_statistics(probabilities, labels, masks)
"""

from typing import TYPE_CHECKING

from a2lc.foundation.lazy import lazily

if TYPE_CHECKING:
    from a2lc import mask_statistics
    from a2lc.acquisition import adaptive_class_weights, class_imbalance, score_masks, select_masks
    from a2lc.propagation import LabelCorrectionModule, selection_criteria
    from a2lc.quality import common_label_issues, find_label_issues, issues_by_class, label_quality_scores
else:
    __getattr__, __dir__ = lazily(__name__)

__all__ = [
    "LabelCorrectionModule",
    "adaptive_class_weights",
    "class_imbalance",
    "common_label_issues",
    "find_label_issues",
    "issues_by_class",
    "label_quality_scores",
    "mask_statistics",
    "score_masks",
    "select_masks",
    "selection_criteria",
]

__version__ = "0.1.0"
