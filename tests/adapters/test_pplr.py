"""The parts of PPLR against slow references."""

from typing import ClassVar

import numpy as np
import pytest
import torch
from aas_adapters.pplr.agreement import cross_agreement
from aas_adapters.pplr.losses import agreement_aware_loss, part_guided_loss, smoothed_loss, soft_triplet_loss
from aas_adapters.pplr.model import Classifiers, PartModel
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from aas_plugin.errors import AasError
from aas_plugin.models.backbones import Backbone
from aas_plugin.testing import AdapterContract


class TestContract(AdapterContract):
    adapter = "pplr"
    settings: ClassVar = {"adapter": {"name": "pplr", "parts": 2}}
    # Classifiers begin every epoch as its centroids, so the loss is low from the start.
    loss_falls_to = 0.8

    def test_more_stripes_than_the_feature_map_has_rows_are_refused_before_training(self):
        engine = self.engine({"adapter": {"name": "pplr", "parts": 7}})
        with pytest.raises(AasError, match=r"7 stripes, but images of training.height 48 give maps of height 6"):
            engine.execute()

    def test_there_is_no_cap_on_classes(self):
        singles = {"clustering": {"eps": 1e-6, "min_samples": 1}}
        engine, watch = self.execute({"active": {"cycles": 0}, "training": {"epochs": 1}}, singles)
        assert watch.labels[0].max() + 1 > 20
        assert np.isfinite(engine.history.epochs[0]["loss"])

    def test_labels_are_smoothed_by_agreement_from_the_epoch_that_is_set(self):
        never = self.execute({"adapter": {"name": "pplr", "parts": 2, "smooth_from": 9}}, name="never")[0]
        later = self.execute({"adapter": {"name": "pplr", "parts": 2, "smooth_from": 2}}, name="later")[0]
        losses = [[row["part_loss"] for row in engine.history.epochs] for engine in (never, later)]
        assert losses[0][:2] == losses[1][:2]
        assert losses[0][2] != losses[1][2]


def softmax(logits):
    powers = [np.exp(x - max(logits)) for x in logits]
    return [power / sum(powers) for power in powers]


def reference_part_guided(whole, parts, own, agreement, beta):
    total = 0.0
    for b in range(len(whole)):
        weights = softmax(agreement[b])
        predicted = [softmax(part) for part in parts[b]]
        logs = np.log(softmax(whole[b]))
        for k in range(len(whole[b])):
            target = beta * (k == own[b])
            target += (1 - beta) * sum(w * p[k] for w, p in zip(weights, predicted, strict=True))
            total -= target * logs[k]
    return total / len(whole)


def reference_agreement_aware(parts, own, agreement):
    total = 0.0
    for b in range(len(parts)):
        for p, logits in enumerate(parts[b]):
            probability = softmax(logits)
            uniform = 1 / len(logits)
            divergence = sum(uniform * (np.log(uniform) - np.log(q)) for q in probability)
            total += agreement[b][p] * -np.log(probability[own[b]]) + (1 - agreement[b][p]) * divergence
    return total / (len(parts) * len(parts[0]))


def reference_smoothed(parts, own, smoothing):
    total, classes = 0.0, len(parts[0][0])
    for b in range(len(parts)):
        for logits in parts[b]:
            for k, q in enumerate(softmax(logits)):
                total -= ((1 - smoothing) * (k == own[b]) + smoothing / classes) * np.log(q)
    return total / (len(parts) * len(parts[0]))


def reference_triplet(features, own):
    total = 0.0
    for i, feature in enumerate(features):
        distances = [np.linalg.norm(feature - other) for other in features]
        same = [d for j, d in enumerate(distances) if own[j] == own[i]]
        others = [d for j, d in enumerate(distances) if own[j] != own[i]]
        if others:
            total += np.log(1 + np.exp(max(same) - min(others)))
    return total / len(features)


def batch(seed):
    rng = np.random.default_rng(seed)
    whole, parts = rng.normal(size=(6, 4)) * 3, rng.normal(size=(6, 2, 4)) * 3
    return whole, parts, rng.integers(0, 4, 6), rng.random((6, 2)), rng.normal(size=(6, 5))


def check(loss, reference, array, *rest):
    """Value and slope agree with the reference."""
    tensor = torch.tensor(array, requires_grad=True)
    value = loss(tensor, *rest)
    value.backward()
    assert value.item() == pytest.approx(reference(array))
    for place in (0, array.size - 1):
        step = np.zeros(array.size)
        step[place] = 1e-6
        step = step.reshape(array.shape)
        slope = (reference(array + step) - reference(array - step)) / 2e-6
        assert tensor.grad.flatten()[place].item() == pytest.approx(slope, rel=1e-4, abs=1e-7)


