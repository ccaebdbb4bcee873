"""The CSV, folders and Wildbook sheets of a run, read again."""

import os
import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from runs_made import CAMERA_TRAPS, NA, camera_traps, draw, made_run

from aas_plugin.data.sources import CsvOptions, FolderOptions, csv, folder
from aas_plugin.errors import AasError
from aas_plugin.exchange.deployments import read_deployments
from aas_plugin.exchange.descriptor import Said
from aas_plugin.exchange.exporting import Wishes, export
from aas_plugin.exchange.gathering import below, gather
from aas_plugin.exchange.refusing import refuse_inside
from aas_plugin.exchange.times import parse_zone
from aas_plugin.individuals.read import individuals_of
from aas_plugin.plugins.manager import load_plugins
from aas_plugin.runs.catalogue import catalogue_of

NAMES = ["a001", "a001", "a001", "a002", "a003", "a001", "a002"]
LION = Wishes(Said("Panthera leo"))


def named(run, **more):
    catalogue = catalogue_of(run, load_plugins())
    return gather(run, individuals_of(run), catalogue.root, catalogue, **more)


def test_a_csv_is_a_data_set_of_the_same_images_and_names(tmp_path):
    run = camera_traps(tmp_path, exif={"south/ü#1.jpg": "2020:01:01 00:00:00"})
    told = export(named(run), tmp_path / "names.csv", "csv", Wishes())
    assert "7 photos of 3 individuals" in told[0]
    assert "dataset.root" not in told[0]
    again = csv(CsvOptions(path=tmp_path / "names.csv")).table
    before = csv(CsvOptions(path=tmp_path / "photos" / "photos.csv")).table
    assert again["path"].to_list() == [f"photos/{path}" for path in before["path"]]
    assert again["identity"].to_list() == NAMES
    pd.testing.assert_frame_equal(again[["bbox", "date", "camera"]], before[["bbox", "date", "camera"]])
    table = pd.read_csv(tmp_path / "names.csv")
    assert table["answers"].to_list() == [1, 1, 0, 0, 0, 0, 0]
    assert table["photo"].to_list()[-2:] == ["photos/south/two.jpg"] * 2
    assert table["confidence"].isna().all()


def test_a_csv_elsewhere_says_how_it_is_read(tmp_path):
    run = camera_traps(tmp_path)
    (told,) = export(named(run), tmp_path / "out" / "names.csv", "csv", Wishes())
    assert told.endswith(f"--set dataset.root={tmp_path / 'photos'}")
    again = csv(CsvOptions(path=tmp_path / "out" / "names.csv", root=tmp_path / "photos")).table
    assert again["path"].to_list() == csv(CsvOptions(path=tmp_path / "photos" / "photos.csv")).table["path"].to_list()
    with pytest.raises(AasError, match="is a folder; give a FILE"):
        export(named(run), tmp_path / "out", "csv", Wishes())


def test_odd_names_of_individuals_come_through(tmp_path):
    odd = ["con", "a/b", 'é "x", y', "A", "a", "unidentified x", ".."]
    table = CAMERA_TRAPS.assign(identity=odd)
    photos = named(camera_traps(tmp_path, table, same=[]))
    export(photos, tmp_path / "names.csv", "csv", Wishes())
    assert csv(CsvOptions(path=tmp_path / "names.csv")).table["identity"].to_list() == odd
    told = export(photos, tmp_path / "who", "folders", Wishes())
    assert "6 names cannot be that of a folder" in told[-1]
    found = folder(FolderOptions(path=tmp_path / "who")).table
    assert found["identity"].nunique() == 7
    # Whatever the case, as some systems take "A" and "a" for one.
    assert found["identity"].str.casefold().nunique() == 7


@pytest.mark.parametrize("copy", [False, True])
def test_folders_are_a_data_set_of_the_same_photos(tmp_path, copy):
    photos = named(camera_traps(tmp_path))
    photos.photos.loc[4, "individual"] = NA
    told = export(photos, tmp_path / "who", "folders", Wishes(copy=copy))
    assert told[0].endswith(f"6 photos of 2 individuals, 1 without a name, {'copies' if copy else 'links'}")
    with pytest.warns(UserWarning, match="1 photos in 'unidentified' are taken as not identified"):
        again = folder(FolderOptions(path=tmp_path / "who")).table
    assert again["identity"].value_counts().to_dict() == {"a001": 4, "a002": 2}
    north = tmp_path / "who" / "a001" / "north IMG 1.jpg"
    assert north.read_bytes() == (tmp_path / "photos" / "north" / "IMG 1.jpg").read_bytes()
    assert north.is_symlink() is not copy
    # Two animals of one photo: each is cut out.
    with Image.open(tmp_path / "who" / "a001" / "two 0 0 20 15.jpg") as part:
        assert part.size == (20, 15)
        whole = np.asarray(Image.open(tmp_path / "photos" / "south" / "two.jpg"))[:15, :20].astype(int)
        assert np.abs(np.asarray(part).astype(int) - whole).mean() < 8


