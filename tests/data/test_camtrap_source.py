"""The animals of Camtrap DP packages: what becomes a row, what is left out, and what is said of it."""

import json

import numpy as np
import pytest
from PIL import Image

from aas_plugin.data.camtrap_dp import media_of, read_package
from aas_plugin.data.camtrap_source import CamtrapOptions, camtrap_dp
from aas_plugin.data.catalogue import MissingFilesError
from aas_plugin.data.images import open_upright
from aas_plugin.errors import AasError

HEADER = (
    "deploymentID,mediaID,eventID,eventStart,eventEnd,observationLevel,observationType,scientificName,count,individualID,"
    "bboxX,bboxY,bboxWidth,bboxHeight,classificationProbability"
)


def observation(medium="", individual="", box="", **more):
    cells = dict.fromkeys(HEADER.split(","), "") | {"observationType": "animal", "deploymentID": "d1"} | more
    cells |= {"mediaID": medium, "individualID": individual, "observationLevel": "media" if medium else "event"}
    cells |= dict(zip(("bboxX", "bboxY", "bboxWidth", "bboxHeight"), box.split(), strict=False))
    return ",".join(map(str, cells.values()))


@pytest.fixture
def package(tmp_path):
    """Writes a package of six photos, a minute apart, the first three of one camera; each is red left, blue right."""

    def write(*observations, media=(), zone="Z"):
        (tmp_path / "datapackage.json").write_text(json.dumps({"resources": []}))
        (tmp_path / "deployments.csv").write_text("deploymentID,locationID\nd1,river\nd2,\n")
        rows = [f"m{n},d{1 + n // 3},2024-05-01T02:0{n}:00{zone},{n}.jpg,true,image/jpeg" for n in range(6)]
        header = "mediaID,deploymentID,timestamp,filePath,filePublic,fileMediatype"
        (tmp_path / "media.csv").write_text("\n".join([header, *rows, *media]))
        (tmp_path / "observations.csv").write_text("\n".join([HEADER, *observations]))
        pixels = np.zeros((40, 60, 3), dtype=np.uint8)
        pixels[:, :30], pixels[:, 30:] = (200, 0, 0), (0, 0, 200)
        for n in range(6):
            Image.fromarray(pixels).save(tmp_path / f"{n}.jpg", quality=95)
        return tmp_path

    return write


def read(folder, **options):
    return camtrap_dp(CamtrapOptions(path=folder, **options))


def rows(catalogue):
    table = catalogue.table.fillna("")
    return list(zip(table["path"], table["identity"], strict=True))


def test_each_box_is_a_row_of_its_pixels_with_its_individual_camera_and_date(package):
    said = [observation("m1", "leo", "0 0 .5 1"), observation("m1", "tom", ".5 0 .5 1"), observation("m3", "leo")]
    with pytest.warns(UserWarning, match="left out: 4 photos without an animal$"):
        found = read(package(*said))
    assert rows(found) == [("1.jpg#xywh=0,0,30,40", "leo"), ("1.jpg#xywh=30,0,30,40", "tom"), ("3.jpg", "leo")]
    assert found.table["camera"].tolist() == ["river", "river", "d2"]
    assert found.table["date"].tolist() == ["2024-05-01T02:01:00Z"] * 2 + ["2024-05-01T02:03:00Z"]
    assert found.table["image_id"].tolist() == ["m1", "m1", "m3"]
    red, blue = (np.asarray(open_upright(found.root / path)) for path in found.table["path"][:2])
    assert red.shape == blue.shape == (40, 30, 3) and red[20, 10, 0] > 150 and blue[20, 20, 2] > 150
    known = media_of(found.table["path"].tolist(), read_package(found.root))
    assert known["mediaID"].tolist() == ["m1", "m1", "m3"] and known["deploymentID"].tolist() == ["d1", "d1", "d2"]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("said", "expected"),
    [
        # A person names the whole photo, a detector gives the box.
        ([observation("m0", "leo"), observation("m0", "", "0 0 .5 1")], [("0.jpg#xywh=0,0,30,40", "leo")]),
        # Nobody knows which of two animals it is.
        (
            [observation("m0", "leo"), observation("m0", "", "0 0 .5 1"), observation("m0", "", ".5 0 .5 1")],
            [("0.jpg#xywh=0,0,30,40", ""), ("0.jpg#xywh=30,0,30,40", "")],
        ),
        ([observation("m0", "leo"), observation("m0")], [("0.jpg", "leo")]),
        ([observation("m0", "leo"), observation("m0", "tom")], [("0.jpg", "")]),
        ([observation("m0", "leo", "0 0 .5 1"), observation("m0", "", "0 0 .5 1")], [("0.jpg#xywh=0,0,30,40", "leo")]),
    ],
)
def test_several_observations_of_one_animal_are_one_row(package, said, expected):
    assert rows(read(package(*said))) == expected


