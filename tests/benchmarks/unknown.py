"""How far P(unknown individual) of `aas match` is from the truth, and its decisions beside those of a threshold.

Half of the individuals are unknown; of the others about a third of the photos are new. `singles`: of four fifths of the
others the gallery has one photo, and one is new; `singles, all new`: all others are new, which the calibration does not
expect, as it takes individuals to be as frequent as in the gallery. Known and unknown photos count alike.

Columns are means over seeds: expected calibration error of P(unknown), what chance makes of it if all are right, that
of the photos of all seeds together, and of the best individual's probability; balanced accuracy of P(unknown) > 0.5
and of the score that separates best in the gallery, their difference with its standard error, on how many seeds it is
below 0; how often the margin is used; error and accuracy that `aas match` tells; on how many seeds no individual had
two photos, which are left out. A file of features is what `aas embed` writes, with identities.

    OMP_NUM_THREADS=1 python tests/benchmarks/unknown.py [FEATURES.parquet ...]
"""

import sys
from pathlib import Path

import numpy as np

from aas_plugin.evaluation.leave_one_out import leave_one_out
from aas_plugin.evaluation.matching import best_per_individual, cosine
from aas_plugin.evaluation.reliability import calibration_error, error_by_chance
from aas_plugin.evaluation.unknown import calibrate
from aas_plugin.simulation.reading import read_features
from aas_plugin.simulation.synthetic import synthetic_features

SEEDS = 20
NOISE = (0.5, 1, 2, 3)
UNKNOWN, NEW, SINGLES = 0.5, 0.35, 0.8
KINDS = ("", "singles", "singles, all new")


def parted(features, individual, seed, singles):
    """Features and individuals of the gallery and of new photos, -1 for who is not in the gallery."""
    rng = np.random.default_rng(seed)
    names = rng.permutation(individual.max() + 1)
    known = np.isin(individual, names[int(UNKNOWN * len(names)) :])
    single = np.isin(individual, names[rng.random(len(names)) < SINGLES]) & (singles != "")
    order = rng.permutation(len(individual))
    turn = np.empty(len(individual), dtype=int)  # the how many-th photo of its individual
    for one in names:
        turn[order[individual[order] == one]] = np.arange((individual == one).sum())
    gallery = known & ((turn == 0) | (~single & (rng.random(len(individual)) >= NEW)))
    new = ~gallery & ~(single & known & (turn > 1) & (singles == "singles"))
    found, of_gallery = np.unique(individual[gallery], return_inverse=True)
    of_new = np.where(known, np.searchsorted(found, individual).clip(max=len(found) - 1), -1)[new]
    return features[gallery], of_gallery.astype(np.int64), features[new], of_new


def separating(trials):
    """The best score below which unknown trials lie, and known ones do not, with the highest balanced accuracy."""
    strangers = trials.scores.copy()
    strangers[np.arange(len(strangers)), trials.individual] = -np.inf
    known, unknown = np.sort(trials.scores[trials.known].max(axis=1)), np.sort(strangers.max(axis=1))
    scores = np.unique(np.concatenate([known, unknown]).astype(float))
    tried = np.concatenate([scores[:1], (scores[:-1] + scores[1:]) / 2, np.nextafter(scores[-1:], np.inf)])
    flagged = np.searchsorted(unknown, tried) / len(unknown) - np.searchsorted(known, tried) / len(known)
    return tried[flagged.argmax()]


def measured(features, individual, seed, singles):
    gallery, of_gallery, new, of_new = parted(features, individual, seed, singles)
    trials = leave_one_out(cosine(gallery, gallery), of_gallery)
    found = calibrate(trials)
    if found is None:
        return None
    scores = best_per_individual(cosine(new, gallery), len(new), of_gallery)
    stranger = of_new < 0
    weight = np.where(stranger, 1 / stranger.sum(), 1 / (~stranger).sum()) / 2
    unknown, best = found.unknown(scores), scores.argmax(axis=1)
    flagged = scores.max(axis=1) < separating(trials)
    named = found.each(scores)[np.arange(len(new)), best]
    return {
        "photos": len(gallery),
        "individuals": len(np.unique(of_gallery)),
        "new": len(new),
        "error": calibration_error(unknown, stranger, weight),
        "chance": error_by_chance(unknown, weight),
        "named": calibration_error(named, best == of_new, weight),
        "accuracy": weight[(unknown > 0.5) == stranger].sum(),
        "threshold": weight[flagged == stranger].sum(),
        "margin": found.margin > 0,
        "told": found.error,
        "told_accuracy": found.accuracy,
    }, (unknown, stranger, weight)


def sets(files):
    for individuals in (60, 240):
        for singles in KINDS:
            for noise in NOISE:
                name = f"{individuals} drawn, noise {noise}{singles and ', '}{singles}"
                yield name, singles, lambda seed, n=noise, i=individuals: synthetic_features(n, seed, i)
    for file in files:
        features, labels = read_features(Path(file))
        individual = np.unique(labels.astype(str), return_inverse=True)[1]
        for singles in KINDS:
            name = f"{Path(file).stem}{singles and ', '}{singles}"
            yield name, singles, lambda seed, f=features, i=individual: (f, i)


def main():
    print(
        f"{'':<40} photos  ind.   new   ECE chance pooled  named   p>.5 threshold difference     worse margin"
        "   told: ECE, acc.  none"
    )
    for name, singles, drawn in sets(sys.argv[1:]):
        done = [measured(*drawn(seed), seed, singles) for seed in range(SEEDS)]
        rows = [one[0] for one in done if one]
        pooled = calibration_error(
            *(np.concatenate(part) for part in zip(*(one[1] for one in done if one), strict=True))
        )
        mean = {key: np.nanmean([row[key] for row in rows]) for key in rows[0]}
        gain = np.array([row["accuracy"] - row["threshold"] for row in rows])
        print(
            f"{name:<40}{mean['photos']:7.0f}{mean['individuals']:6.0f}{mean['new']:6.0f}{mean['error']:6.3f}"
            f"{mean['chance']:7.3f}{pooled:7.3f}{mean['named']:7.3f}{mean['accuracy']:7.3f}{mean['threshold']:10.3f}"
            f"{gain.mean():+9.4f} ±{gain.std(ddof=1) / np.sqrt(len(gain)):.4f}{(gain < -1e-9).sum():6}"
            f"{mean['margin']:7.2f}{mean['told']:12.3f}{mean['told_accuracy']:6.3f}{done.count(None):6}",
            flush=True,
        )


if __name__ == "__main__":
    main()
