import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from aas_plugin import JaccardDBSCAN
from aas_plugin.clustering.dbscan import dbscan
from aas_plugin.clustering.jaccard import jaccard_graph


@parametrize_with_checks([JaccardDBSCAN(), JaccardDBSCAN(eps=0.4, min_samples=2, k1=10, k2=3)])
def test_it_passes_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


def groups(seed=0, individuals=12, photos=8):
    rng = np.random.default_rng(seed)
    features = np.repeat(rng.normal(size=(individuals, 32)), photos, axis=0)
    features += 0.3 * rng.normal(size=features.shape)
    return features.astype(np.float32), np.repeat(np.arange(individuals), photos)


def test_it_finds_individuals():
    features, individuals = groups()
    assert JaccardDBSCAN(k1=8, k2=3).fit_predict(features).tolist() == individuals.tolist()


def test_several_radii_give_a_row_of_labels_each():
    features, _ = groups(1)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    radii = [0.3, 0.5, 0.6]
    several = JaccardDBSCAN(eps=radii, k1=10, k2=3).fit_predict(features)
    graph = jaccard_graph(unit, 10, 3)
    assert several.tolist() == [dbscan(graph, eps, 4).tolist() for eps in radii]
    one = JaccardDBSCAN(eps=[0.5], k1=10, k2=3).fit_predict(features)
    assert one.tolist() == [several[1].tolist()]


def test_the_length_of_a_row_does_not_matter_and_it_works_in_a_pipeline():
    features, _ = groups(2)
    doubled = make_pipeline(FunctionTransformer(lambda rows: 2 * rows), JaccardDBSCAN(k1=8))
    assert doubled.fit_predict(features).tolist() == JaccardDBSCAN(k1=8).fit_predict(features).tolist()


@pytest.mark.parametrize("factor", [1e20, 1e-25])
def test_very_long_and_very_short_rows_are_clustered_alike(factor):
    features, _ = groups(3)
    scaled = (features.astype(np.float64) * factor).astype(np.float32)
    assert JaccardDBSCAN(k1=8).fit_predict(scaled).tolist() == JaccardDBSCAN(k1=8).fit_predict(features).tolist()


def test_an_image_is_within_any_radius_of_itself():
    assert JaccardDBSCAN(eps=1e-8, min_samples=1).fit_predict(groups(4)[0]).min() == 0


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"eps": 1.0}, "eps must lie between 0 and 1"),
        ({"eps": []}, r"sequence of at least one; it is \[\]"),
        ({"eps": "0.6"}, "eps must be a number"),
        ({"eps": [0.5, 0.0]}, r"eps .* it is 0\.0"),
        ({"min_samples": 0}, "min_samples must be a whole number of at least 1; it is 0"),
        ({"k1": 2.5}, "k1 must be a whole number"),
        ({"k2": 0}, "k2 must"),
    ],
)
def test_a_parameter_out_of_range_is_named(parameters, words):
    with pytest.raises(ValueError, match=words):
        JaccardDBSCAN(**parameters).fit(groups()[0])
