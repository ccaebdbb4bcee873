"""Every hook is documented, typed, and called by a real run."""

import inspect

import pandas as pd
import pytest

from aas_plugin.hookspecs import hookimpl
from aas_plugin.plugins.manager import hook_functions


@pytest.mark.parametrize("name", hook_functions())
def test_every_hook_is_documented_and_typed(name):
    function = hook_functions()[name]
    assert len(inspect.getdoc(function) or "") > 40
    signature = inspect.signature(function)
    assert signature.return_annotation is not inspect.Signature.empty
    assert all(p.annotation is not inspect.Parameter.empty for p in signature.parameters.values())


def test_every_hook_is_called(ready):
    called = set()

    class Stops:
        @hookimpl
        def aas_epoch_finished(self, run, report):
            if report["epoch"] == 2:
                raise KeyboardInterrupt

    class Offers:
        @hookimpl
        def aas_register(self, registry):
            called.add("aas_register")

    class Observes:
        @hookimpl
        def aas_run_started(self, run): ...

        @hookimpl
        def aas_clustering_chosen(self, run): ...

        @hookimpl
        def aas_progress(self, run, task, done, total): ...

        @hookimpl
        def aas_cycle_finished(self, run, report): ...

        @hookimpl
        def aas_set_aside(self, evidence): ...

        @hookimpl
        def aas_run_finished(self, run, outcome): ...

        @hookimpl
        def aas_run_failed(self, run, error): ...

    def watch(run):
        run.plugins.add_hookcall_monitoring(lambda name, *_: called.add(name), lambda *_: None)

    fitting = {"clustering": {"eps": "auto"}, "evidence": {"name": "local"}}
    first = ready.engine(fitting, observers=(Stops(), Offers(), Observes()))
    watch(first.run)
    with pytest.raises(KeyboardInterrupt):
        first.execute()
    second = ready.engine(fitting, resume=True, observers=(Observes(),))
    watch(second.run)
    second.execute()

    class Waits:
        @hookimpl
        def aas_wait_for_answers(self, run):
            return False

    third = ready.engine({"oracle": "people"}, name="people", observers=(Waits(),))
    watch(third.run)
    assert third.execute() == "waiting"
    assert called == set(hook_functions())


def test_an_observer_that_fails_stops_nobody_else(ready):
    seen = []

    class Fails:
        @hookimpl
        def aas_cycle_finished(self, run, report):
            raise RuntimeError("the printer is on fire")

    class Sees:
        @hookimpl
        def aas_cycle_finished(self, run, report):
            seen.append(report["cycle"])

    with pytest.warns(UserWarning, match=r"observer 1.*printer is on fire"):
        outcome = ready.engine(observers=(Sees(), Fails())).execute()
    assert outcome == "finished"
    assert seen == [0, 1, 2]


def test_features_and_pseudo_labels_are_made_once_an_epoch_and_cycle_0_is_the_bare_labels(ready):
    calls = []

    class Counts:
        @hookimpl(wrapper=True)
        def aas_features(self, run):
            calls.append(("features", run.epoch))
            return (yield)

        @hookimpl(wrapper=True)
        def aas_pseudo_labels(self, run, features, graph):
            labels = yield
            calls.append(("labels", run.epoch))
            self.first = getattr(self, "first", labels.copy())
            return labels

        @hookimpl(wrapper=True)
        def aas_train_epoch(self, run, features, labels):
            assert features.shape[0] == len(labels)
            return (yield)

    counts = Counts()
    engine = ready.engine(observers=(counts,))
    engine.execute()
    assert calls == [(kind, epoch) for epoch in range(4) for kind in ("features", "labels")]
    kept = pd.read_parquet(ready.folder / "run" / "cycles" / "00" / "labels.parquet")["label"]
    assert kept.tolist() == counts.first.tolist()