def event(start, end, individual="", **more):
    times = {"eventStart": f"2024-05-01T02:{start}:00Z", "eventEnd": f"2024-05-01T02:{end}:00Z"}
    return observation(individual=individual, **times | more)


def test_an_event_is_said_of_the_photos_of_its_camera_in_its_time(package):
    with pytest.warns(UserWarning, match=r"2 photos are taken since their event has an animal.*not be on each"):
        found = read(package(event("01", "04", "leo")))
    assert rows(found) == [("1.jpg", "leo"), ("2.jpg", "leo")]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("said", "expected"),
    [
        # What is said of a photo itself counts more.
        ([event("00", "02", "leo"), observation("m1", observationType="blank")], [("0.jpg", "leo"), ("2.jpg", "leo")]),
        # The only animal of a photo is that of its event.
        (
            [event("00", "00", "leo"), observation("m0", "", "0 0 .5 1")],
            [("0.jpg#xywh=0,0,30,40", "leo")],
        ),
        (
            [event("00", "00", "leo"), observation("m0", "", "0 0 .5 1"), observation("m0", "", ".5 0 .5 1")],
            [("0.jpg#xywh=0,0,30,40", ""), ("0.jpg#xywh=30,0,30,40", "")],
        ),
        ([event("00", "00", "leo"), event("00", "00", "tom")], [("0.jpg", "")]),
        ([event("00", "00", "leo"), event("00", "00", "")], [("0.jpg", "")]),
        # The event's id leads to photos, also beyond its times, and photos of other events are not of it.
        (
            [
                event("00", "01", "leo", eventID="e1"),
                observation("m0", "", eventID="e1"),
                observation("m1", "tom", eventID="e2"),
                observation("m4", "", eventID="e1", deploymentID="d2"),
            ],
            [("0.jpg", "leo"), ("1.jpg", "tom"), ("4.jpg", "leo")],
        ),
    ],
)
def test_events_and_photos_are_brought_together(package, said, expected):
    assert rows(read(package(*said))) == expected


def test_photos_of_several_animals_without_boxes_are_told(package):
    said = [observation("m0", count=3), observation("m1", count=2, box="0 0 .5 1"), event("02", "02", count="9")]
    with pytest.warns(
        UserWarning, match="; 2 photos show several animals without a box for each, and are one row each"
    ):
        assert len(read(package(*said, observation("m5", count=1)))) == 4


def test_where_no_photo_is_there_those_on_the_web_are_told(package):
    media = ["m9,d1,,https://x.example/9,true,image/jpeg"]
    folder = package(observation("m0"), observation("m9"), media=media)
    (folder / "0.jpg").unlink()
    message = (
        r"none of the 2 photos .*dataset\.root=FOLDER\. 1 photos are on the web: save each as DEPLOYMENTID/FILENAME"
    )
    with pytest.raises(AasError, match=message):
        read(folder)


def test_an_event_without_a_photo_is_told(package):
    with pytest.warns(UserWarning, match="1 observations of events without a photo"):
        assert len(read(package(event("30", "40"), observation("m0")))) == 1


def test_times_without_a_zone_are_told_once_compared_as_they_are_and_not_shifted(package):
    with pytest.warns(UserWarning, match=r"2 of 2 times have no zone, such as '2024-05-01T02:01:00', .* local") as told:
        found = read(package(event("01", "02", "leo"), zone=""))
    assert found.table["date"].tolist() == ["2024-05-01T02:01:00", "2024-05-01T02:02:00"]
    assert sum("no zone" in str(warning.message) for warning in told) == 1


def test_times_in_other_zones_are_compared_as_moments(package):
    said = event("01", "01", eventStart="2024-05-01T04:01:00+02:00", eventEnd="2024-05-01T04:01:30+02:00")
    with pytest.warns(UserWarning):
        assert rows(read(package(said))) == [("1.jpg", "")]


