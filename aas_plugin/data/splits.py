"""Who is trained on, who is asked for, and who is in the gallery."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from aas_plugin.data.catalogue import Catalogue


@dataclass(frozen=True, eq=False)
class OpenSet:
    """Catalogue rows of an open-set evaluation.

    Attributes:
        query: int64 (Q,) ascending rows of the test images whose individual is given.
        gallery: int64 (G,) ascending rows of the exemplars, all training images; of the data set's own gallery
            where it has one.
        known: bool (Q,) whether the query's individual is in the gallery.
    """

    query: npt.NDArray[np.int64]
    gallery: npt.NDArray[np.int64]
    known: npt.NDArray[np.bool_]


def open_set_split(catalogue: Catalogue, seed: int, test_share: float = 0.3) -> npt.NDArray[np.str_]:
    """Split a catalogue that comes without a split (ours).

    A random `test_share` of each individual's images, rounded, goes to the test set, but never all of them;
    images without an identity are trained on.

    Args:
        catalogue: the images; a split of its own is ignored.
        seed: the same seed gives the same split.
        test_share: in [0, 1].

    Returns:
        (n,) "train" or "test".
    """
    rng = np.random.default_rng(seed)
    split = np.full(len(catalogue), "train", dtype="<U5")
    for rows in _rows_by_individual(catalogue.table["identity"]):
        count = min(round(test_share * len(rows)), len(rows) - 1)
        split[rng.permutation(rows)[:count]] = "test"
    return split


def open_set_protocol(
    identity: npt.ArrayLike,
    split: npt.ArrayLike,
    reference_features: npt.NDArray[np.float32],
    seed: int,
    exemplars: int = 5,
    held_out: float = 0.2,
) -> OpenSet:
    """Choose query and gallery as in the paper's experimental protocol.

    The test set is the query. A random share of the training individuals is held out of the gallery, so that
    some queries are of unknown individuals; each other individual has up to `exemplars` training images in
    the gallery. How they are chosen is ours: those with the highest mean similarity, to six decimals, to the
    individual's other training images, the lowest row among ties.

    Args:
        identity: (n,) strings, or NA where unknown; such images are in neither query nor gallery.
        split: (n,) "train", "test" or NA.
        reference_features: float32 (n_train, D), L2-normalised, a row for each training image in catalogue
            order, of a model that is the same for all methods compared.
        seed: the same seed holds out the same individuals.
        exemplars: most gallery images of an individual, at least 1.
        held_out: share of the training individuals, in [0, 1], rounded. Unless it is 0 at least one is held
            out and at least one is kept, given two training individuals or more.

    Raises:
        ValueError: `reference_features` has not one row for each training image.
    """
    names, sides = np.asarray(identity, dtype=object), pd.Series(split, dtype="string")
    train, test = ((sides == side).fillna(False).to_numpy(dtype=bool) for side in ("train", "test"))
    if len(reference_features) != train.sum():
        raise ValueError(f"{len(reference_features)} reference features for {train.sum()} training images")
    feature_row = np.cumsum(train) - 1
    individuals = _rows_by_individual(pd.Series(names).where(train, pd.NA))
    count = 0
    if held_out > 0 and len(individuals) >= 2:
        count = min(max(round(held_out * len(individuals)), 1), len(individuals) - 1)
    kept = np.random.default_rng(seed).permutation(len(individuals))[count:]

    chosen = [
        rows[_most_typical(reference_features[feature_row[rows]], exemplars)] for rows in (individuals[i] for i in kept)
    ]
    gallery = np.sort(np.concatenate([np.empty(0, dtype=np.int64), *chosen]))
    query = np.flatnonzero(test & ~pd.isna(names)).astype(np.int64)
    known = pd.Series(names[query]).isin(names[gallery]).to_numpy(dtype=bool)
    return OpenSet(query, gallery, known)


def own_protocol(catalogue: Catalogue) -> OpenSet:
    """Query and gallery of a data set that brings both, as Market-1501 does; all queries have their individual.

    Gallery images without an individual stay: they are right for no query.
    """
    identity = catalogue.table["identity"]
    rows, gallery = catalogue.rows_of("query"), catalogue.rows_of("gallery")
    query = rows[identity.iloc[rows].notna().to_numpy()]
    known = identity.iloc[query].isin(identity.iloc[gallery].dropna()).to_numpy(dtype=bool)
    return OpenSet(query, gallery, known)


def _rows_by_individual(identity: pd.Series) -> list[npt.NDArray[np.int64]]:
    """Group ascending rows by individual, sorted by name; rows without an identity are in no group."""
    groups = pd.Series(np.arange(len(identity))).groupby(identity.astype("string"), sort=True)
    return [rows.to_numpy(dtype=np.int64) for _, rows in groups]


def _most_typical(features: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.int64]:
    """Positions of the `count` rows with the highest mean similarity to the other rows."""
    features64 = features.astype(np.float64)
    to_others = features64 @ features64.sum(axis=0) - (features64**2).sum(axis=1)
    # Rounded, so that rounding errors do not decide between the images of a pair, or between duplicates.
    mean = np.round(to_others / max(1, len(features) - 1), 6)
    return np.argsort(-mean, kind="stable")[:count]
