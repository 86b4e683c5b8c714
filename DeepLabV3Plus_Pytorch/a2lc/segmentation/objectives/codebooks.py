"""Codebooks: a codeword of K bits for each of N classes, far enough from each other that wrong bits can be corrected.

Source: Dietterich and Bakiri, "Solving Multiclass Learning Problems via Error-Correcting Output Codes", JAIR 1995; the
search and the way from embeddings: ECOCSeg, NeurIPS 2025 (arXiv 2512.06870), algorithms 2 and 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from a2lc.foundation.errors import InputError

Codebook = NDArray[np.uint8]  # (N, K) of 0 and 1
_DRAWS = 20_000  # a fifth of the paper's; more find no larger distance between rows
_AT_ONCE = 500
_FEW = 10  # classes: up to here there are so few different bits that drawn ones are seldom all different


class Distances(NamedTuple):
    """Hamming distances within codebooks.

    Attributes:
        rows: Smallest between two codewords; of (rows - 1) // 2 wrong bits the class is still known.
        columns: Smallest between two bits, counted in classes; 0 = two bits say the same.
        opposites: Largest between two bits; N = two bits say the opposite, which is the same, too.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    opposites: NDArray[np.int64]


def distances(codebooks: NDArray[np.uint8]) -> Distances:
    """The distances within each of B codebooks (B, N, K), each of them (B,)."""
    signs = 2 * codebooks.astype(np.float32) - 1  # small whole numbers: sums are exact
    _, classes, bits = signs.shape
    between_rows = (bits - signs @ signs.transpose(0, 2, 1)) / 2  # (B, N, N)
    between_columns = (classes - signs.transpose(0, 2, 1) @ signs) / 2  # (B, K, K)
    return Distances(
        rows=_off_diagonal(between_rows).min(axis=1, initial=bits).astype(np.int64),
        columns=_off_diagonal(between_columns).min(axis=1, initial=classes).astype(np.int64),
        opposites=_off_diagonal(between_columns).max(axis=1, initial=0).astype(np.int64),
    )


def default_bits(num_classes: int) -> int:
    """K where nobody chose it: 10 for each doubling of the classes, at most as many as there are different bits."""
    return min(10 * (num_classes.bit_length() - 1), most_bits(num_classes))


def most_bits(num_classes: int) -> int:
    """How many ways there are to divide N classes in two; a bit is one of them."""
    return int(2 ** (num_classes - 1)) - 1


@lru_cache
def drawn_codebook(num_classes: int, bits: int, seed: int) -> Codebook:
    """The best of many random codebooks: that whose rows and columns differ the most.

    It is kept by the process, and the same on every machine and with every NumPy.

    Args:
        num_classes: N >= 2.
        bits: K.
        seed: Of the draws.

    Returns:
        (N, K) uint8 of 0 and 1, read-only. No two codewords are equal, no two bits equal or opposite.

    Raises:
        InputError: When there are not so many different bits, or too few to tell the classes apart.

    Example:
        >>> distances(drawn_codebook(19, 40, seed=0)[None]).rows
        array([15])
    """
    _check_size(num_classes, bits)
    best, best_score = None, 0
    for drawn in _draws(num_classes, bits, seed):
        found = distances(drawn)
        valid = (found.rows > 0) & (found.columns > 0) & (found.opposites < num_classes)
        score = np.where(valid, found.rows + found.columns + num_classes - found.opposites, 0)
        if score.max() > best_score:
            best, best_score = drawn[score.argmax()].copy(), int(score.max())
    if best is None:
        raise InputError(
            f"no codebook of {bits} bits for {num_classes} classes was found: set training.loss.ecoc.bits between "
            f"{(num_classes - 1).bit_length()} and {most_bits(num_classes)}, for example to {default_bits(num_classes)}"
        )
    best.setflags(write=False)
    return best


def codebook_of_embeddings(embeddings: NDArray[np.floating], bits: int) -> Codebook:
    """A codebook in which classes that resemble each other have codewords that do.

    Each row is normalised; the channels are visited from the largest variance over the classes down, and each says of
    every class whether it is above their mean. A channel that repeats a bit, or its opposite, is left out.

    Args:
        embeddings: (N, D), a row for each class, for example of their names by word2vec or CLIP.
        bits: K.

    Returns:
        (N, K) uint8 of 0 and 1.

    Raises:
        InputError: When the channels do not give so many different bits, or do not tell the classes apart.
    """
    rows = embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)
    order = np.argsort(-rows.var(axis=0), kind="stable")
    above = (rows >= rows.mean(axis=0))[:, order].astype(np.uint8)  # (N, D)
    chosen: dict[bytes, NDArray[np.uint8]] = {}
    for column in above.T:
        same = column ^ column[0]  # a bit and its opposite are one
        if same.any() and len(chosen) < bits:
            chosen.setdefault(same.tobytes(), column)
    if len(chosen) < bits:
        raise InputError(
            f"the class embeddings give {len(chosen)} different bits but {bits} are needed: set "
            "training.loss.ecoc.bits lower, or give embeddings with more channels"
        )
    codebook = np.stack(list(chosen.values()), axis=1)
    return _told_apart(codebook, "the codebook made of the class embeddings")


