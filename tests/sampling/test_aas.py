import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from aas_plugin.clustering.jaccard import jaccard_graph
from aas_plugin.sampling.aas import AasOptions, ambiguity_aware_pairs
from aas_plugin.sampling.views import make_views

COLUMNS = ["u", "v", "kind", "probability", "similarity", "type", "region_u", "region_v"]


def nothing_known(pairs):
    return np.zeros(len(pairs), dtype=bool)


def views_of(features):
    return make_views(features, jaccard_graph(features, k1=10, k2=4), refine=lambda labels: labels)


def features_of(n, noise, seed):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(max(1, n // 8), 8))
    features = centres[rng.integers(0, len(centres), n)] + noise * rng.normal(size=(n, 8))
    return (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)


def ask(views, budget, seed=0, known=nothing_known, **options):
    return ambiguity_aware_pairs(views, budget, np.random.default_rng(seed), AasOptions(**options), known)


@pytest.fixture(scope="module")
def ambiguous():
    return views_of(features_of(150, 0.8, 0))


@settings(max_examples=60)
@given(
    n=st.integers(1, 90),
    noise=st.sampled_from([0.0, 0.3, 0.8, 3.0]),
    budget=st.integers(0, 40),
    modulus=st.sampled_from([1, 2, 5, 10**9]),
    seed=st.integers(0, 10**6),
)
def test_the_questions_are_new_distinct_within_budget_and_reproducible(n, noise, budget, modulus, seed):
    views = views_of(features_of(n, noise, seed))

    def known(pairs):
        return pairs.sum(axis=1) % modulus == 0

    table = ask(views, budget, seed, known)
    pairs = table[["u", "v"]].to_numpy()
    assert table.columns.tolist() == COLUMNS
    assert len(pairs) <= budget
    assert (pairs[:, 0] < pairs[:, 1]).all() and (pairs >= 0).all() and (pairs < n).all()
    assert not known(pairs).any()
    assert not table.duplicated(["u", "v"]).any()
    assert table.equals(ask(views, budget, seed, known))
    pool = ask(views, 10**9, seed, known)
    assert len(pool) == table.attrs["over_pool"] + table.attrs["under_pool"]
    assert pool["probability"].sum() == pytest.approx(1 if len(pool) else 0)
    assert pool["probability"].is_monotonic_decreasing
    drawn = table.set_index(["u", "v"])["probability"]
    assert drawn.equals(pool.set_index(["u", "v"])["probability"].reindex(drawn.index))
    if len(pool) <= budget:
        assert table.equals(pool)
    else:
        assert len(table) == min(budget, (pool["probability"] > 0).sum())


def test_similarity_and_regions_are_those_of_the_pair(ambiguous):
    table = ask(ambiguous, 10**9)
    u, v = table["u"].to_numpy(), table["v"].to_numpy()
    assert {"over", "under"} == set(table["kind"])
    np.testing.assert_array_equal(table["similarity"], 1 - ambiguous.graph.distance(u, v))
    assert ((table["region_u"] == table["region_v"]) == (table["kind"] == "under")).all()
    assert table[["region_u", "region_v"]].min(axis=None) >= 0
    assert table[["region_u", "region_v"]].max(axis=None) < table.attrs["regions"]
    assert (table["type"] == (~ambiguous.inlier[u]).astype(int) + (~ambiguous.inlier[v])).all()


def test_pairs_are_drawn_as_often_as_their_probability_says(ambiguous):
    pool = ask(ambiguous, 10**9).set_index(["u", "v"])["probability"]
    rng = np.random.default_rng(0)
    draws = [ambiguity_aware_pairs(ambiguous, 1, rng, AasOptions(), nothing_known) for _ in range(400)]
    over = np.mean([table["kind"][0] == "over" for table in draws])
    assert over == pytest.approx(0.6, abs=0.12)
    likely = set(pool.index[: len(pool) // 4])
    mass = pool.iloc[: len(pool) // 4].sum()
    hits = np.mean([(table["u"][0], table["v"][0]) in likely for table in draws])
    assert hits == pytest.approx(mass, abs=0.12)


def test_another_seed_asks_other_pairs(ambiguous):
    assert not ask(ambiguous, 10, seed=0).equals(ask(ambiguous, 10, seed=1))


def test_pairs_of_probability_zero_are_left_when_the_pool_is_too_large(ambiguous):
    pool = ask(ambiguous, 10**9, epsilon=1)
    over = pool.attrs["over_pool"]
    assert 0 < over < len(pool)
    assert (ask(ambiguous, len(pool) - 1, epsilon=1)["kind"] == "over").all()
    assert len(ask(ambiguous, len(pool) - 1, epsilon=1)) == over


def test_views_that_agree_ask_nothing(ambiguous):
    table = ask(dataclasses.replace(ambiguous, b=ambiguous.a), 10)
    assert table.columns.tolist() == COLUMNS and len(table) == 0
    assert table.attrs == {"regions": 0, "over_pool": 0, "under_pool": 0}
    full = ask(ambiguous, 10)
    assert table.dtypes.equals(full.dtypes)


def test_nothing_is_asked_when_everything_is_known(ambiguous):
    table = ask(ambiguous, 10, known=lambda pairs: np.ones(len(pairs), dtype=bool))
    assert len(table) == 0
    assert table.attrs["regions"] > 0 and table.attrs["under_pool"] == 0


def test_noise_alone_is_asked_about_where_the_other_view_groups_it():
    features = features_of(40, 0.3, 1)
    views = make_views(features, jaccard_graph(features), refine=lambda labels: labels, min_samples=1000)
    assert not views.inlier.any()
    table = ask(views, 10**9)
    assert len(table) and (table["type"] == 2).all()


def test_two_clusters_that_each_view_parts_otherwise_make_one_question(ambiguous):
    features = features_of(12, 0.1, 0)
    one = np.zeros(12, dtype=np.int64)
    views = dataclasses.replace(views_of(features), a=one, b=np.repeat([0, 1], 6), inlier=np.ones(12, dtype=bool))
    table = ask(views, 5)
    assert len(table) == 1 and table.attrs == {"regions": 1, "over_pool": 0, "under_pool": 1}


@pytest.mark.parametrize("n", [1, 2, 25])
def test_copies_of_one_image_ask_no_more_than_they_have_pairs(n):
    table = ask(views_of(np.tile(features_of(1, 0, 0), (n, 1))), 10)
    assert len(table) <= min(10, n * (n - 1) // 2)


@pytest.mark.parametrize(
    "options",
    [
        {"epsilon": -0.1},
        {"epsilon": 1.1},
        {"k_max": 0},
        {"s_min": 2},
        {"s_min": 0},
        {"pi": (1, 1)},
        {"pi": (0, 0, 0)},
        {"pi": (1, -1, 1)},
        {"pi": (1, float("nan"), 1)},
        {"beta": 1},
    ],
)
def test_settings_out_of_range_or_unknown_are_refused(options):
    with pytest.raises(ValidationError):
        AasOptions(**options)


def test_the_defaults_are_those_of_the_paper():
    given = {"epsilon": 0.6, "k_max": 5, "s_min": 0.3, "pi": None}
    whole = {"pools": "both", "closest": True, "rho": "inconsistent", "omega": "similarity", "closure": True}
    assert AasOptions().model_dump() == given | whole
