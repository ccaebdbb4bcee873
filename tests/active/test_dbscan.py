"""Scikit-learn's DBSCAN with active learning, as a script uses it: a new estimator every epoch, one line before."""

import dataclasses
import difflib
import json
import random
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from dense_round import dense_distances, neighbours
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.base import clone
from sklearn.cluster import DBSCAN
from sklearn.metrics import adjusted_rand_score

from aas_plugin import AasError, ActiveDBSCAN, ActiveLearner
from aas_plugin.active import session as sessions
from aas_plugin.active.session import ActiveSession, AnswersPending, current_session
from aas_plugin.clustering.dbscan import dbscan
from aas_plugin.clustering.dense import DenseGraph
from aas_plugin.clustering.jaccard import jaccard_graph
from aas_plugin.files import read_table
from aas_plugin.sampling.baselines import random_pairs
from aas_plugin.settings.models import ActiveSettings

GUIDE = Path(__file__).parents[2] / "aas_plugin" / "codebases" / "README.md"
INDIVIDUALS = np.repeat(np.arange(14), 7)
N = len(INDIVIDUALS)
PATHS = [f"photos/{i:03d}.jpg" for i in range(N)]


@pytest.fixture(autouse=True)
def _no_session(monkeypatch):
    monkeypatch.setattr(sessions, "_begun", [])


def make_features(seed=0, spread=0.9):
    """Photos of an individual are near each other, with noise that differs from epoch to epoch."""
    centres = np.random.default_rng(0).normal(size=(14, 24))
    features = centres[INDIVIDUALS] + spread * np.random.default_rng(seed + 1).normal(size=(N, 24))
    return (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)


def official(features):
    return dense_distances(features, neighbours(features, 12), k2=4)


DISTANCES = [official(make_features(seed)) for seed in range(5)]


def truth(question):
    return "same" if INDIVIDUALS[question.u] == INDIVIDUALS[question.v] else "different"


def cluster(x, estimator=ActiveDBSCAN, eps=0.6, metric="precomputed"):
    return estimator(eps=eps, min_samples=4, metric=metric, n_jobs=-1).fit_predict(x)


def assert_answers_hold(session, labels):
    answers = session.learner.log.answers()
    assert answers
    for answer in answers:
        u, v = PATHS.index(answer.a), PATHS.index(answer.b)
        if answer.decision == "same":
            assert labels[u] == labels[v] >= 0
        else:
            assert labels[u] != labels[v] or labels[u] == -1


def assert_numbered(labels):
    assert labels.dtype == np.int64 and labels.shape == (N,)
    assert sorted(set(labels[labels >= 0].tolist())) == list(range(labels.max() + 1))


def as_tensor(matrix):
    return torch.tensor(matrix, requires_grad=True)


@pytest.mark.parametrize("kind", [np.asarray, as_tensor, np.float64, np.float16], ids=["numpy", "tensor", "64", "16"])
def test_every_answer_holds_in_every_epoch_of_official_distances(tmp_path, kind):
    session = ActiveDBSCAN.ask_about(PATHS, answer=truth, folder=tmp_path, every=2, cycles=2, budget=15)
    asked = []
    for epoch in range(5):
        labels = cluster(kind(DISTANCES[epoch]))
        assert_numbered(labels)
        assert_answers_hold(session, labels)
        assert session.epoch == epoch + 1
        assert session.last.labels is labels and (session.last.report is not None) == (epoch in (0, 2))
        asked.append(len(session.learner.log.answers()))
    assert 0 < asked[0] == asked[1] < asked[2] == asked[4] <= 30


@pytest.mark.parametrize(("metric", "eps"), [("euclidean", 0.9), ("cosine", 0.3)])
@pytest.mark.parametrize("partition", [0, 1])
def test_every_answer_holds_in_every_epoch_of_features(tmp_path, metric, eps, partition):
    session = ActiveDBSCAN.ask_about(
        PATHS, answer=truth, folder=tmp_path, every=2, cycles=2, budget=15, finch_partition=partition
    )
    for epoch in range(4):
        # Lengths are the script's: the views do not depend on them, scikit-learn's distance may.
        features = make_features(epoch) * (3 if metric == "cosine" else 1)
        labels = cluster(features, eps=eps, metric=metric)
        assert_numbered(labels)
        assert_answers_hold(session, labels)


