"""Camtrap DP packages: valid by the official profile, and the same when they are read again."""

import json

import pandas as pd
import pytest
from official import errors_of
from runs_made import CAMERA_TRAPS, DEPLOYMENTS, NA, camera_traps

from aas_plugin.data.camtrap_dp import media_of, read_package
from aas_plugin.errors import AasError
from aas_plugin.exchange.descriptor import Said
from aas_plugin.exchange.exporting import Wishes, export
from aas_plugin.exchange.gathering import gather
from aas_plugin.exchange.matching import matching_row, own_rows
from aas_plugin.exchange.observations import COLUMNS
from aas_plugin.exchange.times import parse_zone
from aas_plugin.individuals.read import individuals_of
from aas_plugin.plugins.manager import load_plugins
from aas_plugin.runs.catalogue import catalogue_of

SAID = Said("Panthera leo", parse_zone("+02:00"), "targeted", ("activityDetection",), ("Ada",))
BOX = ["bboxX", "bboxY", "bboxWidth", "bboxHeight"]


@pytest.fixture
def deployments(tmp_path):
    from aas_plugin.exchange.deployments import read_deployments

    (tmp_path / "deployments.csv").write_text(DEPLOYMENTS)
    return read_deployments(tmp_path / "deployments.csv")


def named(folder, **more):
    catalogue = catalogue_of(folder, load_plugins())
    return gather(folder, individuals_of(folder), more.pop("root", catalogue.root), catalogue, **more)


@pytest.fixture
def made(tmp_path, deployments):
    """A package of the camera traps' photos."""
    export(named(camera_traps(tmp_path)), tmp_path / "dp", "camtrap-dp", Wishes(SAID, deployments, copy=True))
    return tmp_path / "dp"


def test_a_package_of_photos_is_valid_and_says_who_is_where(made):
    assert errors_of(made) == []
    package = read_package(made)
    assert all((made / path).is_file() for path in package.media["filePath"])
    table = package.observations.merge(package.media[["mediaID", "fileName", "timestamp"]], on="mediaID")
    assert table["individualID"].to_list() == ["a001", "a001", "a001", "a002", "a003", "a001", "a002"]
    assert table[table["fileName"] == "two.jpg"][BOX].to_numpy().tolist() == [
        ["0", "0", "0.5", "0.5"],
        ["0.5", "0.5", "0.5", "0.5"],
    ]
    assert (table["eventStart"] == table["timestamp"]).all()
    assert table["timestamp"][0] == "2024-05-01T06:10:00+02:00"
    by = table[["classificationMethod", "classifiedBy", "classificationTimestamp"]].to_numpy().tolist()
    assert by[0] == by[1] == ["human", "Ada", "2024-06-01T10:00:00+00:00"]
    assert [one[0] for one in by[2:]] == ["machine"] * 5
    assert (table["classificationProbability"] == "").all()


def test_the_package_that_is_read_again_has_the_same_names_dates_and_deployments(made, tmp_path):
    package = read_package(made)
    first = package.observations.set_index("observationID")
    images = [
        path if row["bboxX"] == "" else f"{path}#xywh=percent:" + ",".join(f"{100 * float(row[one]):g}" for one in BOX)
        for path, (_, row) in zip(
            package.media.set_index("mediaID").loc[package.observations["mediaID"], "filePath"],
            package.observations.iterrows(),
            strict=True,
        )
    ]
    individuals = pd.DataFrame(
        {
            "path": pd.array(images, dtype="string"),
            "individual": pd.array(first["individualID"].to_list(), dtype="string"),
            "confidence": [0.5, 0.75, 1.0, 0.25, 0.125, 1.0, 1.0],
            "answers": 0,
            "nearest": pd.array([NA] * 7, dtype="string"),
            "nearest_probability": 0.0,
        }
    )
    again = gather(tmp_path, individuals, made, None, package)
    export(again, tmp_path / "again", "camtrap-dp", Wishes())
    assert errors_of(tmp_path / "again") == []
    second = read_package(tmp_path / "again")
    # All names were there, and nobody answered since.
    pd.testing.assert_frame_equal(second.observations.set_index("observationID"), first)
    pd.testing.assert_frame_equal(second.media, package.media)
    pd.testing.assert_frame_equal(second.deployments, package.deployments)
    assert media_of(images, second)["mediaID"].to_list() == package.observations["mediaID"].to_list()
    assert (tmp_path / "again" / "media" / "south" / "ü#1.jpg").resolve() == made / "media" / "south" / "ü#1.jpg"

    individuals["individual"] = pd.array(["leo", *individuals["individual"][1:]], dtype="string")
    export(gather(tmp_path, individuals, made, None, package), tmp_path / "third", "camtrap-dp", Wishes())
    third = read_package(tmp_path / "third").observations.set_index("observationID")
    changed = (third != first).any(axis=1)
    assert changed.to_list() == [True] + [False] * 6
    row = third.iloc[0]
    assert row[["individualID", "classificationMethod", "classificationProbability"]].to_list() == [
        "leo",
        "machine",
        "0.5",
    ]


