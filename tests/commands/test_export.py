"""`aas export` as a user meets it: from a run to files, and what it says to bad input."""

from pathlib import Path

import pandas as pd
import pytest
from official import errors_of
from runs_made import CAMERA_TRAPS, NA, camera_traps, draw, made_run

from aas_plugin.constraints.answers import AnswerLog
from aas_plugin.data.camtrap_dp import read_package
from aas_plugin.data.camtrap_source import CamtrapOptions, camtrap_dp
from aas_plugin.files import read_table

SAID = (
    "--deployments", "deployments.csv", "--species", "Panthera leo", "--timezone", "Africa/Maputo",
    "--sampling-design", "targeted", "--capture-method", "activityDetection", "--contributor", "Ada",
)  # fmt: skip


@pytest.fixture
def export(aas):
    """`aas export` of the camera traps' run in the test's folder."""
    camera_traps(Path())
    return lambda *arguments, status=0: aas("export", "mine", *arguments, status=status)


def there():
    return sorted(path.name for path in Path().iterdir())


def test_a_csv_is_shown_by_the_command_that_it_says(export, aas):
    told = export("-o", "names.csv", "--folders", "who")
    assert "look at it as a data set by: aas data show names.csv\n" in told
    shown = aas("data", "show", "names.csv")
    assert "7 images" in shown
    assert "3 individuals" in shown
    assert "3 individuals" in aas("data", "show", "who")


def test_every_format_from_the_command_line(export):
    export("-o", "dp", "--format", "camtrap-dp", *SAID)
    assert errors_of(Path("dp")) == []
    assert set(read_package(Path("dp")).media["timestamp"].str[-6:]) == {"+02:00"}
    assert "6 occasions" not in export("-o", "ch", "--format", "capture-history", "--occasion", "7d", *SAID[:2])
    assert pd.read_csv("ch/history.csv").shape == (3, 3)
    assert "5 encounters" in export("-o", "wb.xlsx", "--format", "wildbook", *SAID[:4])
    assert len(pd.read_excel("wb.xlsx")) == 5
    export("-o", "who", "--format", "folders", "--copy")
    assert len([path for path in Path("who").rglob("*.jpg") if not path.is_symlink()]) == 7


def test_dates_that_are_not_understood_are_told_as_such(aas):
    table = CAMERA_TRAPS.assign(date=["5/13/2024 1:10:00 PM", *["May 14 2024"] * 6])
    camera_traps(Path(), table)
    told = aas("export", "mine", "-o", "ch", "--format", "capture-history")
    assert "the dates of 6 photos are not understood, such as 'May 14 2024'" in " ".join(told.split())
    assert pd.read_csv("ch/occasions.csv")["first_day"].to_list() == ["2024-05-13"]


