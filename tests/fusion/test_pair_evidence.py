"""Evidence about pairs beside features: what counts, when, and what happens where it does not help."""

import warnings

import numpy as np
import pytest
from scipy.sparse import csr_array

from aas_plugin.active.learner import ActiveLearner
from aas_plugin.cal.plugin import CalOptions, CalRefiner, CalSampler
from aas_plugin.clustering.dbscan import dbscan
from aas_plugin.clustering.jaccard import jaccard_graph
from aas_plugin.constraints.evidence import Evidence
from aas_plugin.errors import AasError
from aas_plugin.fusion.fitting import Fusion
from aas_plugin.fusion.graph import Candidates, ScoredGraph
from aas_plugin.fusion.pair_evidence import FIRST, TRIAL, PairEvidence, Trial, likely_pairs, trial_left, trial_of
from aas_plugin.fusion.sources import Source, best_partners, sources_of, stored_values
from aas_plugin.sampling.ranked import most_similar_pairs
from aas_plugin.settings.models import ActiveSettings, ClusteringSettings
from aas_plugin.testing.sampler_contract import herd

CLUSTERING = ClusteringSettings(k1=10, k2=4, eps=0.5, min_samples=3)
INDIVIDUAL = np.repeat(np.arange(20), 6)


def nothing_known(pairs):
    return np.zeros(len(pairs), dtype=bool)


def scores(strength, seed=0):
    """Scores of pairs that rise with being the same; 0 tells nothing."""
    rng = np.random.default_rng(seed)
    n = len(INDIVIDUAL)
    same = INDIVIDUAL[:, None] == INDIVIDUAL
    upper = np.triu(rng.exponential(size=(n, n)) + strength * same, 1)
    upper[upper < 1] = 0
    return csr_array(upper + upper.T)


def answered(pairs, same):
    n = len(pairs)
    ids = tuple(map(str, range(n)))
    nothing = np.full(n, np.nan)
    return Evidence(np.array(pairs).reshape(-1, 2), np.array(same, bool), np.arange(n), ids, np.zeros(n, bool), nothing)


def learn(folder, evidence, select=None, refiner=None, noise=2.2, budget=60, cycles=3, seed=0, again=1, **more):
    """Ask in some cycles; gives the learner and its reports."""
    features = herd(20, 6, noise, seed)
    graph = jaccard_graph(features, CLUSTERING.k1, CLUSTERING.k2, radius=0.6)
    labels = dbscan(graph, CLUSTERING.eps, CLUSTERING.min_samples)
    learner = ActiveLearner(
        [f"{place}.jpg" for place in range(len(features))],
        lambda question: "same" if INDIVIDUAL[question.u] == INDIVIDUAL[question.v] else "different",
        folder,
        select=select or (lambda views, budget, known: most_similar_pairs(views, budget, known)),
        active=ActiveSettings(every=1, cycles=cycles, budget=budget, rounds=3),
        clustering=CLUSTERING,
        evidence=evidence,
        **({"refiner": refiner} if refiner is not None else {}),
        **more,
    )
    results = [learner.step(features, labels, epoch=epoch, graph=graph) for epoch in range(cycles)]
    return learner, results


def test_good_evidence_finds_more_of_the_same_and_gets_weight(tmp_path):
    learner, results = learn(tmp_path / "with", scores(4.0))
    report = results[-1].report
    assert report["evidence.trial_same"] > report["evidence.trial_features_same"]
    assert report["evidence.evidence"] > 0.5
    bare, without = learn(tmp_path / "without", None)
    assert not [name for name in without[-1].report if name.startswith("evidence")]
    assert len(learner.constraints.must_links) > 1.5 * len(bare.constraints.must_links)
    kinds = {answer.kind for answer in learner.log.answers()}
    assert {"trial: evidence", "trial: features", "similar"} <= kinds


