"""A²LC: active label correction for semantic segmentation, from noisy masks to a trustworthy data set."""

__version__ = "0.1.0"
