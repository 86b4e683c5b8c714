"""Frozen backbones, and their features: kept ones are those computed now, whatever happened meanwhile."""

from __future__ import annotations

import logging
from collections import namedtuple

import numpy as np
import pytest
import torch

from a2lc.foundation.digests import FileDigests
from a2lc.foundation.errors import InputError
from a2lc.foundation.images import write_image
from a2lc.segmentation import (
    FeatureView,
    build_network,
    compute_features,
    open_features,
    predict,
    training_views,
)
from a2lc.segmentation.feature_samples import FeatureSamples
from a2lc.segmentation.transforms import normalise, to_tensor
from tests.support.training_case import CPU, IDS, NETWORK, OBJECTIVE, Files, Pictures, fast, run_training

FROZEN = NETWORK.model_copy(update={"frozen": True})
SETTINGS = fast(on_features=True, feature_scales=(1.0, 1.5))


@pytest.fixture
def files(tmp_path):
    files = Files(tmp_path / "images")
    for image_id in IDS:
        write_image(files.image_path(image_id), Pictures().image(image_id))
    return files


def opened(files, tmp_path, network):
    return open_features(files, tmp_path / "features", network, FROZEN, SETTINGS, FileDigests())


def wanted(settings=SETTINGS):
    return [(image_id, view) for image_id in IDS for view in training_views(settings)]


