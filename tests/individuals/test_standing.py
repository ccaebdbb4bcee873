"""How a labelling stands, on drawn features where the truth is known."""

from dataclasses import replace

import numpy as np
import pytest

from aas_plugin.active.learner import ActiveLearner
from aas_plugin.cal.plugin import CalOptions, CalRefiner, CalSampler
from aas_plugin.cal.weighing import BETWEEN, INSIDE
from aas_plugin.clustering.calibration import Calibration
from aas_plugin.clustering.dbscan import dbscan
from aas_plugin.clustering.jaccard import jaccard_graph
from aas_plugin.constraints.answers import AnswerLog
from aas_plugin.constraints.closure import Constraints
from aas_plugin.constraints.evidence import evidence_from, evidence_of
from aas_plugin.individuals.auditing import audit_pairs
from aas_plugin.individuals.outlook import LEAST_AUDITS, outlook
from aas_plugin.individuals.standing import standing_of
from aas_plugin.oracles.labels import LabelsOptions, LabelsOracle
from aas_plugin.plugins.registry import NoOptions
from aas_plugin.settings.models import ActiveSettings, ClusteringSettings
from aas_plugin.simulation.synthetic import synthetic_features

CLUSTERING = ClusteringSettings(k1=15, k2=4)


class Labelled:
    """Drawn features that were labelled by somebody who errs, or never does."""

    def __init__(self, folder, noise, seed, cycles, error=0.0, audit=0.15, individuals=25):
        self.features, self.individual = synthetic_features(noise, seed, individuals)
        self.graph = jaccard_graph(self.features, CLUSTERING.k1, CLUSTERING.k2, radius=0.7)
        bare = dbscan(self.graph, CLUSTERING.eps, CLUSTERING.min_samples)
        paths = [str(place) for place in range(len(bare))]
        learner = ActiveLearner(
            paths,
            LabelsOracle(LabelsOptions(error_rate=error)),
            folder,
            select=CalSampler(CalOptions(audit=audit)),
            refiner=CalRefiner(NoOptions()),
            active=ActiveSettings(cycles=cycles, budget=20, every=1, rounds=1),
            clustering=CLUSTERING,
            seed=seed,
            identities=self.individual,
            machine=True,
        )
        self.labels = bare
        for epoch in range(cycles):
            self.labels = learner.step(self.features, bare, epoch=epoch, graph=self.graph).labels
        answers = AnswerLog(folder / "answers.jsonl").answers()
        self.evidence = evidence_of(answers, {path: place for place, path in enumerate(paths)})

    def standing(self, seed=0):
        rng = np.random.default_rng(seed)
        return standing_of(self.labels, self.graph, self.features, self.evidence, rng), rng

    def wrong(self):
        """Wrong merges, wrong splits."""
        group = self.standing()[0].joins.group
        cells = len(np.unique(np.stack([group, self.individual], axis=1), axis=0))
        return cells - (group.max() + 1), cells - len(np.unique(self.individual))


@pytest.fixture(scope="module")
def easy(tmp_path_factory):
    return Labelled(tmp_path_factory.mktemp("easy"), 1.0, 3, cycles=5)


def test_a_kept_answer_says_why_it_was_asked_and_how_many_pairs_it_stood_for(easy):
    audits = np.isin(easy.evidence.kinds, [INSIDE, BETWEEN])
    assert 10 <= audits.sum() <= 20
    assert {INSIDE, BETWEEN} <= set(easy.evidence.kinds)
    assert (easy.evidence.crossing >= 1).all()


@pytest.mark.parametrize(("noise", "error"), [(1.0, 0.0), (1.0, 0.05), (1.5, 0.0)])
def test_intervals_hold_the_truth(tmp_path, noise, error):
    hits = []
    for seed in range(4):
        case = Labelled(tmp_path / str(seed), noise, seed, 4, error)
        standing, rng = case.standing()
        drawn = standing.partitions(rng)
        truth = (*case.wrong(), len(np.unique(case.individual)))
        for told, one in zip((drawn.merges, drawn.splits, drawn.individuals), truth, strict=True):
            low, high = np.quantile(told, [0.025, 0.975])
            hits.append(np.floor(low) <= one <= np.ceil(high))
    assert np.mean(hits) >= 0.9


def test_pairs_of_photos_are_as_likely_the_same_as_they_are(easy):
    standing, rng = easy.standing()
    n = len(easy.labels)
    pairs = np.array([(u, v) for u in range(n) for v in range(u + 1, n)])
    p = standing.pair_probability(pairs, rng)
    same = easy.individual[pairs[:, 0]] == easy.individual[pairs[:, 1]]
    assert ((p >= 0) & (p <= 1)).all()
    places = np.minimum((p * 10).astype(int), 9)
    error = sum(abs(p[places == bin].sum() - same[places == bin].sum()) for bin in range(10)) / len(p)
    assert error <= 0.05
    assert p[same].mean() > 0.6 and p[~same].mean() < 0.02


