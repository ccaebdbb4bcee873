"""What a driven run writes down are the labels of its clustering, of every cycle alike."""

import json

import numpy as np
import pandas as pd
import pytest
from suite import make_driver

from aas_plugin.active.learner import ActiveLearner
from aas_plugin.clustering.labels import count_clusters


@pytest.fixture
def clustered(monkeypatch):
    """The labels that every step was given and gave back."""
    found, step = [], ActiveLearner.step

    def watched(self, features, labels, **options):
        result = step(self, features, labels, **options)
        found.append((labels.copy(), result.labels.copy()))
        return result

    monkeypatch.setattr(ActiveLearner, "step", watched)
    return found


@pytest.mark.parametrize("name", ["spcl", "cluster-contrast"])
def test_reports_count_clusters_and_not_what_a_script_makes_of_single_images(
    miniature, arguments, tmp_path, clustered, name
):
    driver = make_driver(name, miniature(name), arguments(name, tmp_path / "logs"), tmp_path / "run")
    assert driver.execute() == "finished"
    refined = [after for _, after in clustered]
    assert len(refined) == 4 and any((labels == -1).any() for labels in refined)
    told = pd.read_csv(tmp_path / "run" / "plots" / "epochs.csv")
    assert told["clusters"].tolist() == [count_clusters(labels) for labels in refined]
    assert told["noise"].tolist() == [int((labels == -1).sum()) for labels in refined]
    # Cycle 0 is the bare labels of epoch 0; two epochs a cycle, and the last labels of each are kept.
    for cycle, labels in enumerate((clustered[0][0], refined[1], refined[3])):
        folder = tmp_path / "run" / "cycles" / f"{cycle:02d}"
        kept = pd.read_parquet(folder / "labels.parquet")["label"].to_numpy()
        np.testing.assert_array_equal(kept, labels)
        report = json.loads((folder / "report.json").read_text())
        assert (report["clusters"], report["noise"]) == (count_clusters(labels), int((labels == -1).sum()))
