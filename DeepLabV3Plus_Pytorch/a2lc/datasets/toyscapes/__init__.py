"""Toyscapes: street scenes drawn by the program, with a simulated detector's masks; nothing is downloaded."""

from a2lc.datasets.toyscapes.dataset import Toyscapes, ToyscapesSettings

__all__ = ["Toyscapes", "ToyscapesSettings"]