@pytest.mark.parametrize("seed", range(3))
def test_evidence_that_says_nothing_is_switched_off_and_costs_its_trial_only(tmp_path, seed):
    learner, results = learn(tmp_path / "with", scores(0.0, seed), noise=1.2, seed=seed)
    assert all(result.report["evidence.evidence"] == 0 for result in results)
    answers = learner.log.answers()
    tried = [answer.kind.startswith("trial: evidence") for answer in answers]
    assert sum(tried) <= FIRST
    assert not any(answer.kind == "likely" for answer in answers)
    bare, _ = learn(tmp_path / "without", None, noise=1.2, seed=seed)
    assert len(learner.constraints.must_links) >= len(bare.constraints.must_links) - TRIAL


def test_labels_by_cal_are_better_with_good_evidence(tmp_path):
    from sklearn.metrics import adjusted_rand_score

    found = []
    for name, evidence in (("with", scores(4.0)), ("without", None)):
        _, results = learn(
            tmp_path / name,
            evidence,
            CalSampler(CalOptions()),
            CalRefiner(None),
        )
        labels = results[-1].labels
        alone = np.where(labels < 0, labels.max() + 1 + np.arange(len(labels)), labels)
        found.append(adjusted_rand_score(INDIVIDUAL, alone))
    assert found[0] > found[1] + 0.2


@pytest.mark.parametrize("cal", [False, True])
def test_a_run_that_is_broken_off_asks_what_one_that_is_not_asks(tmp_path, cal):
    def chooser():
        return (
            CalSampler(CalOptions()) if cal else lambda views, budget, known: most_similar_pairs(views, budget, known)
        )

    refiner = {"refiner": CalRefiner(None)} if cal else {}
    whole, _ = learn(tmp_path / "whole", scores(4.0), chooser(), **refiner)

    class Stop(Exception):
        pass

    features = herd(20, 6, 2.2, 0)
    graph = jaccard_graph(features, CLUSTERING.k1, CLUSTERING.k2, radius=0.6)
    labels = dbscan(graph, CLUSTERING.eps, CLUSTERING.min_samples)
    for stop_after in (7, 30, 22, 31, None):
        count = 0

        def answer(question, stop_after=stop_after):
            nonlocal count
            count += 1
            if stop_after is not None and count > stop_after:
                raise Stop
            return "same" if INDIVIDUAL[question.u] == INDIVIDUAL[question.v] else "different"

        learner = ActiveLearner(
            [f"{place}.jpg" for place in range(len(features))],
            answer,
            tmp_path / "broken",
            select=chooser(),
            active=ActiveSettings(every=1, cycles=3, budget=60, rounds=3),
            clustering=CLUSTERING,
            evidence=scores(4.0),
            **refiner,
        )
        try:
            for epoch in range(3):
                learner.step(features, labels, epoch=epoch, graph=graph)
        except Stop:
            continue
    asked = [[(one.a, one.b, one.kind) for one in some.log.answers()] for some in (whole, learner)]
    assert asked[0] == asked[1]


def test_a_trial_takes_no_round_from_the_sampler(tmp_path):
    features = herd(20, 6, 2.2, 0)
    learner = ActiveLearner(
        [f"{place}.jpg" for place in range(len(features))],
        lambda question: "same" if INDIVIDUAL[question.u] == INDIVIDUAL[question.v] else "different",
        tmp_path,
        select=lambda views, budget, known: most_similar_pairs(views, budget, known),
        active=ActiveSettings(every=1, cycles=1, budget=90, rounds=1),
        clustering=CLUSTERING,
        evidence=scores(4.0),
    )
    learner.step(features, np.full(120, -1), epoch=0)
    kinds = [answer.kind for answer in learner.log.answers()]
    assert 60 < len(kinds) <= 90
    assert kinds.count("similar") > 30


def test_another_training_in_the_same_folder_has_a_trial_of_its_own(tmp_path):
    learn(tmp_path, scores(4.0))
    _, results = learn(tmp_path, scores(0.0), resume=False)
    assert results[0].report["evidence.evidence"] == 0
    assert results[0].report["evidence.trial_same"] < 10


