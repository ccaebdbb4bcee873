"""Time, CPU time and memory of a whole pseudo-label round, beside the dense formula.

    python tests/benchmarks/clustering_round.py --out round

writes `round/round.json`, `round/round.md` and `round/round.png`. One process, one thread unless `--threads`.
"""

import argparse
import ctypes
import gc
import json
import math
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path

RADII = [0.6, 0.58, 0.62]
RADIUS = 0.7
BUDGET = 0.0002


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="*", default=[2000, 5000, 13000], help="both, at 2048 dimensions")
    parser.add_argument("--alone", type=int, nargs="*", default=[50000, 100000], help="ours, at 512 dimensions")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu", help="where ours searches neighbours")
    parser.add_argument("--out", type=Path, default=Path("round"))
    arguments = parser.parse_args()
    for name in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        # Read when the libraries load, so none may be loaded before.
        os.environ[f"{name}_NUM_THREADS"] = str(arguments.threads)

    # What is imported and compiled at the first call is no part of a round.
    small, who = made_up_features(1000, 64)
    our_round(small, who, arguments.device)
    dense_round(small)
    rows = []
    for size, dimensions, beside in [
        *[(n, 2048, True) for n in arguments.sizes],
        *[(n, 512, False) for n in arguments.alone],
    ]:
        features, individuals = made_up_features(size, dimensions)
        row = {"images": size, "dimensions": dimensions, "product": measured(lambda f=features: bare_product(f))[1]}
        (row["stages"], labels, row["questions"]), row["ours"] = measured(
            lambda f=features, of=individuals: our_round(f, of, arguments.device)
        )
        if beside:
            (theirs, search), row["dense"] = measured(lambda f=features: dense_round(f))
            row["dense"]["knn_cpu_seconds"] = search
            row["same_labels"] = all((a == b).all() for a, b in zip(labels, theirs, strict=True))
        rows.append(row)
        print(json.dumps(row), file=sys.stderr, flush=True)
    report(rows, arguments)


def made_up_features(size: int, dimensions: int, seed: int = 0):
    """Unit rows, and who is who: individuals of 8 photos in the mean, by a power law, with two flanks and noise."""
    import numpy as np

    rng = np.random.default_rng(seed)
    individuals = max(2, size // 8)
    weights = np.arange(1, individuals + 1) ** -0.5
    of = np.sort(rng.choice(individuals, size, p=weights / weights.sum()))
    flank = 2 * of + rng.integers(0, 2, size)
    scale = np.float32(1 / np.sqrt(dimensions))
    features = np.empty((size, dimensions), dtype=np.float32)
    centres = np.random.default_rng(seed + 1).normal(size=(individuals, dimensions)).astype(np.float32)
    sides = np.random.default_rng(seed + 2).normal(size=(2 * individuals, dimensions)).astype(np.float32)
    for start in range(0, size, 1000):
        part = slice(start, start + 1000)
        noise = rng.standard_normal((len(of[part]), dimensions), dtype=np.float32)
        features[part] = scale * (centres[of[part]] + 0.6 * sides[flank[part]] + 0.9 * noise)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    order = rng.permutation(size)
    return features[order], of[order]


def our_round(features, individuals, device: str):
    """All that an asking epoch computes but training; CPU seconds of each stage, and the labels at all radii."""
    import numpy as np
    from aas_adapters.spcl.reliability import independence_threshold, reliable, separate_noise

    from aas_plugin.clustering.dbscan import dbscan
    from aas_plugin.clustering.jaccard import graph_of
    from aas_plugin.clustering.knn import nearest
    from aas_plugin.constraints.np3 import np3
    from aas_plugin.sampling.aas import AasOptions, ambiguity_aware_pairs
    from aas_plugin.sampling.views import make_views

    stages: dict[str, float] = {}

    def stage(name: str, work: Callable):
        began = time.process_time()
        result = work()
        stages[name] = time.process_time() - began
        return result

    neighbours = stage("kNN", lambda: nearest(features, 30, device))
    graph = stage("Jaccard graph", lambda: graph_of(features, neighbours, 6, RADIUS))
    labels = stage("DBSCAN at three radii", lambda: [dbscan(graph, eps, 4) for eps in RADII])

    def reliability():
        own, tight, loose = (separate_noise(found) for found in labels)
        return np.where(reliable(own, tight, loose, independence_threshold(own, loose)), labels[0], -1)

    kept = stage("reliability", reliability)
    views = stage("views", lambda: make_views(features, graph, lambda found: found))
    budget = math.ceil(BUDGET * len(features) * (len(features) - 1) / 2)

    def select():
        rng = np.random.default_rng(0)
        return ambiguity_aware_pairs(views, budget, rng, AasOptions(), lambda pairs: np.zeros(len(pairs), dtype=bool))

    pairs = stage("AAS", select)[["u", "v"]].to_numpy()
    same = individuals[pairs[:, 0]] == individuals[pairs[:, 1]]
    stage("NP3", lambda: np3(kept, pairs[same], pairs[~same], graph.between))
    return stages, labels, len(pairs)


def dense_round(features):
    """Labels at all radii, and CPU seconds of the search; reliability, AAS and NP3 are left out."""
    from dense_round import dense_distances, dense_labels, neighbours

    began = time.process_time()
    rank = neighbours(features)
    search = time.process_time() - began
    return dense_labels(dense_distances(features, rank), RADII), search


def bare_product(features) -> None:
    """Every inner product once, in tiles: what an exact search cannot do without."""
    for row in range(0, len(features), 1024):
        for column in range(row, len(features), 1024):
            features[row : row + 1024] @ features[column : column + 1024].T


def measured(work: Callable):
    """The result, with seconds, CPU seconds, and the most memory above what was in use before, in MiB."""
    gc.collect()
    # Freed memory that the allocator keeps would hide what is allocated next.
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # the peak is now what is in use
    before = _status("VmRSS")
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "peak_mib": (_status("VmHWM") - before) / 1024,
    }


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name + ":"))


