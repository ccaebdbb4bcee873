"""Retrieval metrics against definitions written out, scikit-learn and torchmetrics."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from aas_plugin.evaluation import retrieval
from aas_plugin.evaluation.retrieval import retrieval_metrics

KEYS = ["mAP", "mINP", "top1", "top3", "top5", "top10", "BAKS"]


def literal_metrics(similarity, query, gallery, query_camera=None, gallery_camera=None):
    """Each metric by loops, straight from its definition."""
    precisions, penalties, firsts, by_individual = [], [], [], {}
    for q, name in enumerate(query):
        kept = [
            g
            for g in range(len(gallery))
            if query_camera is None or gallery[g] != name or gallery_camera[g] != query_camera[q]
        ]
        ranking = sorted(kept, key=lambda g: (-similarity[q, g], g))
        ranks = [rank for rank, g in enumerate(ranking, start=1) if gallery[g] == name]
        if not ranks:
            continue
        precisions.append(sum((i + 1) / rank for i, rank in enumerate(ranks)) / len(ranks))
        penalties.append(len(ranks) / ranks[-1])
        firsts.append(ranks[0])
        by_individual.setdefault(name, []).append(ranks[0] == 1)
    if not firsts:
        return dict.fromkeys(KEYS, float("nan"))
    return {
        "mAP": sum(precisions) / len(precisions),
        "mINP": sum(penalties) / len(penalties),
        **{f"top{k}": sum(first <= k for first in firsts) / len(firsts) for k in (1, 3, 5, 10)},
        "BAKS": sum(sum(hits) / len(hits) for hits in by_individual.values()) / len(by_individual),
    }


@st.composite
def retrievals(draw, ties=True):
    """A similarity matrix with few distinct values (ties) or none equal, and few individuals."""
    queries, galleries = draw(st.integers(1, 8)), draw(st.integers(1, 15))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = queries * galleries
    values = rng.integers(-2, 3, size) if ties else rng.permutation(size) - size // 2
    individuals = draw(st.integers(1, 5))
    return (
        values.reshape(queries, galleries).astype(np.float32) / size,
        rng.integers(0, individuals, queries),
        rng.integers(0, individuals, galleries),
    )


@given(retrievals())
def test_equals_the_literal_definition(case):
    assert retrieval_metrics(*case) == pytest.approx(literal_metrics(*case), nan_ok=True)


@given(retrievals(), st.integers(0, 2**32 - 1))
def test_equals_the_literal_definition_with_cameras(case, seed):
    rng = np.random.default_rng(seed)
    cameras = rng.integers(0, 2, len(case[1])), rng.integers(0, 2, len(case[2]))
    assert retrieval_metrics(*case, *cameras) == pytest.approx(literal_metrics(*case, *cameras), nan_ok=True)


@given(retrievals(ties=False))
def test_map_equals_scikit_learn(case):
    similarity, query, gallery = case
    scores = [
        average_precision_score(gallery == name, row)
        for row, name in zip(similarity, query, strict=True)
        if name in gallery
    ]
    expected = np.mean(scores) if scores else np.nan
    assert retrieval_metrics(*case)["mAP"] == pytest.approx(expected, nan_ok=True)


@settings(max_examples=20)
@given(retrievals(ties=False))
def test_map_and_top_k_equal_torchmetrics(case):
    torch, reference = pytest.importorskip("torch"), pytest.importorskip("torchmetrics.retrieval")
    similarity, query, gallery = case
    match = torch.tensor(query[:, None] == gallery[None])
    indexes = torch.arange(len(query))[:, None].expand_as(match)
    positive = torch.tensor(similarity) + 1  # RetrievalMAP takes scores of 0 and below for no prediction.
    if not match.any():
        return

    def of(metric):
        return float(metric(positive.flatten(), match.flatten(), indexes=indexes.flatten()))

    expected = {"mAP": of(reference.RetrievalMAP(empty_target_action="skip"))}
    for k in (1, 3, 5, 10):
        expected[f"top{k}"] = of(reference.RetrievalHitRate(empty_target_action="skip", top_k=k))
    ours = retrieval_metrics(*case)
    assert {key: ours[key] for key in expected} == pytest.approx(expected, abs=1e-6)


@given(retrievals())
def test_all_are_fractions_and_ordered(case):
    result = retrieval_metrics(*case)
    assert list(result) == KEYS
    if not np.isnan(result["mAP"]):
        assert all(0 <= value <= 1 for value in result.values())
        assert result["top1"] <= result["top3"] <= result["top5"] <= result["top10"]
        assert min(result["mAP"], result["mINP"]) > 0


@given(retrievals())
def test_perfect_similarity_scores_one(case):
    _, query, gallery = case
    perfect = (query[:, None] == gallery[None]).astype(np.float32)
    if perfect.any():
        assert retrieval_metrics(perfect, query, gallery) == pytest.approx(dict.fromkeys(KEYS, 1.0))


@given(retrievals(ties=False), st.randoms(use_true_random=False))
def test_order_of_the_gallery_does_not_matter_without_ties(case, random):
    similarity, query, gallery = case
    order = random.sample(range(len(gallery)), len(gallery))
    shuffled = retrieval_metrics(similarity[:, order], query, gallery[order])
    assert shuffled == pytest.approx(retrieval_metrics(*case), nan_ok=True)


@given(retrievals())
def test_labels_may_be_strings(case):
    similarity, query, gallery = case
    named = retrieval_metrics(
        similarity,
        pd.array([f"id {q}" for q in query], dtype="string"),
        np.array([f"id {g}" for g in gallery], dtype=object),
    )
    assert named == pytest.approx(retrieval_metrics(*case), nan_ok=True)


def test_among_ties_the_lower_gallery_index_comes_first():
    ties = np.zeros((1, 3), dtype=np.float32)
    assert retrieval_metrics(ties, ["a"], ["b", "a", "b"])["mAP"] == pytest.approx(1 / 2)
    assert retrieval_metrics(ties, ["a"], ["a", "b", "b"])["top1"] == 1
    assert retrieval_metrics(ties, ["a"], ["b", "b", "a"])["top1"] == 0


def test_a_gallery_of_one():
    one = np.array([[0.5], [0.9]], dtype=np.float32)
    assert retrieval_metrics(one, ["a", "b"], ["a"]) == dict.fromkeys(KEYS, 1.0)


def test_queries_without_a_match_do_not_count():
    similarity = np.array([[0.9, 0.1], [0.9, 0.1]], dtype=np.float32)
    assert retrieval_metrics(similarity, ["a", "x"], ["b", "a"]) == retrieval_metrics(similarity[:1], ["a"], ["b", "a"])


@pytest.mark.parametrize("shape", [(2, 3), (0, 3), (2, 0), (0, 0)])
def test_no_match_at_all_is_nan(shape):
    result = retrieval_metrics(np.zeros(shape, dtype=np.float32), ["x"] * shape[0], ["y"] * shape[1])
    assert list(result) == KEYS
    assert all(np.isnan(value) for value in result.values())


@pytest.mark.parametrize("unknown", [pd.NA, None, float("nan")])
def test_an_unknown_identity_matches_nothing(unknown):
    similarity = np.array([[0.9, 0.1], [0.9, 0.1]], dtype=np.float32)
    result = retrieval_metrics(similarity, [unknown, "a"], [unknown, "a"])
    assert result["mAP"] == pytest.approx(1 / 2)


def test_an_unknown_camera_is_not_the_same_camera():
    similarity = np.array([[0.9, 0.1]], dtype=np.float32)
    assert retrieval_metrics(similarity, ["a"], ["a", "a"], [pd.NA], [pd.NA, "c1"])["mINP"] == 1


def test_baks_weighs_individuals_equally():
    similarity = np.array([[1, 0], [1, 0], [1, 0], [1, 0]], dtype=np.float32)
    result = retrieval_metrics(similarity, ["a", "a", "a", "b"], ["a", "b"])
    assert (result["top1"], result["BAKS"]) == (3 / 4, 1 / 2)


def test_only_the_same_individual_from_the_same_camera_is_ignored():
    similarity = np.array([[0.9, 0.8, 0.7]], dtype=np.float32)
    query, gallery = ["a"], ["a", "b", "a"]
    ignoring = retrieval_metrics(similarity, query, gallery, ["c1"], ["c1", "c1", "c2"])
    assert (ignoring["top1"], ignoring["mAP"]) == (0, 1 / 2)
    assert retrieval_metrics(similarity, query, gallery)["top1"] == 1


def test_chunks_do_not_change_the_result(monkeypatch):
    rng = np.random.default_rng(0)
    case = rng.random((17, 9), dtype=np.float32), rng.integers(0, 4, 17), rng.integers(0, 4, 9)
    cameras = rng.integers(0, 2, 17), rng.integers(0, 2, 9)
    whole = retrieval_metrics(*case, *cameras)
    monkeypatch.setattr(retrieval, "_CHUNK_CELLS", 20)
    assert retrieval_metrics(*case, *cameras) == whole


def test_inputs_that_do_not_fit_are_refused():
    similarity = np.zeros((1, 2), dtype=np.float32)
    with pytest.raises(ValueError, match="labels"):
        retrieval_metrics(similarity, ["a", "b"], ["a"])
    with pytest.raises(ValueError, match="cameras"):
        retrieval_metrics(similarity, ["a"], ["a", "b"], query_camera=["c"])
