"""Features, and a score for the model that gives them."""

from collections import OrderedDict

import torch
from torch import nn

from . import scores


@torch.no_grad()
def extract_features(model, data_loader, print_freq=50):
    """Give features and pids by path."""
    model.eval()
    features, labels = OrderedDict(), OrderedDict()
    for images, paths, pids, _, _ in data_loader:
        for path, row, pid in zip(paths, model(images.cuda()).cpu(), pids, strict=True):
            features[path] = row
            labels[path] = pid
    return features, labels


@torch.no_grad()
def extract_all_features(model, data_loader, print_freq=50):
    """Give global features, part features and pids by path, from a network that has parts."""
    model.eval()
    network = model.module if isinstance(model, nn.DataParallel) else model
    whole, parts, labels = OrderedDict(), OrderedDict(), OrderedDict()
    for images, paths, pids, _, _ in data_loader:
        rows, stripes = network.extract_all_features(images.cuda())
        for path, row, stripe, pid in zip(paths, rows.cpu(), stripes.cpu(), pids, strict=True):
            whole[path], parts[path], labels[path] = row, stripe, pid
    return whole, parts, labels


class Evaluator(scores.Evaluator):
    """Scores a model by its features."""

    def features(self, data_loader):
        """Give the features by path."""
        return extract_features(self.model, data_loader)[0]
