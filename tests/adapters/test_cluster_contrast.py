"""The parts of ClusterContrast against slow references."""

from typing import ClassVar

import numpy as np
import pytest
import torch
from torch.nn import functional

from aas_plugin.models.pooling import GeM
from aas_plugin.testing import AdapterContract
from aas_plugin.training.centroids import centroids_of
from aas_plugin.training.memory import similarity_to


class TestContract(AdapterContract):
    adapter = "cluster-contrast"


class TestContractOfTheHardMemory(AdapterContract):
    adapter = "cluster-contrast"
    settings: ClassVar = {"adapter": {"name": "cluster-contrast", "hardest": True}}

    @pytest.mark.nightly
    def test_it_learns_individuals_from_their_true_labels(self):
        super().test_it_learns_individuals_from_their_true_labels()


def unit(rng, *shape):
    rows = rng.normal(size=shape)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def reference_loss(inputs, own, centroids, temperature):
    total = 0.0
    for feature, cluster in zip(inputs, own, strict=True):
        logits = [sum(x * y for x, y in zip(feature, row, strict=True)) / temperature for row in centroids]
        total -= logits[cluster] - np.log(sum(np.exp(logit) for logit in logits))
    return total / len(inputs)


def reference_memory(centroids, inputs, own, momentum, hardest):
    rows = [row.copy() for row in centroids]
    steps = list(zip(inputs, own, strict=True))
    if hardest:
        steps = [min((s for s in steps if s[1] == k), key=lambda s: float(s[0] @ centroids[s[1]])) for k in set(own)]
    for feature, cluster in steps:
        moved = momentum * rows[cluster] + (1 - momentum) * feature
        rows[cluster] = moved / np.linalg.norm(moved)
    return np.array(rows)


@pytest.mark.parametrize("hardest", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_loss_gradient_and_memory_agree_with_the_reference(seed, hardest):
    rng = np.random.default_rng(seed)
    centroids, inputs = unit(rng, 4, 6), unit(rng, 7, 6)
    own = rng.integers(0, 4, 7).tolist()
    memory, tensor = torch.tensor(centroids), torch.tensor(inputs, requires_grad=True)
    similarity = similarity_to(memory, tensor, torch.tensor(own), 0.1, hardest=hardest)
    loss = functional.cross_entropy(similarity / 0.3, torch.tensor(own))
    assert torch.equal(memory, torch.tensor(centroids))
    loss.backward()
    assert loss.item() == pytest.approx(reference_loss(inputs, own, centroids, 0.3))
    step = np.zeros_like(inputs)
    step[2, 3] = 1e-6
    slope = reference_loss(inputs + step, own, centroids, 0.3) - reference_loss(inputs - step, own, centroids, 0.3)
    assert tensor.grad[2, 3].item() == pytest.approx(slope / 2e-6, rel=1e-4, abs=1e-7)
    np.testing.assert_allclose(memory.numpy(), reference_memory(centroids, inputs, own, 0.1, hardest))


def test_a_centroid_is_the_mean_direction_of_its_images_and_noise_counts_for_none():
    features = np.array([[1, 0], [0, 1], [0.6, 0.8], [-1, 0]], dtype=np.float32)
    found = centroids_of(features, np.array([0, 0, 1, -1]))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [[0.5**0.5, 0.5**0.5], [0.6, 0.8]], rtol=1e-6)
    assert centroids_of(features, np.full(4, -1)).shape == (0, 2)


def test_opposite_images_have_a_centroid_of_no_direction():
    features = np.array([[1, 0], [-1, 0]], dtype=np.float32)
    assert centroids_of(features, np.array([0, 0])).tolist() == [[0, 0]]


def test_gem_is_the_mean_at_one_and_nears_the_largest_value_as_p_grows():
    maps = torch.rand(2, 3, 4, 5, dtype=torch.float32)
    torch.testing.assert_close(GeM(1.0)(maps), maps.mean(dim=(2, 3)))
    torch.testing.assert_close(GeM()(maps), (maps**3).mean(dim=(2, 3)) ** (1 / 3))
    torch.testing.assert_close(GeM(200.0)(maps), maps.amax(dim=(2, 3)), rtol=0.02, atol=0.01)


def test_gem_learns_p_and_bears_negative_values():
    pool = GeM()
    pool(torch.randn(2, 3, 4, 4)).sum().backward()
    assert torch.isfinite(pool.p.grad).all() and pool.p.grad.abs().item() > 0
