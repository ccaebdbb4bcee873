"""From settings to a run that is ready."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from aas_plugin.active.learner import ActiveLearner
from aas_plugin.active.questions import Question
from aas_plugin.constraints.answers import AnswerLog
from aas_plugin.constraints.evidence import Evidence
from aas_plugin.constraints.initial_answers import initial_answers
from aas_plugin.data.catalogue import Catalogue
from aas_plugin.data.images import ImageStore
from aas_plugin.data.photo_list import PhotoList, photos_of
from aas_plugin.errors import AasError
from aas_plugin.evaluation.protocol_file import check_contents, read_protocol
from aas_plugin.files import write_text
from aas_plugin.plugins.manager import Plugins
from aas_plugin.plugins.registry import Kind
from aas_plugin.runs.code import code_hash
from aas_plugin.runs.data import RunData, read_data
from aas_plugin.runs.device import choose_device, keep_freed_memory
from aas_plugin.runs.facts import write_facts
from aas_plugin.runs.folder import CACHE, UNREADABLE, check_data, check_settings, lay_out
from aas_plugin.runs.run import NativeRun, Run
from aas_plugin.runs.status import write_origin, write_status
from aas_plugin.settings.models import ClusteringSettings, DrivenSettings, RunSettings, SharedSettings

if TYPE_CHECKING:
    from aas_plugin.clustering.graph import Graph
    from aas_plugin.sampling.proposal import KnownPairs
    from aas_plugin.sampling.views import Views


def set_up(
    plugins: Plugins,
    settings: RunSettings,
    folder: Path,
    *,
    resume: bool = False,
    data: RunData | None = None,
    cache: Path | None = None,
) -> NativeRun:
    """Check the data, lay out the run's folder, and load what the settings choose.

    Args:
        plugins: loaded plugins; those chosen are added.
        settings: of the run.
        folder: of the run.
        resume: whether the folder holds the run already.
        data: its data set, where that is read already.
        cache: folder of features that all runs share; without, the one beside the run's folder.

    Raises:
        AasError: something is wrong with data, settings or device, the folder does not fit, or the answers to
            begin with cannot be used.
    """
    device = choose_device(settings.device)
    if device.type == "cpu":
        keep_freed_memory()
    data = data or read_data(plugins, settings)
    training = settings.training
    images = ImageStore(data.catalogue.root, data.paths, training.height, training.width)
    images.check(plugins.progress("reading images"))
    data.check_enough()
    protocol = settings.evaluation.protocol
    if protocol is not None:
        check_contents(read_protocol(protocol), protocol, data.catalogue, data.hashes)
    constraints_hash = _begin(plugins, folder, settings, data, resume)
    _load_chosen(plugins, settings, "adapter", "sampler", "refiner", "evidence", "oracle")
    run = NativeRun(
        name=folder.name,
        folder=folder,
        settings=settings,
        plugins=plugins.manager,
        registry=plugins.registry,
        catalogue=data.catalogue,
        images=images,
        cache=cache or folder.parent / CACHE,
        train=data.train,
        identity=data.identity,
        device=device,
        hashes=data.hashes,
        data_hash=data.digest,
        constraints_hash=constraints_hash,
        epochs=training.epochs,
        resumed=resume,
    )
    run.active = _learner(run, ClusteringSettings(**settings.clustering.given), plugins)
    return run


def set_up_driven(
    plugins: Plugins, settings: DrivenSettings, folder: Path, catalogue: Catalogue, *, resume: bool, epochs: int
) -> Run:
    """Lay out the folder of a run that drives a checkout, and load what the settings choose.

    Args:
        plugins: loaded plugins; those chosen are added.
        settings: of the run.
        folder: of the run.
        catalogue: the images that the script trains on.
        resume: whether the folder holds the run already.
        epochs: how many the script trains.

    Raises:
        AasError: an image cannot be opened, the folder does not fit, there is no such device, or the answers to
            begin with cannot be used.
    """
    device = choose_device(settings.device)
    data = RunData(catalogue, plugins.progress("hashing images"))
    data.check_enough()
    constraints_hash = _begin(plugins, folder, settings, data, resume)
    _load_chosen(plugins, settings, "sampler", "refiner", "evidence", "oracle")
    run = Run(
        name=folder.name,
        folder=folder,
        settings=settings,
        plugins=plugins.manager,
        registry=plugins.registry,
        catalogue=catalogue,
        train=data.train,
        identity=data.identity,
        device=device,
        hashes=data.hashes,
        data_hash=data.digest,
        cache=folder.parent / CACHE,
        constraints_hash=constraints_hash,
        epochs=epochs,
        resumed=resume,
    )
    # The script's own sizes take their place when it clusters.
    run.active = _learner(run, ClusteringSettings(), plugins)
    return run


def _begin(plugins: Plugins, folder: Path, settings: SharedSettings, data: RunData, resume: bool) -> str | None:
    """Lay out a folder that fits, with the answers to begin with; gives the hash of their set."""
    check_settings(folder, settings, resume)
    if resume:
        check_data(folder, data.digest)
    content = dict(zip(data.paths, data.hashes, strict=True))
    begun = initial_answers(settings.active.constraints, folder, content, resume)
    state = {"data_hash": data.digest, "constraints_hash": begun.constraints_hash, "code_hash": code_hash(plugins)}
    lay_out(folder, settings, state)
    if data.left_out:
        listed = pd.DataFrame(list(data.left_out.items()), columns=["path", "reason"])
        write_text(folder / UNREADABLE, listed.to_csv(index=False))
    write_origin(folder, data.catalogue, data.digest)
    write_facts(folder, data.catalogue)
    if begun.answers:
        AnswerLog(folder / "answers.jsonl").append(begun.answers)
    return begun.constraints_hash


def _load_chosen(plugins: Plugins, settings: SharedSettings, *kinds: Kind) -> None:
    """Make what the settings choose of each kind, and register it as a plugin."""
    for kind in kinds:
        choice = getattr(settings, kind)
        component = plugins.component(kind, choice.name)
        plugin = component.make(choice.options)
        plugins.load(f"{choice.name} ({kind})", plugin, f"chosen as {kind}")


@dataclass(frozen=True)
class _ChosenRefiner:
    """The refiner that the settings choose, called as a hook, so that other plugins may wrap it."""

    hook: Any
    name: str
    keeps_satisfied: bool
    by_likelihood: bool

    @property
    def aas_set_aside(self) -> Any:
        """The hook, None where no plugin has it."""
        hook = self.hook.aas_set_aside
        return hook if hook.get_hookimpls() else None

    def __call__(
        self, labels: np.ndarray, must_links: np.ndarray, cannot_links: np.ndarray, evidence: Evidence, graph: Graph
    ) -> np.ndarray:
        refined: np.ndarray | None = self.hook.aas_refine(
            labels=labels, must_links=must_links, cannot_links=cannot_links, evidence=evidence, graph=graph
        )
        if refined is None:
            raise AasError(f"the refiner {self.name!r} implements no aas_refine")
        return refined


@dataclass(frozen=True)
class _ChosenEvidence:
    """The evidence that the settings choose, called as a hook."""

    hook: Any
    plugin: Any
    folder: Path

    def aas_pair_scores(self, photos: PhotoList, cache: Path | None, progress: Any) -> Any:
        look = getattr(self.plugin, "look", None)
        if look is not None:
            look(photos).save(self.folder / "crops.jpg", quality=85)
        return self.hook.aas_pair_scores(photos=photos, cache=cache, progress=progress)


def _learner(run: Run, clustering: ClusteringSettings, plugins: Plugins) -> ActiveLearner:
    """The run's active learning, which asks its oracle about what its sampler chooses."""
    hook = plugins.manager.hook
    settings, identity = run.settings, run.identity[run.train]
    paths = run.catalogue.table["path"].to_list()
    oracle = plugins.manager.get_plugin(f"{settings.oracle.name} (oracle)")
    refiner = plugins.manager.get_plugin(f"{settings.refiner.name} (refiner)")

    def answer(question: Question) -> str | None:
        decision: str | None = hook.aas_answer(question=question, identities=identity, seed=settings.seed, run=run)
        return decision

    def select(
        views: Views,
        labels: np.ndarray,
        evidence: Evidence,
        known: KnownPairs,
        budget: int,
        rng: np.random.Generator,
    ) -> pd.DataFrame:
        pairs: pd.DataFrame | None = hook.aas_select_pairs(
            views=views, labels=labels, evidence=evidence, known=known, budget=budget, rng=rng, run=run
        )
        if pairs is None:
            raise AasError(f"the sampler {settings.sampler.name!r} implements no aas_select_pairs")
        return pairs

    def wait() -> bool:
        write_status(run.folder, "waiting")
        answered = bool(hook.aas_wait_for_answers(run=run))
        if answered:
            write_status(run.folder, "running")
        return answered

    def enough() -> bool:
        return bool(hook.aas_stop(run=run, report=None))

    sampler = plugins.manager.get_plugin(f"{settings.sampler.name} (sampler)")
    setattr(select, "stops", getattr(sampler, "stops", False))  # noqa: B010 - functions have no such attribute
    beside: dict[str, Any] = {}
    if settings.evidence.name != "none":
        photos = photos_of(run.catalogue, run.train, run.hashes)
        plugin = plugins.manager.get_plugin(f"{settings.evidence.name} (evidence)")
        beside = {"evidence": _ChosenEvidence(hook, plugin, run.folder), "photos": photos}
    trained_on = set(run.train.tolist())
    return ActiveLearner(
        paths=[paths[row] for row in run.train],
        unknown=(),
        answer=answer,
        folder=run.folder,
        hashes=[run.hashes[row] for row in run.train],
        select=select,
        refiner=_ChosenRefiner(
            hook,
            settings.refiner.name,
            getattr(refiner, "keeps_satisfied", False),
            getattr(refiner, "by_likelihood", False),
        ),
        active=settings.active,
        clustering=clustering,
        annotator=f"oracle:{settings.oracle.name}",
        seed=settings.seed,
        device=str(run.device),
        progress=plugins.progress("answering questions"),
        machine=getattr(oracle, "machine", False),
        **beside,
        cache=run.cache,
        tasks=run.progress,
        resume=run.resumed,
        wait=wait,
        enough=enough,
        elsewhere={path: run.hashes[row] for row, path in enumerate(paths) if row not in trained_on},
    )
