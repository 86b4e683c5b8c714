"""Prediction one image at a time, and its evaluation."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from a2lc.foundation.errors import InputError
from a2lc.segmentation import (
    build_network,
    evaluate_network,
    predict,
)
from tests.support.training_case import CPU, IDS, NETWORK, OBJECTIVE, Pictures, fast

# ---- prediction


@pytest.mark.parametrize("workers", [0, 2])
def test_prediction_is_the_softmax_of_the_network_at_native_size(workers):
    network, options = build_network(NETWORK, 2, seed=3), fast(mean=(0.1, 0.2, 0.3), std=(0.5, 0.6, 0.7))
    before = torch.get_rng_state()
    predictions = list(
        predict(network.train(), IDS[::-1], Pictures().image, options, CPU, workers, objective=OBJECTIVE)
    )
    assert torch.equal(before, torch.get_rng_state())
    assert [image_id for image_id, _ in predictions] == list(IDS[::-1])
    for image_id, probabilities in predictions:
        pixels = torch.tensor(Pictures().image(image_id) / 255.0)
        normalised = ((pixels - torch.tensor(options.mean)) / torch.tensor(options.std)).float()
        expected = network.eval()(normalised.movedim(-1, 0)[None])[0].exp()
        torch.testing.assert_close(probabilities, expected / expected.sum(0), rtol=1e-4, atol=1e-5)
        assert probabilities.shape == (2, *Pictures().labels(image_id).shape)
        assert not probabilities.requires_grad


def test_prediction_reads_images_only_when_they_are_asked_for():
    read = []

    def image(image_id):
        read.append(image_id)
        return Pictures().image(image_id)

    predictions = predict(build_network(NETWORK, 2, seed=3), IDS, image, fast(), CPU, objective=OBJECTIVE)
    next(predictions)
    next(predictions)
    assert read == list(IDS[:2])


@pytest.mark.parametrize("workers", [0, 2])
def test_evaluation_counts_like_a_loop(workers):
    network, options = build_network(NETWORK, 2, seed=3), fast(workers=workers)
    expected = np.zeros((2, 2), dtype=np.int64)
    for image_id, probabilities in predict(network, IDS, Pictures().image, options, CPU, objective=OBJECTIVE):
        truth = Pictures().labels(image_id)[3:]
        np.add.at(expected, (truth, probabilities.argmax(0).numpy()[3:]), 1)
    confusion = evaluate_network(network.train(), IDS, Pictures().image, Pictures(void_rows=3), 2, options, CPU)
    assert confusion.counts.tolist() == expected.tolist()


@pytest.mark.parametrize("workers", [0, 2])
def test_prediction_tells_of_an_unreadable_image_in_its_own_words(workers):
    predictions = predict(
        build_network(NETWORK, 2, seed=3), IDS, Pictures("image_1").image, fast(), CPU, workers, objective=OBJECTIVE
    )
    assert next(predictions)[0] == "image_0"
    with pytest.raises(InputError, match=r"^image_1\.jpg cannot be read \(truncated\): replace it$"):
        next(predictions)