def test_answers_raise_the_agreement_with_the_individuals(tmp_path):
    before = adjusted_rand_score(INDIVIDUALS, cluster(DISTANCES[0], DBSCAN))
    session = ActiveDBSCAN.ask_about(PATHS, identities=INDIVIDUALS, folder=tmp_path, every=1, budget=40)
    after = [adjusted_rand_score(INDIVIDUALS, cluster(DISTANCES[0])) for _ in range(5)]
    assert before < 0.8 and after[-1] > before + 0.15
    assert {answer.decision for answer in session.learner.log.answers()} == {"same", "different"}


@pytest.mark.parametrize("metric", ["precomputed", "euclidean"])
def test_without_questions_labels_are_scikit_learns(tmp_path, metric):
    ActiveDBSCAN.ask_about(PATHS, answer=truth, folder=tmp_path, cycles=0)
    for epoch in range(3):
        x = DISTANCES[epoch] if metric == "precomputed" else make_features(epoch)
        for eps in (0.45, 0.6, 0.9):
            expected = cluster(x, DBSCAN, eps, metric)
            assert cluster(x, eps=eps, metric=metric).tolist() == expected.tolist()


def test_labels_that_satisfy_every_answer_keep_their_numbers(tmp_path):
    # Image 0 is at the border of the second cluster, so the cluster of the first image is not the first.
    matrix = np.ones((9, 9))
    matrix[1:5, 1:5] = matrix[5:, 5:] = 0.1
    matrix[0, 5] = matrix[5, 0] = 0.5
    np.fill_diagonal(matrix, 0)
    expected = DBSCAN(eps=0.55, min_samples=4, metric="precomputed").fit_predict(matrix)
    assert expected.tolist() == [1, 0, 0, 0, 0, 1, 1, 1, 1]
    session = ActiveDBSCAN.ask_about(PATHS[:9], identities=expected, folder=tmp_path)
    session.learner.constraints.add(0, 5, same=True)
    session.learner.constraints.add(0, 1, same=False)
    fitted = ActiveDBSCAN(eps=0.55, min_samples=4, metric="precomputed").fit(matrix)
    assert fitted.labels_.tolist() == expected.tolist()
    session.learner.constraints.add(7, 8, same=False)
    again = clone(fitted).fit_predict(matrix)
    assert again[7] != again[8] and again[0] == 0 == again[5]


@pytest.mark.parametrize("formula", ["official", "the graph's own"])
@pytest.mark.parametrize("seed", range(3))
def test_a_dense_matrix_asks_and_repairs_as_the_sparse_graph_does(tmp_path, seed, formula):
    features = make_features(seed)
    # Images with the same nearest are averaged to weights that differ by rounding, which decides between near ties.
    # Without averaging near ties are exact ones, which go by index.
    k2 = 1 if formula == "official" else 4
    graph = jaccard_graph(features, 12, k2, radius=0.7)
    if formula == "official":
        matrix = dense_distances(features, neighbours(features, 12), k2)
    else:
        matrix = graph.distance(*(ends.ravel() for ends in np.indices((N, N)))).reshape(N, N)
    # View B goes by inner products where features are known; here it goes by distance, as the dense matrix has it.
    graph = dataclasses.replace(graph, neighbours=DenseGraph(matrix).neighbours)
    ActiveDBSCAN.ask_about(PATHS, answer=truth, folder=tmp_path / "dense", every=1, cycles=3, budget=12)
    active = ActiveSettings(every=1, cycles=3, budget=12)
    learner = ActiveLearner(PATHS, truth, tmp_path / "sparse", active=active)
    for epoch in range(4):
        labels = cluster(matrix)
        expected = learner.step(features, dbscan(graph, 0.6, 4), epoch=epoch, graph=graph).labels
        renamed = set(zip(labels.tolist(), expected.tolist(), strict=True))
        assert len(renamed) == len(set(labels.tolist())) == len(set(expected.tolist()))
        assert ((labels == -1) == (expected == -1)).all()
    for cycle in range(1, 4):
        dense, sparse = (read_table(tmp_path / k / f"cycles/{cycle:02d}/proposal.parquet") for k in ("dense", "sparse"))
        numbers = ["probability", "similarity"]
        assert dense.drop(columns=numbers).equals(sparse.drop(columns=numbers)) and (len(dense) or cycle > 1)
        np.testing.assert_allclose(dense[numbers], sparse[numbers], atol=1e-5 if formula == "official" else 0)


