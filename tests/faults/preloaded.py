"""What a process of `faulty` has loaded and compiled when it begins."""

import importlib
import tempfile

import numpy as np
import torch

from aas_plugin import ActiveLearner
from aas_plugin.clustering.choosing import fit_clustering

for name in (
    "aas_adapters.spcl", "aas_plugin.cli", "aas_plugin.runs.engine", "aas_plugin.testing.backbone",
    "aas_plugin.tracking.mlflow_observer", "PIL.JpegImagePlugin", "sklearn.metrics",
):  # fmt: skip
    importlib.import_module(name)
torch.set_num_threads(1)
# Loads what takes seconds and is never used.
torch.use_deterministic_algorithms(False)
with tempfile.TemporaryDirectory() as folder:
    features = np.random.default_rng(0).normal(size=(60, 16)).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    learner = ActiveLearner([f"{number}.jpg" for number in range(60)], lambda question: "different", folder=folder)
    fit_clustering(features, seed=0, device=torch.device("cpu"))
    learner.step(features, np.arange(60) % 9, epoch=0)
