"""Measure WildMeOrg/lca on our made-up features, with as many questions as our samplers get.

    OMP_NUM_THREADS=1 python tests/benchmarks/lca.py CHECKOUT --algorithms stability np3_aas --errors 0 0.1

CHECKOUT is a checkout of github.com/WildMeOrg/lca (its code is imported, none is here); beside `aas_plugin` it needs
hdbscan, pyyaml and matplotlib. A JSON row is printed for each noise, seed, error rate and algorithm.

LCA is driven as its `run.py` does: `create_algorithm`, `get_initial_edges`, then `step` with the answers to the pairs
that the last step asked for. The annotator is here, since LCA's cannot be stopped: it answers afresh each time it is
asked, as LCA's does, stops LCA at 5 * round(0.0008 * N * (N - 1) / 2) answers, and a pair asked twice counts twice.
Names of individuals are hidden from LCA (each image is given one of its own), but for `lca`: its weights are calibrated
by an annotator's answers, LCA's default of at least 300 positive and 50 negative ones, which is more than the whole
budget; they are given free, reported as `calibration`. The other algorithms call a pair the same above a threshold on
(1 + cosine) / 2: auto(A) is what LCA sets by itself, without labels, 0.15 being its default A; rosin is
`rosin_threshold` of its tools.py, label-free too, which its configuration does not offer.
"""

import argparse
import contextlib
import json
import logging
import os
import pickle
import random
import sys
import tempfile
import time

import numpy as np
from sklearn.metrics import adjusted_rand_score

from aas_plugin.simulation.synthetic import synthetic_features

AUTO = {name: "auto" for name in ("max_densify_edges", "sparsify_on_init", "max_phase0_iterations")}
ALGORITHMS = {
    # name: (algorithm_type, initial verifiers, settings that differ from LCA's defaults)
    "stability": ("stability", "miewid", {}),
    "stability-auto": ("stability", "miewid", {**AUTO, "review_confidence": "auto"}),
    "np3_aas": ("np3_aas", "miewid", {}),
    "np3_aas-auto": ("np3_aas", "miewid", {"dbscan_eps": "auto"}),
    "gc": ("gc", "miewid", {"theta": 0.1}),
    "nis": ("nis", "miewid", {}),
    "lca": ("lca", "miewid", {}),
}


def config(folder, kind, verifier, settings, budget, batch, error, threshold):
    """LCA's configuration, as `configs/config_default.yaml` has it, for files that `write` wrote."""
    limits = {"max_human_reviews": budget, "edges_per_review_batch": batch, "validation_step": 10**9}
    section = {"verifier_name": verifier, **limits, **settings}
    if kind == "lca":
        section.update(db_path=folder, clear_db=False, distance_power=2, iterations={"max_human_decisions": budget})
    names = "miewid human" if kind == "lca" else "miewid simulated_human"  # else an assertion of `lca` fails
    right = min(0.98, 1 - error)  # 0.98 is the most that LCA documents
    weights = {"prob_human_correct": right, "augmentation_names": names, "verifier_names": names, "scorer": "kde"}
    weights["classifier_thresholds"] = {"miewid": threshold}
    data = {"annotation_file": f"{folder}/annotations.json", "embedding_file": f"{folder}/embeddings.pickle"}
    data.update(name_keys=["name"], id_key="uuid", n_filter_min=1, n_filter_max=None, output_path=f"{folder}/out")
    return {
        "exp_name": "e", "algorithm_type": kind, "data": data, "edge_weights": weights, kind: section,
        "algorithm": {"initial_topk": 10, "target_edges": 0},
        "logging": {"auto_threshold_plot_path": None}}  # fmt: skip


def write(folder, features, names):
    """The files in which LCA takes images and embeddings."""
    uuids = [f"image{i:05d}" for i in range(len(features))]
    images = [{"uuid": f"file{i}", "id": i, "file_name": f"{i}.jpg"} for i in range(len(uuids))]
    rows = [{"uuid": u, "image_uuid": f"file{i}", "name": str(names[i])} for i, u in enumerate(uuids)]
    with open(f"{folder}/annotations.json", "w") as file:
        json.dump({"annotations": rows, "images": images}, file)
    with open(f"{folder}/embeddings.pickle", "wb") as file:
        pickle.dump((list(features), uuids), file)


