"""From settings to a run that is ready."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from aas_plugin.active.learner import ActiveLearner
from aas_plugin.active.questions import Question
from aas_plugin.constraints.answers import AnswerLog
from aas_plugin.constraints.initial_answers import initial_answers
from aas_plugin.data.catalogue import Catalogue, content_hashes, data_hash
from aas_plugin.data.images import ImageStore
from aas_plugin.errors import AasError
from aas_plugin.evaluation.protocol_file import check_contents, read_protocol
from aas_plugin.plugins.manager import Plugins
from aas_plugin.plugins.registry import Kind
from aas_plugin.runs.code import code_hash
from aas_plugin.runs.data import load_data
from aas_plugin.runs.device import choose_device
from aas_plugin.runs.folder import check_data, check_settings, lay_out
from aas_plugin.runs.run import Run
from aas_plugin.settings.models import ClusteringSettings, DrivenSettings, RunSettings

if TYPE_CHECKING:
    import torch

    from aas_plugin.sampling.proposal import KnownPairs
    from aas_plugin.sampling.views import Views


def prepare(
    plugins: Plugins, settings: RunSettings, folder: Path, resume: bool = False, data: Path | None = None
) -> Run:
    """Read and check the data, lay out the run's folder, and register what the settings choose.

    `data` is a packed data set that takes the place of the one that the settings name.
    Raises `AasError` for anything wrong with data, settings, device, or the folder of a resumed run.
    """
    device = choose_device(settings.device)
    catalogue = load_data(plugins, settings, data)
    table = catalogue.table
    images = ImageStore(catalogue.root, table["path"].to_list(), settings.training.height, settings.training.width)
    images.check(plugins.progress("reading images"))
    return assemble(plugins, settings, folder, catalogue, images=images, device=device, resume=resume)


def assemble(
    plugins: Plugins,
    settings: RunSettings | DrivenSettings,
    folder: Path,
    catalogue: Catalogue,
    *,
    images: ImageStore | None,
    device: torch.device,
    resume: bool,
    epochs: int | None = None,
) -> Run:
    """Lay out a run's folder, register what the settings choose, and make the run around its active learner.

    `epochs` is for a run whose settings do not say how many there are. Raises `AasError` when the folder does not
    fit, an image cannot be read, or what `initial_answers` raises about the answers to begin with.
    """
    table = catalogue.table
    train = catalogue.rows_of("train")
    if len(train) < 2:
        raise AasError(f"{catalogue.name}: {len(train)} training images; at least 2 are needed to compare any")
    hashes = content_hashes(catalogue, plugins.progress("hashing images"))
    digest = data_hash(catalogue, hashes)
    if isinstance(settings, RunSettings) and settings.evaluation.protocol is not None:
        protocol = settings.evaluation.protocol
        check_contents(read_protocol(protocol), protocol, catalogue, hashes)
    paths = table["path"].to_list()
    check_settings(folder, settings, resume)
    if resume:
        check_data(folder, digest)
    begun = initial_answers(
        settings.active.constraints,
        folder,
        dict(zip(paths, hashes, strict=True)),
        [paths[row] for row in train],
        resume,
    )
    state = {"data_hash": digest, "constraints_hash": begun.constraints_hash, "code_hash": code_hash()}
    lay_out(folder, settings, state)
    if begun.answers:
        AnswerLog(folder / "answers.jsonl").append(begun.answers)
    native = isinstance(settings, RunSettings)
    kinds: tuple[Kind, ...] = ("adapter", "sampler", "oracle") if native else ("sampler", "oracle")
    for kind in kinds:
        plugin = _make(plugins, settings, kind)
        plugins.load(f"{getattr(settings, kind).name} ({kind})", plugin, f"chosen as {kind}")
    hook = plugins.manager.hook
    identity = np.array([None if pd.isna(name) else str(name) for name in table["identity"]], dtype=object)

    oracle = plugins.manager.get_plugin(f"{settings.oracle.name} (oracle)")

    def answer(question: Question) -> str | None:
        decision: str | None = hook.aas_answer(
            question=question, identities=identity[train], seed=settings.seed, run=run
        )
        return decision

    def select(views: Views, known: KnownPairs, budget: int, rng: np.random.Generator) -> pd.DataFrame:
        pairs: pd.DataFrame | None = hook.aas_select_pairs(views=views, known=known, budget=budget, rng=rng, run=run)
        if pairs is None:
            raise AasError(f"the sampler {settings.sampler.name!r} implements no aas_select_pairs")
        return pairs

    learner = ActiveLearner(
        paths=[paths[row] for row in train],
        answer=answer,
        folder=folder,
        hashes=[hashes[row] for row in train],
        select=select,
        active=settings.active,
        clustering=settings.clustering if isinstance(settings, RunSettings) else ClusteringSettings(),
        annotator=f"oracle:{settings.oracle.name}",
        seed=settings.seed,
        device=str(device),
        progress=plugins.progress("answering questions"),
        machine=getattr(oracle, "machine", False),
        resume=resume,
    )
    run = Run(
        name=folder.name,
        folder=folder,
        # A run that drives a checkout has none of what only native methods ask for.
        settings=cast(RunSettings, settings),
        plugins=plugins.manager,
        registry=plugins.registry,
        catalogue=catalogue,
        images=cast(ImageStore, images),
        train=train,
        identity=identity,
        device=device,
        active=learner,
        hashes=hashes,
        data_hash=digest,
        epochs=settings.training.epochs if isinstance(settings, RunSettings) else epochs or 0,
        resumed=resume,
        state={"constraints_hash": begun.constraints_hash},
    )
    return run


def _make(plugins: Plugins, settings: RunSettings | DrivenSettings, kind: Kind) -> Any:
    choice = getattr(settings, kind)
    component = plugins.component(kind, choice.name)
    return component.factory(component.options.model_validate(choice.options))
