"""CAL asks again what is in doubt, and beats not asking, also with wrong answers."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from aas_plugin.active.learner import ActiveLearner
from aas_plugin.cal.clusters import constrained_clusters
from aas_plugin.cal.questions import exploring, questions
from aas_plugin.cal.similarity import Similarity, similarity_of
from aas_plugin.cal.weighing import Weighed, error_rate, weigh
from aas_plugin.clustering.calibration import Calibration
from aas_plugin.clustering.dbscan import dbscan
from aas_plugin.clustering.dense import DenseGraph
from aas_plugin.clustering.jaccard import jaccard_graph
from aas_plugin.constraints.closure import Constraints, components, count_violations
from aas_plugin.constraints.evidence import evidence_from
from aas_plugin.constraints.np3 import np3
from aas_plugin.files import read_table
from aas_plugin.oracles.labels import LabelsOptions, LabelsOracle
from aas_plugin.plugins.manager import load_plugins
from aas_plugin.settings.models import ActiveSettings, ClusteringSettings
from aas_plugin.simulation.loop import Scene, simulate
from aas_plugin.simulation.synthetic import synthetic_features
from aas_plugin.testing.sampler_contract import herd


@pytest.fixture(scope="module")
def scene():
    features, individual = synthetic_features(1.5, 3, individuals=25)
    return Scene(features, individual, jaccard_graph(features, 10, 3, radius=0.7), ClusteringSettings(k1=10, k2=3))


def curve(scene, sampler, refiner, error=0.0, again=True):
    plugins = load_plugins()
    options = {"again": again} if sampler == "cal" else {}
    rows = simulate(
        scene,
        plugins.component("sampler", sampler).make(options),
        plugins.component("refiner", refiner).make({}),
        LabelsOracle(LabelsOptions(error_rate=error)),
        ActiveSettings(cycles=3, budget=25),
        0,
    )
    return [row["ARI"] for row in rows]


def test_its_questions_and_its_labels_beat_not_asking_and_random_questions(scene):
    own = curve(scene, "cal", "cal")
    assert own[-1] > own[0] + 0.02
    assert own[-1] > curve(scene, "random", "np3")[-1]
    assert curve(scene, "cal", "np3")[-1] > own[0]


def test_the_answers_of_another_sampler_do_not_calibrate_and_labels_are_repaired(scene):
    assert curve(scene, "margin", "cal") == curve(scene, "margin", "np3")


def test_asking_again_makes_up_for_wrong_answers(scene):
    assert curve(scene, "cal", "cal", 0.1)[-1] > curve(scene, "cal", "cal", 0.1, again=False)[-1]


@pytest.mark.filterwarnings("ignore:the first answers call")
def test_on_hopeless_features_labels_are_repaired_and_the_most_similar_pairs_fill_the_budget(tmp_path):
    features, labels = herd(6, 8, 0.9), np.repeat(np.arange(6), 8)
    plugins = load_plugins()
    learner = ActiveLearner(
        [f"{image}.jpg" for image in range(len(features))],
        lambda question: "different",
        tmp_path,
        select=plugins.component("sampler", "cal").make({}),
        refiner=plugins.component("refiner", "cal").make({}),
        active=ActiveSettings(every=1, cycles=2, budget=60),
        clustering=ClusteringSettings(k1=8, k2=3, min_samples=3),
    )
    for epoch in range(2):
        result = learner.step(features, labels, epoch=epoch)
        assert result.report["asked"] == 60
        apart = learner.constraints.cannot_links
        assert np.array_equal(result.labels, np3(labels, apart[:0], apart, learner.graph(features).between))
    kinds = [read_table(tmp_path / f"cycles/{cycle:02d}/proposal.parquet")["kind"].tolist() for cycle in (1, 2)]
    assert "similar" not in kinds[0][:12] and "similar" in kinds[1]


@pytest.mark.parametrize(
    ("tau", "same", "calibrating", "hopeless"),
    [(0.7, 0.4, 50, True), (0.5, 0.1, 50, True), (0.5, 0.4, 50, False), (0.2, 0.05, 50, False), (0.9, 0.0, 10, False)],
)
def test_features_are_hopeless_by_tau_and_by_the_share_of_same(tau, same, calibrating, hopeless):
    nothing = np.empty(0)
    weighed = Weighed(Calibration(20.0, tau), 0.02, nothing, nothing.astype(bool), nothing, calibrating, same)
    assert weighed.hopeless is hopeless
    assert weighed.trusted is (calibrating >= 20 and not hopeless)


@pytest.mark.parametrize("rate", [0.3, 0.6])
def test_who_often_cannot_tell_is_still_asked_as_much_as_the_budget_allows(scene, rate):
    plugins = load_plugins()
    rows = simulate(
        scene,
        plugins.component("sampler", "cal").make({}),
        plugins.component("refiner", "cal").make({}),
        LabelsOracle(LabelsOptions(error_rate=0.02, cannot_tell_rate=rate)),
        ActiveSettings(cycles=5, budget=20),
        0,
    )
    assert [row["asked"] for row in rows] == [0, 20, 40, 60, 80, 100]


def test_other_photographs_stand_in_for_a_pair_that_needs_no_question(scene):
    similarity, nothing = similarity_of(scene.graph), evidence_from(Constraints(len(scene.features)))
    weighed = weigh(nothing, similarity, 0.3)
    clusters = constrained_clusters(similarity.matrix, nothing.pairs, nothing.pairs, weighed.calibration)
    first = questions(clusters, weighed, nothing, 10)[["u", "v"]].to_numpy()
    needless = set(map(tuple, first[::2].tolist()))

    def known(pairs):
        return np.array([tuple(pair) in needless for pair in pairs.tolist()], dtype=bool)

    found = questions(clusters, weighed, nothing, 10, known=known)
    pairs = [tuple(pair) for pair in found[["u", "v"]].to_numpy().tolist()]
    assert len(set(pairs)) == 10 and not needless & set(pairs)
    assert {tuple(pair) for pair in first[1::2].tolist()} <= set(pairs)
    unclear = replace(nothing, cannot_tell=first[::2])
    assert questions(clusters, weighed, unclear, 10)[["u", "v"]].to_numpy().tolist() == [list(pair) for pair in pairs]


def test_the_threshold_of_labels_that_cluster_nothing_is_that_of_the_prior(scene):
    similarity = similarity_of(scene.graph)
    assert similarity.threshold(np.full(len(scene.features), -1)) == 0.3
    assert similarity.threshold(np.zeros(len(scene.features), dtype=np.int64)) == 0.3


def test_a_wrong_answer_is_asked_again_by_other_photographs_set_aside_and_told(tmp_path):
    features, individual = herd(6, 8, 1.1), np.repeat(np.arange(6), 8)
    asked = []

    def somebody(question):
        asked.append(question)
        wrong = len(asked) == 1
        return "same" if (individual[question.u] == individual[question.v]) != wrong else "different"

    plugins = load_plugins()
    images, active = [f"{image}.jpg" for image in range(len(features))], ActiveSettings(every=1, cycles=4, budget=12)
    learner = ActiveLearner(
        images,
        somebody,
        tmp_path,
        select=plugins.component("sampler", "cal").make({}),
        refiner=plugins.component("refiner", "cal").make({}),
        active=active,
        clustering=ClusteringSettings(k1=8, k2=3, min_samples=3),
    )
    told = []
    for epoch in range(4):
        told.append(learner.step(features, individual, epoch=epoch).report)
    first = next(one for one in learner.log.answers())
    again = [one for one in learner.log.answers() if one.repeats == first.id]
    assert again and all({one.a, one.b} != {first.a, first.b} for one in again)
    assert first.id in told[-1]["set_aside_answers"]
    assert told[-1]["set_aside"] == len(told[-1]["set_aside_answers"])
    held = {(int(u), int(v)) for u, v in [*learner.constraints.must_links, *learner.constraints.cannot_links]}
    assert (asked[0].u, asked[0].v) not in held
    # A learner that begins from the log weighs alike.
    other = ActiveLearner(images, somebody, tmp_path, active=active, resume=True)
    assert (asked[0].u, asked[0].v) not in {tuple(map(int, pair)) for pair in other.constraints.must_links}


def test_cannot_links_hold_in_the_clusters_and_must_links_where_they_may():
    rng = np.random.default_rng(4)
    features = herd(5, 6, 0.8)
    similarity = Similarity(jaccard_graph(features, 8, 3))
    individual = rng.integers(0, 5, len(features))
    constraints = Constraints(len(features))
    for u, v in rng.integers(0, len(features), (40, 2)).tolist():
        if u != v:
            constraints.add(u, v, bool(individual[u] == individual[v]))
    found = constrained_clusters(
        similarity.matrix, constraints.must_links, constraints.cannot_links, Calibration(20.0, 0.3)
    )
    assert count_violations(found.labels, constraints.must_links, constraints.cannot_links)[1] == 0
    group = components(len(features), constraints.must_links)
    np.testing.assert_array_equal(found.group, group)


def test_linkage_is_that_of_the_merge_in_which_two_images_meet():
    distances = np.ones((4, 4)) - np.eye(4)
    for (u, v), similarity in {(0, 1): 0.9, (2, 3): 0.8, (0, 2): 0.4, (1, 3): 0.2}.items():
        distances[u, v] = distances[v, u] = 1 - similarity
    similarity = Similarity(DenseGraph(distances))
    pairs = np.array([(0, 1), (2, 3), (0, 3), (1, 2)])
    np.testing.assert_allclose(similarity.linkage(pairs), [0.9, 0.8, 0.15, 0.15], atol=1e-6)
    assert similarity.threshold(np.array([0, 0, 1, 1])) == pytest.approx(0.15, abs=0.06)


def test_right_answers_are_believed_whatever_similarity_says():
    features = herd(6, 5, 0.3)
    similarity = Similarity(jaccard_graph(features, 8, 3))
    constraints = Constraints(len(features))
    for one in range(5):
        constraints.add(5 * one, 5 * one + 1, False)
    evidence = evidence_from(constraints)
    assert error_rate(evidence, len(features)) == pytest.approx(0.02)
    assert (similarity.linkage(evidence.pairs) > 0.5).all()
    assert weigh(evidence, similarity, 0.3).in_force.all()


def test_flanks_that_nothing_connects_are_compared_by_their_features_while_that_finds_something():
    # Two flanks of each of three individuals, as blocks of a similarity that knows nothing across.
    flank = np.repeat(np.arange(6), 5)
    one, other = np.nonzero((flank[:, None] == flank) & ~np.eye(30, dtype=bool))
    matrix = csr_array((np.full(len(one), 0.9), (one, other)), shape=(30, 30))
    rng = np.random.default_rng(0)
    features = np.repeat(np.eye(8)[:3], 10, axis=0) + 0.1 * rng.normal(size=(30, 8))
    features = (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)
    calibration = Calibration(40.0, 0.4)
    nothing = evidence_from(Constraints(30))
    weighed = Weighed(calibration, 0.02, np.empty(0), np.empty(0, dtype=bool), np.empty(0), 0, 0.5)
    clusters = constrained_clusters(matrix, nothing.pairs, nothing.pairs, calibration)
    assert clusters.labels.max() == 5
    found = questions(clusters, weighed, nothing, 3, features)
    assert found["kind"].tolist() == ["explore"] * 3 and found["linkage"].isna().all()
    assert (flank[found["u"]] // 2 == flank[found["v"]] // 2).all()
    assert (flank[found["u"]] != flank[found["v"]]).all()
    assert questions(clusters, weighed, nothing, 3).empty


def test_exploring_ends_where_it_finds_nothing():
    found = Constraints(40)
    for image in range(1, 20):
        found.add(0, image, same=False)
    assert exploring(evidence_from(found), 20) == 2
    assert exploring(evidence_from(Constraints(4)), 20) == 20


@pytest.mark.parametrize("refiner", ["cal", "np3"])
def test_a_process_that_is_stopped_again_and_again_asks_what_one_that_is_not_asks(scene, tmp_path, refiner):
    plugins = load_plugins()
    oracle = LabelsOracle(LabelsOptions(error_rate=0.25, cannot_tell_rate=0.1))

    def asked(folder, at_once):
        def answer(question):
            nonlocal left
            left -= 1
            return oracle.aas_answer(question, scene.individual, 2) if left >= 0 else None

        def opened():
            return ActiveLearner(
                [str(image) for image in range(len(scene.features))],
                answer,
                folder,
                select=plugins.component("sampler", "cal").make({}),
                refiner=plugins.component("refiner", refiner).make({}),
                active=ActiveSettings(every=1, cycles=3, budget=30),
                clustering=scene.clustering,
                resume=True,
            )

        labels, learner = dbscan(scene.graph, scene.clustering.eps, scene.clustering.min_samples), opened()
        for epoch in range(3):
            left = at_once
            while learner.step(scene.features, labels, epoch=epoch, graph=scene.graph).waiting:
                left, learner = at_once, opened()
        return [(one.a, one.b, one.decision, bool(one.contradicts)) for one in learner.log.answers()]

    whole = asked(tmp_path / "whole", 1000)
    assert any(marked for *_, marked in whole)
    assert asked(tmp_path / "stopped", 2) == whole
