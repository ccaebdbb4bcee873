"""`coats`: a data set of drawn animals with coat patterns, for animal re-identification without a download."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field
from scipy import ndimage

from aas_plugin.data.coat_patterns import gray_scott
from aas_plugin.data.coat_photos import Coat, Conditions, photograph
from aas_plugin.data.coat_scenes import Colour
from aas_plugin.errors import AasError

_PATTERN_SHAPE = (56, 144)
_PATTERN_STEPS = 800
_SMOOTHER = 2


class CoatsOptions(BaseModel):
    """Options of `coats`: difficulty, number of individuals, their mean photos, seed, pixels, parent folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    level: Literal["easy", "default", "hard"] = "default"
    individuals: int = Field(default=30, ge=1)
    photos: int = Field(default=16, ge=2)
    seed: int = Field(default=0, ge=0)
    size: int = Field(default=96, ge=16)
    path: Path = Path("data")

    @property
    def folder(self) -> Path:
        """Where the drawn data set lies."""
        name = f"coats-{self.level}-{self.individuals}x{self.photos}-{self.size}px-seed{self.seed}"
        return self.path.expanduser() / name


@dataclass(frozen=True)
class _Species:
    """The look that individuals vary: see `gray_scott` and `Coat`."""

    feed: float
    kill: float
    stretch: float
    cover: float
    ground: Colour
    marks: Colour


@dataclass(frozen=True)
class _Level:
    """How many species there are, how much individuals of one differ in style, and how hard photos are."""

    species: int
    variety: float
    conditions: Conditions


_SPECIES = (
    _Species(0.0367, 0.0645, 0.0, 0.36, (0.82, 0.60, 0.33), (0.17, 0.11, 0.08)),  # leopard
    _Species(0.029, 0.057, 0.5, 0.46, (0.92, 0.90, 0.86), (0.10, 0.09, 0.10)),  # zebra
    _Species(0.042, 0.059, 0.0, 0.36, (0.56, 0.31, 0.15), (0.94, 0.84, 0.64)),  # giraffe
    _Species(0.026, 0.055, 0.45, 0.34, (0.88, 0.49, 0.18), (0.11, 0.08, 0.06)),  # tiger
    _Species(0.030, 0.0612, 0.0, 0.27, (0.58, 0.35, 0.20), (0.96, 0.90, 0.76)),  # fawn
    _Species(0.046, 0.063, 0.0, 0.50, (0.90, 0.88, 0.84), (0.22, 0.15, 0.12)),  # cattle
    _Species(0.035, 0.065, -0.35, 0.40, (0.62, 0.58, 0.52), (0.20, 0.15, 0.13)),  # genet
    _Species(0.050, 0.0618, 0.4, 0.30, (0.46, 0.20, 0.11), (0.92, 0.86, 0.78)),  # bongo
)

_LEVELS = {
    "easy": _Level(8, 1.4, Conditions(pose=0.12, light=0.05, blur=0.1, occlusion=0.1)),
    "default": _Level(6, 1.1, Conditions(pose=0.22, light=0.15, blur=0.22, occlusion=0.2)),
    "hard": _Level(2, 0.3, Conditions(pose=0.55, light=0.55, blur=0.55, occlusion=0.5)),
}


def draw_coats(options: CoatsOptions, progress: Callable[[int, int], None] | None = None) -> Path:
    """Draw the data set, unless it is there already, and return its folder `options.folder`.

    The folder holds `images/` and `metadata.csv` with the columns image_id, path, identity, orientation
    (left or right: the two flanks of an individual differ) and split (train or test). It appears complete or
    not at all, and the same options give the same bytes. `progress` is called with the photos drawn so far
    and their total. About 30 % of an individual's photos are for test, and a tenth of the individuals
    appear in test only.

    Raises:
        AasError: the folder cannot be written, or is there without being a complete data set.
    """
    folder = options.folder
    if _is_complete(folder):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".coats-", dir=folder.parent) as scratch:
            drawn = Path(scratch, folder.name)
            _draw(options, drawn, progress)
            drawn.rename(folder)
    except OSError as error:
        # Another process may have drawn the same data set meanwhile.
        if _is_complete(folder):
            return folder
        raise AasError(
            f"The coats cannot be drawn into {folder} ({error.strerror}); free that place or choose another path."
        ) from error
    return folder


