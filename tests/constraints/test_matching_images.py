"""Which image is meant: as a slow and literal reading says, for all kinds of paths; and what takes a finding back."""

import itertools
import random
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aas_plugin.constraints.matching_images import Images, match_pairs


def names(path, folded):
    if folded:
        path = unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
    return [name for name in re.split(r"[/\\]", path) if name not in ("", ".")]


def alike(one, other, folded):
    """Names in common from the end; a whole path in common counts as one name more."""
    a, b = names(one, folded), names(other, folded)
    most = max((k for k in range(min(len(a), len(b)) + 1) if a[len(a) - k :] == b[len(b) - k :]), default=0)
    return most + (a == b and bool(a))


def longest(path, paths, places):
    for folded in (True, False):
        best = max((alike(path, paths[place], folded) for place in places), default=0)
        if best:
            places = [place for place in places if alike(path, paths[place], folded) == best]
        elif folded:
            return []
    return places


def literal(named, paths, hashes):
    """The position of the image that is meant, -1 for none, and the way."""
    path, digest = named
    copies = [place for place, own in enumerate(hashes) if digest and own == digest]
    if len(copies) == 1:
        return copies[0], "hash"
    if copies:
        own = [place for place in copies if paths[place] == path] or longest(path, paths, copies)
        return (own[0], "hash") if len(own) == 1 else (-1, "none")
    if path in paths:
        return paths.index(path), "path"
    able = [place for place, own in enumerate(hashes) if not (digest and own)]
    found = longest(path, paths, able)
    return (found[0], "suffix") if len(found) == 1 else (-1, "none")


NAMES = st.sampled_from(["a", "A", "b", "img.jpg", "IMG.jpg", "é.jpg", "e\u0301.jpg", ".", "", "Straße", "strasse"])
PATHS = st.builds(
    lambda parts, seps: "".join(part + sep for part, sep in zip(parts, seps, strict=False)) + parts[-1],
    st.lists(NAMES, min_size=1, max_size=4),
    st.lists(st.sampled_from(["/", "\\"]), min_size=4, max_size=4),
)
HASHES = st.sampled_from(["", "1", "2", "3"])
LISTS = st.lists(st.tuples(PATHS, HASHES), max_size=12, unique_by=lambda image: image[0])


@given(LISTS, st.lists(st.tuples(PATHS, HASHES), max_size=6))
def test_it_is_the_image_of_a_literal_reading(listed, asked):
    paths, hashes = [path for path, _ in listed], [digest for _, digest in listed]
    for given_hashes in (hashes, None):
        images = Images(paths, given_hashes)
        for named in asked:
            found = images.find(named)
            assert (found.place, found.way) == literal(named, paths, given_hashes or [""] * len(paths))


@given(LISTS)
def test_where_nothing_moved_each_image_is_itself(listed):
    paths, hashes = [path for path, _ in listed], [digest for _, digest in listed]
    for images, asked in ((Images(paths, hashes), listed), (Images(paths), listed)):
        assert [images.find(named).place for named in asked] == list(range(len(paths)))
        assert not any(images.find(named).ambiguous or images.find(named).changed for named in asked)
    pairs = list(itertools.pairwise(listed))
    found = match_pairs(pairs, Images(paths, hashes))
    assert [(a.place, b.place) for a, b in found] == [(place, place + 1) for place in range(len(pairs))]


@given(LISTS, st.lists(st.tuples(PATHS, HASHES), max_size=6), st.randoms())
def test_the_order_of_the_list_does_not_count(listed, asked, rng):
    mixed = rng.sample(listed, len(listed))
    one, other = (Images([path for path, _ in rows], [digest for _, digest in rows]) for rows in (listed, mixed))
    for named in asked:
        a, b = one.find(named), other.find(named)
        assert a.way == b.way and (a.place < 0 or one.paths[a.place] == other.paths[b.place])


@given(LISTS, LISTS)
def test_no_image_is_found_twice_by_content_or_as_two_of_one_pair(listed, asked):
    images = Images([path for path, _ in listed], [digest for _, digest in listed])
    pairs = list(itertools.pairwise(asked))
    for (a, b), (one, other) in zip(pairs, match_pairs(pairs, images), strict=True):
        assert one.place < 0 or one.place != other.place
        # Nothing is found that is not found of an image alone.
        for named, match in ((a, one), (b, other)):
            assert match.place in (-1, images.find(named).place)


def place(named, *paths, hashes=None):
    found = Images(paths, hashes).find(named if isinstance(named, tuple) else (named, ""))
    return found.place, found.way


