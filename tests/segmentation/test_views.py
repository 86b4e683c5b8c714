"""The views of an image in scoring, against the same steps made by hand with NumPy and PIL."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import nn

from a2lc.segmentation import (
    NativeView,
    PaddedView,
    ScoringSettings,
    SquashedView,
    build_network,
    make_view,
    predict,
    predict_views,
)
from tests.support.training_case import CPU, IDS, NETWORK, OBJECTIVE, Pictures, fast

CLASSES = 3
MEAN, STD = (0.1, 0.2, 0.3), (0.5, 0.6, 0.7)
SIDES = st.integers(1, 90)


@pytest.fixture(scope="module")
def network():
    return build_network(NETWORK, CLASSES, seed=3).eval()


def picture(height, width):
    """Noise on slopes: it tells every pixel from its neighbours, and survives a resize."""
    noise = np.random.default_rng(1000 * height + width).integers(0, 80, (height, width, 3))
    slopes = np.linspace(0, 170, height)[:, None, None] * np.linspace(0, 1, width)[None, :, None]
    return (noise + slopes).astype(np.uint8)


def seen(view, network, image):
    return view.probabilities(network, torch.tensor(image).permute(2, 0, 1)[None], MEAN, STD, OBJECTIVE)[0]


def padded_by_hand(network, image, canvas, shift):
    (height, width), offsets = image.shape[:2], []
    board = np.zeros((max(canvas[0], height), max(canvas[1], width), 3), dtype=np.uint8)
    for side, whole in zip(image.shape, board.shape, strict=False):
        put = (whole - side) // 2
        offsets.append((put, round((whole - side) / 2) if shift else put))
    (put_y, cut_y), (put_x, cut_x), _ = offsets
    board[put_y : put_y + height, put_x : put_x + width] = image
    inputs = ((board / 255 - MEAN) / STD).astype(np.float32).transpose(2, 0, 1)[None]
    with torch.no_grad():
        logits = network(torch.from_numpy(inputs))[0].double().numpy()
    exponentials = np.exp(logits[:, cut_y : cut_y + height, cut_x : cut_x + width])
    return exponentials / exponentials.sum(axis=0)


def stretched_by_hand(values, size, axis):
    """Linear interpolation along an axis between the centres of pixels, constant beyond the outermost."""
    count = values.shape[axis]
    centres = np.clip((np.arange(size) + 0.5) * count / size - 0.5, 0, count - 1)
    low = np.floor(centres).astype(int)
    high = np.minimum(low + 1, count - 1)
    share = (centres - low).reshape([-1 if dimension == axis else 1 for dimension in range(3)])
    return values.take(low, axis) * (1 - share) + values.take(high, axis) * share


def squashed_by_hand(network, image, canvas, shift):
    small = Image.fromarray(image).resize((canvas[1] // 2, canvas[0] // 2), Image.Resampling.BILINEAR)
    inner = padded_by_hand(network, np.asarray(small), canvas, shift)
    return stretched_by_hand(stretched_by_hand(inner, image.shape[0], 1), image.shape[1], 2)


class Echo(nn.Module):
    """Logits = inputs: the window that is cut shows which pixels it holds."""

    def forward(self, images):
        return images


# ---- each view


@settings(max_examples=20, deadline=None)
@given(SIDES, SIDES, st.sampled_from([(65, 65), (64, 64), (49, 66)]), st.booleans())
def test_padded_view_by_hand_also_for_images_larger_than_the_canvas(network, height, width, canvas, shift):
    image = picture(height, width)
    probabilities = seen(PaddedView(canvas, shift), network, image)
    expected = padded_by_hand(network, image, canvas, shift)
    np.testing.assert_allclose(probabilities.numpy(), expected, atol=2e-5)


@settings(max_examples=20, deadline=None)
@given(SIDES, SIDES, st.sampled_from([(64, 64), (65, 65), (96, 62)]), st.booleans())
def test_squashed_view_by_hand(network, height, width, canvas, shift):
    image, view = picture(height, width), SquashedView(canvas, shift)
    for net, tolerance in ((network, 3e-3), (Echo(), 6e-3)):  # PIL rounds some pixels of the small image up, not down
        expected = squashed_by_hand(net, image, canvas, shift)
        np.testing.assert_allclose(seen(view, net, image).numpy(), expected, atol=tolerance)


def test_squashed_view_stretches_probabilities_not_logits():
    image = np.zeros((8, 8, 3), dtype=np.uint8)
    image[:, 4:, 0] = 255
    small = np.zeros((4, 3))
    small[:, 0] = [0, 32, 223, 255]  # a row of 4 pixels: the antialiasing filter weighs 1, 3, 3, 1
    exponentials = np.exp((small / 255 - MEAN) / STD)
    red = (exponentials / exponentials.sum(axis=1, keepdims=True))[:, 0]
    expected = np.interp(np.arange(8) / 2 - 0.25, np.arange(4), red)
    probabilities = seen(SquashedView((8, 8)), Echo(), image)
    np.testing.assert_allclose(probabilities[0], np.tile(expected, (8, 1)), atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(SIDES, SIDES, st.sampled_from(["native", "padded", "squashed"]), st.integers(1, 70), st.booleans())
def test_every_view_gives_probabilities_of_the_size_of_the_image(network, height, width, name, side, shift):
    probabilities = seen(make_view(name, (side, side + 3), shift), network, picture(height, width))
    assert probabilities.shape == (CLASSES, height, width)
    assert probabilities.dtype == torch.float32
    assert not probabilities.requires_grad
    torch.testing.assert_close(probabilities.sum(0), torch.ones(height, width), rtol=0, atol=1e-5)


def test_an_image_that_fills_the_canvas_is_seen_as_it_is(network):
    image = picture(64, 80)
    native = seen(NativeView(), network, image)
    assert torch.equal(seen(PaddedView((64, 80), shift=True), network, image), native)
    assert torch.equal(seen(PaddedView((32, 40), shift=True), network, image), native)
    assert not torch.allclose(seen(PaddedView((65, 80)), network, image), native, atol=1e-3)


# ---- the shift


@settings(max_examples=40, deadline=None)
@given(st.integers(400, 520), st.integers(400, 520))
def test_shift_moves_the_window_by_one_pixel_for_exactly_the_sizes_that_round_up(height, width):
    image, canvas = picture(height, width), (513, 513)
    straight, shifted = (seen(PaddedView(canvas, shift), Echo(), image) for shift in (False, True))
    assert torch.equal(straight, seen(NativeView(), Echo(), image))
    moves = [round((513 - side) / 2) != (513 - side) // 2 and side < 513 for side in (height, width)]
    assert moves == [side % 4 == 2 and side < 513 for side in (height, width)]
    assert torch.equal(straight, shifted) == (not any(moves))
    down, right = map(int, moves)
    torch.testing.assert_close(shifted[:, : height - down, : width - right], straight[:, down:, right:])


# ---- settings, and several views of the same image


def test_names_of_the_passes():
    assert ScoringSettings().views == ("native",)
    assert ScoringSettings(view="padded", feature_view="padded").views == ("padded",)
    assert ScoringSettings(view="squashed", feature_view="native").views == ("squashed", "native")
    assert make_view("native", (5, 7), shift=True) == NativeView()
    assert make_view("padded", (5, 7), shift=True) == PaddedView((5, 7), True)
    assert make_view("squashed", (5, 7), shift=False) == SquashedView((5, 7), False)


def test_several_views_of_an_image_are_those_of_one_prediction_each():
    network, options, read = build_network(NETWORK, CLASSES, seed=3), fast(), []

    def image(image_id):
        read.append(image_id)
        return Pictures().image(image_id)

    views = (SquashedView((64, 64)), NativeView())
    together = list(predict_views(network.train(), IDS, image, options, CPU, views, objective=OBJECTIVE))
    assert read == list(IDS)
    for index, view in enumerate(views):
        alone = list(predict(network, IDS, image, options, CPU, view=view, objective=OBJECTIVE))
        assert [image_id for image_id, _ in alone] == [image_id for image_id, _ in together]
        assert all(torch.equal(one, both[index]) for (_, one), (_, both) in zip(alone, together, strict=True))
    assert not torch.allclose(together[0][1][0], together[0][1][1], atol=1e-3)
