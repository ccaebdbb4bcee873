"""From settings to a run that is ready: data read and checked, folder laid out, the chosen plugins in place."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
import yaml

from aas_plugin.active import ActiveLearner
from aas_plugin.config import ClusteringSettings, DrivenSettings, RunSettings
from aas_plugin.constraints.answers import AnswerLog
from aas_plugin.constraints.beginning import beginning
from aas_plugin.data.archive import unpack
from aas_plugin.data.catalogue import Catalogue, content_hashes, data_hash
from aas_plugin.data.images import ImageStore
from aas_plugin.data.splits import open_set_split
from aas_plugin.errors import AasError
from aas_plugin.evaluation.protocol_file import check_contents, read_protocol, with_split_of
from aas_plugin.files import write_json, write_text
from aas_plugin.plugins import Plugins, notify
from aas_plugin.registry import Kind
from aas_plugin.run import Progress, Question, Run

if TYPE_CHECKING:
    import torch

    from aas_plugin.sampling.views import Views


def load_data(plugins: Plugins, settings: RunSettings, data: Path | None = None) -> Catalogue:
    """Read the catalogue of the settings' data set, or that of the archive `data`, with a split in every row."""
    choice = settings.dataset
    if data is not None:
        catalogue = unpack(data)
    else:
        offer = plugins.offer("dataset", choice.name)
        progress = tell_progress(plugins, f"making {choice.name}")
        catalogue = offer.factory(offer.options.model_validate(choice.options), progress)
    protocol = settings.evaluation.protocol
    if protocol is not None:
        return with_split_of(read_protocol(protocol), protocol, catalogue)
    if catalogue.table["split"].isna().all():
        split = open_set_split(catalogue, settings.seed, settings.evaluation.test_share)
        catalogue = replace(catalogue, table=catalogue.table.assign(split=pd.array(split, dtype="string")))
    return catalogue


def choose_device(name: str) -> torch.device:
    """Turn "auto", "cpu", "cuda" or "cuda:N" into a device; raises `AasError` for a GPU that is not there."""
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise AasError(f"device {name!r}: this machine has {torch.cuda.device_count()} usable GPUs; use --device cpu")
    return device


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Hold a run folder for this process; raises `AasError` when another process has it."""
    from filelock import FileLock, Timeout

    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    held = FileLock(folder / ".lock", timeout=0)
    try:
        held.acquire()
    except Timeout:
        raise AasError(f"another process is at work in {folder}; wait for it, or use another --run-name") from None
    try:
        yield
    finally:
        held.release()
        if is_new and not (folder / "config.yaml").exists() and not (folder / "answers.jsonl").exists():
            # It never became a run: refused before anything was trained or asked.
            shutil.rmtree(folder, ignore_errors=True)


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
    images.check(tell_progress(plugins, "reading images"))
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
    fit, an image cannot be read, or what `beginning` raises about the answers to begin with.
    """
    table = catalogue.table
    train = catalogue.rows_of("train")
    if len(train) < 2:
        raise AasError(f"{catalogue.name}: {len(train)} training images; at least 2 are needed to compare any")
    hashes = content_hashes(catalogue, tell_progress(plugins, "hashing images"))
    digest = data_hash(catalogue, hashes)
    if isinstance(settings, RunSettings) and settings.evaluation.protocol is not None:
        protocol = settings.evaluation.protocol
        check_contents(read_protocol(protocol), protocol, catalogue, hashes)
    paths = table["path"].to_list()
    check_settings(folder, settings, resume)
    if resume:
        _check_data(folder, digest)
    begun = beginning(
        settings.active.constraints,
        folder,
        dict(zip(paths, hashes, strict=True)),
        [paths[row] for row in train],
        resume,
    )
    state = {"data_hash": digest, "constraints_hash": begun.constraints_hash, "code_hash": code_hash()}
    _lay_out(folder, settings, state)
    if begun.answers:
        AnswerLog(folder / "answers.jsonl").append(begun.answers)
    native = isinstance(settings, RunSettings)
    kinds: tuple[Kind, ...] = ("adapter", "sampler", "oracle") if native else ("sampler", "oracle")
    for kind in kinds:
        plugin = _make(plugins, settings, kind)
        plugins.load(f"{getattr(settings, kind).name} ({kind})", plugin, f"chosen as {kind}")
    hook = plugins.manager.hook

    def answer(question: Question) -> str | None:
        decision: str | None = hook.aas_answer(run=run, question=question)
        return decision

    def select(learner: ActiveLearner, views: Views, budget: int, rng: np.random.Generator) -> pd.DataFrame:
        pairs: pd.DataFrame | None = hook.aas_select_pairs(run=run, views=views, budget=budget)
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
        progress=tell_progress(plugins, "answering questions"),
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
        identity=np.array([None if pd.isna(name) else str(name) for name in table["identity"]], dtype=object),
        device=device,
        active=learner,
        hashes=hashes,
        data_hash=digest,
        epochs=settings.training.epochs if isinstance(settings, RunSettings) else epochs or 0,
        resumed=resume,
        state={"constraints_hash": begun.constraints_hash},
    )
    return run