def test_evidence_that_cannot_be_had_is_a_warning_and_all_is_as_without(tmp_path):
    class Fails:
        def aas_pair_scores(self, photos):
            raise AasError("the package zoo is not installed: pip install zoo")

    class Photos:
        pass

    with pytest.warns(UserWarning, match="features alone .* pip install zoo"):
        learner, _ = learn(tmp_path / "with", Fails(), photos=Photos())
    bare, _ = learn(tmp_path / "without", None)
    asked = [[(one.a, one.b, one.kind) for one in some.log.answers()] for some in (learner, bare)]
    assert asked[0] == asked[1]


def test_a_hook_is_told_of_the_photos_and_may_give_a_function_of_pairs(tmp_path):
    told = []

    class Numbers:
        def aas_pair_scores(self, photos, cache, progress):
            told.append((len(photos), cache))
            progress("counting")(1, 1)
            return {"near in time": lambda pairs: -np.abs(pairs[:, 0] - pairs[:, 1]).astype(float)}

    hashes = [str(place) for place in range(len(INDIVIDUAL))]
    _, results = learn(tmp_path, Numbers(), noise=1.2, hashes=hashes, cache=tmp_path / "cache")
    assert told == [(120, tmp_path / "cache")]
    # The photos of an individual follow each other, which answers find out; nothing is tried before.
    assert results[-1].report["evidence.near in time"] > 0
    assert "evidence.trial_same" not in results[-1].report


def test_a_trial_compares_shares_as_what_follows_is_not_asked():
    class Answer:
        def __init__(self, a, b, decision):
            self.a, self.b, self.decision = a, b, decision

    kinds = {
        frozenset("ab"): "trial: evidence",
        frozenset("cd"): "trial: features",
        frozenset("ef"): "trial: both",
        frozenset("gh"): "trial: features",
    }
    assert trial_of(kinds, []) is None
    # An answer of an earlier training, or about another pair, is none of the trial.
    assert trial_of(kinds, [Answer("a", "c", "same")]) is None
    assert trial_of(kinds, [Answer("b", "a", "cannot_tell")]).passed is False
    told = [Answer("a", "b", "same"), Answer("e", "f", "same"), Answer("d", "c", "same"), Answer("g", "h", "different")]
    assert trial_of(kinds, told) == Trial((2, 2), (2, 3))
    assert trial_of(kinds, told).passed is True
    assert trial_of(kinds, told[:3]).passed is None
    assert trial_of(kinds, [Answer("a", "b", "different"), Answer("c", "d", "different")]).passed is False


def test_a_trial_that_promises_nothing_ends_after_its_first_pairs():
    assert trial_left({}, None) == FIRST
    first = {frozenset({f"e{k}", f"f{k}"}): "trial: evidence" for k in range(FIRST)}
    assert trial_left(first, Trial((0, 4), (5, 5))) == 0
    assert trial_left(first, Trial((2, 4), (5, 5))) == 0
    assert trial_left(first, Trial((3, 4), (5, 5))) == TRIAL - FIRST
    assert trial_left(first, Trial((0, 0), (5, 5))) == TRIAL - FIRST
    assert trial_left(first, None) == 0
    whole = {frozenset({f"e{k}", f"f{k}"}): "trial: both" for k in range(TRIAL)}
    assert trial_left(whole, Trial((9, 4), (20, 20))) == 0


def test_without_enough_budget_or_sources_there_is_no_trial():
    features = herd(20, 6, 1.5)
    graph = jaccard_graph(features, CLUSTERING.k1, CLUSTERING.k2, radius=0.6)
    assert PairEvidence(lambda: [], 120).trial_pairs(graph, 50, nothing_known) is None
    evidence = PairEvidence(lambda: {"mine": scores(3.0)}, 120)
    assert evidence.trial_pairs(graph, 1, nothing_known) is None
    assert evidence.trial_pairs(graph, 50, lambda pairs: np.ones(len(pairs), bool)) is None
    pairs = evidence.trial_pairs(graph, 50, nothing_known)
    assert 20 <= len(pairs) <= 40
    assert (pairs["u"] < pairs["v"]).all()
    assert not pairs.duplicated(["u", "v"]).any()
    # Before the trial, and after one that failed, nothing changes.
    nothing = answered([], [])
    assert evidence.graph(graph, nothing, None) is graph
    assert evidence.graph(graph, nothing, Trial((3, 9), (20, 20))) is graph
    assert evidence.graph(graph, nothing, Trial((0, 0), (20, 20))) is graph
    # A tie waits for answers that can be held out.
    assert evidence.graph(graph, nothing, Trial((9, 9), (20, 20))) is graph
    assert evidence.graph(graph, nothing, Trial((9, 3), (20, 20))) is not graph