def rewrite(folder, name, **cells):
    table = pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)
    table.assign(**cells).to_csv(folder / f"{name}.csv", index=False)


def of_package(folder, paths):
    individuals = pd.DataFrame({"path": pd.array(paths, dtype="string")}).assign(
        individual=pd.array(["leo"] * len(paths), dtype="string"),
        confidence=float("nan"),
        answers=0,
        nearest=pd.array([NA] * len(paths), dtype="string"),
        nearest_probability=float("nan"),
    )
    return gather(folder, individuals, folder, None, read_package(folder))


def test_observations_of_events_and_of_other_things_stay_and_new_ones_have_their_species(made, tmp_path):
    table = pd.read_csv(made / "observations.csv", dtype=str, keep_default_na=False)
    event = table.iloc[[0]].assign(
        observationID="e1", observationLevel="event", mediaID="", scientificName="Acinonyx jubatus", individualID="",
        eventStart="2024-05-01T04:00:00Z", eventEnd="2024-05-01T05:00:00Z", classificationMethod="human",
    )  # fmt: skip
    blank = table.iloc[[2]].assign(observationID="b1", observationType="blank", scientificName="", individualID="")
    pd.concat([event, blank]).to_csv(made / "observations.csv", index=False)
    descriptor = json.loads((made / "datapackage.json").read_text())
    descriptor["project"]["observationLevel"] = ["event"]
    descriptor["resources"].append({"name": "notes", "path": "notes.txt"})
    (made / "notes.txt").write_text("rain\n")
    (made / "datapackage.json").write_text(json.dumps(descriptor))

    told = export(of_package(made, ["media/north/IMG 1.jpg"]), tmp_path / "out", "camtrap-dp", Wishes())
    assert errors_of(tmp_path / "out") == []
    found = pd.read_csv(tmp_path / "out" / "observations.csv", dtype=str, keep_default_na=False)
    pd.testing.assert_frame_equal(found.iloc[:2], pd.concat([event, blank]).reset_index(drop=True))
    new = found.loc[2, ["scientificName", "individualID", "observationLevel"]]
    assert new.to_list() == ["Acinonyx jubatus", "leo", "media"]
    assert any("new: 1 observation" in sentence for sentence in told)
    again = json.loads((tmp_path / "out" / "datapackage.json").read_text())
    assert again["project"]["observationLevel"] == ["event", "media"]
    assert [one["scientificName"] for one in again["taxonomic"]] == ["Panthera leo", "Acinonyx jubatus"]
    assert (tmp_path / "out" / "notes.txt").read_text() == "rain\n"

    with pytest.raises(AasError, match="does not say of which species 1 image may be"):
        export(of_package(made, ["media/south/IMG 1.jpg"]), tmp_path / "other", "camtrap-dp", Wishes())
    assert not (tmp_path / "other").exists()


def test_a_package_with_few_columns_goes_into_every_format(made, tmp_path):
    table = pd.read_csv(made / "deployments.csv", dtype=str)
    needed = ["deploymentID", "latitude", "longitude", "deploymentStart", "deploymentEnd"]
    table[needed].to_csv(made / "deployments.csv", index=False)
    photos = of_package(made, ["media/north/IMG 1.jpg"])
    for kind in ("wildbook", "capture-history", "camtrap-dp"):
        export(photos, tmp_path / kind, kind, Wishes(SAID))
    assert pd.read_csv(tmp_path / "capture-history" / "captures.csv")["station"].to_list() == ["north"]
    assert pd.read_csv(tmp_path / "wildbook" / "encounters.csv")["Encounter.decimalLatitude"].to_list() == [-25.0]


