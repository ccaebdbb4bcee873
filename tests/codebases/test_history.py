"""What a driven run writes down are the labels of its clustering, of every cycle alike."""

import json

import numpy as np
import pandas as pd
import pytest
from suite import make_driver

from aas_plugin.active.learner import ActiveLearner
from aas_plugin.clustering.labels import count_clusters
from aas_plugin.evaluation.clustering_quality import clustering_quality


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
    identity = driver.run.identity[driver.run.train]
    for name, side in (("ARI_raw", 0), ("ARI", 1)):
        assert told[name].tolist() == pytest.approx(
            [clustering_quality(pair[side], identity)["ARI"] for pair in clustered]
        )
    for cycle, (raw, repaired) in enumerate((clustered[0], clustered[2]), 1):
        report = json.loads((tmp_path / "run" / "cycles" / f"{cycle:02d}" / "report.json").read_text())
        assert report["ARI_after"] == pytest.approx(clustering_quality(repaired, identity)["ARI"])
        if cycle == 1:  # nothing was known before
            assert report["ARI_before"] == pytest.approx(clustering_quality(raw, identity)["ARI"])
    # Cycle 0 is the bare labels of epoch 0; two epochs a cycle, and the last labels of each are kept.
    for cycle, labels in enumerate((clustered[0][0], refined[1], refined[3])):
        folder = tmp_path / "run" / "cycles" / f"{cycle:02d}"
        kept = pd.read_parquet(folder / "labels.parquet")["label"].to_numpy()
        np.testing.assert_array_equal(kept, labels)
        report = json.loads((folder / "report.json").read_text())
        assert (report["clusters"], report["noise"]) == (count_clusters(labels), int((labels == -1).sum()))
