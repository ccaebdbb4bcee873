"""A data set packed into one file comes back as it was, and the same data set gives the same bytes."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from aas_plugin.data.archive import pack, unpack
from aas_plugin.data.catalogue import content_hashes, make_catalogue
from aas_plugin.errors import AasError


@pytest.fixture
def herd(tmp_path):
    rng = np.random.default_rng(0)
    names = ["NA", "None", "nan", "7", "Bob, the é"]
    rows = []
    for name in names:
        path = tmp_path / "photos" / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (5, 4, 3), dtype=np.uint8)).save(path)
        rows.append((path.name, name, "train"))
    rows[-1] = (rows[-1][0], None, "test")
    return make_catalogue(
        "my herd", tmp_path / "photos", pd.DataFrame(rows, columns=["path", "identity", "split"]), unknown=()
    )


def test_it_comes_back_with_its_names_whatever_they_look_like(herd, tmp_path):
    pack(herd, tmp_path / "herd.tar")
    found = unpack(tmp_path / "herd.tar")
    assert found.name == "my herd"
    pd.testing.assert_frame_equal(found.table, herd.table)
    assert content_hashes(found) == content_hashes(herd)
    assert unpack(tmp_path / "herd.tar").root == found.root


def test_the_same_data_gives_the_same_bytes_and_other_data_another_place(herd, tmp_path):
    for name in ("one.tar", "two.tar"):
        pack(herd, tmp_path / name)
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    before = unpack(tmp_path / "one.tar").root
    (herd.root / "7.png").write_bytes((herd.root / "nan.png").read_bytes())
    pack(herd, tmp_path / "one.tar")
    assert unpack(tmp_path / "one.tar").root != before


def test_animals_of_one_photo_share_its_file_and_masks_come_along(herd, tmp_path):
    table = pd.DataFrame({"path": ["7.png", "7.png"], "bbox": ["0,0,2,2", "2,0,2,2"], "mask": ["nan.png", None]})
    two = make_catalogue("two", herd.root, table)
    pack(two, tmp_path / "two.tar")
    found = unpack(tmp_path / "two.tar")
    pd.testing.assert_frame_equal(found.table, two.table)
    assert content_hashes(found) == content_hashes(two)
    assert sorted(path.name for path in found.root.iterdir()) == ["7.png", "nan.png"]


def test_what_is_no_archive_or_lacks_an_image_is_one_sentence(herd, tmp_path):
    (tmp_path / "text.tar").write_text("no archive")
    for wrong in ("text.tar", "absent.tar"):
        with pytest.raises(AasError, match=r"holds no packed data set .*make it with `aas data pack -o"):
            unpack(tmp_path / wrong)
    (herd.root / "7.png").unlink()
    with pytest.raises(AasError, match=r"Image '7.png' .* cannot be read .*restore it"):
        pack(herd, tmp_path / "herd.tar")
    assert not (tmp_path / "herd.tar").exists()