def test_times_without_a_zone_are_asked_for_and_other_versions_refused(made, tmp_path):
    rewrite(made, "media", timestamp="2024-05-01T06:10:00")
    with pytest.raises(AasError, match=r"6 times without a zone \(media, timestamp.*--timezone"):
        export(of_package(made, ["media/north/IMG 1.jpg"]), tmp_path / "out", "camtrap-dp", Wishes())
    export(of_package(made, ["media/north/IMG 1.jpg"]), tmp_path / "out", "camtrap-dp", Wishes(SAID))
    assert errors_of(tmp_path / "out") == []
    assert set(read_package(tmp_path / "out").media["timestamp"]) == {"2024-05-01T06:10:00+02:00"}
    descriptor = json.loads((made / "datapackage.json").read_text())
    descriptor["profile"] = descriptor["profile"].replace("1.0.2", "0.6")
    (made / "datapackage.json").write_text(json.dumps(descriptor))
    with pytest.raises(AasError, match=r"only Camtrap DP 1\.0, 1\.0\.1 and 1\.0\.2 are written"):
        export(of_package(made, ["media/north/IMG 1.jpg"]), tmp_path / "other", "camtrap-dp", Wishes(SAID))


def test_media_on_the_web_and_missing_ones_stay_named(made, tmp_path):
    media = pd.read_csv(made / "media.csv", dtype=str, keep_default_na=False)
    media.loc[1, "filePath"] = "https://example.org/2"
    media.loc[1, "fileName"] = "far away.jpg"
    media.to_csv(made / "media.csv", index=False)
    (made / "media" / "south" / "two.jpg").unlink()
    told = export(of_package(made, ["media/north/IMG 1.jpg"]), tmp_path / "out", "camtrap-dp", Wishes())
    assert errors_of(tmp_path / "out") == []
    assert any("not there, and only named: 1 media, 'media/south/two.jpg'" in sentence for sentence in told)
    assert read_package(tmp_path / "out").media["filePath"].to_list() == media["filePath"].to_list()


def test_media_that_lie_elsewhere_come_into_the_package_and_nothing_goes_out_of_it(made, tmp_path):
    media = pd.read_csv(made / "media.csv", dtype=str)
    outside = tmp_path / "else" / "where.jpg"
    (made.parent / "beside.jpg").write_bytes((made / media["filePath"][0]).read_bytes())
    media.loc[0, "filePath"] = "../beside.jpg"
    media.loc[1, "filePath"] = media["filePath"][1].replace("/", "\\")
    media.loc[2, "filePath"] = f"{outside.parent}/{media['filePath'][2]}"
    media.loc[3, "filePath"] = f"./{media['filePath'][3]}"
    media.to_csv(made / "media.csv", index=False)
    descriptor = json.loads((made / "datapackage.json").read_text())
    descriptor["resources"].append({"name": "notes", "path": "../notes.txt"})
    (made / "datapackage.json").write_text(json.dumps(descriptor))
    (made.parent / "notes.txt").write_text("rain")
    (tmp_path / "out").mkdir()
    with pytest.warns(UserWarning, match="written otherwise"):
        told = export(
            of_package(made, ["media/south/two.jpg"]), tmp_path / "out" / "dp", "camtrap-dp", Wishes(copy=True)
        )
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["dp"] and not outside.parent.exists()
    again = read_package(tmp_path / "out" / "dp").media["filePath"]
    assert all((tmp_path / "out" / "dp" / path).is_file() for path in again) and again.nunique() == len(media)
    assert "3 filePath" in " ".join(told) and "'../notes.txt' of the resource 'notes'" in " ".join(told)
    assert not [error for error in errors_of(tmp_path / "out" / "dp") if "filePath" in error]


def test_all_that_nobody_said_is_asked_for_at_once(tmp_path, deployments):
    photos = named(camera_traps(tmp_path))
    with pytest.raises(AasError) as error:
        export(photos, tmp_path / "dp", "camtrap-dp", Wishes())
    flags = ("--deployments", "--timezone", "--species", "--sampling-design", "--capture-method", "--contributor")
    assert all(flag in str(error.value) for flag in flags)
    deployments.loc[1, "longitude"] = ""
    with pytest.raises(AasError, match=r"please give longitude of 'south' \(in the --deployments\)$"):
        export(photos, tmp_path / "dp", "camtrap-dp", Wishes(SAID, deployments))
    with pytest.raises(AasError, match="5 photos of no deployment, as none is called 'south'"):
        export(photos, tmp_path / "dp", "camtrap-dp", Wishes(SAID, deployments.iloc[:1]))
    assert not (tmp_path / "dp").exists()


