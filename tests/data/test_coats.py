"""The drawn data set: same options, same bytes; complete or absent; sensible photos, flanks and splits."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from pydantic import ValidationError

from aas_plugin.data.coat_bodies import LEGS, TRUNK, draw_skin
from aas_plugin.data.coat_patterns import gray_scott, react
from aas_plugin.data.coat_photos import Coat, Conditions, photograph
from aas_plugin.data.coats import CoatsOptions, draw_coats
from aas_plugin.errors import AasError


def small(path: Path, **changes: object) -> CoatsOptions:
    return CoatsOptions.model_validate({"individuals": 3, "photos": 4, "size": 32, "path": path} | changes)


def all_bytes(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    options = CoatsOptions(individuals=20, photos=5, size=32, path=tmp_path_factory.mktemp("coats"))
    return draw_coats(options)


@pytest.fixture(scope="module")
def table(drawn: Path) -> pd.DataFrame:
    return pd.read_csv(drawn / "metadata.csv")


def test_same_options_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = (draw_coats(small(tmp_path / place)) for place in ("one", "two"))
    assert all_bytes(first) == all_bytes(second)


@pytest.mark.parametrize("change", [{"seed": 1}, {"level": "easy"}, {"level": "hard"}])
def test_another_seed_or_level_gives_other_photos(tmp_path: Path, change: dict[str, object]) -> None:
    first, second = draw_coats(small(tmp_path)), draw_coats(small(tmp_path, **change))
    assert first != second
    photo = "images/coat000_000.jpg"
    assert (first / photo).read_bytes() != (second / photo).read_bytes()


def test_the_folder_names_its_options(tmp_path: Path) -> None:
    assert draw_coats(small(tmp_path)) == tmp_path / "coats-default-3x4-32px-seed0"


def test_interrupted_drawing_leaves_nothing_and_can_be_redone(tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        if done == total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw_coats(small(tmp_path), interrupt)
    assert list(tmp_path.iterdir()) == []
    assert (draw_coats(small(tmp_path)) / "metadata.csv").is_file()
    assert len(list(tmp_path.iterdir())) == 1


def test_a_complete_folder_is_used_as_it_is(tmp_path: Path) -> None:
    folder = draw_coats(small(tmp_path))
    (folder / "note.txt").write_text("mine")
    before, calls = all_bytes(folder), []
    assert draw_coats(small(tmp_path), lambda done, total: calls.append(done)) == folder
    assert calls == []
    assert all_bytes(folder) == before


def test_progress_counts_every_photo(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    draw_coats(small(tmp_path), lambda done, total: calls.append((done, total)))
    assert calls == [(number, 12) for number in range(1, 13)]


def test_every_photo_is_listed_once_and_readable(drawn: Path, table: pd.DataFrame) -> None:
    assert list(table.columns) == ["image_id", "path", "identity", "orientation", "split"]
    assert table["image_id"].is_unique
    assert set(table["path"]) == {f"images/{file.name}" for file in (drawn / "images").iterdir()}
    for path in table["path"]:
        photo = Image.open(drawn / path)
        assert photo.size == (32, 32) and photo.mode == "RGB"


def test_sizes_are_uneven_with_the_mean_asked_for(table: pd.DataFrame) -> None:
    sizes = table["identity"].value_counts()
    assert len(sizes) == 20 and len(table) == 100
    assert sizes.min() >= 2 and sizes.max() > 2 * sizes.median()


@pytest.mark.parametrize(("individuals", "photos"), [(1, 2), (1, 9), (2, 2), (7, 3)])
def test_few_individuals_keep_count_and_minimum(tmp_path: Path, individuals: int, photos: int) -> None:
    folder = draw_coats(small(tmp_path, individuals=individuals, photos=photos, size=16))
    sizes = pd.read_csv(folder / "metadata.csv")["identity"].value_counts()
    assert sizes.sum() == individuals * photos and len(sizes) == individuals and sizes.min() >= 2


def test_individuals_seen_often_show_both_flanks(table: pd.DataFrame) -> None:
    assert set(table["orientation"]) == {"left", "right"}
    for _, own in table.groupby("identity"):
        assert own["orientation"].nunique() == (2 if len(own) >= 4 else 1)


def test_a_tenth_is_unknown_and_others_are_in_both_splits(table: pd.DataFrame) -> None:
    counts = pd.crosstab(table["identity"], table["split"])
    assert (counts["train"] == 0).sum() == 2
    known = counts[counts["train"] > 0]
    assert (known["test"] >= 1).all()
    assert 0.2 < known["test"].sum() / known.to_numpy().sum() < 0.4


@pytest.mark.parametrize(
    "wrong", [{"level": "extreme"}, {"individuals": 0}, {"photos": 1}, {"size": 8}, {"seed": -1}, {"colour": 1}]
)
def test_bad_options_are_refused(tmp_path: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        small(tmp_path, **wrong)


def test_a_place_that_is_taken_is_an_error_that_names_it(tmp_path: Path) -> None:
    options = small(tmp_path)
    options.folder.mkdir()
    (options.folder / "mine.txt").write_text("keep")
    with pytest.raises(AasError, match=options.folder.name):
        draw_coats(options)
    assert [file.name for file in tmp_path.rglob("*.*")] == ["mine.txt"]


def test_a_file_in_place_of_the_parent_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AasError, match="choose another path"):
        draw_coats(small(tmp_path / "file"))


def literal_gray_scott(feed: float, kill: np.ndarray, stretch: float, spots: np.ndarray, steps: int) -> np.ndarray:
    """u' = 0.12 lap(u) - u v^2 + F (1 - u) and v' = 0.06 lap(v) + u v^2 - (F + k) v, cell by cell."""
    height, width = spots.shape
    u, v = np.where(spots, 0.5, 1.0), np.where(spots, 0.25, 0.0)
    for _ in range(steps):
        old_u, old_v = u.copy(), v.copy()
        for i in range(height):
            for j in range(width):

                def spread(f: np.ndarray, i: int = i, j: int = j) -> float:
                    rows = f[(i - 1) % height, j] + f[(i + 1) % height, j] - 2 * f[i, j]
                    columns = f[i, (j - 1) % width] + f[i, (j + 1) % width] - 2 * f[i, j]
                    return float((1 + stretch) * rows + (1 - stretch) * columns)

                meal = old_u[i, j] * old_v[i, j] ** 2
                u[i, j] += 0.12 * spread(old_u) - meal + feed * (1 - old_u[i, j])
                v[i, j] += 0.06 * spread(old_v) + meal - (feed + kill[i, j]) * old_v[i, j]
    return v


def test_reaction_agrees_with_its_equations_cell_by_cell() -> None:
    rng = np.random.default_rng(0)
    feed, stretch = np.array([0.03, 0.05], np.float32), np.array([0.4, -0.2], np.float32)
    kill = rng.uniform(0.055, 0.065, (2, 5, 7)).astype(np.float32)
    spots = rng.random((2, 5, 7)) < 0.4
    grown = react(feed, kill, stretch, spots, 30)
    for one in range(2):
        expected = literal_gray_scott(feed[one], kill[one], stretch[one], spots[one], 30)
        assert np.allclose(grown[one], expected, atol=1e-5)


def test_patterns_rank_all_cells_and_differ_between_flanks() -> None:
    feed, kill, stretch = (np.full(2, value, np.float32) for value in (0.029, 0.057, 0.0))
    patterns = gray_scott(feed, kill, stretch, (40, 80), 400, np.random.default_rng(0))
    for pattern in patterns:
        assert np.allclose(np.sort(pattern.ravel()), np.linspace(0, 1, pattern.size), atol=1e-6)
    halves = [patterns[0, :, :40], patterns[0, :, 40:], patterns[1, :, :40]]
    links = np.corrcoef([half.ravel() for half in halves])[np.triu_indices(3, 1)]
    assert np.abs(links).max() < 0.3


def test_stretch_makes_upright_stripes() -> None:
    feed, kill = (np.full(2, value, np.float32) for value in (0.029, 0.057))
    stretch = np.array([0.6, -0.6], np.float32)
    upright, level = gray_scott(feed, kill, stretch, (48, 48), 800, np.random.default_rng(0))
    change = [(np.abs(np.diff(p, axis=0)).mean(), np.abs(np.diff(p, axis=1)).mean()) for p in (upright, level)]
    assert change[0][0] < change[0][1] and change[1][0] > change[1][1]


def test_a_body_at_rest_wears_its_coat_unmoved() -> None:
    x, y = np.meshgrid(np.linspace(-1, 1, 40, dtype=np.float32), np.linspace(-1, 1, 40, dtype=np.float32))
    skin = draw_skin(TRUNK | LEGS, x, y, 0.0, np.random.default_rng(0))
    assert np.allclose(skin.x, x, atol=1e-4) and np.allclose(skin.y, y, atol=1e-4)
    assert skin.outside[20, 20] < 0 < skin.outside[0, 0]


def test_photos_differ_by_the_coat_only_on_the_body() -> None:
    calm = Conditions(pose=0, light=0, blur=0, occlusion=0)
    plain = np.zeros((8, 8), np.float32)
    coats = [Coat(plain + level, 0.5, 4.0, (0.9, 0.9, 0.9), (0.1, 0.1, 0.1)) for level in (0.0, 1.0)]
    light, dark = (photograph(coat, False, calm, 48, np.random.default_rng(1)).astype(int) for coat in coats)
    changed = np.abs(light - dark).max(axis=2) > 0
    assert light[20:28, 18:30].mean() > dark[20:28, 18:30].mean() + 50
    assert not changed[:3].any() and not changed[-2:].any()
