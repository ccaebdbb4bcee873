import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aas_plugin.sampling.distribution import pair_distribution

INCONSISTENT = np.array([[6, 2, 0], [2, 8, 1]])


def distribution(over, under, inconsistent=INCONSISTENT, **options):
    """`under` holds (sim, type, region) of each pair."""
    columns = list(zip(*under, strict=True)) or [(), (), ()]
    return pair_distribution(
        np.array(over, dtype=np.float32),
        np.array(columns[0], dtype=np.float32),
        np.array(columns[1], dtype=np.int64),
        np.array(columns[2], dtype=np.int64),
        np.asarray(inconsistent),
        **options,
    )


def test_each_pool_has_its_share_and_over_segmentation_goes_by_similarity():
    over, under = distribution([0.25, 0.75], [(0.5, 0, 0)])
    np.testing.assert_allclose(over, [0.15, 0.45])
    np.testing.assert_allclose(under, [0.4])


def test_an_empty_pool_leaves_its_mass_to_the_other():
    over, under = distribution([0.25, 0.75], [])
    assert over.tolist() == [0.25, 0.75] and len(under) == 0
    over, under = distribution([], [(0.5, 0, 0)])
    assert len(over) == 0 and under.tolist() == [1]


def test_two_empty_pools_have_no_mass():
    over, under = distribution([], [], np.zeros((0, 3), dtype=int))
    assert over.shape == under.shape == (0,)


def test_a_pair_has_the_product_of_type_region_and_similarity():
    pairs = [(0.25, 0, 0), (0.75, 0, 0), (0.5, 0, 1), (0.5, 1, 1)]
    _, under = distribution([], pairs)
    # Types 3:1, regions of type 0 by 6:2, pairs of the first cell by 1:3.
    np.testing.assert_allclose(under, [0.75 * 0.75 * 0.25, 0.75 * 0.75 * 0.75, 0.75 * 0.25, 0.25])


def test_given_weights_replace_the_shares_and_are_normalised_over_the_types_that_are_left():
    _, under = distribution([], [(0.5, 0, 0), (0.5, 1, 1)], pi=(1, 3, 4))
    np.testing.assert_allclose(under, [0.25, 0.75])


def test_small_weights_are_normalised_too():
    _, under = distribution([], [(0.5, 0, 0), (0.5, 1, 1)], pi=(0.01, 0.03, 0))
    np.testing.assert_allclose(under, [0.25, 0.75])


def test_where_only_types_of_weight_zero_are_left_their_shares_count():
    _, under = distribution([], [(0.5, 0, 0), (0.5, 1, 1)], pi=(0, 0, 1))
    np.testing.assert_allclose(under, [0.5, 0.5])


def test_pairs_without_any_similarity_share_their_mass_equally():
    over, under = distribution([0, 0], [(0, 0, 0), (0, 0, 0), (0, 0, 0), (0.5, 0, 1), (0, 0, 1)])
    np.testing.assert_allclose(over, [0.3, 0.3])
    np.testing.assert_allclose(under, [0.1, 0.1, 0.1, 0.1, 0], atol=1e-12)


@pytest.mark.parametrize(
    "options", [{"epsilon": 1.5}, {"epsilon": -0.5}, {"epsilon": float("nan")}, {"pi": (-1, 2, 0)}]
)
def test_arguments_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match="sum to"):
        distribution([0.5], [(0.5, 0, 0), (0.5, 1, 1)], **options)


@given(
    over=st.lists(st.floats(0, 1, width=32), max_size=5),
    under=st.lists(st.tuples(st.floats(0, 1, width=32), st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=9),
    epsilon=st.floats(0, 1),
    pi=st.none() | st.tuples(*[st.floats(0, 1e6)] * 3).filter(lambda weights: sum(weights) > 0),
)
def test_probabilities_are_never_negative_and_sum_to_one(over, under, epsilon, pi):
    p_over, p_under = distribution(over, under, np.arange(1, 13).reshape(4, 3), epsilon=epsilon, pi=pi)
    both = np.concatenate([p_over, p_under])
    assert (both >= 0).all()
    assert both.sum() == pytest.approx(1)
    if over:
        assert p_over.sum() == pytest.approx(epsilon)
