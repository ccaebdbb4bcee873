"""A run chooses how it clusters once, says so, keeps it, and goes on with it."""

import io
import json

import pytest
from rich.console import Console

from aas_plugin.errors import AasError
from aas_plugin.hookspecs import hookimpl
from aas_plugin.plugins.manager import load_plugins
from aas_plugin.settings.resolving import resolve
from aas_plugin.tracking.terminal import Terminal

AUTO = {"clustering": dict.fromkeys(("k1", "k2", "eps", "min_samples"), "auto")}


class StopsAfterOneEpoch:
    @hookimpl
    def aas_epoch_finished(self, run, report):
        raise KeyboardInterrupt


def test_chosen_once_printed_kept_and_taken_up_again(ready):
    shown = io.StringIO()
    stopped = ready.engine(AUTO, observers=(StopsAfterOneEpoch(), Terminal(Console(file=shown))))
    with pytest.raises(KeyboardInterrupt):
        stopped.execute()
    kept = json.loads((ready.folder / "run" / "clustering.json").read_text())
    assert kept["eps"] == stopped.run.active.clustering.eps == stopped.run.settings.clustering.eps
    lines = shown.getvalue().splitlines()
    chosen = next(number for number, line in enumerate(lines) if f"eps {kept['eps']:g}" in line)
    assert "ARI" in lines[chosen + 1]
    assert sum("ARI" in line for line in lines) == 1

    # What the run began with counts, not what would be chosen now.
    kept["eps"] = 0.33
    (ready.folder / "run" / "clustering.json").write_text(json.dumps(kept))
    resumed = ready.engine(AUTO, resume=True)
    resumed.execute()
    assert resumed.run.active.clustering.eps == 0.33


def test_resumed_after_a_checkpoint_without_the_file_is_refused(ready):
    whole = ready.engine(AUTO)
    whole.execute()
    (ready.folder / "run" / "clustering.json").unlink()
    with pytest.raises(AasError, match=r"clustering\.json"):
        ready.engine(AUTO, resume=True).execute()


def test_numbers_stay_and_nothing_is_chosen(ready):
    engine = ready.engine({"clustering": {"eps": 0.6}})
    engine.execute()
    assert engine.run.active.clustering.eps == 0.6
    assert not (ready.folder / "run" / "clustering.json").exists()


def test_what_is_not_set_fits_the_data_and_what_is_set_stays():
    plugins = load_plugins()
    photos = {"dataset": {"name": "folder", "path": "photos"}}
    assert resolve(plugins, [photos]).clustering.given == {}
    assert resolve(plugins, [photos, {"clustering": {"eps": 0.6}}]).clustering.given == {"eps": 0.6}
    assert resolve(plugins, [{}]).clustering.is_fixed
    with pytest.raises(AasError, match=r"clustering\.eps"):
        resolve(plugins, [{"clustering": {"eps": "some"}}])


def test_the_first_cycle_says_what_the_answers_tell_of_the_features(ready):
    ready.engine({"active": {"budget": 60}}).execute()
    first, second = (
        json.loads((ready.folder / "run" / "cycles" / f"{cycle:02d}" / "report.json").read_text()) for cycle in (1, 2)
    )
    assert {"gate_tau", "gate_same", "gate_coverage", "gate_verdict"} <= first.keys()
    assert 0 <= first["gate_coverage"] <= 1
    assert not any(name.startswith("gate") for name in second)