def test_global_generators_are_left_alone(tmp_path):
    ActiveDBSCAN.ask_about(PATHS, answer=truth, folder=tmp_path, every=1, budget=10)
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()
    cluster(DISTANCES[0])
    cluster(make_features(), metric="cosine", eps=0.3)
    after = random.getstate(), np.random.get_state(), torch.get_rng_state()
    assert before[0] == after[0] and torch.equal(before[2], after[2])
    assert all(np.array_equal(a, b) for a, b in zip(before[1], after[1], strict=True))


def test_the_seed_decides_which_pairs_are_asked(tmp_path):
    def asked(folder, seed):
        session = ActiveDBSCAN.ask_about(PATHS, answer=truth, folder=tmp_path / folder, budget=10, seed=seed)
        cluster(DISTANCES[0])
        return [(answer.a, answer.b) for answer in session.learner.log.answers()]

    assert asked("a", 0) == asked("b", 0) != asked("c", 1)


def test_missing_answers_end_the_run_and_the_next_one_goes_on(tmp_path):
    def run(answer, resume=None):
        """The script, from its start."""
        session = ActiveDBSCAN.ask_about(
            PATHS, answer=answer, folder=tmp_path, every=2, cycles=2, budget=12, resume=resume
        )
        for epoch in range(4):
            labels = cluster(DISTANCES[epoch])
            assert_answers_hold(session, labels)
        return session

    given = []

    def some(limit):
        def answer(question):
            if len(given) >= limit:
                return None
            given.append(question.paths)
            return truth(question)

        return answer

    with pytest.raises(AnswersPending, match=r"pending\.jsonl.*run the script again; answers already given are kept"):
        run(some(5))
    waiting = (tmp_path / "pending.jsonl").read_text().splitlines()
    pairs = {(row["a"], row["b"]) for row in map(json.loads, waiting)}
    assert len(given) == 5 and pairs and not pairs & set(given)
    assert len((tmp_path / "answers.jsonl").read_text().splitlines()) == 5

    with pytest.raises(AnswersPending, match="questions in"):
        # This time through the first asking, and not through the second.
        run(some(5 + len(pairs)))
    assert len(given) > 5 and set(given[5:]) <= {*pairs, *given[:5]}
    session = run(some(1000))
    assert session.epoch == 4 and not (tmp_path / "pending.jsonl").exists()
    assert len(given) == len(set(given)) == len(session.learner.log.answers())
    nobody = lambda question: pytest.fail("everything was answered")  # noqa: E731
    with pytest.raises(AasError, match=r"all questions of .* were asked and answered"):
        run(nobody)
    run(nobody, resume=True)
    run(some(2000), resume=False)
    assert len(given) == len(set(given)), "what is known is not asked again by a training that begins anew"


def test_in_the_same_process_the_epoch_that_waited_is_done_again(tmp_path):
    late = {}
    session = ActiveDBSCAN.ask_about(
        PATHS, answer=lambda q: late.get(q.paths), folder=tmp_path, every=2, budget=6, rounds=1
    )
    with pytest.raises(AnswersPending):
        cluster(DISTANCES[0])
    assert session.epoch == 0 and session.last.waiting and session.last.report["pending"] == 6
    rows = map(json.loads, (tmp_path / "pending.jsonl").read_text().splitlines())
    late.update({(row["a"], row["b"]): "cannot_tell" for row in rows})
    assert cluster(DISTANCES[0]).tolist() == cluster(DISTANCES[0], DBSCAN).tolist()
    assert session.epoch == 1 and not session.last.waiting


def test_another_session_replaces_the_first_where_none_is_given(tmp_path):
    first = ActiveDBSCAN.ask_about(PATHS, answer=truth, folder=tmp_path / "1", budget=5)
    cluster(DISTANCES[0])
    second = ActiveDBSCAN.ask_about(PATHS, answer=truth, folder=tmp_path / "2", budget=5)
    cluster(DISTANCES[0])
    cluster(DISTANCES[0])
    own = ActiveDBSCAN(eps=0.6, min_samples=4, metric="precomputed", session=first).fit(DISTANCES[0])
    clone(own).fit(DISTANCES[0])
    assert isinstance(first, ActiveSession)
    assert (first.epoch, second.epoch) == (3, 2)
    assert not [name for name in vars(ActiveDBSCAN) if "session" in name]


