"""Features of three kinds, and how well the first finds the same individual again."""

from collections import OrderedDict

import torch

from .scores import Evaluator as OneKindEvaluator


@torch.no_grad()
def extract_features(model, data_loader, print_freq=50):
    """Give whole, upper and lower features, and pids, by path."""
    model.eval()
    found = tuple(OrderedDict() for _ in range(4))
    for images, paths, pids, _, _ in data_loader:
        parts = [part.cpu() for part in model(images.cuda())]
        for path, *values in zip(paths, *parts, pids, strict=True):
            for store, value in zip(found, values, strict=True):
                store[path] = value
    return found


class Evaluator(OneKindEvaluator):
    """Scores a model by its features of the whole."""

    def features(self, data_loader):
        """Give the whole features by path."""
        return extract_features(self.model, data_loader)[0]
