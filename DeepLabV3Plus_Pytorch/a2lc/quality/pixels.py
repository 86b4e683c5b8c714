"""The pixels of one image, checked at the boundary, and what the network says of their labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from a2lc.foundation.parallel import check_parallel

Floats = NDArray[np.floating[Any]]
Classes = NDArray[np.unsignedinteger[Any]]
T = TypeVar("T")

_SUM_TOLERANCE = 1e-2
_BLOCK = 1 << 16  # pixels per step of the search for the predicted class, so that its arrays stay in the cache


@dataclass(frozen=True)
class Rereadable(Generic[T]):
    """Items made anew whenever they are iterated.

    Attributes:
        start: Starts to make them.
    """

    start: Callable[[], Iterator[T]]

    def __iter__(self) -> Iterator[T]:
        return self.start()


@dataclass(frozen=True)
class Layout:
    """Which of the H·W pixels of an image count: those V whose label is not void.

    Attributes:
        size: H and W.
        valid: (H·W,) bool; None when every pixel counts.
    """

    size: tuple[int, int]
    valid: NDArray[np.bool_] | None

    def select(self, values: NDArray[Any]) -> NDArray[Any]:
        """Those of (H·W,) values that count: (V,)."""
        return values if self.valid is None else values[self.valid]

    def image(self, values: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Give (V,) values the shape of the image: (H, W) bool, False where void."""
        if self.valid is None:
            return values.reshape(self.size)
        everywhere = np.zeros(self.valid.shape, dtype=np.bool_)
        everywhere[self.valid] = values
        return everywhere.reshape(self.size)


@dataclass(frozen=True)
class Pixels:
    """One image, void pixels left out except in the probabilities, from which cutting them would cost a copy.

    Attributes:
        layout: Which pixels count.
        labels: (V,) classes; uint8, uint16 or uint32, the smallest that holds every class.
        confidence: (V,) of the type of the probabilities, the probability of the given label ("self-confidence").
        probabilities: (C, H·W) float32 or float64.
    """

    layout: Layout
    labels: Classes
    confidence: Floats
    probabilities: Floats

    def __post_init__(self) -> None:
        """Refuse arrays that are not parallel."""
        check_parallel(self, "labels", "confidence")

    def predicted(self) -> tuple[Classes, Floats]:
        """The most probable class (ties: the smallest index) and its probability: (V,) each."""
        predicted, highest = most_probable(self.probabilities)
        return self.layout.select(predicted), self.layout.select(highest)


@dataclass(frozen=True)
class Images:
    """Images that can be read again and again; every read checks them.

    Attributes:
        pairs: (labels, probabilities) of each image.
        void: Index of void.
        arrays: Whether the caller gave arrays, which hold all images in memory.
    """

    pairs: Iterable[tuple[Any, Any]]
    void: int
    arrays: bool

    def __iter__(self) -> Iterator[Pixels]:
        first: tuple[int, np.dtype[Any]] | None = None
        for index, pair in enumerate(self.pairs):
            if len(pair) != 2:
                raise ValueError(f"image {index} must be a pair (labels, probabilities), not {len(pair)} things")
            pixels = to_pixels(*pair, self.void, f"image {index}")
            kind = len(pixels.probabilities), pixels.probabilities.dtype
            first = first or kind
            if kind != first:
                raise ValueError(
                    f"image {index} has {kind[0]} classes in {kind[1]} but image 0 has {first[0]} in {first[1]}"
                )
            yield pixels
        if first is None:
            raise ValueError("there is no image to read: the data are empty, or can be read only once")


def open_images(labels: Any, probabilities: Any, void: int) -> Images:
    """Tell the two forms of data apart: arrays, or (labels, probabilities) pairs in place of `labels`.

    Raises:
        ValueError: When arrays do not have the shapes (N, H, W) and (N, C, H, W).
        TypeError: When the pairs cannot be read, or can be read only once.
    """
    if probabilities is not None:
        _check_arrays(labels, probabilities)
        rows = Rereadable(lambda: ((labels[i], probabilities[i]) for i in range(len(labels))))
        return Images(rows, void, arrays=True)
    if isinstance(labels, Iterator):
        raise TypeError(
            f"a {type(labels).__name__} can be read only once, and the pairs are read several times: give a list, or "
            "an object whose __iter__ starts anew"
        )
    if not isinstance(labels, Iterable) or hasattr(labels, "shape"):
        raise TypeError(
            "without probabilities, the first argument must be an iterable of (labels, probabilities) pairs"
        )
    return Images(labels, void, arrays=False)


def _check_arrays(labels: Any, probabilities: Any) -> None:
    """Refuse what is not (N, H, W) and (N, C, H, W); the images themselves are checked when they are read."""
    shapes = [tuple(getattr(array, "shape", ())) for array in (labels, probabilities)]
    if (len(shapes[0]), len(shapes[1])) != (3, 4):
        raise ValueError(
            f"labels must be an array (N, H, W) and probabilities one (N, C, H, W), got shapes {shapes[0]} and "
            f"{shapes[1]}: images of different sizes go in as one iterable of (labels, probabilities) pairs"
        )
    if len(labels) != len(probabilities):
        raise ValueError(f"there are labels of {len(labels)} images but probabilities of {len(probabilities)}")


