"""Batches of a few individuals with several photos each, on a sampler base class that wants its data."""

import random
from collections import defaultdict

import numpy as np
import torch
from torch.utils.data.sampler import Sampler


class RandomMultipleGallerySamplerNoCam(Sampler):
    """Every individual once in random order, `num_instances` photos each."""

    def __init__(self, data_source, num_instances=4):
        super().__init__(data_source)
        self.data_source = data_source
        self.num_instances = num_instances
        self.members = defaultdict(list)
        for position, (_, pid, _) in enumerate(data_source):
            if pid >= 0:
                self.members[pid].append(position)

    def __len__(self):
        return len(self.members) * self.num_instances

    def partners(self, chosen):
        """Give the positions that can stand beside the chosen one."""
        return [position for position in self.members[self.data_source[chosen][1]] if position != chosen]

    def __iter__(self):
        order = []
        pids = list(self.members)
        for place in torch.randperm(len(pids)).tolist():
            chosen = random.choice(self.members[pids[place]])
            order.append(chosen)
            partners = self.partners(chosen)
            if partners:
                more = self.num_instances - 1
                order.extend(np.random.choice(partners, size=more, replace=len(partners) < more).tolist())
        return iter(order)


class RandomMultipleGallerySampler(RandomMultipleGallerySamplerNoCam):
    """The same, with photos from other cameras where there are any."""

    def partners(self, chosen):
        """Prefer another camera."""
        others = super().partners(chosen)
        camera = self.data_source[chosen][2]
        return [position for position in others if self.data_source[position][2] != camera] or others