@pytest.mark.parametrize(
    ("named", "paths", "hashes", "expected"),
    [
        ("/job1/m/1.jpg", ["/job2/m/0.jpg", "/job2/m/1.jpg"], None, (1, "suffix")),
        ("m/1.jpg", ["data/m/1.jpg", "data/n/1.jpg"], None, (0, "suffix")),
        ("data/m/1.jpg", ["m/1.jpg", "n/1.jpg"], None, (0, "suffix")),
        ("zebra/1.jpg", ["1.jpg"], None, (0, "suffix")),
        (r"D:\photos\Market\1.JPG", ["/data/market/1.jpg", "/data/other/1.jpg"], None, (0, "suffix")),
        ("old/a.jpg", ["x/a.jpg", "y/A.jpg"], None, (0, "suffix")),
        ("old/a.jpg", ["x/A.jpg", "y/A.jpg"], None, (-1, "none")),
        ("old/a.jpg", ["x/a.jpg", "y/a.jpg"], None, (-1, "none")),
        ("old/1.jpg", ["x/11.jpg", "x/1.jpg.png"], None, (-1, "none")),
        ("a/b.jpg", ["c/a/b.jpg", r"a\b.jpg"], None, (1, "suffix")),
        (("gone.jpg", "h"), ["new.jpg", "other.jpg"], ["h", "i"], (0, "hash")),
        (("x.jpg", "h"), ["x.jpg", "y.jpg"], ["i", "h"], (1, "hash")),
        (("x.jpg", "h"), ["x.jpg", "y.jpg"], ["h", "h"], (0, "hash")),
        (("old/y.jpg", "h"), ["x.jpg", "new/y.jpg", "y.jpg"], ["h", "h", "i"], (1, "hash")),
        (("z.jpg", "h"), ["x.jpg", "y.jpg", "z.jpg"], ["h", "h", "i"], (-1, "none")),
        (("x.jpg", "h"), ["x.jpg", "y.jpg"], ["i", "j"], (0, "path")),
        (("x.jpg", "h"), ["x.jpg"], None, (0, "path")),
        (("old/x.jpg", "h"), ["new/x.jpg"], ["i"], (-1, "none")),
        (("old/x.jpg", "h"), ["new/x.jpg", "newer/x.jpg"], ["i", ""], (1, "suffix")),
        (("old/x.jpg", ""), ["new/x.jpg"], ["i"], (0, "suffix")),
        ("", ["a.jpg", "/"], None, (-1, "none")),
        ("a.jpg", [], None, (-1, "none")),
    ],
)
def test_the_cases_that_matter(named, paths, hashes, expected):
    assert place(named, *paths, hashes=hashes) == expected


def found_by(pairs, paths):
    images = Images(paths)
    plain = [((a, ""), (b, "")) for a, b in pairs]
    return [tuple(paths[m.place] if m.place >= 0 else None for m in both) for both in match_pairs(plain, images)]


def test_photos_of_a_folder_that_was_left_out_are_not_those_of_the_one_beside_it():
    today = [f"cam1/{i}.jpg" for i in range(4)]
    asked = [("cam1/0.jpg", "cam2/1.jpg"), ("cam2/2.jpg", "cam2/3.jpg"), ("cam1/0.jpg", "cam1/1.jpg")]
    assert found_by(asked, today) == [("cam1/0.jpg", None), (None, None), ("cam1/0.jpg", "cam1/1.jpg")]
    places = [("a/cam/0.jpg", "b/cam/1.jpg"), ("b/cam/2.jpg", "b/cam/3.jpg")]
    assert found_by(places, [f"a/cam/{i}.jpg" for i in range(4)]) == [("a/cam/0.jpg", None), (None, None)]
    # Also where the one that stayed moved at the same time.
    moved = [f"job2/{path}" for path in today]
    before = [(f"job1/{a}", f"job1/{b}") for a, b in asked]
    assert found_by(before, moved) == [("job2/cam1/0.jpg", None), (None, None), ("job2/cam1/0.jpg", "job2/cam1/1.jpg")]


def test_folders_that_became_one_and_folders_of_another_name_are_followed():
    assert found_by([("a/1.jpg", "b/2.jpg")], ["all/1.jpg", "all/2.jpg"]) == [("all/1.jpg", "all/2.jpg")]
    parts = [("a/left/1.jpg", "b/left/2.jpg")]
    assert found_by(parts, ["left/1.jpg", "left/2.jpg"]) == [("left/1.jpg", "left/2.jpg")]
    assert found_by([("r/a/1.jpg", "r/b/2.jpg")], ["r/left/1.jpg", "r/b/2.jpg"]) == [("r/left/1.jpg", "r/b/2.jpg")]
    mixed = [("job1/m/1.jpg", "stays/2.jpg"), ("job2/m/1.jpg", "stays/2.jpg")]
    assert found_by(mixed, ["job2/m/1.jpg", "stays/2.jpg"]) == [("job2/m/1.jpg", "stays/2.jpg")] * 2


def test_two_images_of_one_pair_are_never_one():
    assert found_by([("a/1.jpg", "b/1.jpg")], ["c/1.jpg"]) == [(None, None)]
    copies = [(("x.jpg", "h"), ("y.jpg", "h"))]
    ((one, other),) = match_pairs(copies, Images(["x.jpg"], ["h"]))
    assert (one.place, other.place) == (0, -1)


def test_images_elsewhere_are_found_there_and_hide_no_image_of_the_list():
    images = Images(["train/1.jpg"], ["h"], {"test/1.jpg": "i", "train/1.jpg": "k"})
    assert images.find(("test/1.jpg", "")).place == images.find(("gone.jpg", "i")).place == 1
    assert images.find(("train/1.jpg", "")).place == 0 and len(images) == 1


def test_a_thousand_of_one_name_or_one_content():
    rng = random.Random(0)
    paths = [f"job2/{i}/{rng.randrange(9)}/photo.jpg" for i in range(1000)]
    by_path, by_copies = Images(paths), Images(paths, ["h"] * 1000)
    for number, path in enumerate(paths):
        old = path.replace("job2", "job1")
        assert by_path.find((old, "")).place == by_copies.find((old, "h")).place == number
