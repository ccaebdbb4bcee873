"""Data that is not there, or not what it is taken for, is told in a sentence."""

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def herd(tmp_path):
    for i in range(3):
        (tmp_path / "herd" / f"a{i}").mkdir(parents=True)
        for j in range(2):
            pixels = np.random.default_rng(9 * i + j).integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).resize((40, 40)).save(tmp_path / "herd" / f"a{i}" / f"{j}.png")
    return tmp_path / "herd"


@pytest.mark.parametrize(
    "given", ["nope/", "./nope", "~/nope", "nope\\x", "nope/deeper/x", "../nope", "/nope", "nope.csv"]
)
def test_a_data_set_that_is_missing_is_told_as_a_place(herd, aas, given):
    for command in (("run", "--dataset"), ("data", "show")):
        shown = aas(*command, given, status=2)
        assert f"data set {given}: there is no such f" in shown and "unknown dataset" not in shown
        assert shown.count("error:") == 1


def test_the_nearest_that_there_is_is_told(herd, aas):
    (herd.parent / "list.csv").write_text("path\nherd/a0/0.png\n")
    for given, near in [
        ("hered/", "herd"),
        ("./lst.csv", "list.csv"),
        ("herd/aa0/", "herd/a0"),
        ("herd\\a0", "herd/a0"),
    ]:
        assert f"did you mean {near}?" in aas("data", "show", given, status=2)
    assert f"{herd} is the nearest folder" in aas("data", "show", "herd/zzzz/", status=2)
    assert "no folder or file of that name" in aas("data", "show", "nope", status=2)


@pytest.mark.parametrize("name", ["metadata.csv", "photos.csv"])
def test_a_table_in_a_folder_of_photos_is_told_once(herd, aas, name):
    (herd / name).write_text("identity,path\nAda,a0/0.png\n")
    shown = aas("data", "show", "herd")
    assert " ".join(shown.split()).count(f"give herd/{name} itself") == 1
    assert "warning" not in aas("data", "show", f"herd/{name}")
    (herd / name).write_text("Path;Identity\na0/0.png;Ada\n")
    assert "itself" in aas("data", "show", "herd")
    (herd / name).write_text("camera,height\n1,2\n")
    assert "itself" not in aas("data", "show", "herd")


@pytest.mark.parametrize("shape", [(5,), (), (2, 3, 4), (0, 5), (5, 0)])
def test_features_of_a_wrong_shape_are_told_with_file_and_shapes(tmp_path, aas, shape):
    np.save(tmp_path / "f.npy", np.ones(shape))
    np.savez(tmp_path / "f.npz", features=np.ones(shape))
    for file in ("f.npy", "f.npz"):
        shown = aas("simulate", "--features", file, status=2)
        assert f"the features in {file} have the shape {shape}; (images, dimensions) is needed" in shown