@cache
def code_hash() -> str:
    """Hash of this package's code and that of its adapters: 16 hexadecimal digits."""
    import hashlib

    import aas_adapters

    import aas_plugin

    digest = hashlib.sha256()
    for package in (aas_plugin, aas_adapters):
        root = Path(str(package.__file__)).parent
        for path in sorted(root.rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def saved_settings(folder: Path) -> dict[str, Any]:
    """Read the settings of a run's folder; raises `AasError` when there are none."""
    path = folder / "config.yaml"
    if not path.exists():
        raise AasError(f"{folder} holds no run (no config.yaml); leave out --resume to begin one")
    settings: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return settings


def differences(saved: Any, given: Any, path: str = "") -> list[str]:
    """Settings that differ, one `key: saved -> given` each."""
    if isinstance(saved, dict) and isinstance(given, dict):
        keys = sorted({*saved, *given})
        return [
            line
            for key in keys
            for line in differences(saved.get(key), given.get(key), f"{path}.{key}" if path else str(key))
        ]
    return [] if saved == given else [f"{path}: {saved!r} -> {given!r}"]


def check_settings(folder: Path, settings: RunSettings | DrivenSettings, resume: bool) -> None:
    """Refuse a folder that holds a run already, or, to resume, one of other settings; raises `AasError`."""
    wanted = settings.model_dump(mode="json")
    if resume:
        changed = differences(saved_settings(folder), wanted)
        if changed:
            raise AasError(
                f"{folder} is a run of another configuration ({'; '.join(changed)}); resume it with its own "
                "settings, or begin a new run under another --run-name"
            )
    elif (folder / "config.yaml").exists():
        raise AasError(f"{folder} holds a run already; go on with it by --resume, or use another --run-name")


def _check_data(folder: Path, digest: str) -> None:
    import json

    state = folder / "run.json"
    if state.exists() and json.loads(state.read_text(encoding="utf-8"))["data_hash"] != digest:
        raise AasError(
            f"the images or the catalogue changed since {folder} began; put them back to resume it, or begin "
            "a new run under another --run-name"
        )


def _lay_out(folder: Path, settings: RunSettings | DrivenSettings, state: dict[str, str | None]) -> None:
    write_json(folder / "run.json", state)
    wanted = settings.model_dump(mode="json")
    write_text(folder / "config.yaml", yaml.safe_dump(wanted, sort_keys=False, allow_unicode=True))


def _make(plugins: Plugins, settings: RunSettings | DrivenSettings, kind: Kind) -> Any:
    choice = getattr(settings, kind)
    offer = plugins.offer(kind, choice.name)
    return offer.factory(offer.options.model_validate(choice.options))


def tell_progress(plugins: Plugins, task: str) -> Progress:
    """A callback `(done, total)` that tells observers how far a task is, before there is a run."""

    def tell(done: int, total: int) -> None:
        notify(plugins.manager, "aas_progress", run=None, task=task, done=done, total=total)

    return tell


def default_name(settings: RunSettings | DrivenSettings, runs: Path) -> str:
    """A name that says what is run, with a number behind it when it is taken."""
    if isinstance(settings, RunSettings):
        data = settings.dataset.options.get("subset") or settings.dataset.name
    else:
        data = settings.codebase.path.resolve().name
    name = f"{settings.adapter.name}-{data}-{settings.sampler.name}-{settings.seed}"
    taken = set(os.listdir(runs)) if runs.is_dir() else set()
    number = 2
    unique = name
    while unique in taken:
        unique, number = f"{name}-{number}", number + 1
    return unique