def test_photos_without_a_time_are_left_out_only_when_that_is_said(tmp_path, deployments):
    table = CAMERA_TRAPS.copy()
    table.loc[[2, 3], "date"] = [NA, "2024-05-09"]
    # What the camera wrote into the file counts where the table says nothing.
    photos = named(camera_traps(tmp_path, table, exif={"south/IMG 1.jpg": "2024:05:03 05:00:00"}))
    with pytest.raises(AasError, match=r"1 of 7 photos have no date with a time of day \('south/IMG 2.jpg'\)"):
        export(photos, tmp_path / "dp", "camtrap-dp", Wishes(SAID, deployments))
    told = export(photos, tmp_path / "dp", "camtrap-dp", Wishes(SAID, deployments, leave_out_undated=True))
    assert "left out: 1 photo without a time of day ('south/IMG 2.jpg')" in told
    assert errors_of(tmp_path / "dp") == []
    media = read_package(tmp_path / "dp").media.set_index("fileName")
    assert media.loc["IMG 1.jpg", "timestamp"].to_list()[1] == "2024-05-03T05:00:00+02:00"


def test_names_of_files_and_individuals_that_the_format_has_trouble_with(tmp_path, deployments):
    odd = ["a..b.jpg", "a.b.jpg", ".hidden/~x.jpg", 'c,d"e.jpg', "  spaced .jpg", "f\ng.jpg", "ø/é.jpg"]
    table = CAMERA_TRAPS.assign(path=odd, bbox=NA, identity=["NA ", "=1+1", 'a,"b"', "nan?", "ü", "x/y", "x | y"])
    table["path"] = table["path"].str.strip().str.replace("\n", " ")
    with pytest.warns(UserWarning, match="1 photos of 'NA' are taken as not identified"):
        photos = named(camera_traps(tmp_path, table, same=[]))
    export(photos, tmp_path / "dp", "camtrap-dp", Wishes(SAID, deployments))
    assert errors_of(tmp_path / "dp") == []
    package = read_package(tmp_path / "dp")
    assert all((tmp_path / "dp" / path).is_file() for path in package.media["filePath"])
    assert package.media["filePath"].nunique() == 7
    assert package.observations["individualID"].to_list() == photos.photos["individual"].fillna("").to_list()
    # The data set had these names itself, and nothing here knows how it came by them.
    assert (package.observations["classificationMethod"][1:] == "").all()


def test_the_columns_are_those_of_the_official_schema():
    from official import HERE

    from aas_plugin.exchange.camtrap_dp import MEDIA
    from aas_plugin.exchange.deployments import COLUMNS as DEPLOYED

    for name, columns in (("observations", COLUMNS), ("media", MEDIA), ("deployments", DEPLOYED)):
        schema = json.loads((HERE / f"{name}-table-schema.json").read_text())
        assert tuple(field["name"] for field in schema["fields"]) == columns


def test_the_fixture_finds_what_is_wrong(made):
    rewrite(made, "observations", observationType="beast")
    descriptor = json.loads((made / "datapackage.json").read_text())
    del descriptor["project"]
    (made / "datapackage.json").write_text(json.dumps(descriptor))
    found = errors_of(made)
    assert any("'project' is a required property" in message for message in found)


def test_a_box_in_whole_pixels_is_that_of_its_observation(made):
    table = read_package(made).observations
    rows = table[table["bboxX"] != ""].to_dict("records")
    rows[1] |= {"bboxX": "0.513", "bboxWidth": "0.487"}

    def found(path):
        return own_rows(path, [0, 1], rows, lambda _: (40, 30))

    assert found("p.jpg#xywh=21,15,19,15") == [1]
    assert found("p.jpg#xywh=percent:50,50,50,50") == []
    assert found("p.jpg#xywh=10,0,20,15") == []
    assert found("p.jpg") == []
    # Of two boxes that are nearly one, the nearer one.
    rows.append({**rows[1], "bboxX": "0.525", "bboxWidth": "0.475"})
    assert own_rows("p.jpg#xywh=21,15,19,15", [0, 1, 2], rows, lambda _: (40, 30)) == [2]
    # Two observations of one box are told apart by their species.
    rows[2] |= {"bboxX": "0.513", "bboxWidth": "0.487", "scientificName": "Acinonyx jubatus"}
    both = own_rows("p.jpg#xywh=21,15,19,15", [0, 1, 2], rows, lambda _: (40, 30))
    assert both == [1, 2]
    assert matching_row(both, rows, None) is None
    assert matching_row(both, rows, "Panthera leo") == 1
