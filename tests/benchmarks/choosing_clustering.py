"""How well clustering settings that are chosen from features do beside fixed ones, and beside the best of a grid.

Prints for each set: images, individuals, and the adjusted Rand index of the official values (30, 6, 0.6, 4), of those
that `coats` brings (12, 4, 0.55, 4), of the chosen ones, and of the best of all candidates; then what was chosen.
Sets: groups of power-law sizes with two sides each, at rising noise; digits; `coats` on the untrained
efficientnet_lite0, drawn into the folder that is given, and left out without one.

    OMP_NUM_THREADS=1 python tests/benchmarks/choosing_clustering.py [FOLDER]
"""

import sys
from pathlib import Path

import numpy as np

from aas_plugin.clustering.choosing import EPS, K1, MIN_SAMPLES, fit_clustering, fitting_k2
from aas_plugin.clustering.dbscan import dbscan
from aas_plugin.clustering.jaccard import jaccard_graph
from aas_plugin.evaluation.clustering_quality import clustering_quality

SEEDS = (10, 11, 12)


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def synthetic(noise, seed, images=1700, individuals=150, dimensions=64):
    rng = np.random.default_rng([seed, int(noise * 100)])
    weights = np.arange(1, individuals + 1) ** -0.7
    individual = np.repeat(
        np.arange(individuals), np.maximum(2, np.round(weights / weights.sum() * images)).astype(int)
    )
    sides = rng.normal(size=(individuals, 2, dimensions)) * 0.5 + rng.normal(size=(individuals, 1, dimensions))
    features = sides[individual, rng.integers(0, 2, len(individual))]
    return unit(features + 0.6 * noise * rng.normal(size=features.shape)), individual


def digits(each, seed=0):
    from sklearn.datasets import load_digits

    loaded = load_digits()
    rng = np.random.default_rng(seed)
    rows = np.concatenate([rng.permutation(np.flatnonzero(loaded.target == digit))[:each] for digit in range(10)])
    return unit(loaded.data[rows] - loaded.data.mean(axis=0)), loaded.target[rows]


def coats(level, seed, folder):
    import pandas as pd
    import torch

    from aas_plugin.data.coats import CoatsOptions, draw_coats
    from aas_plugin.data.images import ImageStore
    from aas_plugin.models.backbones import efficientnet_lite0
    from aas_plugin.models.options import BackboneOptions
    from aas_plugin.training.embed import embed

    drawn = draw_coats(CoatsOptions(level=level, seed=seed, path=folder))
    table = pd.read_csv(drawn / "metadata.csv").query("split == 'train'")
    images = ImageStore(drawn, table["path"].to_list(), 96, 96)
    model = efficientnet_lite0(BackboneOptions(bn_neck=False))
    features = embed(model, images, np.arange(len(table)), torch.device("cpu"))
    return features, np.unique(table["identity"], return_inverse=True)[1]


def sets(folder):
    for noise in (1.0, 2.0, 2.5, 3.0, 3.5):
        yield f"synthetic, noise {noise}", *synthetic(noise, 1)
    yield "synthetic, 25 individuals", *synthetic(2.0, 1, 1500, 25)
    yield "synthetic, 300 individuals", *synthetic(2.0, 1, 900, 300)
    for each in (20, 60, 180):
        yield f"digits, {each} each", *digits(each)
    if folder is not None:
        for level in ("easy", "default", "hard"):
            for seed in SEEDS:
                yield f"coats {level}, seed {seed}", *coats(level, seed, folder)


def quality(features, individual, k1, k2, radii, cores):
    graph = jaccard_graph(features, k1, k2, radius=max(radii))
    labels = [dbscan(graph, eps, core) for eps in radii for core in cores]
    return max(clustering_quality(one, individual)["ARI"] for one in labels)


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    print(
        f"{'set':<28}{'images':>7}{'ids':>5}{'official':>10}{'coats':>7}{'chosen':>8}{'best':>7}  k1 k2 eps min_samples"
    )
    for name, features, individual in sets(folder):
        chosen = fit_clustering(features)
        values = (
            quality(features, individual, 30, 6, [0.6], [4]),
            quality(features, individual, 12, 4, [0.55], [4]),
            quality(features, individual, chosen.k1, chosen.k2, [chosen.eps], [chosen.min_samples]),
            max(quality(features, individual, k1, fitting_k2(k1), EPS, MIN_SAMPLES) for k1 in K1),
        )
        print(
            f"{name:<28}{len(features):>7}{len(set(individual.tolist())):>5}"
            f"{values[0]:>10.3f}{values[1]:>7.3f}{values[2]:>8.3f}{values[3]:>7.3f}  "
            f"{chosen.k1} {chosen.k2} {chosen.eps:g} {chosen.min_samples}",
            flush=True,
        )


if __name__ == "__main__":
    main()
