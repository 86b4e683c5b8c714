"""The label correction module and its selection criteria."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import nn

from a2lc.propagation import (
    LabelCorrectionModule,
    class_weights,
    lcm,
    selection_criteria,
)
from tests.support.propagation_case import FEATURES, LABELS, VOID, masks_of, trusted_by_loop


class TestClassWeights:
    def test_hand_computed_example(self) -> None:
        # totals over counts: 6/3, 6/1, absent, 6/2 = 2, 6, 0, 3, which sum to 11
        weights = class_weights(np.array([0, 0, 0, 1, 3, 3]), 4)
        assert weights == pytest.approx(np.array([2, 6, 0, 3]) / 11)

    def test_no_mask_gives_no_weight(self) -> None:
        assert class_weights(np.array([], dtype=int), 2).tolist() == [0, 0]


class TestModule:
    @pytest.mark.parametrize("mode", ["compat", "fixed"])
    def test_trains_like_a_plain_loop_with_the_textbook_loss(self, mode: str) -> None:
        """The same initial weights and order of masks, but nn.CrossEntropyLoss and an unfused optimizer."""
        labels = LABELS[:21]
        trained = LabelCorrectionModule(4, mode=mode, seed=5, epochs=4).fit(FEATURES[:21], labels)

        with torch.random.fork_rng():
            torch.manual_seed(5)
            layers = [nn.Linear(4, 256), nn.Linear(256, 128), nn.Linear(128, 64), nn.Linear(64, 4)]
            network = nn.Sequential(
                layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2], nn.ReLU(), layers[3], nn.Softmax(dim=1)
            )
            criterion = nn.CrossEntropyLoss(weight=torch.tensor([3.5, 4.2, 4.2, 4.2]) / 16.1)  # 21/6, 21/5, 21/5, 21/5
            optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, fused=False)
            for _ in range(4):
                for batch in torch.randperm(21).split(8):
                    output = network(torch.from_numpy(FEATURES[batch]))
                    output = output if mode == "compat" else output.log()
                    optimizer.zero_grad()
                    criterion(output, torch.from_numpy(labels[batch])).backward()
                    optimizer.step()
            expected = network(torch.from_numpy(FEATURES)).max(dim=1)

        predicted, confidence = trained.predict(FEATURES)
        assert confidence == pytest.approx(expected.values.detach().numpy(), abs=2e-6)
        assert np.array_equal(predicted, expected.indices.numpy())

    @pytest.mark.slow
    def test_learns_masks_that_the_network_confuses_systematically(self) -> None:
        confused = FEATURES[:, [1, 0, 2, 3]]  # the network says 0 for 1 and 1 for 0
        module = LabelCorrectionModule(4, mode="fixed").fit(confused, LABELS)
        predicted, confidence = module.predict(masks_of(LABELS, 4, noise=0.5, seed=1)[:, [1, 0, 2, 3]])
        assert (predicted == LABELS).mean() > 0.95
        assert predicted.dtype == np.int64
        assert confidence.dtype == np.float32

    def test_softmax_twice_makes_the_module_surer(self) -> None:
        sure = {
            mode: LabelCorrectionModule(4, mode=mode, epochs=60).fit(FEATURES, LABELS).predict(FEATURES)[1]
            for mode in ("compat", "fixed")
        }
        assert np.median(sure["compat"]) > np.median(sure["fixed"])

    def test_the_seed_decides_everything_and_a_second_fit_starts_afresh(self) -> None:
        def confidence(module: LabelCorrectionModule) -> list[float]:
            return module.fit(FEATURES, LABELS).predict(FEATURES)[1].tolist()

        module = LabelCorrectionModule(4, seed=1, epochs=2)
        first = confidence(module)
        assert confidence(module) == first
        assert confidence(LabelCorrectionModule(4, seed=1, epochs=2)) == first
        assert confidence(LabelCorrectionModule(4, seed=2, epochs=2)) != first

    def test_the_global_generator_is_neither_used_nor_changed(self) -> None:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            before = torch.get_rng_state()
            first = LabelCorrectionModule(4, epochs=1).fit(FEATURES, LABELS).predict(FEATURES)[1]
            assert torch.equal(torch.get_rng_state(), before)
            torch.manual_seed(1)
            assert np.array_equal(LabelCorrectionModule(4, epochs=1).fit(FEATURES, LABELS).predict(FEATURES)[1], first)

    def test_one_mask_of_one_class_is_enough(self) -> None:
        predicted, confidence = LabelCorrectionModule(4, epochs=3).fit(FEATURES[:1], LABELS[:1]).predict(FEATURES)
        assert np.isfinite(confidence).all()
        assert predicted.shape == (40,)

    def test_predicting_in_chunks_changes_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        module = LabelCorrectionModule(4, epochs=1).fit(FEATURES, LABELS)
        whole = module.predict(FEATURES)
        monkeypatch.setattr(lcm, "_CHUNK", 7)
        chunked = module.predict(FEATURES)
        assert np.array_equal(chunked[0], whole[0])
        assert chunked[1] == pytest.approx(whole[1], rel=1e-5)
        assert [part.shape for part in module.predict(FEATURES[:0])] == [(0,), (0,)]

    def test_bad_input_is_refused(self) -> None:
        module = LabelCorrectionModule(4)
        with pytest.raises(RuntimeError, match="call fit first"):
            module.predict(FEATURES)
        with pytest.raises(ValueError, match="without void"):
            module.fit(FEATURES[:2], np.array([0, VOID]))
        with pytest.raises(ValueError, match="without void"):
            module.fit(FEATURES[:2], np.array([0, -1]))
        with pytest.raises(ValueError, match="at least one mask"):
            module.fit(FEATURES[:0], LABELS[:0])
        with pytest.raises(ValueError, match="a label for each"):
            module.fit(FEATURES, LABELS[:-1])
        with pytest.raises(ValueError, match=r"expected \(masks, 4\)"):
            module.fit(FEATURES[:, :3], LABELS)
        with pytest.raises(ValueError, match="expected compat or fixed"):
            LabelCorrectionModule(4, mode="strict")


class TestCriteria:
    def test_hand_computed_example(self) -> None:
        # ordered by masks: 2 (none), 4 (none), 1 (one), 0, 3; the tail of half is the first two; the rarest is 2
        queried = np.array([5, 1, 0, 9, 0])
        current = np.array([0, 0, 0, 2, 1, 255, 0])
        predicted = np.array([0, 3, 4, 3, 3, 1, 3])
        confidence = np.array([1, 0.99, 1, 1, 0.95, 1, 0.5], dtype=np.float32)
        chosen = selection_criteria(current, predicted, confidence, queried, 0.9)
        #                          same   changed tail  rarest changed void unsure
        assert chosen.tolist() == [False, True, False, False, True, True, False]

    @given(st.data())
    def test_agrees_with_a_loop(self, data: st.DataObject) -> None:
        num_classes = data.draw(st.integers(1, 6) | st.just(40))
        count = data.draw(st.integers(0, 20))
        label = st.integers(0, num_classes - 1)
        arguments = (
            data.draw(hnp.arrays(np.int64, count, elements=label | st.just(VOID))),
            data.draw(hnp.arrays(np.int64, count, elements=label)),
            data.draw(hnp.arrays(np.float32, count, elements=st.sampled_from([0.25, 0.5, 0.75, 1.0]))),
            data.draw(hnp.arrays(np.int64, num_classes, elements=st.integers(0, 3))),
            data.draw(st.sampled_from([0.0, 0.5, 0.6, 1.0, math.inf])),
            data.draw(st.sampled_from([0.0, 0.3, 0.5, 1.0])),
        )
        assert selection_criteria(*arguments).tolist() == trusted_by_loop(*arguments)

    def test_a_threshold_beyond_float32_is_taken_at_its_word(self) -> None:
        confidence = np.array([1, 1 - 2.0**-24, 1 - 2.0**-23], dtype=np.float32)
        everything = np.full(3, 1), np.full(3, 3), confidence, np.array([1, 1, 1, 1])
        assert selection_criteria(*everything, threshold=0.9999999).tolist() == [True, True, False]

    @pytest.mark.parametrize(("num_classes", "size"), [(19, 9), (21, 10)])
    def test_the_tail_of_the_papers_data_sets(self, num_classes: int, size: int) -> None:
        queried = np.arange(1, num_classes + 1)
        predicted = np.arange(num_classes)
        current, sure = np.full(num_classes, VOID), np.ones(num_classes)
        assert (~selection_criteria(current, predicted, sure, queried, 0.5)).sum() == size
