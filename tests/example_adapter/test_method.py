"""The contract that every base method passes, and the loss by hand."""

import numpy as np
import torch
from agglomerative_triplet.method import batch_hard_triplet

from aas_plugin.testing import AdapterContract


class TestContract(AdapterContract):
    adapter = "agglomerative-triplet"
    modules = ("agglomerative_triplet",)
    one_cluster = {"adapter": {"name": "agglomerative-triplet", "threshold": 1.99}}
    loss_falls_to = 0.9  # A hinge over the hardest triplets of a batch falls slowly.


def test_the_loss_agrees_with_one_written_out():
    rows, own = np.random.default_rng(0).normal(size=(6, 3)), [0, 0, 1, 1, 1, 2]
    total = 0.0
    for i in range(6):
        distances = [np.linalg.norm(rows[i] - row) for row in rows]
        furthest = max(d for d, label in zip(distances, own, strict=True) if label == own[i])
        closest = min(d for d, label in zip(distances, own, strict=True) if label != own[i])
        total += max(0, furthest - min(closest, 2.3) + 0.3)
    found = batch_hard_triplet(torch.tensor(rows), torch.tensor(own), 0.3)
    assert abs(found.item() - total / 6) < 1e-6