def measure(noise, seed, error, name, batch, threshold):
    """Run an algorithm until it stops or its questions are spent; returns a row."""
    from algorithm_preparation import create_algorithm  # of the checkout
    from run import get_initial_edges
    from tools import rosin_threshold

    features, individual = synthetic_features(noise, seed)
    n = len(features)
    part = round(0.0008 * n * (n - 1) / 2)
    budget, batch = 5 * part, batch or part
    kind, verifier, settings = ALGORITHMS[name]
    if threshold == "rosin":
        threshold = float(rosin_threshold(0.5 + 0.5 * (features @ features.T)[np.triu_indices(n, 1)].astype(float)))
    rng, asked = np.random.default_rng(seed), 0

    def annotator(pairs):
        nonlocal asked
        pairs = [pair[:2] for pair in pairs][: budget - asked]
        asked += len(pairs)
        return [(a, b, bool((individual[a] == individual[b]) != (rng.random() < error))) for a, b in pairs]

    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        write(folder, features, individual if kind == "lca" else np.arange(n))
        start = time.time()
        settings = config(folder, kind, verifier, settings, budget, batch, error, threshold)
        algorithm, common = create_algorithm(settings)
        random.seed(seed)
        np.random.seed(seed)
        assert [common["node2uuid"][i] for i in range(n)] == [f"image{i:05d}" for i in range(n)]
        edges = get_initial_edges(common, settings)
        if kind == "lca":  # only `curate` tells LCA to finish with what it has
            algorithm.human_reviewer = lambda pairs: (annotator(pairs), asked >= budget)
            algorithm.curate(edges, [])
        else:
            algorithm.cluster_validator = None  # only writes logs
            requested = algorithm.step(edges)
            for _ in range(1000):
                if algorithm.is_finished() or asked >= budget:
                    break
                answers = annotator(requested)
                requested = algorithm.step([(a, b, float(same), "human") for a, b, same in answers])
        clusters = algorithm.get_clustering()[0]
        labels = np.arange(n) + n  # an image in no cluster is alone
        for number, nodes in enumerate(clusters.values()):
            labels[list(nodes)] = number
        calibration = sum(len(found) for found in (common["weighters_calibration"] or {}).get("miewid", {}).values())
    row = {"noise": noise, "seed": seed, "error_rate": error, "algorithm": name, "images": n, "budget": budget}
    ari = round(float(adjusted_rand_score(individual, labels)), 4)
    row.update(threshold=threshold, batch=batch, asked=asked, calibration=calibration, ARI=ari)
    return {**row, "clusters": len(set(labels.tolist())), "seconds": round(time.time() - start, 1)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout")
    parser.add_argument("--noises", type=float, nargs="+", default=[1.0, 2.0, 3.0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[10, 11, 12])
    parser.add_argument("--errors", type=float, nargs="+", default=[0.0, 0.05, 0.1])
    parser.add_argument("--algorithms", nargs="+", default=["stability", "np3_aas", "gc", "lca"], choices=ALGORITHMS)
    parser.add_argument("--batch", type=int, default=0, help="questions at a time; 0: a fifth of all, as ours asks")
    parser.add_argument("--threshold", default="auto(0.15)", help="auto(A), rosin or a number")
    parser.add_argument("--out", default="rows.json", help="a JSON file for all rows, added to those in it")
    args = parser.parse_args()
    threshold = args.threshold if args.threshold[0] in "ar" else float(args.threshold)
    sys.path.insert(0, os.path.join(args.checkout, "lca"))
    logging.getLogger("lca").setLevel(logging.CRITICAL)
    rows = []
    if os.path.exists(args.out):
        with open(args.out) as out:
            rows = json.load(out)
    for job in [(n, s, e, a) for n in args.noises for a in args.algorithms for s in args.seeds for e in args.errors]:
        rows.append(measure(*job, args.batch, threshold))
        print(json.dumps(rows[-1]), flush=True)
        with open(args.out, "w") as out:
            json.dump(rows, out, indent=1)
