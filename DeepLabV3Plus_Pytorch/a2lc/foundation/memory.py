"""Giving freed memory back to the system."""

from __future__ import annotations

import ctypes
import sys


def trim_heap() -> None:
    """Return freed memory to the system where the C library can (glibc); elsewhere do nothing.

    Arrays of ever different sizes leave holes in the heap that fit nothing that comes later, so memory creeps up with
    the variety of image sizes although nothing is kept.
    """
    if sys.platform != "linux":
        return
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)
