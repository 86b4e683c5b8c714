"""Label quality: which labels of a data set are probably wrong, told by out-of-sample predictions.

Every function takes the data in one of two forms:

- arrays: `labels` (N, H, W) integer and `probabilities` (N, C, H, W), NumPy (memory-mapped too) or torch;
- a stream: one iterable of (labels (H, W), probabilities (C, H, W)) pairs in place of `labels`. Images may differ in
  size, nothing is kept, and the pairs are read several times, so a generator will not do: give a sequence or an object
  whose `__iter__` starts anew.

    label_quality_scores(labels, probabilities=None, *, method="softmin", temperature=0.1, void=255)
        → (N,) float64, lower = worse
    find_label_issues(labels, probabilities=None, *, void=255)
        → arrays: (N, H, W) bool; stream: IssueMasks, which yields (H, W) bool per image, as often as wanted
    common_label_issues(issues, labels, probabilities=None, *, exclude=(), top=20, void=255)
        → list of ClassSwap(given, predicted, pixels), most pixels first
    issues_by_class(class_index, issues, labels, probabilities=None, *, void=255)
        → the issues whose given or predicted class that is, in the form of find_label_issues
"""

from typing import TYPE_CHECKING

from a2lc.foundation.lazy import lazily

if TYPE_CHECKING:
    from a2lc.quality.issues import IssueMasks, find_label_issues
    from a2lc.quality.scores import label_quality_scores
    from a2lc.quality.summary import ClassSwap, common_label_issues, issues_by_class
else:
    __getattr__, __dir__ = lazily(__name__)

__all__ = [
    "ClassSwap",
    "IssueMasks",
    "common_label_issues",
    "find_label_issues",
    "issues_by_class",
    "label_quality_scores",
]
