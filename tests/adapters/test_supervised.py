"""The skyline trains on who is there."""

import numpy as np
import pytest

from aas_plugin.errors import AasError
from aas_plugin.plugins.manager import load_plugins
from aas_plugin.testing.tiny import tiny_engine


def test_its_labels_are_the_individuals(tmp_path, drawn):
    engine = tiny_engine(load_plugins(), tmp_path / "run", drawn, {"adapter": {"name": "supervised"}})
    run, individuals = engine.run, engine.run.identity[engine.run.train]
    assert engine.execute() == "finished"
    features = run.plugins.hook.aas_features(run=run)
    labels = run.plugins.hook.aas_pseudo_labels(run=run, features=features, graph=None)
    assert np.array_equal(labels[:, None] == labels, individuals[:, None] == individuals)
    run.identity[run.train[0]] = None
    assert run.plugins.hook.aas_pseudo_labels(run=run, features=features, graph=None)[0] == -1
    run.identity[run.train] = None
    with pytest.raises(AasError, match="needs individuals"):
        run.plugins.hook.aas_pseudo_labels(run=run, features=features, graph=None)
