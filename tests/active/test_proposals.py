"""A sampler's table is refused before anything of it is kept; what it tells never stands for our own numbers."""

import numpy as np
import pandas as pd
import pytest

from aas_plugin import ActiveLearner
from aas_plugin.constraints.answers import AnswerLog
from aas_plugin.constraints.evidence import evidence_of
from aas_plugin.errors import AasError
from aas_plugin.settings.models import ActiveSettings

N = 12
PATHS = [f"{i}.jpg" for i in range(N)]
LABELS = np.zeros(N, dtype=np.int64)
FEATURES = np.eye(N, dtype=np.float32)
GOOD = pd.DataFrame({"u": [0, 2], "v": [1, 3], "kind": ["mine", "mine"], "score": [0.1, 0.2]})


def learner_of(folder, table, **options):
    active = ActiveSettings(budget=5, cycles=1, rounds=1)
    return ActiveLearner(PATHS, lambda question: "different", folder, select=lambda: table, active=active, **options)


def with_attrs(**attrs):
    table = GOOD.copy()
    table.attrs = attrs
    return table


BAD = {
    "no kind": (GOOD.drop(columns="kind"), "lacks the column 'kind'"),
    "no pairs": (GOOD.drop(columns=["u", "v"]), "lacks the column 'u', 'v'"),
    "no table": ([(0, 1)], r"gave list.*table"),
    "nothing": (None, r"gave NoneType.*table"),
    "a kind that is missing": (GOOD.assign(kind=["mine", None]), "a pair without a kind"),
    "positions that are no whole numbers": (GOOD.assign(u=[0.5, 2.0]), "'u' holds float64"),
    "positions that are missing": (GOOD.assign(v=[1, None]), "'v' holds float64"),
    "positions as text": (GOOD.assign(v=["1", "3"]), "'v' holds"),
    "a name of ours": (GOOD.assign(path_u="x"), "a column 'path_u'"),
    "a pair backwards": (GOOD.assign(u=[3, 2], v=[1, 3]), "u < v below 12"),
    "an image that is not there": (GOOD.assign(v=[1, 12]), "u < v below 12"),
    "a pair twice": (pd.concat([GOOD, GOOD]), "a pair twice"),
    "too many": (pd.DataFrame({"u": range(6), "v": range(6, 12), "kind": "mine"}), "6 pairs, 5 are allowed"),
    "attrs that are no numbers": (with_attrs(why="because"), "attrs must be numbers"),
    "attrs that are nothing": (with_attrs(regions=float("nan")), "attrs must be numbers"),
    "a linkage above 1": (GOOD.assign(linkage=[0.5, 1.5]), "'linkage' goes from 0.5 to 1.5"),
    "a linkage as text": (GOOD.assign(linkage=["a", "b"]), "'linkage' holds"),
    "a column that no file takes": (GOOD.assign(score=[{1}, "x"]), "cannot be kept"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_table_is_refused_and_a_mended_sampler_goes_on(tmp_path, case):
    table, words = BAD[case]
    with pytest.raises(AasError, match=words):
        learner_of(tmp_path, table).step(FEATURES, LABELS, epoch=0)
    assert not list(tmp_path.glob("cycles/*/*.parquet"))
    report = learner_of(tmp_path, GOOD).step(FEATURES, LABELS, epoch=0).report
    assert report["asked"] == 2


def test_a_proposal_that_an_older_version_kept_without_a_kind_is_drawn_anew(tmp_path):
    learner = learner_of(tmp_path, GOOD)
    kept = GOOD.drop(columns="kind").assign(path_u=["0.jpg", "2.jpg"], path_v=["1.jpg", "3.jpg"])
    (tmp_path / "cycles" / "01").mkdir(parents=True)
    kept.to_parquet(tmp_path / "cycles" / "01" / "proposal.parquet")
    with pytest.warns(UserWarning, match="cannot be asked.*drawn anew"):
        assert learner.step(FEATURES, LABELS, epoch=0).report["asked"] == 2


def test_what_a_sampler_tells_stands_beside_our_numbers_and_not_for_them(tmp_path):
    told = with_attrs(asked=999, mAP=0.99, regions=np.int64(3), share=0.5)
    report = learner_of(tmp_path, told).step(FEATURES, LABELS, epoch=0).report
    assert report["asked"] == 2 and "mAP" not in report
    assert {key: report[key] for key in report if key.startswith("sampler.")} == {
        "sampler.asked": 999, "sampler.mAP": 0.99, "sampler.regions": 3, "sampler.share": 0.5,
    }  # fmt: skip


def test_how_alike_a_sampler_held_two_images_is_kept_with_the_answer(tmp_path):
    learner = learner_of(tmp_path, GOOD.assign(linkage=[0.25, np.nan]))
    learner.step(FEATURES, LABELS, epoch=0)
    assert [answer.linkage for answer in learner.log.answers()] == [0.25, None]
    kept = AnswerLog(tmp_path / "answers.jsonl").answers()
    assert [answer.linkage for answer in kept] == [0.25, None]
    assert np.array_equal(
        evidence_of(kept, {path: i for i, path in enumerate(PATHS)}).linkage, [0.25, np.nan], equal_nan=True
    )


@pytest.mark.parametrize("table", [GOOD[:0], pd.DataFrame({"u": [], "v": [], "kind": []}), GOOD.set_index("score")])
def test_no_pairs_and_an_index_of_ones_own_are_fine(tmp_path, table):
    assert learner_of(tmp_path, table).step(FEATURES, LABELS, epoch=0).report["asked"] == len(table)
