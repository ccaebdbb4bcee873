"""A run that drives a script: the step at its seams, answers and reports around it."""

from __future__ import annotations

import os
import random
import shutil
import sys
import time
import traceback
import warnings
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import pandas as pd
import torch

from aas_plugin.clustering.dbscan import dbscan
from aas_plugin.clustering.jaccard import JaccardGraph
from aas_plugin.codebases.patches import Losses, install
from aas_plugin.codebases.recipe import Recipe, Role, check_names, commit_of, is_known
from aas_plugin.codebases.script import Script
from aas_plugin.codebases.shims import shims_of
from aas_plugin.data.catalogue import make_catalogue
from aas_plugin.errors import AasError
from aas_plugin.files import write_text
from aas_plugin.plugins.manager import Plugins
from aas_plugin.runs.engine import WaitingForAnswers
from aas_plugin.runs.folder import check_settings
from aas_plugin.runs.history import History
from aas_plugin.runs.run import Run
from aas_plugin.runs.setting_up import set_up_driven
from aas_plugin.settings.models import ClusteringSettings, DrivenSettings
from aas_plugin.training.centroids import unit_rows


class Driver:
    """Drives one script from its start. A run that is resumed starts the script anew, with the answers it has.

    It is the `PatchCallbacks` of the script's patches, where the arguments of its methods are described.

    Attributes:
        plugins: all that are loaded.
        settings: of the run; the script's flags and commit are filled in once they are known.
        recipe: how the script is laid out.
        folder: of the run, absolute.
        resume: whether the folder holds a run to go on with.
        fast: whether distances are computed sparse, in place of the script's dense ones.
        script: the training script.
        flags: what the script's parser made of its arguments.
        shims: names of the shims that are applied.
        history: reports of the run, once the script has read its data.
    """

    def __init__(self, plugins: Plugins, settings: DrivenSettings, recipe: Recipe, folder: Path, resume: bool) -> None:
        self.plugins = plugins
        self.settings = settings
        self.recipe = recipe
        # The script may change the working folder.
        self._start = Path.cwd()
        self.folder = folder.resolve()
        self.resume = resume
        self.fast = settings.codebase.fast_jaccard
        self.script = Script(settings.codebase.path, recipe.script)
        self.flags = Namespace()
        self.shims: list[str] = []
        self._run: Run | None = None
        self._began = 0
        self._features = np.empty((0, 0), dtype=np.float32)
        self._sizes = (0, 0)
        self._graph: JaccardGraph | None = None
        self._clustering = ClusteringSettings()
        self._trainer: Any = None
        self._labels = np.empty(0, dtype=np.int64)
        self._handed = np.empty(0, dtype=np.int64)
        self._repaired = 0
        self._trained: tuple[dict[str, Any], float] | None = None
        self._metrics: dict[str, float] = {}
        self._evaluated = 0
        self._since = time.time()
        self._test: dict[str, float] | None = None

    @property
    def run(self) -> Run:
        """The run, once the script has read its data.

        Raises:
            AasError: the script has not read its data yet.
        """
        if self._run is None:
            raise AasError(f"{self.recipe.script} clusters before it reads its data; write a recipe for it")
        return self._run

    def execute(self) -> str:
        """Run the script to its end, or until people have to answer.

        On an error observers are told, and the traceback is kept in the run's folder. An error of the script that
        cannot be explained is raised as it is.

        Returns:
            "finished", or "waiting" when people have to answer first.

        Raises:
            AasError: something went wrong that can be explained.
            SystemExit: the script does not take its flags, and has told its usage.
        """
        gpu = torch.cuda.is_available()
        with self.script.importable(), shims_of(self.script, gpu, "before") as before:
            self.script.load()
            check_names(self.recipe, self.script.names)
            with shims_of(self.script, gpu, "after") as after:
                self.shims = [*before, *after]
                arguments = self._arguments()
                self.flags = self.script.parse(arguments)
                install(self.script.names, self.recipe, self)
                return self._execute(arguments)

    def _execute(self, arguments: list[str]) -> str:
        flags = {name: _plain(value) for name, value in vars(self.flags).items()}
        commit = commit_of(self.script.checkout)
        if commit is not None and self.recipe.commits and not is_known(self.recipe, commit):
            warnings.warn(
                f"{self.script.checkout} is at commit {commit[:7]}; {self.recipe.title} was tried at "
                f"{', '.join(self.recipe.commits)}",
                stacklevel=1,
            )
        filled = {"arguments": tuple(arguments), "flags": flags, "commit": commit}
        codebase = self.settings.codebase.model_copy(update=filled)
        self.settings = self.settings.model_copy(update={"codebase": codebase})
        # Before the script opens its log in this folder.
        check_settings(self.folder, self.settings, self.resume)
        outcome: Literal["finished", "waiting"]
        try:
            self.script.main()
            self._finish()
            outcome = "finished"
        except WaitingForAnswers:
            outcome = "waiting"
        except BaseException as error:
            explained = self._explain(error)
            if self._run is not None:
                write_text(self.folder / "traceback.txt", "".join(traceback.format_exception(error)))
                self._run.tell_failed(explained)
            if explained is error:
                raise
            raise explained from error
        self.run.tell_end(outcome)
        return outcome

    def data(self, dataset: Any) -> None:
        """Make the run around the images that the script has read; called again, it changes nothing."""
        if self._run is not None:
            return
        with _untouched_generators():
            rows = sorted(dataset.train) if self.recipe.order == "sorted" else list(dataset.train)
            files = [os.path.abspath(file) for file, *_ in rows]
            root = os.path.commonpath([os.path.dirname(file) for file in files]) if files else os.getcwd()
            self._place = {file: position for position, (file, *_) in enumerate(rows)}
            table = pd.DataFrame(
                {
                    "path": [Path(file).relative_to(root).as_posix() for file in files],
                    "identity": [str(identity) for _, identity, *_ in rows],
                    "split": "train",
                }
            )
            name = str(getattr(self.flags, "dataset", getattr(self.flags, "dataset_target", Path(root).name)))
            catalogue = make_catalogue(name, Path(root), table)
            # The path of a set of initial answers is relative to the folder in which the user began.
            with chdir(self._start):
                self._run = set_up_driven(
                    self.plugins,
                    self.settings,
                    self.folder,
                    catalogue,
                    resume=self.resume,
                    epochs=int(getattr(self.flags, "epochs", 0)),
                )
            self.history = History(self._run)
            self._run.state["shims"] = self.shims
            self._run.tell_start()

    def features(self, features: np.ndarray, k1: int, k2: int) -> None:
        """Keep the features of the next clustering."""
        self._features, self._sizes, self._graph = unit_rows(features), (k1, k2), None

    def cluster(self, role: Role, estimator: Any, dense: Callable[[], np.ndarray] | None) -> np.ndarray:
        """Labels for one clustering of an epoch; the step is taken at the main one.

        Returns:
            int64 (N,), -1 for noise, in which every answer holds.

        Raises:
            AasError: the labels are not those of N images, or there is no cluster, which the script needs.
            WaitingForAnswers: people have to answer first.
        """
        learner = self.run.active
        if role == "main":
            self._clustering = ClusteringSettings(
                k1=self._sizes[0], k2=self._sizes[1], eps=estimator.eps, min_samples=estimator.min_samples
            )
        labels = dense() if dense else dbscan(self._near(), estimator.eps, estimator.min_samples)
        with _untouched_generators():
            if len(labels) != len(learner.paths):
                raise AasError(
                    f"{self.recipe.script} clusters {len(labels)} images where its data set has {len(learner.paths)}; "
                    "write a recipe for it"
                )
            refined = self._main(labels) if role == "main" else learner.refine(labels, self._near)
        if role == "main" and refined.max() == -1:
            raise AasError(
                f"no cluster was found in epoch {self._number}, and {self.recipe.script} needs one: raise --eps (now "
                f"{estimator.eps:g}), or begin from better features"
            )
        return refined

    def train_set(self, rows: list[tuple[Any, Any, Any]]) -> list[tuple[Any, Any, Any]]:
        """Check that every answer holds in what is trained on, and repair it where the script broke one.

        Returns:
            The rows as they are, or with the repaired labels.

        Raises:
            AasError: an answer does not hold, and the recipe does not say where the trainer keeps its labels.
        """
        learner = self.run.active
        labels = np.full(len(learner.paths), -1, dtype=np.int64)
        places = [self._place[file] for file, *_ in rows]
        labels[places] = [int(label) for _, label, *_ in rows]
        broken = learner.constraints.violations(labels)
        self._repaired = sum(broken)
        if any(broken):
            if not self.recipe.labels:
                raise AasError(
                    f"{broken[0]} must-links and {broken[1]} cannot-links do not hold in what {self.recipe.script} "
                    f"trains on in epoch {self._number}: does the recipe's order, {self.recipe.order!r}, say how the "
                    "script sorts its images?"
                )
            with _untouched_generators():
                labels = learner.refine(labels, self._near)
            owner, _, attribute = self.recipe.labels.rpartition(".")
            holder = self._trainer
            for part in owner.split("."):
                holder = getattr(holder, part)
            setattr(holder, attribute, torch.from_numpy(labels).to(getattr(holder, attribute).device))
            rows = [(file, int(labels[place]), *rest) for place, (file, _, *rest) in zip(places, rows, strict=True)]
        self._handed = labels
        return rows

    def trainer(self, trainer: Any) -> None:
        """Keep the trainer, whose labels may have to be repaired."""
        self._trainer = trainer

    def epoch(self, number: int, train: Callable[[], Any]) -> Any:
        """Let the script train an epoch, and keep its losses.

        Returns:
            What `train` returned.

        Raises:
            AasError: the script trains another epoch than the one whose labels were made.
        """
        if number != self._number:
            raise AasError(f"{self.recipe.script} trains epoch {number} on the labels of epoch {self._number}")
        losses = Losses()
        started = time.perf_counter()
        with self.history.timed("train"), losses.watched(sys.stdout):
            result = train()
        self._trained = losses.means(), time.perf_counter() - started
        return result

    def evaluated(self, result: Any) -> None:
        """Keep the script's own mAP, and top-1 where it computes that."""
        cmc, found = result if isinstance(result, tuple) else (None, result)
        metrics = {"mAP": float(found), **({"top1": float(cmc[0])} if cmc is not None else {})}
        last = self._began == self.run.epochs - self.recipe.first_epoch
        # After its last epoch, which it has evaluated already, a script tests its best model.
        if self._test is not None or (last and self._evaluated == self._began):
            self._test = metrics
        else:
            self._metrics, self._evaluated = metrics, self._began

    def testing(self) -> None:
        """Take what is evaluated from now on as the script's test of its best model, if all epochs are trained."""
        if self._run is not None and self._began == self.run.epochs - self.recipe.first_epoch:
            self._test = {}

    @property
    def _number(self) -> int:
        """The number that the script gives to its epoch."""
        return self._began - 1 + self.recipe.first_epoch

    def _arguments(self) -> list[str]:
        """The script's flags; what it writes goes into the run's folder unless they say where."""
        arguments = list(self.settings.codebase.arguments)
        if not any(argument.split("=")[0] == self.recipe.logs for argument in arguments):
            arguments += [self.recipe.logs, str(self.folder / "script")]
        return arguments

    def _main(self, labels: np.ndarray) -> np.ndarray:
        """Begin an epoch: report the last one, take the step, which asks if it is time and repairs the labels."""
        run, schedule = self.run, self.run.active.schedule
        self._tell_epoch()
        if self._began == 0:
            self.history.raw = labels
            self.history.finish_cycle(0, labels, {})
        elif schedule.begins(self._began):
            self._tell_cycle()
        self.history.raw = labels
        run.epoch, run.cycle = self._began, schedule.cycle_of(self._began)
        if schedule.begins(run.epoch):
            self.history.begin_cycle()
        self._began += 1
        result = run.active.step(self._features, labels, epoch=run.epoch, graph=self._near, clustering=self._clustering)
        if result.waiting:
            raise WaitingForAnswers
        if result.report is not None:
            self.history.asked(result.report, run.cycle, self._near, result.labels)
        self._labels = result.labels
        return self._labels

    def _near(self) -> JaccardGraph:
        """The graph of this epoch's features, made when it is first needed."""
        if self._graph is None:
            report = self.run.progress("clustering")
            with self.history.timed("graph"):
                self._graph = self.run.active.graph(
                    self._features, lambda done, total: report(done, total + 1), self._clustering
                )
            report(1, 1)
        return self._graph

    def _tell_epoch(self) -> None:
        if self._trained is None:
            return
        losses, seconds = self._trained
        metrics = self._metrics if self._evaluated == self._began else {}
        scalars = {**losses, "repaired": self._repaired, **metrics}
        self.history.finish_epoch(self._labels, scalars, seconds)
        self._trained = None

    def _tell_cycle(self) -> None:
        self.history.finish_cycle(self.run.cycle, self._labels, self._metrics)
        self._metrics = {}

    def _finish(self) -> None:
        """Report what is left, and keep the script's best model."""
        self._tell_epoch()
        self._tell_cycle()
        best = cast(float, self.script.names.get("best_mAP", float("nan")))
        test = {f"test_{name}": value for name, value in (self._test or {}).items()}
        self.history.write_summary(best_mAP=float(best), **test)
        logs = getattr(self.flags, self.recipe.logs.lstrip("-").replace("-", "_"), None)
        found = [path for path in Path(logs).glob(self.recipe.checkpoint)] if logs else []
        # A folder that the user named may hold checkpoints of other runs.
        ours = [path for path in found if path.stat().st_mtime >= self._since]
        for path in sorted(ours, key=lambda path: path.stat().st_mtime)[-1:]:
            (self.folder / "checkpoints").mkdir(exist_ok=True)
            shutil.copy2(path, self.folder / "checkpoints" / path.name)

    def _explain(self, error: BaseException) -> BaseException:
        """Turn a script's bare error into one that says what it means, where that is known."""
        if not isinstance(error, StopIteration) or self._run is None:
            return error
        rows, clusters = int((self._handed >= 0).sum()), int(self._handed.max(initial=-1)) + 1
        batch = getattr(self.flags, "batch_size", None)
        return AasError(
            f"{self.recipe.script} ran out of images in epoch {self._number}: {rows} images in {clusters} clusters do "
            f"not fill a batch of {batch}; give a smaller --batch-size, or raise --eps for more clusters"
        )


@contextmanager
def _untouched_generators() -> Iterator[None]:
    """Leave the generators that the script draws from as they are."""
    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=list(range(torch.cuda.device_count()))):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)


def _plain(value: Any) -> Any:
    """A flag's value as settings can hold it."""
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
