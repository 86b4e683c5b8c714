"""The columns of all masks, read back from a file that somebody damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from a2lc.foundation.errors import InputError
from a2lc.posterior.pool import MaskPool
from tests.support.bad_files import malicious_npz, npz_bomb, npz_of_impossible_size
from tests.support.posterior_case import random_pool


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"image_id": None}, "'image_id' is missing"),
        ({"image_id": np.array(["../x"] * 3)}, "'../x'"),
        ({"mask_id": np.array([-1])}, "'mask_id' holds values from -1"),
        ({"mask_id": np.array([1])}, "does not hold what was expected"),
        ({"shape": np.full((2, 3), np.inf, np.float32)}, "'shape' holds numbers that are not finite"),
        ({"background": np.array([1, 2])}, "'background' holds"),
    ],
)
def test_another_content_is_told(tmp_path: Path, change: dict[str, np.ndarray | None], words: str) -> None:
    path = tmp_path / "pool.npz"
    random_pool(3).write(path)
    assert MaskPool.read(path).keys() == random_pool(3).keys()
    with np.load(path, allow_pickle=False) as found:
        columns = {name: found[name] for name in found.files} | change
    np.savez(path, **{name: array for name, array in columns.items() if array is not None})
    with pytest.raises(InputError, match=words) as caught:
        MaskPool.read(path)
    assert "pool.npz" in str(caught.value)
    assert "remove it" in str(caught.value) or "give names" in str(caught.value)


def test_malicious_files_are_refused(tmp_path: Path) -> None:
    path, witness = tmp_path / "pool.npz", tmp_path / "witness"
    malicious_npz(path, witness)
    with pytest.raises(InputError, match=r"pool\.npz .*remove it"):
        MaskPool.read(path)
    assert not witness.exists()
    for make in (npz_bomb, npz_of_impossible_size):
        make(path)
        with pytest.raises(InputError, match=r"pool\.npz .*remove it"):
            MaskPool.read(path)