@pytest.mark.parametrize(
    ("matrix", "told"),
    [
        (csr_array((3, 3)), "shape"),
        (csr_array(-np.ones((120, 120))), "below 0"),
        (csr_array(np.full((120, 120), np.inf)), "not finite"),
        (csr_array(np.triu(np.ones((120, 120)))), "not symmetric"),
    ],
)
def test_scores_that_are_none_are_refused_in_a_sentence(matrix, told):
    with pytest.raises(AasError, match=told):
        sources_of({"mine": matrix}, 120)


def test_best_partners_agree_with_a_loop():
    rng = np.random.default_rng(0)
    dense = np.triu(rng.integers(0, 4, (15, 15)), 1).astype(float)
    dense += dense.T
    expected = set()
    for u in range(15):
        ranked = sorted((v for v in range(15) if dense[u, v] > 0), key=lambda v, u=u: (-dense[u, v], v))
        expected |= {(min(u, v), max(u, v)) for v in ranked[:3]}
    assert set(map(tuple, best_partners(csr_array(dense), 3).tolist())) == expected
    assert best_partners(csr_array((4, 4)), 3).shape == (0, 2)
    pairs = np.array([[0, 1], [3, 2]])
    assert stored_values(csr_array(dense), pairs).tolist() == [dense[0, 1], dense[3, 2]]


def test_a_scored_graph_says_one_minus_p_everywhere_alike():
    features = herd(20, 6, 1.5)
    base = jaccard_graph(features, CLUSTERING.k1, CLUSTERING.k2, radius=0.6)
    cosine = Source("features", lambda pairs: (features[pairs[:, 0]] * features[pairs[:, 1]]).sum(axis=1))
    candidates = Candidates([cosine, Source("mine", scores(3.0))], base.neighbours)
    graph = ScoredGraph(base, candidates, Fusion(np.array([1.0, 0.5]), -1.0))
    stored = graph.distances.toarray()
    assert (stored == stored.T).all()
    assert (np.diag(stored) == 0).all()
    pairs = candidates.pairs
    np.testing.assert_allclose(graph.distance(pairs[:, 1], pairs[:, 0]), stored[pairs[:, 0], pairs[:, 1]], atol=1e-6)
    some = np.array([3, 50, 7])
    np.testing.assert_allclose(graph.between(some, some), graph.between(some, some).T)
    assert graph.distance(some, some).tolist() == [0, 0, 0]
    groups = np.where(np.arange(120) < 30, 0, -1)
    inside = graph.among(groups, 0.8).tocoo()
    assert (inside.row < 30).all() and (inside.col < 30).all() and (inside.data <= 0.8).all()
    with pytest.raises(IndexError):
        graph.distance(np.array([0]), np.array([120]))
    likely = likely_pairs(graph, 10, nothing_known, [tuple(pairs[0])])
    p = 1 - graph.distance(likely["u"].to_numpy(), likely["v"].to_numpy())
    assert (np.diff(p) <= 1e-6).all()


def test_all_images_alike_or_two_of_them_break_nothing(tmp_path):
    for n in (2, 3, 9):
        features = np.zeros((n, 4), dtype=np.float32)
        features[:, 0] = 1
        matrix = csr_array(np.ones((n, n)) - np.eye(n))
        learner = ActiveLearner(
            [str(place) for place in range(n)],
            lambda question: "same",
            tmp_path / str(n),
            active=ActiveSettings(every=1, cycles=2, budget=20),
            clustering=CLUSTERING,
            evidence=matrix,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = learner.step(features, np.full(n, -1), epoch=0)
        assert len(result.labels) == n
