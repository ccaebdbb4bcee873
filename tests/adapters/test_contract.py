"""What every base method of this package does, on the tiny data set."""

import numpy as np
import pytest

from aas_plugin.hookspecs import hookimpl

ADAPTERS = ("cluster-contrast", "spcl")


@pytest.fixture(params=ADAPTERS)
def adapter(request):
    return {"adapter": request.param}


class Handed:
    """Keeps the labels that are handed over for training, and checks that every answer holds in them."""

    def __init__(self):
        self.labels = []

    @hookimpl(wrapper=True)
    def aas_train_epoch(self, run, labels):
        self.labels.append(labels.copy())
        assert run.active.constraints.violations(labels) == (0, 0)
        return (yield)


def executed(ready, adapter, *layers, name="run", **options):
    handed = Handed()
    engine = ready.engine(adapter, *layers, name=name, observers=(handed,), **options)
    assert engine.execute() == "finished"
    return engine, handed


def test_every_answer_holds_and_a_run_that_was_broken_off_repeats_one_that_was_not(ready, adapter):
    def stop_after_the_second(run, report):
        if report["epoch"] == 2:
            raise KeyboardInterrupt

    whole, handed = executed(ready, adapter, name="whole")
    assert len(whole.run.active.constraints.must_links) > 0
    assert len(whole.run.active.constraints.cannot_links) > 0
    stopper = type("Stopper", (), {"aas_epoch_finished": staticmethod(hookimpl(stop_after_the_second))})()
    with pytest.raises(KeyboardInterrupt):
        ready.engine(adapter, name="broken", observers=(stopper,)).execute()
    resumed, rest = executed(ready, adapter, name="broken", resume=True)
    # It begins after the last epoch whose state was saved, with what a seed gives again.
    assert [labels.tolist() for labels in rest.labels] == [labels.tolist() for labels in handed.labels[2:]]
    assert [report["loss"] for report in resumed.losses] == [report["loss"] for report in whole.losses]
    assert resumed.reports[-1]["mAP"] == whole.reports[-1]["mAP"]


SHORT = {"active": {"cycles": 0}, "training": {"epochs": 2}}


def test_epochs_without_a_cluster_end_well_and_are_told_once(ready, adapter):
    with pytest.warns(UserWarning, match="no cluster was found in epoch 0: raise clustering.eps") as told:
        engine, handed = executed(ready, adapter, SHORT, {"clustering": {"min_samples": 1000}})
    assert len([warning for warning in told if "no cluster" in str(warning.message)]) == 1
    assert all((labels == -1).all() for labels in handed.labels)
    assert 0 <= engine.reports[-1]["mAP"] <= 1


def test_epochs_with_one_cluster_end_well(ready, adapter):
    everything = {"eps": 0.999, "min_samples": 1, "k1": 1000}
    engine, handed = executed(ready, adapter, SHORT, {"clustering": everything})
    assert all(labels.max() == 0 for labels in handed.labels)
    assert 0 <= engine.reports[-1]["mAP"] <= 1


def test_it_learns_individuals_from_their_true_labels(ready, adapter):
    training = {"iterations": 10, "flip": 0, "erasing": 0}
    run = ready.engine(adapter, {"training": training, "backbone": {"bn_neck": False}}).run
    individuals = np.array([str(name) for name in run.identity])[run.train]
    labels = np.unique(individuals, return_inverse=True)[1]
    method = run.plugins.hook
    method.aas_setup(run=run)

    def top1():
        features = method.aas_embed(run=run, rows=run.train)
        similarity = features @ features.T
        np.fill_diagonal(similarity, -1)
        return np.mean(labels[similarity.argmax(axis=1)] == labels)

    untrained = top1()
    losses = []
    for _ in range(4):
        method.aas_features(run=run)
        losses.append(method.aas_train_epoch(run=run, labels=labels)["loss"])
    assert losses[-1] < 0.7 * losses[0]
    assert top1() > untrained


def test_its_features_are_of_unit_length_and_in_the_order_of_the_rows(ready, adapter):
    run = ready.engine(adapter).run
    run.plugins.hook.aas_setup(run=run)
    features = run.plugins.hook.aas_embed(run=run, rows=run.train)
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1, atol=1e-5)
    some = run.train[[4, 1]]
    np.testing.assert_allclose(run.plugins.hook.aas_embed(run=run, rows=some), features[[4, 1]], atol=1e-5)