def report(rows: list[dict], arguments: argparse.Namespace) -> None:
    """Write the numbers, a table and a plot."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    arguments.out.mkdir(parents=True, exist_ok=True)
    machine = {"processor": platform.processor() or platform.machine(), "threads": arguments.threads}
    (arguments.out / "round.json").write_text(json.dumps({"machine": machine, "rows": rows}, indent=2) + "\n")

    lines = [
        "| images x dimensions | bare product, CPU s | ours, CPU s | dense, CPU s | ratio | ours without kNN "
        "| dense without kNN | ratio | ours, MiB | dense, MiB | AAS + NP3 | same labels |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        ours, dense, stages = row["ours"], row.get("dense"), row["stages"]
        total = sum(stages.values())
        ours_after = total - stages["kNN"]
        dense_after = dense["cpu_seconds"] - dense["knn_cpu_seconds"] if dense else 0.0
        cells = [
            f"{row['images']:,} x {row['dimensions']}",
            f"{row['product']['cpu_seconds']:.2f}",
            f"{ours['cpu_seconds']:.2f}",
            f"{dense['cpu_seconds']:.2f}" if dense else "-",
            f"{dense['cpu_seconds'] / ours['cpu_seconds']:.1f}" if dense else "-",
            f"{ours_after:.2f}",
            f"{dense_after:.2f}" if dense else "-",
            f"{dense_after / ours_after:.1f}" if dense else "-",
            f"{ours['peak_mib']:.0f}",
            f"{dense['peak_mib']:.0f}" if dense else "-",
            f"{(stages['AAS'] + stages['NP3']) / total:.1%}",
            {True: "yes", False: "no", None: "-"}[row.get("same_labels")],
        ]
        lines.append("| " + " | ".join(cells) + " |")
    (arguments.out / "round.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))

    figure, axes = pyplot.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for axis, key, title in ((axes[0], "cpu_seconds", "CPU seconds"), (axes[1], "peak_mib", "MiB above the features")):
        for name in ("dense", "ours"):
            points = [(row["images"], row[name][key]) for row in rows if name in row]
            axis.plot(*zip(*points, strict=True), marker="o", label=name)
        axis.set(
            xscale="log", yscale="log", xlabel="images (512 dimensions where ours is alone, else 2048)", title=title
        )
        axis.legend()
    figure.savefig(arguments.out / "round.png", dpi=120)


if __name__ == "__main__":
    main()
