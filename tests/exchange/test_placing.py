"""What is exported is there whole or not at all, and never in the place of something else."""

import os

import pytest

from aas_plugin.errors import AasError
from aas_plugin.exchange.placing import placed


def left_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("error", [KeyboardInterrupt, AasError, OSError(28, "No space left on device")])
def test_nothing_is_left_half(tmp_path, error):
    (tmp_path / "kept.csv").write_text("old")
    with pytest.raises((KeyboardInterrupt, AasError)), placed(tmp_path / "new") as place:
        place.mkdir()
        (place / "half.csv").write_text("a,")
        raise error
    assert left_in(tmp_path) == ["kept.csv"]


def test_what_is_there_stays_or_is_put_aside(tmp_path):
    (tmp_path / "names.csv").write_text("old")
    with pytest.raises(AasError, match="is there already"), placed(tmp_path / "names.csv") as place:
        place.write_text("new")
    assert (tmp_path / "names.csv").read_text() == "old"
    for text in ("new", "newer"):
        with placed(tmp_path / "names.csv", force=True) as place:
            place.write_text(text)
    read = {name: (tmp_path / name).read_text() for name in left_in(tmp_path)}
    assert read == {"names.csv": "newer", "names.before.csv": "old", "names.before-2.csv": "new"}


def test_a_file_that_comes_between_or_beside_is_not_written_over(tmp_path):
    with pytest.raises(AasError, match=r"names-2\.csv is there already"), placed(tmp_path / "names.csv") as place:
        (tmp_path / "names-2.csv").write_text("somebody else's")
        for name in ("names-1.csv", "names-2.csv"):
            place.with_name(name).write_text("new")
    assert left_in(tmp_path) == ["names-2.csv"]
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    with pytest.raises(AasError, match="is there already"), placed(tmp_path / "gone"):
        pass


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nothing is read-only to root")
def test_a_folder_that_takes_nothing(tmp_path):
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(AasError, match="cannot be written"), placed(tmp_path / "closed" / "new.csv"):
        pass
