"""Codebooks: distances, validity, the draw, embeddings, and files that are refused."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from a2lc.foundation.errors import InputError
from a2lc.segmentation.objectives.codebooks import (
    codebook_of_embeddings,
    default_bits,
    distances,
    drawn_codebook,
    most_bits,
    read_codebook,
)


def between(vectors: NDArray[np.uint8]) -> list[int]:
    return [int((first != second).sum()) for first, second in combinations(vectors, 2)]


def test_distances_are_those_of_all_pairs() -> None:
    books = np.random.default_rng(0).integers(0, 2, (4, 6, 9)).astype(np.uint8)
    found = distances(books)
    for index, book in enumerate(books):
        assert found.rows[index] == min(between(book))
        assert found.columns[index] == min(between(book.T))
        assert found.opposites[index] == max(between(book.T))


@pytest.mark.parametrize(("classes", "least"), [(21, 14), (19, 15)])
def test_drawn_codewords_are_far_apart(classes: int, least: int) -> None:
    book = drawn_codebook(classes, 40, seed=0)
    assert book.shape == (classes, 40)
    assert set(np.unique(book).tolist()) == {0, 1}
    assert min(between(book)) >= least


@pytest.mark.parametrize("classes", [2, 3, 5, 6, 8, 12])
def test_a_drawn_codebook_is_valid_and_a_function_of_its_seed(classes: int) -> None:
    bits = default_bits(classes)
    book = drawn_codebook(classes, bits, seed=4)
    assert min(between(book)) > 0
    assert all(0 < distance < classes for distance in between(book.T))
    assert all(0 < column.sum() < classes for column in book.T)
    again = drawn_codebook.__wrapped__(classes, bits, 4)  # not the one that is kept
    assert again is not book
    assert np.array_equal(again, book)
    assert bits in (1, 3, 15) or not np.array_equal(drawn_codebook(classes, bits, seed=5), book)


def test_bits_where_nobody_chose_them() -> None:
    assert [default_bits(classes) for classes in (2, 3, 4, 8, 19, 21, 81)] == [1, 3, 7, 30, 40, 40, 60]
    assert [most_bits(classes) for classes in (2, 3, 4)] == [1, 3, 7]


@pytest.mark.parametrize(
    ("classes", "bits", "told"),
    [(1, 4, "two classes or more"), (3, 4, "only 3 ways"), (9, 3, "no codebook of 3 bits for 9 classes")],
)
def test_sizes_that_cannot_be_are_refused(classes: int, bits: int, told: str) -> None:
    with pytest.raises(InputError, match=told):
        drawn_codebook(classes, bits, 0)


def test_embeddings_give_similar_classes_similar_codewords(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    kinds = random.normal(size=(3, 64))  # three kinds of classes, two of each
    embeddings = np.repeat(kinds, 2, axis=0) + 0.3 * random.normal(size=(6, 64))
    book = codebook_of_embeddings(embeddings, 12)
    assert book.shape == (6, 12)
    assert all(0 < distance < 6 for distance in between(book.T))
    apart = (book[:, None] != book[None]).sum(axis=2)
    for index in range(6):
        others = [int(apart[index, other]) for other in range(6) if other // 2 != index // 2]
        assert apart[index, index ^ 1] < min(others)
    np.save(tmp_path / "embeddings.npy", embeddings)
    assert np.array_equal(read_codebook(tmp_path / "embeddings.npy", 6, 12), book)


def test_the_channels_that_vary_most_come_first_and_no_bit_comes_twice() -> None:
    """All rows have one length; the last two channels say the same as the first, or the opposite."""
    embeddings = np.array([[4, 1, 4, -4], [4, -1, 4, -4], [-4, 1, -4, 4], [-4, -1, -4, 4]]) / 7
    assert codebook_of_embeddings(embeddings, 2).tolist() == [[1, 1], [1, 0], [0, 1], [0, 0]]
    with pytest.raises(InputError, match="give 2 different bits but 3 are needed"):
        codebook_of_embeddings(embeddings, 3)


def test_a_codebook_from_a_file_is_taken_as_it_is(tmp_path: Path) -> None:
    book = drawn_codebook(6, 20, seed=1)
    np.save(tmp_path / "book.npy", book.astype(np.int64))
    assert np.array_equal(read_codebook(tmp_path / "book.npy", 6, None), book)


def test_files_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    def refused(matrix: object, told: str, bits: int | None = None) -> None:
        path = tmp_path / "matrix.npy"
        np.save(path, np.array(matrix))
        with pytest.raises(InputError, match=told):
            read_codebook(path, 2, bits)

    refused([[0, 1], [1, 0], [1, 1]], "3 rows but there are 2 classes")
    refused([[0, 1], [0, 1]], "classes 0 and 1 the same codeword")
    refused([[0, 1], [1, 1]], "codewords of 2 bits but", bits=3)
    refused([[0.5, np.nan], [1, 1]], "finite numbers")
    refused([0, 1], "a matrix")
    refused([["a"], ["b"]], "a matrix")
    refused([[0.5, 0.2], [0.1, 0.3]], "give 1 different bits but 2 are needed", bits=2)
    (tmp_path / "text.npy").write_text("no matrix")
    for name in ("text.npy", "absent.npy"):
        with pytest.raises(InputError, match="cannot be read"):
            read_codebook(tmp_path / name, 2, None)