def to_pixels(labels: Any, probabilities: Any, void: int, name: str) -> Pixels:
    """Check one image and lay it out for the computations.

    Args:
        labels: (H, W) integer, NumPy or torch.
        probabilities: (C, H, W), NumPy or torch; float64 stays, everything else is read as float32.
        void: Index of void.
        name: What messages call the image.

    Raises:
        ValueError: When shapes do not fit, the image has no pixel, a label is neither a class nor void, or the
            probabilities of a labelled pixel do not sum to 1 within 1e-2, or that of its label is negative.
        TypeError: When labels are not integers.
    """
    given = to_numpy(labels)
    values = to_numpy(probabilities)
    _check_shapes(given, values, name)
    if given.dtype.kind not in "iu":
        raise TypeError(f"labels of {name} are {given.dtype}: they must be integers")
    wide = values.dtype.kind == "f" and values.dtype.itemsize > 4
    values = np.ascontiguousarray(values.reshape(len(values), -1), dtype=np.float64 if wide else np.float32)
    valid = given.reshape(-1) != void  # (H·W,)
    layout = Layout(given.shape, None if valid.all() else valid)
    chosen = layout.select(given.reshape(-1))  # (V,)
    _check_labels(chosen, len(values), void, name)
    sums = np.ones(len(values), dtype=values.dtype) @ values  # (H·W,); faster than values.sum(axis=0)
    _check_sums(layout.select(sums), name)
    confidence = _label_probability(values, chosen, layout, name)
    return Pixels(layout, chosen.astype(np.min_scalar_type(len(values) - 1)), confidence, values)


def to_numpy(array: Any) -> NDArray[Any]:
    """NumPy or torch, on any device, as NumPy."""
    if isinstance(array, torch.Tensor):
        array = array.detach().cpu()
        array = (array.float() if array.dtype == torch.bfloat16 else array).numpy()
    return np.asarray(array)


def _check_shapes(labels: NDArray[Any], probabilities: NDArray[Any], name: str) -> None:
    if labels.ndim != 2 or probabilities.ndim != 3:
        raise ValueError(
            f"{name}: labels must be (H, W) and probabilities (C, H, W), got {labels.shape} and {probabilities.shape}"
        )
    if probabilities.shape[1:] != labels.shape:
        last = probabilities.shape[:2] == labels.shape
        raise ValueError(
            f"{name}: labels are {labels.shape} but probabilities {probabilities.shape}: "
            + ("move the class axis from the end to the front" if last else "the last two axes must agree")
        )
    if not probabilities.size:
        raise ValueError(f"{name} is empty: labels are {labels.shape} and probabilities {probabilities.shape}")


def _check_labels(labels: NDArray[Any], classes: int, void: int, name: str) -> None:
    wrong = (labels < 0) | (labels >= classes)
    if wrong.any():
        raise ValueError(
            f"{name}: label {labels[wrong][0]} is neither one of {classes} classes (from 0) nor void ({void})"
        )


def _check_sums(sums: Floats, name: str) -> None:
    """Refuse sums (V,) that are off from 1, nan included."""
    error = max(float(sums.max()) - 1, 1 - float(sums.min())) if sums.size else 0.0
    if not error <= _SUM_TOLERANCE:
        raise ValueError(
            f"{name}: class probabilities must sum to 1 over the first axis of (C, H, W), they are off by {error:.3g}: "
            "apply softmax, or move the class axis"
        )


def _label_probability(probabilities: Floats, labels: NDArray[Any], layout: Layout, name: str) -> Floats:
    """The probability of each pixel's label: (V,) of probabilities (C, H·W), for labels (V,)."""
    pixels = probabilities.shape[1]
    # flat indices into (C, H·W), made in place: one array of this size is enough
    position = labels.astype(np.intp)
    position *= pixels
    position += np.arange(pixels) if layout.valid is None else np.flatnonzero(layout.valid)
    confidence: Floats = probabilities.reshape(-1)[position]
    if confidence.size and confidence.min() < 0:
        raise ValueError(f"{name}: the probability {confidence.min():.3g} is negative")
    return confidence


def most_probable(probabilities: Floats) -> tuple[Classes, Floats]:
    """The class of the highest probability and that probability, ties: the smallest index.

    Args:
        probabilities: (C, P).

    Returns:
        (P,) of the smallest unsigned type that holds every class, and (P,) of the probabilities' type.
    """
    pixels = probabilities.shape[1]
    predicted = np.zeros(pixels, dtype=np.min_scalar_type(len(probabilities) - 1))
    highest = probabilities[0].copy()
    for start in range(0, pixels, _BLOCK):
        block = slice(start, start + _BLOCK)
        best = highest[block]  # views, which are written to
        index = predicted[block]
        for number, values in enumerate(probabilities[1:, block], start=1):
            # classes come in ascending order, so the last one that was better is the largest index so far
            np.maximum(index, (values > best) * index.dtype.type(number), out=index)
            np.maximum(best, values, out=best)
    return predicted, highest
