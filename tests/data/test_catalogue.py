"""What a catalogue accepts, counts and hashes."""

import hashlib

import pandas as pd
import pytest

from aas_plugin.data.catalogue import COLUMNS, content_hashes, data_hash, make_catalogue, some_of
from aas_plugin.errors import AasError


@pytest.fixture
def root(tmp_path):
    for name in ("a.jpg", "b.jpg", "c.jpg", "weiß wie schnee.jpg"):
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


def catalogue_of(root, **columns):
    return make_catalogue("zoo", root, pd.DataFrame(columns))


def test_absent_columns_are_filled_and_others_dropped(root):
    catalogue = catalogue_of(root, path=["b.jpg", "a.jpg"], species=["cat", "cat"])
    assert tuple(catalogue.table.columns) == COLUMNS
    assert list(catalogue.table["path"]) == ["b.jpg", "a.jpg"]
    assert catalogue.table.drop(columns="path").isna().all(axis=None)
    assert not catalogue.has_identities


def test_any_index_becomes_a_range(root):
    table = pd.DataFrame({"path": ["a.jpg", "b.jpg"], "identity": ["x", "y"]}, index=[7, 7])
    catalogue = make_catalogue("zoo", root, table)
    assert isinstance(catalogue.table.index, pd.RangeIndex)
    assert list(catalogue.table["identity"]) == ["x", "y"]


@pytest.mark.parametrize("blank", ["", "  ", None, pd.NA, float("nan")])
def test_blank_values_are_missing(root, blank):
    catalogue = catalogue_of(root, path=["a.jpg", "b.jpg"], identity=[blank, " x "])
    assert catalogue.table["identity"][0] is pd.NA
    assert catalogue.table["identity"][1] == "x"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([7, 12], ["7", "12"]),
        ([7.0, 12.0], ["7", "12"]),
        ([7.0, float("nan")], ["7", pd.NA]),
        (["7.0", ""], ["7", pd.NA]),
        (["007", "12"], ["007", "12"]),
        (["v1.0", "v2.0"], ["v1.0", "v2.0"]),
        (["1.0", "1.5"], ["1.0", "1.5"]),
    ],
)
def test_whole_numbers_lose_their_fraction(root, given, expected):
    catalogue = catalogue_of(root, path=["a.jpg", "b.jpg"], identity=given)
    assert catalogue.table["identity"].tolist() == expected


def test_counts(root):
    catalogue = catalogue_of(
        root,
        path=["a.jpg", "b.jpg", "c.jpg", "weiß wie schnee.jpg"],
        identity=["x", "x", "y", None],
        split=["train", "test", "test", None],
        orientation=["left", None, "left", "right"],
    )
    expected = {"images": 4, "individuals": 2, "train": 1, "test": 2, "orientations": 2}
    assert catalogue.describe() == expected
    assert len(catalogue) == 4
    assert catalogue.has_identities


def test_a_data_set_may_bring_queries_and_a_gallery(root):
    catalogue = catalogue_of(root, path=["a.jpg", "b.jpg", "c.jpg"], split=["train", "query", "gallery"])
    assert catalogue.has_gallery
    assert catalogue.describe()["test"] == 2
    assert not catalogue_of(root, path=["a.jpg", "b.jpg"], split=["train", "test"]).has_gallery


@pytest.mark.parametrize("split", [["train", "query"], ["query", "gallery", "test"]])
def test_half_an_evaluation_of_its_own_is_an_error(root, split):
    with pytest.raises(AasError, match='either "test", or both "query" and "gallery"'):
        catalogue_of(root, path=["a.jpg", "b.jpg", "c.jpg"][: len(split)], split=split)


def test_no_images_is_an_error(root):
    with pytest.raises(AasError, match=r"'zoo'.*no images"):
        catalogue_of(root, path=[])


def test_no_path_column_is_an_error_that_names_the_others(root):
    with pytest.raises(AasError, match="'file', 'identity'"):
        catalogue_of(root, file=["a.jpg"], identity=["x"])


def test_duplicates_are_named_however_they_are_spelt(root):
    with pytest.raises(AasError, match=r"more than once: 'a\.jpg', 'b\.jpg';"):
        catalogue_of(root, path=["a.jpg", "b.jpg", "./a.jpg", "b.jpg", "b.jpg"])


def test_five_missing_files_are_named_and_the_rest_counted(root):
    with pytest.raises(AasError) as error:
        catalogue_of(root, path=["a.jpg", *(f"lost {i}.jpg" for i in range(7))])
    assert "'lost 0.jpg', 'lost 1.jpg', 'lost 2.jpg', 'lost 3.jpg', 'lost 4.jpg' and 2 more" in str(error.value)
    assert str(root) in str(error.value)


def test_no_more_than_five_is_no_more():
    assert some_of("abcde") == "'a', 'b', 'c', 'd', 'e'"
    assert some_of("abcdef") == "'a', 'b', 'c', 'd', 'e' and 1 more"


def test_a_folder_is_no_image(root):
    (root / "folder.jpg").mkdir()
    with pytest.raises(AasError, match=r"folder\.jpg"):
        catalogue_of(root, path=["folder.jpg"])


@pytest.mark.parametrize("path", ["../a.jpg", "sub/../a.jpg", "/etc/hostname"])
def test_paths_must_stay_below_the_root(root, path):
    with pytest.raises(AasError, match="not relative to its root"):
        catalogue_of(root, path=[path])


@pytest.mark.parametrize("path", ["", " ", None])
def test_a_blank_path_is_named_by_row(root, path):
    with pytest.raises(AasError, match="no path in row '2'"):
        catalogue_of(root, path=["a.jpg", path])


def test_a_split_of_another_name_is_an_error(root):
    with pytest.raises(AasError, match="'val'"):
        catalogue_of(root, path=["a.jpg", "b.jpg"], split=["train", "val"])


def test_content_hashes_are_of_the_bytes(root):
    catalogue = catalogue_of(root, path=["weiß wie schnee.jpg", "a.jpg"])
    seen = []
    hashes = content_hashes(catalogue, lambda done, total: seen.append((done, total)))
    expected = [hashlib.sha256(name.encode()).hexdigest()[:16] for name in ("weiß wie schnee.jpg", "a.jpg")]
    assert hashes == expected
    assert seen == [(1, 2), (2, 2)]


def test_hashing_an_image_that_is_gone_names_it(root):
    catalogue = catalogue_of(root, path=["a.jpg"])
    (root / "a.jpg").unlink()
    with pytest.raises(AasError, match=r"'a\.jpg'"):
        content_hashes(catalogue)


def test_the_data_hash_changes_with_path_identity_split_and_content_only(root):
    base = {"path": ["a.jpg", "b.jpg"], "identity": ["x", None], "split": ["train", "test"]}

    def hashed(hashes=("0", "1"), **changes):
        return data_hash(catalogue_of(root, **(base | changes)), hashes)

    assert hashed() == hashed(orientation=["left", "right"])
    others = [
        hashed(path=["a.jpg", "c.jpg"]),
        hashed(identity=["x", "x"]),
        hashed(identity=["x", "y"]),
        hashed(split=["train", "train"]),
        hashed(hashes=("0", "2")),
    ]
    assert len({hashed(), *others}) == 6


def test_the_data_hash_wants_a_hash_for_each_image(root):
    with pytest.raises(ValueError):
        data_hash(catalogue_of(root, path=["a.jpg", "b.jpg"]), ["0"])