def read_codebook(path: Path, num_classes: int, bits: int | None) -> Codebook:
    """A codebook from a file: itself, or made of embeddings of the classes.

    Args:
        path: A .npy file of (N, K) zeros and ones, or of (N, D) other numbers.
        num_classes: N.
        bits: K; None = as many as a codebook in the file has, or the default of the embeddings.

    Raises:
        InputError: When the file is none, or does not fit the classes or the bits.
    """
    matrix = _read_matrix(path)
    if len(matrix) != num_classes:
        raise InputError(f"{path} has {len(matrix)} rows but there are {num_classes} classes: give a row for each")
    if not np.isin(matrix, (0, 1)).all():
        return codebook_of_embeddings(matrix.astype(np.float64), bits or default_bits(num_classes))
    if bits not in (None, matrix.shape[1]):
        raise InputError(
            f"{path} holds codewords of {matrix.shape[1]} bits but training.loss.ecoc.bits is {bits}: set it to null"
        )
    return _told_apart(matrix.astype(np.uint8), str(path))


def _read_matrix(path: Path) -> NDArray[np.number]:
    """The numbers (N, D) of a file. Raises InputError when it holds none."""
    try:
        matrix = np.load(path, allow_pickle=False)
    except (OSError, EOFError, ValueError) as error:
        raise InputError(
            f"training.loss.ecoc.codebook is '{path}', which cannot be read as a .npy file ({error}): set it to "
            "distance, or to a matrix that numpy.save wrote"
        ) from None
    numeric = isinstance(matrix, np.ndarray) and matrix.dtype.kind in "biuf" and matrix.ndim == 2 and matrix.size > 0
    if not numeric or not np.isfinite(matrix).all():
        raise InputError(f"{path} does not hold a matrix of finite numbers: give one with a row for each class")
    return matrix


def _told_apart(codebook: Codebook, name: str) -> Codebook:
    """The codebook. Raises InputError when two codewords are equal."""
    rows = [row.tobytes() for row in codebook]
    twins = [(rows.index(row), index) for index, row in enumerate(rows) if rows.index(row) < index]
    if twins:
        raise InputError(
            f"{name} gives the classes {twins[0][0]} and {twins[0][1]} the same codeword: give another, or more bits"
        )
    return codebook


def _check_size(num_classes: int, bits: int) -> None:
    """Refuse sizes for which there is no codebook. Raises InputError."""
    if num_classes < 2:
        raise InputError("training.objective is ecoc, which needs two classes or more: choose another one")
    if bits > most_bits(num_classes):
        raise InputError(
            f"training.loss.ecoc.bits is {bits}, but there are only {most_bits(num_classes)} ways to divide "
            f"{num_classes} classes in two: set it to that or less, or to null"
        )


def _draws(num_classes: int, bits: int, seed: int) -> Iterator[NDArray[np.uint8]]:
    """Random codebooks, (B, N, K) at a time."""
    source = np.random.PCG64(seed)  # its raw numbers are the same in every NumPy, those of a Generator may change
    exhaustive = bits == most_bits(num_classes)
    for _ in range(1 if exhaustive else _DRAWS // _AT_ONCE):
        if num_classes <= _FEW:
            yield _different_columns(num_classes, bits, source)
        else:
            yield _coins(_AT_ONCE * num_classes * bits, source).reshape(_AT_ONCE, num_classes, bits)


def _different_columns(num_classes: int, bits: int, source: np.random.PCG64) -> NDArray[np.uint8]:
    """Codebooks (B, N, K) of bits of which no two are equal or opposite."""
    count = most_bits(num_classes)
    numbers = np.arange(1, count + 1)
    every = (numbers >> np.arange(num_classes)[:, None] & 1).astype(np.uint8)  # (N, count); the last class is always 0
    order = source.random_raw(_AT_ONCE * count).reshape(_AT_ONCE, count).argsort(axis=1, kind="stable")[:, :bits]
    flipped = _coins(_AT_ONCE * bits, source).reshape(_AT_ONCE, 1, bits)
    return every[:, order].transpose(1, 0, 2) ^ flipped


def _coins(count: int, source: np.random.PCG64) -> NDArray[np.uint8]:
    """Tosses of a fair coin, (count,) of 0 and 1."""
    raw = source.random_raw(-(-count // 64)).astype("<u8")
    return np.unpackbits(raw.view(np.uint8), count=count)


def _off_diagonal(square: NDArray[np.floating]) -> NDArray[np.floating]:
    """(B, M, M) → (B, M(M-1)/2) above the diagonal."""
    above = np.triu_indices(square.shape[-1], 1)
    return square[:, above[0], above[1]]