@pytest.mark.parametrize("seed", range(10))
def test_losses_and_gradients_agree_with_the_references(seed):
    whole, parts, own, agreement, features = batch(seed)
    t = torch.tensor
    check(
        lambda logits: part_guided_loss(logits, t(parts), t(own), t(agreement), 0.3),
        lambda logits: reference_part_guided(logits, parts, own, agreement, 0.3),
        whole,
    )
    check(
        lambda logits: agreement_aware_loss(logits, t(own), t(agreement)),
        lambda logits: reference_agreement_aware(logits, own, agreement),
        parts,
    )
    check(lambda logits: smoothed_loss(logits, t(own), 0.1), lambda logits: reference_smoothed(logits, own, 0.1), parts)
    check(lambda rows: soft_triplet_loss(rows, t(own)), lambda rows: reference_triplet(rows, own), features)


def test_parts_refine_labels_without_being_pulled_by_them():
    whole, parts, own, agreement, _ = (torch.tensor(array, requires_grad=array.dtype == float) for array in batch(0))
    part_guided_loss(whole, parts, own, agreement, 0.5).backward()
    assert parts.grad is None and agreement.grad is None and whole.grad is not None


def test_triplets_of_one_cluster_or_of_copies_are_finite_and_have_finite_slopes():
    for rows, own in ((torch.randn(4, 3), torch.zeros(4)), (torch.ones(4, 3), torch.tensor([0, 0, 1, 1]))):
        rows.requires_grad_()
        value = soft_triplet_loss(rows, own)
        value.backward()
        assert torch.isfinite(value) and torch.isfinite(rows.grad).all()


def reference_agreement(features, parts, k):
    def others(rows, i):
        similarity = rows @ rows[i]
        order = sorted((j for j in range(len(rows)) if j != i), key=lambda j: (-similarity[j], j))
        return set(order[:k])

    n, p = parts.shape[:2]
    scores = np.empty((n, p))
    for i in range(n):
        for part in range(p):
            a, b = others(features, i), others(parts[:, part], i)
            scores[i, part] = len(a & b) / len(a | b) if a else 1
    return scores


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


@given(st.integers(1, 14), st.integers(1, 3), st.integers(1, 20), st.integers(0, 1000))
def test_agreement_is_that_of_the_reference_and_lies_between_0_and_1(n, p, k, seed):
    rng = np.random.default_rng(seed)
    features, parts = unit(rng.normal(size=(n, 4))), unit(rng.normal(size=(n, p, 4)))
    found = cross_agreement(features, parts, k)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, reference_agreement(features, parts, k), rtol=1e-6)
    np.testing.assert_array_equal(cross_agreement(features, features[:, None].repeat(p, axis=1), k), 1)


@pytest.mark.parametrize(("rows", "parts"), [(6, 3), (7, 3), (3, 3), (4, 1)])
def test_stripes_are_means_of_the_maps_rows_and_may_share_one(rows, parts):
    maps = torch.rand(2, 5, rows, 4)
    model = PartModel(Backbone(nn.Identity(), 5, bn_neck=False), parts)
    found = model(maps)
    assert found.shape == (2, 1 + parts, 5)
    torch.testing.assert_close(found[:, 0], maps.mean(dim=(2, 3)))
    for part in range(parts):
        first, last = part * rows // parts, -(-(part + 1) * rows // parts)
        torch.testing.assert_close(found[:, 1 + part], maps[:, :, first:last].mean(dim=(2, 3)))


def test_each_part_has_a_neck_of_its_own_with_frozen_bias():
    model = PartModel(Backbone(nn.Identity(), 5, bn_neck=True), 2)
    necks = [model.backbone.neck, *model.necks]
    assert len({id(neck) for neck in necks}) == 3
    assert all(isinstance(neck, nn.BatchNorm1d) and not neck.bias.requires_grad for neck in necks)


def test_classifiers_begin_as_inner_products_with_the_centroids():
    rng = np.random.default_rng(0)
    centroids, features = rng.normal(size=(3, 4, 5)), rng.normal(size=(2, 3, 5))
    found = Classifiers(torch.tensor(centroids))(torch.tensor(features))
    for b in range(2):
        for p in range(3):
            np.testing.assert_allclose(found[b, p].detach(), centroids[p] @ features[b, p])