def test_a_script_that_clusters_three_times_an_epoch_asks_by_epochs(tmp_path):
    session = ActiveDBSCAN.ask_about(
        PATHS, answer=truth, folder=tmp_path, every=2, cycles=2, budget=15, fits_per_epoch=3
    )
    asked = []
    for epoch in range(4):
        for eps in (0.6, 0.58, 0.62):
            assert session.epoch == epoch
            assert_answers_hold(session, cluster(DISTANCES[epoch], eps=eps))
        asked.append(len(session.learner.log.answers()))
        assert (session.last.report is not None) == (epoch in (0, 2))
    assert 0 < asked[0] == asked[1] < asked[2] == asked[3] <= 30
    assert session.fits == 12


def test_a_selector_of_ones_own_sees_distances_and_the_radius_of_the_script(tmp_path):
    seen = []

    def select(views, known, budget, rng):
        seen.append(views.features.shape)
        expected = cluster(DISTANCES[0], DBSCAN, eps=0.5)
        assert (views.a[views.inlier] == expected[expected >= 0]).all()
        return random_pairs(N, budget, rng, known)

    session = ActiveDBSCAN.ask_about(PATHS, answer=truth, folder=tmp_path, select=select, budget=3, rounds=1)
    cluster(DISTANCES[0], eps=0.5)
    assert seen == [(N, 0)]
    assert len(session.learner.log.answers()) == 3


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10**6), n=st.integers(1, 30), budget=st.integers(0, 20), eps=st.sampled_from([0.3, 0.6, 0.9])
)
def test_any_distances_and_any_individuals(tmp_path_factory, seed, n, budget, eps):
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.choice([0, 0.2, 0.5, 0.8, 1], size=(n, n)), 1)
    identities = rng.integers(0, 4, n)
    session = ActiveDBSCAN.ask_about(
        PATHS[:n], identities=identities, folder=tmp_path_factory.mktemp("active"), every=1, cycles=2, budget=budget
    )
    for _ in range(3):
        labels = ActiveDBSCAN(eps=eps, min_samples=3, metric="precomputed").fit_predict(upper + upper.T)
        assert session.learner.constraints.violations(labels) == (0, 0)
        assert sorted(set(labels[labels >= 0].tolist())) == list(range(labels.max() + 1))


def with_one(value):
    matrix = DISTANCES[0].copy()
    matrix[3, 5] = value
    return matrix


@pytest.mark.parametrize(
    ("x", "parameters", "error", "words"),
    [
        (DISTANCES[0][:50, :50], {}, AasError, f"50 rows are clustered.*named {N} images"),
        (make_features()[:50], {"metric": "euclidean"}, AasError, f"50 rows.* {N} images"),
        (with_one(1.7), {}, AasError, r"to 1\.7"),
        (DISTANCES[0], {"eps": 1.0}, AasError, "eps: Input should be less than 1"),
        (np.ones((N, N)) * 0.5 + 0.5j, {}, ValueError, "Complex"),
        (with_one(np.nan), {}, ValueError, "NaN"),
        (with_one(-0.1), {}, ValueError, "Negative"),
        (DISTANCES[0][:, :50], {}, ValueError, "square"),
        (DISTANCES[0], {"eps": -1}, ValueError, "eps"),
        (DISTANCES[0], {"min_samples": 0}, ValueError, "min_samples"),
    ],
)
def test_what_does_not_fit_is_refused_and_counts_as_no_epoch(tmp_path, x, parameters, error, words):
    session = ActiveDBSCAN.ask_about(PATHS, answer=truth, folder=tmp_path, budget=3)
    with pytest.raises(error, match=words):
        ActiveDBSCAN(**{"eps": 0.6, "metric": "precomputed", **parameters}).fit_predict(x)
    assert session.epoch == 0 and not session.learner.log.answers()


def test_sparse_input_is_refused(tmp_path):
    ActiveDBSCAN.ask_about(PATHS, answer=truth, folder=tmp_path)
    with pytest.raises(AasError, match="dense features or distances"):
        cluster(jaccard_graph(make_features()).distances)