def test_the_nearest_other_group_is_the_most_likely_one(easy):
    standing, _ = easy.standing()
    nearest, likely = standing.nearest()
    joins = standing.joins
    for group in range(joins.group.max() + 1):
        ends = joins.group[joins.pairs]
        mine = ~joins.inside & (ends == group).any(axis=1)
        assert nearest[group] != group
        assert likely[group] >= standing.chance[mine].max(initial=0.0) - 1e-12


def test_a_group_is_alone_where_it_is_none_of_the_others(easy):
    standing, _ = easy.standing()
    joins = standing.joins
    alone = standing.alone()
    ends = joins.group[joins.pairs]
    for group in range(joins.group.max() + 1):
        mine = ~joins.inside & (ends == group).any(axis=1)
        assert alone[group] == pytest.approx(np.prod(1 - standing.chance[mine]))


def test_where_answers_settle_all_poor_features_do_not_matter(easy):
    standing, rng = easy.standing()
    hopeless = replace(standing.weighed, calibration=Calibration(20.0, 0.9))
    told = outlook(replace(standing, weighed=hopeless), standing.partitions(rng))
    assert hopeless.hopeless and told["wrong_merges"] is not None


def test_without_answers_nothing_is_promised(easy):
    nothing = evidence_from(Constraints(len(easy.labels)))
    rng = np.random.default_rng(0)
    standing = standing_of(easy.labels, easy.graph, easy.features, nothing, rng)
    told = outlook(standing, standing.partitions(rng))
    assert told["reason"].startswith("0 answers so far") and told["wrong_merges"] is told["individuals"] is None


def test_without_random_checks_nothing_is_promised(tmp_path):
    case = Labelled(tmp_path, 1.0, 0, cycles=3, audit=0.0)
    standing, rng = case.standing()
    told = outlook(standing, standing.partitions(rng))
    assert told["reason"] == f"0 random checks so far, and it takes {LEAST_AUDITS}"
    assert told["wrong_splits"] is None and told["individuals"]["low"] <= told["individuals"]["high"]


def test_a_target_that_answers_which_may_be_wrong_forbid_is_named(tmp_path):
    standing, rng = Labelled(tmp_path, 1.5, 3, cycles=4, error=0.1).standing()
    drawn = standing.partitions(rng)
    told = outlook(standing, drawn, {"wrong merges": 0, "wrong splits": 50})
    assert " leaves " in told["reason"] and "wrong merges; " in told["reason"] and told["wrong_merges"] is not None
    assert outlook(standing, drawn, {"wrong merges": 50, "wrong splits": 50})["reason"] == ""
    assert outlook(standing, drawn)["reason"] == ""


def test_on_features_that_tell_nothing_apart_nothing_is_said(tmp_path):
    case = Labelled(tmp_path, 30.0, 0, cycles=5, audit=0.5)
    standing, rng = case.standing()
    told = outlook(standing, standing.partitions(rng))
    assert told["reason"].startswith("these features hardly tell individuals apart")
    assert told["individuals"] is told["wrong_merges"] is told["remaining"] is None


def test_fewer_questions_are_left_for_a_target_that_allows_more(easy):
    standing, rng = easy.standing()
    drawn = standing.partitions(rng)
    left = [
        outlook(standing, drawn, {"wrong merges": most, "wrong splits": most})["remaining"]["value"]
        for most in (0, 2, 10, 10**6)
    ]
    assert left == sorted(left, reverse=True) and left[0] > 0 == left[-1]


def test_checks_are_drawn_from_all_joins_half_of_them_inside_groups(easy):
    standing, _ = easy.standing()
    known = lambda pairs: np.zeros(len(pairs), dtype=bool)  # noqa: E731
    drawn = audit_pairs(standing, 30, known, np.random.default_rng(0))
    assert (drawn["u"] < drawn["v"]).all() and not drawn.duplicated(["u", "v"]).any()
    assert (drawn["kind"] == INSIDE).sum() == 15
    group = standing.joins.group
    inside = group[drawn["u"]] == group[drawn["v"]]
    assert (inside == (drawn["kind"] == INSIDE)).all()
    # What is known is not drawn, and what is left is.
    pairs = {tuple(sorted(pair)) for pair in standing.joins.pairs.tolist()}
    first = pairs.pop()
    only = lambda pairs: np.array([tuple(pair) != first for pair in pairs.tolist()])  # noqa: E731
    assert [tuple(pair) for pair in audit_pairs(standing, 30, only, np.random.default_rng(0))[["u", "v"]].values] == [
        first
    ]
    assert len(audit_pairs(standing, 0, known, np.random.default_rng(0))) == 0


def test_the_same_seed_gives_the_same_numbers(easy):
    one, other = ((standing.partitions(rng).individuals) for standing, rng in (easy.standing(5), easy.standing(5)))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_copies_of_one_photo(n):
    features = np.tile(np.array([[1.0, 0.0]], dtype=np.float32), (n, 1))
    graph = jaccard_graph(features, 2, 1, radius=0.7)
    rng = np.random.default_rng(0)
    nothing = evidence_from(Constraints(n))
    for labels in (np.full(n, -1), np.zeros(n, dtype=np.int64)):
        drawn = standing_of(labels, graph, features, nothing, rng).partitions(rng)
        assert ((drawn.individuals > 0) & (drawn.individuals <= n)).all()
