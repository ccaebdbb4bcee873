"""How well features find the same individual again."""

import numpy as np
import torch


def rank_scores(features, query, gallery):
    """Give the mean average precision and the share of queries whose first k hold a match, for every k."""
    rows = torch.stack([features[path] for path, _, _ in gallery])
    pids = np.array([pid for _, pid, _ in gallery])
    cameras = np.array([camera for _, _, camera in gallery])
    precisions, firsts = [], np.zeros(len(gallery))
    for path, pid, camera in query:
        order = torch.argsort(rows @ features[path], descending=True, stable=True).numpy()
        order = order[~((pids[order] == pid) & (cameras[order] == camera))]
        places = np.flatnonzero(pids[order] == pid)
        if len(places):
            precisions.append(np.mean(np.arange(1, len(places) + 1) / (places + 1)))
            firsts[places[0] :] += 1
    return np.mean(precisions), firsts / len(precisions)


class Evaluator:
    """Scores a model by the features that a subclass gives."""

    def __init__(self, model):
        self.model = model

    def features(self, data_loader):
        """Give the features by path."""
        raise NotImplementedError

    def evaluate(self, data_loader, query, gallery, cmc_flag=False, rerank=False):
        """Give the mean average precision, or (CMC, mean average precision)."""
        mean_ap, cmc = rank_scores(self.features(data_loader), query, gallery)
        print(f"Mean AP: {mean_ap:4.1%}")
        if not cmc_flag:
            return mean_ap
        print(f"CMC: top-1 {cmc[0]:.1%}, top-5 {cmc[min(4, len(cmc) - 1)]:.1%}")
        return cmc, mean_ap