def _is_complete(folder: Path) -> bool:
    return (folder / "metadata.csv").is_file()


def _draw(options: CoatsOptions, folder: Path, progress: Callable[[int, int], None] | None) -> None:
    table = _plan(options)
    coats = _design_coats(options)
    conditions = _LEVELS[options.level].conditions
    (folder / "images").mkdir(parents=True)
    for number, row in enumerate(table.itertuples(index=False)):
        rng = np.random.default_rng([options.seed, 3, row.individual, row.number])
        photo = photograph(coats[row.individual], row.orientation == "right", conditions, options.size, rng)
        Image.fromarray(photo).save(folder / row.path, quality=92)
        if progress is not None:
            progress(number + 1, len(table))
    table.drop(columns=["individual", "number"]).to_csv(folder / "metadata.csv", index=False, lineterminator="\n")


def _plan(options: CoatsOptions) -> pd.DataFrame:
    """One row a photo: who, which flank, which split."""
    rng = np.random.default_rng([options.seed, 1])
    sizes = rng.permutation(_sizes(options.individuals, options.photos))
    unknown = rng.permutation(options.individuals) < round(0.1 * options.individuals)
    rows = []
    for individual, size in enumerate(sizes.tolist()):
        # Those seen often are seen from both sides, those seen rarely from one.
        flanks = rng.permutation(np.arange(size) % 2) if size >= 4 else np.full(size, rng.integers(2))
        test = rng.permutation(size) < (size if unknown[individual] else max(1, round(0.3 * size)))
        identity = f"coat{individual:03d}"
        for number in range(size):
            name = f"{identity}_{number:03d}"
            rows.append(
                (name, f"images/{name}.jpg", identity, ("left", "right")[flanks[number]],
                 ("train", "test")[int(test[number])], individual, number)
            )  # fmt: skip
    return pd.DataFrame(rows, columns=["image_id", "path", "identity", "orientation", "split", "individual", "number"])


def _sizes(individuals: int, photos: int) -> NDArray[np.int64]:
    """Photos of each individual, at least 2, by a power law, with the mean `photos`."""
    weights = np.arange(1, individuals + 1) ** -0.7
    spare = (photos - 2) * individuals
    sizes: NDArray[np.int64] = 2 + np.floor(spare * weights / weights.sum()).astype(np.int64)
    sizes[: photos * individuals - int(sizes.sum())] += 1
    return sizes


def _design_coats(options: CoatsOptions) -> list[Coat]:
    rng = np.random.default_rng([options.seed, 2])
    level, number = _LEVELS[options.level], options.individuals
    species = [_SPECIES[index] for index in rng.permutation(np.arange(number) % level.species)]

    def varied(values: list[float], spread: float) -> NDArray[np.float32]:
        return (values + spread * level.variety * rng.uniform(-1, 1, number)).astype(np.float32)

    feed = varied([kind.feed for kind in species], 0.002)
    kill = varied([kind.kill for kind in species], 0.0005)
    stretch = varied([kind.stretch for kind in species], 0.2)
    cover = varied([kind.cover for kind in species], 0.08)
    scale = varied([30.0] * number, 5.0)
    patterns = gray_scott(feed, kill, stretch, _PATTERN_SHAPE, _PATTERN_STEPS, rng)
    coats = []
    for kind, pattern, own_cover, own_scale in zip(species, patterns, cover, scale, strict=True):
        tone = 1 + 0.18 * level.variety * rng.uniform(-1, 1) + 0.06 * level.variety * rng.uniform(-1, 1, 3)
        ground = np.clip(np.array(kind.ground) * tone, 0, 1)
        smooth = ndimage.zoom(pattern, _SMOOTHER, order=3, mode="grid-wrap", grid_mode=True)
        coats.append(Coat(smooth, float(own_cover), float(own_scale) * _SMOOTHER, tuple(ground.tolist()), kind.marks))
    return coats