def test_nothing_is_written_over_and_nothing_is_lost(export):
    export("-o", "names.csv", "--folders", "who")
    before = Path("names.csv").read_text()
    assert "names.csv is there already" in export("-o", "names.csv", status=2)
    # Neither of the two is written where one is in the way.
    assert "who is there already" in export("-o", "new.csv", "--folders", "who", status=2)
    assert there() == ["deployments.csv", "names.csv", "photos", "runs", "who"]
    export("-o", "names.csv", "--least-confidence", "0.9", "--force")
    assert Path("names.before.csv").read_text() == before
    assert Path("names.csv").read_text() != before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "say where to write"),
        (("-o", "names"), "names is no FILE.csv; say by --format what to write there"),
        (("-o", "dp", "--format", "camtrap-dp"), "Camtrap DP needs what nothing here says"),
        (
            ("-o", "dp", "--format", "camtrap-dp", "--sampling-design", "grid"),
            "--sampling-design 'grid'",
        ),
        (("-o", "dp", "--format", "camtrap-dp", "--capture-method", "motion"), "--capture-method 'motion'"),
        (("-o", "dp", "--format", "camtrap-dp", "--timezone", "Maputo"), "--timezone 'Maputo' is none"),
        (("-o", "ch", "--format", "capture-history", "--occasion", "7"), "--occasion '7' is no length of time"),
        (("-o", "wb", "--format", "wildbook"), '--species "Panthera leo"'),
        (("-o", "x", "--format", "wildbook", "--deployments", "none.csv"), "none.csv cannot be opened (No such"),
        (("-o", "names.csv", "--photos", "none"), "--photos none is no folder"),
        (("-o", "who", "--format", "folders", "--folders", "./who"), "who is asked for twice"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_leaves_nothing(export, arguments, told):
    before = there()
    shown = export(*arguments, status=2)
    assert told in shown
    assert shown.count("error:") == 1
    assert there() == before


def test_names_without_a_known_confidence_are_blank_and_told(export):
    told = export("-o", "names.csv", "--least-confidence", "0.9")
    assert "left without a name: 0 photos less sure than 0.9, and 7 photos of which nobody knows how sure" in told
    assert pd.read_csv("names.csv")["identity"].isna().all()


def test_photos_that_moved(export):
    Path("photos").rename("moved")
    told = export("-o", "names.csv", status=2)
    assert "--photos FOLDER" in told
    assert "7 photos of 3 individuals" in export("-o", "names.csv", "--photos", "moved")
    # What the run kept of them is still known.
    assert pd.read_csv("names.csv")["camera"].to_list()[:3] == ["north", "north", "south"]


def test_of_a_run_that_trained(aas, tmp_path):
    table = CAMERA_TRAPS.assign(bbox=NA, path=[f"{name}.jpg" for name in "abcdefg"])
    draw(tmp_path / "herd", table)
    small = ["backbone=tiny", "training.epochs=1", "training.iterations=1", "training.batch_size=4"]
    small += ["training.instances=2", "training.height=32", "training.width=32", "tracking.mlflow=false"]
    flags = [part for one in small for part in ("--set", one)]
    flags += ["-p", "aas_plugin.testing.backbone", "--sampler", "none"]
    aas("run", "--dataset", "herd/photos.csv", "--run-name", "r", *flags)
    aas("export", "r", "-o", "names.csv")
    found = pd.read_csv("names.csv")
    assert found["path"].to_list() == [f"herd/{path}" for path in table["path"]]
    label = dict(read_table(sorted(Path("runs/r").glob("cycles/*/labels.parquet"))[-1]).to_numpy())
    together = {(one, other) for one in label for other in label if label[one] == label[other] >= 0}
    name = dict(zip(table["path"], found["identity"], strict=True))
    assert {(one, other) for one, other in together if name[one] != name[other]} == set()
    assert "there is no run 'other'" in aas("export", "other", "-o", "x.csv", status=2)
    Path("runs/empty").mkdir()
    assert "holds no run" in aas("export", "empty", "-o", "x.csv", status=2)


def test_a_camtrap_dp_package_comes_out_as_it_went_in_but_for_the_names(export, aas, tmp_path):
    export("-o", "in", "--copy", "--format", "camtrap-dp", *SAID)
    table = pd.read_csv("in/observations.csv", dtype=str, keep_default_na=False)
    bare = table.assign(individualID="", classificationMethod="human", classifiedBy="Eve", classificationTimestamp="")
    bare.to_csv("in/observations.csv", index=False)
    run = made_run(Path("runs/again"), {"name": "camtrap-dp", "path": "in"}, CAMERA_TRAPS["label"].to_list())
    assert not AnswerLog(run / "answers.jsonl").answers()
    aas("export", "again", "-o", "out", "--format", "camtrap-dp")
    assert errors_of(Path("out")) == []
    found = pd.read_csv("out/observations.csv", dtype=str, keep_default_na=False)
    assert found["individualID"].to_list() == table["individualID"].to_list()
    assert set(found["classificationMethod"]) == {"machine"}
    # Who told the species stays known.
    assert set(found["observationComments"]) == {"classified before: human, Eve"}
    told = ["individualID", "classificationMethod", "classifiedBy", "classificationTimestamp", "observationComments"]
    pd.testing.assert_frame_equal(found.drop(columns=told), bare.drop(columns=told))
    for name in ("media.csv", "deployments.csv"):
        assert (Path("out") / name).read_bytes() == (Path("in") / name).read_bytes()

    catalogues = [camtrap_dp(CamtrapOptions(path=Path(place))).table for place in ("in", "out")]
    pd.testing.assert_frame_equal(*(one.drop(columns="identity") for one in catalogues))
    assert catalogues[1]["identity"].to_list() == table["individualID"].to_list()

    assert "3 stations" not in aas("export", "again", "-o", "ch", "--format", "capture-history", "--occasion", "week")
    assert pd.read_csv("ch/stations.csv")["station"].to_list() == ["hill", "river"]
    assert pd.read_csv("ch/effort.csv")["1"].to_list() == [5.5, 7.0]
    assert "the folder of the photos" in aas("export", "again", "--folders", "in/who", status=2)
    assert "which says its deployments" in aas(
        "export", "again", "-o", "x", "--format", "camtrap-dp", *SAID[:2], status=2
    )


def test_photos_that_the_run_did_without_are_told(aas):
    photos = draw(Path("photos"), CAMERA_TRAPS)
    Path("photos/south/IMG 2.jpg").write_text("no photo")
    with pytest.warns(UserWarning, match="1 of 7 images cannot be read"):
        made_run(Path("runs/mine"), {"name": "csv", "path": str(photos)}, [0] * 6)
    told = aas("export", "mine", "-o", "names.csv")
    assert "not in it: 1 photo that the run did without ('south/IMG 2.jpg')" in told
    assert len(pd.read_csv("names.csv")) == 6
