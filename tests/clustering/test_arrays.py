"""Features and labels as callers have them: tensors that learn, other precisions, lists."""

import numpy as np
import pytest
import scipy.sparse
import torch

from aas_plugin import ActiveLearner, JaccardDBSCAN
from aas_plugin.errors import AasError


def rows(seed=0):
    rng = np.random.default_rng(seed)
    features = np.repeat(rng.normal(size=(6, 16)), 5, axis=0) + 0.05 * rng.normal(size=(30, 16))
    return (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)


FORMS = {
    "learning": lambda x: torch.tensor(x, requires_grad=True),
    "of a graph": lambda x: torch.tensor(x, requires_grad=True) * 1.0,
    "half": lambda x: torch.tensor(x).half(),
    "bfloat16": lambda x: torch.tensor(x).bfloat16().requires_grad_(),
    "double": lambda x: torch.tensor(x, dtype=torch.float64),
    "transposed": lambda x: torch.tensor(x.T.copy()).T,
    "float64": lambda x: x.astype(np.float64),
    "float16": lambda x: x.astype(np.float16),
    "lists": lambda x: x.tolist(),
    "tensors in a list": lambda x: [torch.tensor(row, requires_grad=True) for row in x],
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_features_gives_the_same_labels(tmp_path, form):
    features, truth = rows(), np.repeat(np.arange(6), 5)
    given = FORMS[form](features)
    assert JaccardDBSCAN(k1=5, k2=2, min_samples=2).fit_predict(given).tolist() == truth.tolist()
    learner = ActiveLearner([f"{i}.jpg" for i in range(30)], lambda a, b: "different", tmp_path / "active")
    for labels in (truth.tolist(), torch.tensor(truth), torch.tensor(truth).int()):
        assert len(learner.step(given, labels, epoch=1).labels) == 30


@pytest.mark.parametrize("make", [scipy.sparse.csr_array, lambda x: torch.tensor(x).to_sparse()])
def test_sparse_features_are_refused_in_a_sentence(tmp_path, make):
    sparse = make(rows())
    learner = ActiveLearner([f"{i}.jpg" for i in range(30)], lambda a, b: "different", tmp_path / "active")
    with pytest.raises(AasError, match=r"features are sparse; give a dense array"):
        learner.step(sparse, np.zeros(30), epoch=0)
    with pytest.raises((AasError, TypeError), match=r"[Ss]parse"):
        JaccardDBSCAN().fit(sparse)
