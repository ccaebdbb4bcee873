"""SpCL's loss, memory and reliability against slow references, and a run that learns."""

from typing import ClassVar

import numpy as np
import pytest
import torch
from aas_adapters.spcl.memory import contrast
from aas_adapters.spcl.reliability import independence_threshold, reliable, separate_noise
from hypothesis import given
from hypothesis import strategies as st

from aas_plugin.testing import AdapterContract


class TestContract(AdapterContract):
    adapter = "spcl"


class TestContractOfTheOfficialSettings(AdapterContract):
    adapter = "spcl"
    settings: ClassVar = {"preset": "paper"}
    trains_on_noise = True

    @pytest.mark.nightly
    def test_it_learns_individuals_from_their_true_labels(self):
        super().test_it_learns_individuals_from_their_true_labels()


def unit(rng, *shape):
    rows = rng.normal(size=shape)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def reference_loss(inputs, positions, memory, labels, temperature):
    total = 0.0
    for feature, position in zip(inputs, positions, strict=True):
        logits = []
        for group in sorted(set(labels)):
            members = [m for m, label in zip(memory, labels, strict=True) if label == group]
            logits.append(sum(float(feature @ m) / temperature for m in members) / len(members))
        weights = np.exp(np.array(logits) - max(logits))
        total -= np.log(weights[labels[position]] / weights.sum())
    return total / len(inputs)


@pytest.mark.parametrize("seed", range(20))
def test_loss_and_gradient_agree_with_the_reference(seed):
    rng = np.random.default_rng(seed)
    n, batch = 12, 5
    memory, inputs = unit(rng, n, 6), unit(rng, batch, 6)
    labels = separate_noise(rng.integers(-1, 4, n))
    positions = rng.integers(0, n, batch)
    tensor = torch.tensor(inputs, requires_grad=True)
    loss = contrast(
        tensor, torch.tensor(positions), torch.tensor(memory), torch.tensor(labels), momentum=0.2, temperature=0.3
    )
    loss.backward()
    assert loss.item() == pytest.approx(reference_loss(inputs, positions, memory, labels, 0.3))
    for i, j in ((0, 0), (batch - 1, 5)):
        step = np.zeros_like(inputs)
        step[i, j] = 1e-6
        slope = reference_loss(inputs + step, positions, memory, labels, 0.3)
        slope -= reference_loss(inputs - step, positions, memory, labels, 0.3)
        assert tensor.grad[i, j].item() == pytest.approx(slope / 2e-6, rel=1e-4, abs=1e-7)


def test_images_in_no_group_do_not_count():
    rng = np.random.default_rng(1)
    memory, inputs = unit(rng, 8, 5), unit(rng, 3, 5)
    labels, positions = np.array([0, -1, 1, 0, -1, 1, 2, -1]), np.array([0, 2, 6])
    loss = contrast(torch.tensor(inputs), torch.tensor(positions), torch.tensor(memory), torch.tensor(labels), 0.2, 0.3)
    inside = labels >= 0
    renumbered = np.searchsorted(np.flatnonzero(inside), positions)
    expected = reference_loss(inputs, renumbered, memory[inside], labels[inside], 0.3)
    assert loss.item() == pytest.approx(expected)


def test_memory_moves_towards_new_features_and_stays_on_the_sphere():
    rng = np.random.default_rng(0)
    memory, inputs = torch.tensor(unit(rng, 6, 4)), torch.tensor(unit(rng, 3, 4))
    before = memory.clone()
    positions = torch.tensor([1, 4, 1])
    contrast(inputs.requires_grad_(), positions, memory, torch.arange(6), 0.2, 0.05).backward()
    row = before[1]
    for feature in (inputs[0], inputs[2]):
        row = 0.2 * row + 0.8 * feature.detach()
        row = row / row.norm()
    torch.testing.assert_close(memory[1], row)
    torch.testing.assert_close(memory[[0, 2, 3, 5]], before[[0, 2, 3, 5]])
    torch.testing.assert_close(memory.norm(dim=1), torch.ones(6, dtype=torch.float64))


def reference_reliability(labels, tight, loose, threshold):
    n = len(labels)

    def iou(i, other):
        mine = {j for j in range(n) if labels[j] == labels[i]}
        theirs = {j for j in range(n) if other[j] == other[i]}
        return len(mine & theirs) / len(mine | theirs)

    independence = [1 - iou(i, loose) for i in range(n)]
    compactness = [1 - iou(i, tight) for i in range(n)]
    members = {label: [i for i in range(n) if labels[i] == label] for label in set(labels)}
    if threshold is None:
        lowest = sorted(min(independence[i] for i in group) for group in members.values() if len(group) > 1)
        threshold = lowest[min(len(lowest) - 1, int(np.round(len(lowest) * 0.9)))] if lowest else 0.0
    kept = [
        min(independence[j] for j in members[labels[i]]) <= threshold
        and compactness[i] <= min(compactness[j] for j in members[labels[i]])
        for i in range(n)
    ]
    return threshold, kept


partitions = st.integers(1, 14).flatmap(
    lambda n: st.tuples(*[st.lists(st.integers(-1, 4), min_size=n, max_size=n) for _ in range(3)])
)


@given(partitions)
def test_reliability_agrees_with_the_reference(three):
    labels, tight, loose = (separate_noise(np.array(part)) for part in three)
    threshold, kept = reference_reliability(labels.tolist(), tight.tolist(), loose.tolist(), None)
    assert independence_threshold(labels, loose) == pytest.approx(threshold)
    assert reliable(labels, tight, loose, threshold).tolist() == kept