def test_folders_of_photos_that_are_gone_leave_nothing(tmp_path):
    photos = named(camera_traps(tmp_path))
    (tmp_path / "photos" / "south" / "IMG 2.jpg").unlink()
    with pytest.raises(AasError, match=r"not there: 1 photo, .*IMG 2\.jpg.*--photos FOLDER"):
        export(photos, tmp_path / "who", "folders", Wishes())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deployments.csv", "photos", "runs"]


def test_names_below_a_confidence_are_left_blank_and_counted(tmp_path):
    photos = named(camera_traps(tmp_path))
    photos.photos["confidence"] = [0.99, 0.9, 0.89, np.nan, 1.0, 0.5, 0.95]
    sure, low, unclear = below(photos, 0.9)
    assert (low, unclear) == (2, 1)
    assert sure.photos["individual"].fillna("").to_list() == ["a001", "a001", "", "", "a003", "", "a002"]
    export(sure, tmp_path / "names.csv", "csv", Wishes())
    assert csv(CsvOptions(path=tmp_path / "names.csv")).table["identity"].isna().sum() == 3


def test_what_is_written_into_a_folder_that_is_searched_would_be_photos_of_it(tmp_path):
    photos = named(camera_traps(tmp_path), searched=True)
    with pytest.raises(AasError, match="the folder of the photos"):
        refuse_inside(tmp_path / "photos" / "who", photos)
    refuse_inside(tmp_path / "who", photos)


def test_wildbook_rows_are_the_photos_of_an_individual_a_place_and_a_day(tmp_path):
    photos = named(camera_traps(tmp_path))
    wishes = Wishes(LION.said, read_deployments(tmp_path / "deployments.csv"))
    told = export(photos, tmp_path / "wb", "wildbook", wishes)
    assert "5 encounters" in told[0]
    sheet = pd.read_csv(tmp_path / "wb" / "encounters.csv").fillna("")
    media = ["Encounter.mediaAsset0", "Encounter.mediaAsset1"]
    assert sheet[media].to_numpy().tolist() == [
        ["north IMG 1.jpg", "north IMG 2.jpg"],
        ["south IMG 1.jpg", ""],
        ["south IMG 2.jpg", "two 20 15 40 30.jpg"],
        ["u 1.jpg", ""],
        ["two 0 0 20 15.jpg", ""],
    ]
    listed = set(sheet[media].to_numpy().ravel()) - {""}
    assert listed == set(os.listdir(tmp_path / "wb" / "photos"))
    first = sheet.iloc[0]
    wanted = {
        "genus": "Panthera", "specificEpithet": "leo", "year": 2024, "month": 5, "day": 1, "decimalLatitude": -25.0,
        "decimalLongitude": 31.5, "verbatimLocality": "hill", "sightingID": "hill_20240501", "individualID": "a001",
    }  # fmt: skip
    assert {name: first[f"Encounter.{name}"] for name in wanted} == wanted
    # Three individuals at one place on one day are one sighting.
    assert sheet["Encounter.sightingID"].to_list()[2:] == ["river_20240509"] * 3


def test_places_in_any_letters_are_sightings_of_their_own(tmp_path):
    table = CAMERA_TRAPS.iloc[:4].assign(date="2024-05-01", bbox=NA, camera=["Река", "Гора", "Hill 1", "Hill 1"])
    export(named(camera_traps(tmp_path, table, same=[])), tmp_path / "wb", "wildbook", LION)
    ids = pd.read_csv(tmp_path / "wb" / "encounters.csv")["Encounter.sightingID"].to_list()
    assert len(set(ids)) == 3 and "Hill-1_20240501" in ids
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", one) for one in ids)


def test_a_workbook_holds_the_same_rows(tmp_path):
    table = CAMERA_TRAPS.assign(identity=["=1+1", "=1+1", "b", "c", "d", "e", "f"], bbox=NA)
    table["path"] = [f"{letter}.jpg" for letter in "abcdefg"]
    photos = named(camera_traps(tmp_path, table, same=[]))
    wishes = Wishes(LION.said, location="Zone 5")
    for name in ("wb.csv", "wb.xlsx"):
        export(photos, tmp_path / name, "wildbook", wishes)
    first = pd.read_csv(tmp_path / "wb.csv")
    pd.testing.assert_frame_equal(pd.read_excel(tmp_path / "wb.xlsx"), first)
    assert first["Encounter.individualID"][0] == "=1+1"
    assert (first["Encounter.locationID"] == "Zone 5").all()