def test_people_vehicles_blanks_and_other_species_are_left_out_and_counted(package):
    said = [observation(f"m{n}", observationType=kind) for n, kind in enumerate(("human", "vehicle", "blank"))]
    cats = [observation("m3", scientificName="Panthera pardus"), observation("m4", scientificName="Lynx lynx")]
    with pytest.warns(UserWarning) as told:
        assert len(read(package(*said, *cats))) == 2
    text = str(told[0].message)
    assert all(f"1 observations of the type {kind}" in text for kind in ("human", "vehicle", "blank"))
    assert "animals are of 2 species, 1 Panthera pardus, 1 Lynx lynx (--set dataset.species=NAME" in text
    with pytest.warns(UserWarning, match="1 observations of other species"):
        assert rows(read(package(*said, *cats), species="panthera_pardus")) == [("3.jpg", "")]
    with pytest.warns(UserWarning, match="2 observations of the type animal"):
        assert len(read(package(*said, *cats), types=["human"])) == 1


def test_boxes_beyond_the_photo_are_cut_and_those_beside_it_left_out(package):
    boxes = [".5 .5 .6 .5", "1.1 0 .2 .2", "0 0 nan .2", "0 0 -.1 .2", "0 0 .2 "]
    with pytest.warns(UserWarning) as told:
        found = read(package(*(observation(f"m{n}", "", box) for n, box in enumerate(boxes))))
    text = str(told[0].message)
    assert found.table["path"].tolist() == ["0.jpg#xywh=30,20,30,20"]
    assert "1 animals whose box lies beside their photo" in text and "1 boxes reach beyond their photo" in text
    assert "3 observations whose box is none (such as 0, 0, , .2 of m2)" in text


def test_missing_photos_are_listed_with_what_is_known_of_them(package):
    media = ["m6,d1,2024-05-02T02:00:00Z,gone.jpg,false,image/jpeg", "m7,d9,,https://x.example/7,true,image/png"]
    folder = package(observation("m0"), observation("m6"), observation("m7", box="0 0 .5 1"), media=media)
    with pytest.warns(UserWarning, match=r"deployments\.csv lacks 'd9'"), pytest.raises(MissingFilesError) as told:
        read(folder)
    assert told.value.paths == ["gone.jpg", "d9/m7.png#xywh=percent:0,0,50,100"] and len(told.value.catalogue) == 3
    assert "1 photos are private (filePublic is false)" in str(told.value) and "1 photos are on the web" in str(
        told.value
    )
    (folder / "d9").mkdir()
    for name in ("gone.jpg", "d9/m7.png"):
        Image.new("RGB", (60, 40)).save(folder / name)
    with pytest.warns(UserWarning):
        assert read(folder).table["path"].tolist() == ["0.jpg", "gone.jpg", "d9/m7.png#xywh=0,0,30,40"]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("said", "media", "message"),
    [
        (
            [observation("m9")],
            ["m9,d1,,https://x.example/9,true,image/jpeg"],
            "1 photos .* are on the web .* save each",
        ),
        ([], [], r"lists no animal on a photo \(left out: 6 photos without an animal\)"),
        ([observation("m0", observationType="human")], [], "no animal on a photo .*1 observations of the type human"),
        ([observation("m8")], [], "1 observations of media that are not listed"),
        ([observation("m9")], ["m9,d1,,9.mp4,true,video/mp4"], r"1 files that are no photos \(1 \.mp4 \(take pictures"),
        ([observation("m9")], ["m9,d1,,,true,image/jpeg"], "1 observations of media without a filePath"),
    ],
)
def test_a_package_of_which_nothing_is_left_says_why_in_one_sentence(package, said, media, message):
    with pytest.raises(AasError, match=message) as told:
        read(package(*said, media=media))
    assert "\n" not in str(told.value)


def test_a_package_is_shown_and_its_missing_photos_are_those_that_cannot_be_read(package, aas):
    folder = package(observation("m0", "leo", "0 0 .5 1"), observation("m1", "tom"), observation("m2", "leo"))
    (folder / "2.jpg").unlink()
    for given in (folder, folder / "datapackage.json"):
        said = aas("data", "show", given, status=3)
        assert "2 images" in said and "1 are the part of a photo" in said and "2 individuals" in said
        assert "2.jpg: " in said and "3 photos without an animal" in said
    said = aas("data", "show", folder, "--set", "dataset.types=[human]", status=2)
    assert said.startswith("error: ") and said.count("\n") == 1
