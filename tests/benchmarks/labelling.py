"""Whether labelling keeps its promises: counts, targets and probabilities against the truth, on drawn features.

    OMP_NUM_THREADS=1 python tests/benchmarks/labelling.py --noise 0.5,1 --error 0,0.05 --seeds 0:50

A simulation asks batches of 20, as `aas label` does, until as many questions are asked as there are photos. Told are,
at 100, 200 and all questions, how often the 95 % interval of the number of individuals and the 90 % intervals of wrong
merges and splits hold the truth; how far the estimate is off, beside nested importance sampling (Perez et al., 2024) at
as many questions, with as many wrong answers; and the calibration error of pairs that were not asked: all joins, and
the five nearest photos of each. Of the target it is told how often it was reached, after what share of all questions,
and how often it was true then. With --features FILE the individuals and features of a file from `aas embed`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import warnings
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd

from aas_plugin.active.learner import ActiveLearner
from aas_plugin.cal.plugin import CalOptions, CalRefiner, CalSampler
from aas_plugin.clustering.dbscan import dbscan
from aas_plugin.clustering.jaccard import jaccard_graph
from aas_plugin.constraints.answers import AnswerLog
from aas_plugin.constraints.evidence import evidence_of
from aas_plugin.evaluation.clustering_quality import clustering_quality
from aas_plugin.evaluation.reliability import calibration_error
from aas_plugin.individuals.nested import draw_nested, nested_count
from aas_plugin.individuals.outlook import outlook
from aas_plugin.individuals.standing import standing_of
from aas_plugin.individuals.targets import parse_targets, reached
from aas_plugin.oracles.labels import LabelsOptions, LabelsOracle
from aas_plugin.plugins.registry import NoOptions
from aas_plugin.settings.labelling import AUDIT, BATCH
from aas_plugin.settings.models import ActiveSettings, ClusteringSettings
from aas_plugin.simulation.synthetic import synthetic_features
from aas_plugin.training.seeds import seeded_rng

MARKS = (100, 200)
NESTED = ((0.5, 5), (0.5, 20), (0.1, 10), (0.1, 20), (0.05, 20))
"""Temperatures, of which the first is the published one, and neighbours of each photo."""


def simulate(features, individual, seed, error, audit, target):
    """One row for each batch, and how it was before."""
    clustering = ClusteringSettings()
    graph = jaccard_graph(features, clustering.k1, clustering.k2, radius=clustering.eps + 0.1)
    bare = dbscan(graph, clustering.eps, clustering.min_samples)
    n = len(bare)
    cycles = -(-n // BATCH)
    paths = [str(place) for place in range(n)]
    wanted = {str(one.quantity): one.most for one in target}
    rows = [{"asked": 0, "photos": n, "ARI": clustering_quality(bare, individual)["ARI"]}]
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        learner = ActiveLearner(
            paths,
            LabelsOracle(LabelsOptions(error_rate=error)),
            folder,
            select=CalSampler(CalOptions(audit=audit)),
            refiner=CalRefiner(NoOptions()),
            active=ActiveSettings(cycles=cycles, budget=BATCH, every=1, rounds=1),
            clustering=clustering,
            seed=seed,
            identities=individual,
            machine=True,
        )
        for epoch in range(cycles):
            result = learner.step(features, bare, epoch=epoch, graph=graph)
            answers = AnswerLog(Path(folder) / "answers.jsonl").answers()
            evidence = evidence_of(answers, {path: place for place, path in enumerate(paths)})
            rng = seeded_rng(seed, len(answers), "outlook")
            standing = standing_of(result.labels, graph, features, evidence, rng)
            drawn = standing.partitions(rng)
            told = outlook(standing, drawn, wanted)
            group = standing.joins.group
            cells = len(np.unique(np.stack([group, individual], axis=1), axis=0))
            row = {"asked": len(answers), "ARI": clustering_quality(result.labels, individual)["ARI"]}
            row |= {"groups": int(group.max()) + 1, "wrong_merges": cells - int(group.max()) - 1}
            row |= {"wrong_splits": cells - len(np.unique(individual)), "individuals": len(np.unique(individual))}
            row |= {"told": told, "reached": reached(target, {**told, "answers": len(answers)})}
            last = epoch + 1 == cycles or not result.report["asked"]
            if last or any(rows[-1]["asked"] < mark <= len(answers) for mark in MARKS):
                row["calibration"] = calibration(standing, individual, graph.neighbours, rng)
            rows.append(row)
            if last:
                break
    return rows


def calibration(standing, individual, neighbours, rng):
    """Calibration error of all joins, and of the nearest photos that have no answer."""
    pairs = standing.joins.pairs
    near = np.stack([np.repeat(np.arange(len(individual)), 5), neighbours[:, 1:6].ravel()], axis=1)
    near = np.unique(np.sort(near, axis=1), axis=0)
    near = near[[tuple(pair) not in standing.evidence.asked for pair in near.tolist()]]
    same = lambda ends: individual[ends[:, 0]] == individual[ends[:, 1]]  # noqa: E731
    return tuple(
        calibration_error(p, same(ends))
        for p, ends in ((standing.chance, pairs), (standing.pair_probability(near, rng), near))
    )


def nested(features, individual, seed, error, questions):
    """Errors of nested importance sampling, by its settings, and whether its interval holds the truth."""
    found, truth = {}, len(np.unique(individual))
    for temperature, neighbours in NESTED:
        rng = np.random.default_rng((seed, questions))
        draw = draw_nested(features, max(questions // neighbours, 1), neighbours, rng, temperature)
        same = individual[draw.vertex][:, None] == individual[draw.neighbour]
        value, low, high = nested_count(draw, same ^ (rng.random(same.shape) < error))
        found[temperature, neighbours] = abs(value - truth), low <= truth <= high
    return found


def holds(estimate, truth):
    """Whether an interval holds a whole number."""
    return bool(np.floor(estimate["low"]) <= truth <= np.ceil(estimate["high"]))


def mean_of(rows, name):
    """The mean of a column."""
    return float(np.mean([row[name] for row in rows]))


def report(name, runs, peers):
    """Print what all simulations of one kind gave."""
    print(f"\n## {name}: {len(runs)} simulations, {np.mean([rows[0]['photos'] for rows in runs]):.0f} photos")
    ends = {mark: [next((row for row in rows if row["asked"] >= mark), rows[-1]) for rows in runs] for mark in MARKS}
    ends["all"] = [rows[-1] for rows in runs]
    for mark, rows in ends.items():
        told = [row["told"]["individuals"] for row in rows]
        truth = [row["individuals"] for row in rows]
        off = np.mean([abs(one["value"] - true) for one, true in zip(told, truth, strict=True)])
        bare = np.mean([abs(row["groups"] - row["individuals"]) for row in rows])
        inside = np.mean([holds(one, true) for one, true in zip(told, truth, strict=True)])
        width = np.mean([one["high"] - one["low"] for one in told])
        error = np.mean([row["calibration"] for row in rows], axis=0)
        print(
            f"{mark}: {mean_of(rows, 'asked'):.0f} questions, ARI {mean_of(rows, 'ARI'):.3f}; individuals off by "
            f"{off:.1f} (groups alone {bare:.1f}), interval holds {inside:.3f}, {width:.0f} wide; calibration error "
            f"{error[0]:.3f} of joins, {error[1]:.3f} of near photos"
        )
        promised = [row for row in rows if row["told"]["wrong_merges"] is not None]
        for what in ("wrong_merges", "wrong_splits") if promised else ():
            inside = np.mean([holds(row["told"][what], row[what]) for row in promised])
            above = np.mean([row[what] > np.ceil(row["told"][what]["high"]) for row in promised])
            expected = np.mean([row["told"][what]["value"] for row in promised])
            print(
                f"   {what}: {expected:.1f} expected, {mean_of(promised, what):.1f} true, interval holds {inside:.2f}, "
                f"more than its upper end {above:.2f}"
            )
        told_of = []
        for setting in NESTED:
            found = np.mean([one[mark][setting] for one in peers], axis=0)
            told_of.append(f"T {setting[0]:g} of {setting[1]}: off by {found[0]:.1f}, holds {found[1]:.2f}")
        print("   nested importance sampling: " + "; ".join(told_of))
    stops = [(next((row for row in rows[1:] if row["reached"]), None), rows[0]["photos"]) for rows in runs]
    there = [(row, photos) for row, photos in stops if row is not None]
    print(f"target: reached in {len(there)} of {len(runs)}")
    if there:
        shares = 100 * np.array([row["asked"] / photos for row, photos in there])
        rows = [row for row, _ in there]
        print(
            f"   after {mean_of(rows, 'asked'):.0f} questions, {shares.mean():.0f} % of one a photo (median "
            f"{np.median(shares):.0f} %); true then in {sum(row['met'] for row in rows)}"
        )
    least = min(rows[-1]["ARI"] - rows[0]["ARI"] for rows in runs)
    print(
        f"ARI before any question {np.mean([rows[0]['ARI'] for rows in runs]):.3f}; least gain at the end {least:+.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--noise", default="1")
    parser.add_argument("--features", type=Path)
    parser.add_argument("--error", default="0")
    parser.add_argument("--seeds", default="0:10")
    parser.add_argument("--individuals", type=int, default=60)
    parser.add_argument("--audit", type=float, default=AUDIT)
    parser.add_argument("--until", default="wrong merges <= 3 and wrong splits <= 6")
    parser.add_argument("-o", "--output", type=Path)
    given = parser.parse_args()
    target = parse_targets(given.until)
    wanted = {str(one.quantity).replace(" ", "_"): one.most for one in target}
    first, last = map(int, given.seeds.split(":"))
    written = defaultdict(list)
    for noise in map(float, given.noise.split(",")) if given.features is None else [None]:
        for error in map(float, given.error.split(",")):
            runs, peers = [], []
            for seed in range(first, last):
                if noise is None:
                    table = pd.read_parquet(given.features)
                    features = np.stack(table["embedding"].to_list()).astype(np.float32)
                    individual = pd.factorize(table["identity"])[0]
                else:
                    features, individual = synthetic_features(noise, seed, given.individuals)
                rows = simulate(features, individual, seed, error, given.audit, target)
                for row in rows[1:]:
                    row["met"] = all(row[name] <= most for name, most in wanted.items() if name in row)
                runs.append(rows)
                marks = {**{mark: mark for mark in MARKS}, "all": rows[-1]["asked"]}
                peers.append({mark: nested(features, individual, seed, error, asked) for mark, asked in marks.items()})
                written[f"{noise} {error}"].append(rows)
            report(f"{given.features or noise}, {100 * error:g} % wrong", runs, peers)
            if given.output is not None:
                given.output.write_text(json.dumps(written, default=float))


if __name__ == "__main__":
    main()
