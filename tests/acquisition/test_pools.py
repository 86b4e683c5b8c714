"""Pools of candidates, look-ahead and label expansion, against their definitions; and the runs that store them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from a2lc.acquisition import AcquisitionSettings, score_candidates
from a2lc.labels.run_length import decode_runs, encode_runs
from tests.support.acquisition_formulas import Picture, cosine, make_case, sim


@given(seed=st.integers(0, 10**6), share=st.floats(0, 1))
def test_runs_read_back(seed: int, share: float) -> None:
    inside = np.random.default_rng(seed).random((5, 7)) < share
    assert (decode_runs(encode_runs(inside), (5, 7)) == inside).all()


def test_runs_outside_the_image_are_refused() -> None:
    with pytest.raises(ValueError, match="run 30:6 does not lie within an image"):
        decode_runs("30:6", (5, 7))


@pytest.mark.parametrize("threshold", [0.3, 0.8, 1.0])
def test_expansion_is_what_looks_like_the_asked_pixel(threshold: float) -> None:
    case = make_case(3)
    found = score_candidates(*case, AcquisitionSettings(name="sim", expansion=threshold))
    picture = Picture(*case)
    for row, mask in enumerate(found.scores.mask_id):
        m = picture.mask(mask)
        asked = picture.representative(m)
        similar = [x for x in m if x == asked or cosine(picture.vector(asked), picture.vector(x)) >= threshold]
        text = found.expansion[row]
        assert text is not None
        assert np.argwhere(decode_runs(text, case[1].shape)).tolist() == [list(x) for x in similar]
        looked_at = sum(cosine(picture.vector(asked), picture.vector(x)) * picture.c(x) for x in similar)
        assert found.scores.score[row] == pytest.approx(looked_at, rel=1e-5)


def test_without_expansion_an_answer_is_about_one_pixel() -> None:
    case = make_case(4)
    ahead = score_candidates(*case, AcquisitionSettings(name="sim", expansion=None))
    alone = score_candidates(*case, AcquisitionSettings(name="sim", expansion=None, look_ahead=False))
    picture = Picture(*case)
    for row, mask in enumerate(ahead.scores.mask_id):
        m = picture.mask(mask)
        asked = picture.representative(m)
        assert ahead.expansion[row] == alone.expansion[row] == f"{asked[0] * case[1].shape[1] + asked[1]}:1"
        assert ahead.scores.score[row] == pytest.approx(sim(picture, m, np.ones(5)), rel=1e-5)
        assert alone.scores.score[row] == pytest.approx(picture.c(asked), rel=1e-5)


def test_every_pixel_is_ranked_by_its_own_error_and_asked_once() -> None:
    case = make_case(5)
    settings = AcquisitionSettings(name="cil", pool="pixels", look_ahead=False, expansion=None)
    picture = Picture(*case)
    asked_before = case[2] == 1
    found = score_candidates(*case, settings, excluded=asked_before, at_most=12)
    errors = {x: picture.c(x) for x in picture.pixels if not asked_before[x]}
    best = sorted(errors, key=lambda x: (-errors[x], x))[:12]
    assert [tuple(place) for place in found.scores.representative.tolist()] == best
    assert found.scores.score == pytest.approx([errors[x] for x in best], rel=1e-5)
    assert found.scores.mask_id.tolist() == [case[2][x] for x in best]
    assert found.expansion == tuple(f"{row * case[1].shape[1] + column}:1" for row, column in best)


def test_pixelpick_draws_from_the_worst_twentieth() -> None:
    case = make_case(6, size=(20, 20))
    settings = AcquisitionSettings(name="sim", pool="pixelpick")
    found = score_candidates(*case, settings, generator=np.random.default_rng(0))
    picture = Picture(*case)
    worst = sorted(picture.pixels, key=lambda x: -picture.c(x))[:20]
    assert 0 < len(found.scores) <= len(np.unique(case[2][case[2] > 0]))
    for row, place in enumerate(found.scores.representative.tolist()):
        asked, mask = tuple(place), int(case[2][tuple(place)])
        assert asked in worst
        m = picture.mask(mask) if mask else [asked]
        assert found.expansion[row] is None if mask else found.expansion[row] == f"{asked[0] * 20 + asked[1]}:1"
        expected = sum(cosine(picture.vector(asked), picture.vector(x)) * picture.c(x) for x in m)
        assert found.scores.score[row] == pytest.approx(expected, rel=1e-5)


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValidationError, match="every pixel is scored and corrected by itself"):
        AcquisitionSettings(name="cil", pool="pixels")
    with pytest.raises(ValueError, match="'pixelpick' needs a generator"):
        score_candidates(*make_case(1), AcquisitionSettings(name="sim", pool="pixelpick"))
