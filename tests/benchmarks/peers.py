"""AAS, margin and CAL beside COP-KMeans and PCKMeans of a library, on the same features and the same answers.

Both k-means take the answers that a sampler got, and the true number of individuals, which ours are not told.
They often end in an error, as an answer cannot be kept or a cluster is empty; the first of ten starts that does not
counts. Prints a mean ARI over seeds for each noise and sampler.

    pip install active-semi-supervised-clustering    # MIT, of 2018, slow: not among the project's own packages
    OMP_NUM_THREADS=1 python tests/benchmarks/peers.py 1.0,2.0,3.0 10,11,12

WildMeOrg/lca, with an annotator who errs, is compared by `lca.py` beside this file.
"""

import sys
import warnings

import numpy as np
from sklearn.metrics import adjusted_rand_score

from aas_plugin.oracles.labels import LabelsOptions, LabelsOracle
from aas_plugin.plugins.manager import load_plugins
from aas_plugin.settings.models import ActiveSettings, FittingClustering
from aas_plugin.simulation.loop import simulate
from aas_plugin.simulation.scenes import scene_of
from aas_plugin.simulation.synthetic import synthetic_features

WAYS = (("random", "np3"), ("aas", "np3"), ("margin", "np3"), ("cal", "np3"), ("cal", "cal"))
PEERS = ("COP-KMeans", "PCKMeans")
STARTS = 10
"""Random starts until one of theirs ends."""


class Remembering:
    """A refiner that keeps the constraints it was given last."""

    def __init__(self, refiner):
        self.refiner = refiner
        self.keeps_satisfied = getattr(refiner, "keeps_satisfied", False)
        self.links = [], []

    def aas_set_aside(self, evidence, graph):
        hook = getattr(self.refiner, "aas_set_aside", None)
        return hook(evidence, graph) if hook is not None else None

    def aas_refine(self, labels, must_links, cannot_links, evidence, graph):
        self.links = must_links.tolist(), cannot_links.tolist()
        given = {"labels": labels, "must_links": must_links, "cannot_links": cannot_links, "graph": graph}
        more = {"evidence": evidence} if "evidence" in self.refiner.aas_refine.__code__.co_varnames else {}
        return self.refiner.aas_refine(**given, **more)


def peer(name, features, individuals, links):
    from active_semi_clustering.exceptions import ClusteringNotFoundException, EmptyClustersException
    from active_semi_clustering.semi_supervised.pairwise_constraints import COPKMeans, PCKMeans

    kind = {"COP-KMeans": COPKMeans, "PCKMeans": PCKMeans}[name]
    for start in range(STARTS):
        # The library draws from numpy's own generator.
        np.random.seed(start)
        model = kind(n_clusters=individuals)
        try:
            model.fit(features.astype(np.float64), ml=links[0], cl=links[1])
        except (EmptyClustersException, ClusteringNotFoundException):
            continue
        return model.labels_
    return None


def main(noises, seeds):
    plugins = load_plugins()
    for noise in noises:
        found = {}
        for seed in seeds:
            features, individual = synthetic_features(noise, seed)
            scene = scene_of(features, individual, FittingClustering())
            for sampler, refiner in WAYS:
                remembering = Remembering(plugins.component("refiner", refiner).make({}))
                asking = plugins.component("sampler", sampler).make({})
                active = ActiveSettings(cycles=5, budget=0.0008)
                rows = simulate(scene, asking, remembering, LabelsOracle(LabelsOptions()), active, seed)
                found.setdefault((sampler, refiner, "asked"), []).append(rows[-1]["asked"])
                found.setdefault((sampler, refiner, refiner), []).append(rows[-1]["ARI"])
                for name in PEERS if refiner == "np3" else ():
                    labels = peer(name, features, len(np.unique(individual)), remembering.links)
                    score = np.nan if labels is None else adjusted_rand_score(individual, labels)
                    found.setdefault((sampler, refiner, name), []).append(score)
        print(f"noise {noise:g}, means of seeds {', '.join(map(str, seeds))}")
        for sampler, refiner in WAYS:
            of = {key[2]: values for key, values in found.items() if key[:2] == (sampler, refiner)}
            told = [
                f"{name} {np.nanmean(v):.3f} ({np.isfinite(v).sum()} of {len(v)})"
                if np.isfinite(v).any()
                else f"{name} -"
                for name, v in of.items()
                if name != "asked"
            ]
            print(f"  {sampler:8s} asked {np.mean(of['asked']):4.0f}   {'   '.join(told)}", flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main([float(noise) for noise in sys.argv[1].split(",")], [int(seed) for seed in sys.argv[2].split(",")])