def test_a_frozen_backbone_stays_as_it_is_while_the_head_learns(tmp_path):
    network = build_network(FROZEN, 2, seed=1)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    run_training(tmp_path, network=network)
    changed = {name for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed
    assert not any(name.startswith("backbone.") for name in changed)
    assert "classifier.project.1.running_mean" in changed, "the head's BatchNorm goes on learning"


def test_kept_features_give_the_probabilities_of_the_network_itself(files, tmp_path):
    network = build_network(FROZEN, 2, seed=1)
    cache = opened(files, tmp_path, network)
    compute_features(network, cache, wanted(), SETTINGS, CPU)
    files.decoded.clear()
    kept = dict(predict(network, IDS, cache, SETTINGS, CPU, objective=OBJECTIVE))
    assert files.decoded == []
    computed = dict(predict(network, IDS, files.image, SETTINGS, CPU, objective=OBJECTIVE))
    for image_id in IDS:
        torch.testing.assert_close(kept[image_id], computed[image_id], atol=1e-5, rtol=0)
        with torch.no_grad():
            logits = network(normalise(to_tensor(files.image(image_id))[None], SETTINGS.mean, SETTINGS.std))
            features = cache(image_id)
            again = network(type(features)(*(part[None] for part in features)))
        torch.testing.assert_close(again, logits, atol=1e-5, rtol=0)


def test_a_stopped_pass_continues_with_what_is_missing(files, tmp_path):
    network = build_network(FROZEN, 2, seed=1)
    compute_features(network, opened(files, tmp_path, network), wanted()[:7], SETTINGS, CPU)
    cache = opened(files, tmp_path, network)
    assert [cache.has(cache.key(image_id), view) for image_id, view in wanted()].count(True) == 7
    files.decoded.clear()
    compute_features(network, cache, wanted(), SETTINGS, CPU)
    assert files.decoded == list(IDS[1:]), "all views of the first image were there"
    files.decoded.clear()
    compute_features(network, cache, wanted(), SETTINGS, CPU)
    assert files.decoded == []


def test_a_changed_image_is_noticed_and_computed_anew(files, tmp_path, caplog):
    network = build_network(FROZEN, 2, seed=1)
    compute_features(network, opened(files, tmp_path, network), wanted(), SETTINGS, CPU)
    write_image(files.image_path(IDS[0]), np.full((40, 48, 3), 200, np.uint8))
    files.decoded.clear()
    cache = opened(files, tmp_path, network)
    with caplog.at_level(logging.WARNING):
        compute_features(network, cache, wanted(), SETTINGS, CPU)
    assert files.decoded == [IDS[0]]
    assert [record.levelname for record in caplog.records].count("WARNING") == 1
    assert len(list(cache.folder.rglob("*-deep.npy"))) == len(wanted()), "those of before are gone"


def test_other_weights_have_other_features(files, tmp_path):
    first, second = (opened(files, tmp_path, build_network(FROZEN, 2, seed=seed)) for seed in (1, 2))
    assert first.folder != second.folder


def test_features_that_do_not_fit_the_disk_are_refused(files, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(10, 9, 1000))
    network = build_network(FROZEN, 2, seed=1)
    with pytest.raises(InputError, match=r"need .* where 1000 B are free"):
        compute_features(network, opened(files, tmp_path, network), wanted(), SETTINGS, CPU)


def test_labels_lie_below_their_features(files, tmp_path):
    """Of a window that holds the whole image, mirrored or resized, the labels are those of the view."""
    network = build_network(FROZEN, 2, seed=1)
    cache = opened(files, tmp_path, network)
    compute_features(network, cache, wanted(), SETTINGS, CPU)
    for view in (FeatureView(1.0), FeatureView(1.0, mirrored=True), FeatureView(1.5)):
        samples = FeatureSamples(cache, Pictures(), IDS, 2, [view], (80, 96), 255)
        features, labels = samples((2, 7))
        kept = cache.view(IDS[2], view)
        rows, columns = kept.deep.shape[-2:]
        assert torch.equal(features.deep[:, :rows, :columns], kept.deep)
        assert not features.deep[:, rows:].any()
        assert features.image_size == tuple(labels.shape) == (80, 96)
        height, width = view.size(files.size(IDS[2]))
        expected = view.map(torch.tensor(Pictures().labels(IDS[2])))
        assert torch.equal(labels[:height, :width], expected)
        assert (labels[height:] == 255).all()


def test_training_on_features_learns_and_resumes_with_the_same_bits(files, tmp_path):
    network = build_network(FROZEN, 2, seed=1)
    cache = opened(files, tmp_path, network)
    compute_features(network, cache, wanted(), SETTINGS, CPU)

    class Kept(Pictures):
        image = staticmethod(cache)

    options = {"on_features": True, "feature_scales": (1.0, 1.5), "iterations": 30, "optimizer": "adamw"}
    losses = []
    run_training(tmp_path / "a", Kept(), network=network, **options, on_progress=lambda done: losses.append(done.loss))
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])

    def stop(done):
        if done.step == 9:
            raise KeyboardInterrupt

    other = build_network(FROZEN, 2, seed=1)
    with pytest.raises(KeyboardInterrupt):
        run_training(tmp_path / "b", Kept(), network=other, **options, on_progress=stop)
    run_training(tmp_path / "b", Kept(), network=build_network(FROZEN, 2, seed=1), **options)
    assert (tmp_path / "a/last.safetensors").read_bytes() == (tmp_path / "b/last.safetensors").read_bytes()


def test_the_papers_training_is_what_it_was(tmp_path):
    """Losses and weights of the version before there were other optimizers and schedules."""
    losses = []
    network = build_network(NETWORK, 2, seed=1)
    run_training(
        tmp_path, network=network, iterations=20, validate_every=0, on_progress=lambda done: losses.append(done.loss)
    )
    assert losses == pytest.approx(BEFORE, rel=1e-5)
    assert sum(float(tensor.double().abs().sum()) for tensor in network.state_dict().values()) == pytest.approx(
        22542.220309864333, rel=1e-6
    )


BEFORE = [
    0.9210794568061829,
    0.4915943741798401,
    0.6346186399459839,
    0.3874432444572449,
    0.27219459414482117,
    0.28683221340179443,
    0.7028332948684692,
    0.24929220974445343,
    0.24837911128997803,
    0.19707977771759033,
    0.3046668767929077,
    0.16261056065559387,
    0.12474306672811508,
    0.1740398406982422,
    0.14690032601356506,
    0.1709643006324768,
    0.284089595079422,
    0.11988883465528488,
    0.12632136046886444,
    0.35389164090156555,
]