def test_a_coarser_partition_needs_features(tmp_path):
    ActiveDBSCAN.ask_about(PATHS, answer=truth, folder=tmp_path, finch_partition=1)
    with pytest.raises(AasError, match="partition 1 is made from features"):
        cluster(DISTANCES[0])


def test_without_images_it_says_what_to_call():
    with pytest.raises(AasError, match=r"ActiveDBSCAN\.ask_about\(image_paths"):
        cluster(DISTANCES[0])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "either `answer`"),
        ({"answer": truth, "identities": INDIVIDUALS}, "either `answer`"),
        ({"identities": [1, 2]}, f"2 identities for {N} images"),
        ({"answer": truth, "every": 0}, "every"),
        ({"answer": truth, "fits_per_epoch": 0}, "fits_per_epoch is 0"),
        ({"answer": truth, "cycles": -1}, "cycles"),
        ({"answer": truth, "budget": 1.5}, "whole number of questions"),
        ({"answer": truth, "paths": [*PATHS, PATHS[3]]}, "stands twice"),
    ],
)
def test_a_session_that_cannot_be_is_refused_and_leaves_the_one_before(tmp_path, arguments, words):
    before = ActiveDBSCAN.ask_about(PATHS, answer=truth, folder=tmp_path / "before")
    with pytest.raises(AasError, match=words):
        ActiveDBSCAN.ask_about(**{"paths": PATHS, "folder": tmp_path / "new", **arguments})
    assert current_session() is before


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_an_image_without_identity_is_named_when_it_is_asked_about(tmp_path, missing):
    ActiveDBSCAN.ask_about(PATHS, identities=[missing] * N, folder=tmp_path)
    with pytest.raises(AasError, match=r"'photos/\d+\.jpg' has no identity"):
        cluster(DISTANCES[0])


def test_an_error_of_the_oracle_names_what_it_said(tmp_path):
    ActiveDBSCAN.ask_about(PATHS, answer=lambda question: "yes", folder=tmp_path)
    with pytest.raises(AasError, match="'yes'"):
        cluster(DISTANCES[0])


SCRIPTS = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8").split("## Any other")[1], re.DOTALL)


def test_the_guide_changes_one_line_of_a_script_and_adds_one():
    before, after = (script.splitlines() for script in SCRIPTS)
    assert 30 <= len(before) <= 45
    changes = [line for line in difflib.ndiff(before, after) if line[0] in "+-"]
    assert [line[0] for line in changes] == ["-", "+", "+"]
    assert changes[0] == "- from sklearn.cluster import DBSCAN"
    assert changes[1] == "+ from aas_plugin import ActiveDBSCAN as DBSCAN"
    assert changes[2].startswith("+ DBSCAN.ask_about(paths, ")


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """Eight individuals of a pattern each, six photos of which differ in light and noise."""
    rng = np.random.default_rng(0)
    patterns = rng.integers(0, 256, size=(8, 4, 4, 3), dtype=np.uint8)
    for individual, pattern in enumerate(patterns):
        (tmp_path / "photos" / str(individual)).mkdir(parents=True)
        for photo in range(6):
            pixels = pattern * rng.uniform(0.5, 1) + rng.normal(scale=30, size=pattern.shape)
            image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).resize((40, 40), Image.Resampling.NEAREST)
            image.save(tmp_path / "photos" / str(individual) / f"{photo}.jpg")
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)


def person(prompt):
    first, second = re.findall(r"photos/(\d+)/", prompt)
    return "same" if first == second else "different"


def test_the_script_of_the_guide_runs_before(photos):
    names = {}
    exec(SCRIPTS[0], names)
    assert names["labels"].shape == (48,)
    assert not Path("active").exists()


def test_the_script_of_the_guide_runs_after_and_every_answer_holds(photos, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda prompt: "")
    with pytest.raises(AnswersPending, match=r"active/pending\.jsonl"):
        exec(SCRIPTS[1], {})
    monkeypatch.setattr("builtins.input", person)
    names = {}
    exec(SCRIPTS[1], names)
    session = current_session()
    answers = session.learner.log.answers()
    assert session.epoch == 30 and {answer.cycle for answer in answers} <= {1, 2, 3}
    assert len(answers) > 5
    labels = dict(zip(names["paths"], names["labels"].tolist(), strict=True))
    for answer in answers:
        same = labels[answer.a] == labels[answer.b] != -1
        assert same == (answer.decision == "same")