def test_sheets_have_at_most_200_encounters(tmp_path):
    table = pd.DataFrame({"path": [f"{row:03d}.jpg" for row in range(401)], "label": -1, "date": "2024", "camera": "c"})
    photos = named(made_run(tmp_path / "run", {"name": "csv", "path": str(draw(tmp_path / "p", table))}, [-1] * 401))
    told = export(photos, tmp_path / "wb.csv", "wildbook", LION)
    assert "401 encounters in 3 sheets of at most 200" in told[0]
    sheets = [pd.read_csv(tmp_path / f"wb-{number}.csv") for number in (1, 2, 3)]
    assert [len(sheet) for sheet in sheets] == [200, 200, 1]
    assert pd.concat(sheets)["Encounter.mediaAsset0"].to_list() == table["path"].to_list()
    # Only the year is known, and columns without data are errors to Wildbook.
    assert "Encounter.month" not in sheets[0]
    with pytest.raises(AasError, match=r"wb-1\.csv is there already"):
        export(photos, tmp_path / "wb.csv", "wildbook", LION)


def test_what_wildbook_needs_is_asked_for(tmp_path):
    table = CAMERA_TRAPS.assign(camera=NA)
    table.loc[0, "date"] = NA
    photos = named(camera_traps(tmp_path, table))
    with pytest.raises(AasError, match="--species"):
        export(photos, tmp_path / "wb", "wildbook", Wishes())
    with pytest.raises(AasError, match=r"1 of 7 photos have no date with a year.*--leave-out-undated"):
        export(photos, tmp_path / "wb", "wildbook", LION)
    with pytest.raises(AasError, match=r"nothing says where 6 encounters were.*--location-id"):
        export(photos, tmp_path / "wb", "wildbook", Wishes(LION.said, leave_out_undated=True))
    with pytest.raises(AasError, match="is no genus and epithet"):
        export(photos, tmp_path / "wb", "wildbook", Wishes(Said("lion"), leave_out_undated=True, location="x"))
    assert not (tmp_path / "wb").exists()
    told = export(photos, tmp_path / "wb", "wildbook", Wishes(LION.said, leave_out_undated=True, location="Zone 5"))
    assert "left out: 1 photo without a year ('north/IMG 1.jpg')" in told
    # At an unknown place no two photos are of one encounter.
    assert len(pd.read_csv(tmp_path / "wb" / "encounters.csv")) == 6


def test_the_day_of_an_encounter_is_that_of_its_place(tmp_path):
    table = CAMERA_TRAPS.iloc[:2].assign(date=["2024-05-01T21:50:00Z", "2024-05-01T22:10:00Z"])
    photos = named(camera_traps(tmp_path, table, same=[]))
    export(photos, tmp_path / "utc", "wildbook", LION)
    assert len(pd.read_csv(tmp_path / "utc" / "encounters.csv")) == 1
    export(photos, tmp_path / "local", "wildbook", Wishes(Said("Panthera leo", parse_zone("Africa/Maputo"))))
    assert pd.read_csv(tmp_path / "local" / "encounters.csv")["Encounter.day"].to_list() == [1, 2]


def test_what_the_camera_wrote_down_says_place_time_and_zone(tmp_path):
    table = CAMERA_TRAPS.iloc[:1].assign(camera=NA, date=NA)
    run = camera_traps(tmp_path, table, same=[])
    told = Image.Exif()
    told.get_ifd(0x8769).update({0x9003: "2024:05:01 06:10:00", 0x9011: "+02:00"})
    told.get_ifd(0x8825).update({1: "S", 2: (25.0, 30.0, 0.0), 3: "E", 4: (31.0, 0.0, 0.0)})
    Image.new("RGB", (40, 30)).save(tmp_path / "photos" / "north" / "IMG 1.jpg", exif=told)
    photos = named(run)
    assert photos.photos["taken"].to_list() == ["2024-05-01 06:10:00+02:00"]
    export(photos, tmp_path / "wb", "wildbook", LION)
    (row,) = pd.read_csv(tmp_path / "wb" / "encounters.csv").to_dict("records")
    assert (row["Encounter.decimalLatitude"], row["Encounter.decimalLongitude"]) == (-25.5, 31.0)
    assert "Encounter.verbatimLocality" not in row
