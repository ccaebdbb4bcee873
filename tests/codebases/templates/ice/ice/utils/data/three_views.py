"""Three views of every photo, and batches that spread over cameras."""

import random
from collections import defaultdict

import numpy as np
import torch
from torch.utils.data.sampler import Sampler

from .preprocessor import Preprocessor


class Preprocessor_mutual(Preprocessor):
    """Gives (augmented, plain, augmented again, pid, camera)."""

    def __init__(self, dataset, root=None, transform=None, mutual=False, transform_weak=None):
        super().__init__(dataset, root=root, transform=transform)
        self.transform_weak = transform_weak

    def __getitem__(self, position):
        photo, _, pid, camera = self.open(position)
        return self.transform(photo), self.transform_weak(photo), self.transform(photo), pid, camera


class MoreCameraSampler(Sampler):
    """Every individual once in random order, one photo per camera first and then others."""

    def __init__(self, data_source, num_instances=4):
        self.num_instances = num_instances
        self.members = defaultdict(lambda: defaultdict(list))
        for position, (_, pid, camera) in enumerate(data_source):
            if pid >= 0:
                self.members[pid][camera].append(position)

    def __len__(self):
        return len(self.members) * self.num_instances

    def __iter__(self):
        order = []
        pids = list(self.members)
        for place in torch.randperm(len(pids)).tolist():
            cameras = self.members[pids[place]]
            chosen = [random.choice(positions) for positions in cameras.values()]
            random.shuffle(chosen)
            rest = [position for positions in cameras.values() for position in positions if position not in chosen]
            missing = self.num_instances - len(chosen)
            if missing > 0:
                pool = rest or chosen
                chosen += np.random.choice(pool, size=missing, replace=len(pool) < missing).tolist()
            order.extend(chosen[: self.num_instances])
        return iter(order)
