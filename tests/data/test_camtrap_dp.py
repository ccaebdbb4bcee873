"""Camtrap DP packages as they lie on disk."""

import json

import pytest
from PIL import Image

from aas_plugin.data.camtrap_dp import TABLES, files_of, is_package, media_of, read_package
from aas_plugin.errors import AasError

DEPLOYMENTS = "deploymentID,locationID,latitude,longitude,myColumn\nd1,river,50.1,4.2,x\nd2,,50.3,4.4,\n"
MEDIA = (
    "mediaID,deploymentID,timestamp,filePath,fileName\n"
    "m1,d1,2024-05-01T02:00:00Z,./A/1.JPG,1.jpg\n"
    "m2,d2,2024-05-01T03:00:00Z,A/2.jpg,NaN\n"
)
OBSERVATIONS = "observationID,deploymentID,mediaID,observationType\no1,d1,m1,animal\no2,d2,m2,blank\n"


@pytest.fixture
def lay(tmp_path):
    """Writes a package with two photos, and whatever is given in the place of its tables."""

    def write(media=MEDIA, deployments=DEPLOYMENTS, observations=OBSERVATIONS, descriptor=None):
        named = {"deployments": deployments, "media": media, "observations": observations}
        resources = [{"name": name, "path": f"{name}.csv"} for name in named]
        text = json.dumps({"resources": resources} if descriptor is None else descriptor)
        (tmp_path / "datapackage.json").write_text("\ufeff" + text, encoding="utf-8")
        for name, table in named.items():
            if table is not None:
                (tmp_path / f"{name}.csv").write_text(table, encoding="utf-8")
        (tmp_path / "A").mkdir(exist_ok=True)
        for photo in ("1.jpg", "2.jpg"):
            Image.new("RGB", (16, 12)).save(tmp_path / "A" / photo)
        return tmp_path

    return write


def test_what_r_writes_for_nothing_is_blank_but_a_deployment_may_be_called_so(lay):
    observed = "observationID,deploymentID,mediaID,eventID,observationType,bboxX\no1,NA,m1,NA,animal,NA\n"
    found = read_package(lay(deployments="deploymentID,locationID\nNA,NA\nd1,river\nd2,\n", observations=observed))
    assert found.deployments[["deploymentID", "locationID"]].to_numpy().tolist()[0] == ["NA", ""]
    kept = found.observations[["deploymentID", "mediaID", "eventID", "bboxX"]]
    assert kept.to_numpy().tolist() == [["NA", "m1", "", ""]]


def test_tables_are_text_with_the_columns_of_the_standard_and_their_own(lay):
    folder = lay()
    package = read_package(folder)
    assert package.folder == folder and "resources" in package.descriptor
    for name, columns in TABLES.items():
        table = getattr(package, name)
        assert set(columns) <= set(table) and all(type(cell) is str for cell in table.to_numpy().ravel())
    assert package.deployments["myColumn"].tolist() == ["x", ""]
    assert package.media["fileName"].tolist() == ["1.jpg", ""]


def test_a_table_may_be_a_header_alone(lay):
    package = read_package(lay(media=MEDIA.partition("\n")[0] + "\n"))
    assert len(package.media) == 0 and media_of(["A/1.jpg"], package)["mediaID"].isna().all()


@pytest.mark.filterwarnings("ignore:.*written otherwise")
def test_each_image_is_known_to_be_of_which_media_also_as_a_part_of_a_photo(lay):
    package = read_package(lay() / "datapackage.json")
    assert files_of(package) == ["A/1.jpg", "A/2.jpg"]
    found = media_of(["A/2.jpg#xywh=1,2,3,4", "B/1.jpg", "A/1.jpg", "A/2.jpg"], package)
    assert found["mediaID"].fillna("none").tolist() == ["m2", "none", "m1", "m2"]
    assert found["deploymentID"].fillna("none").tolist() == ["d2", "none", "d1", "d2"]


def test_photos_on_the_web_are_found_where_they_were_saved(lay, tmp_path):
    web = "https://trap.example/file"
    rows = ("m1,d1,{},1.jpg", "m2,d2,{},1.jpg", "m3,d1,{},2.jpg", "m4,d1,{},", "m5,d1,{},9.jpg")
    media = "\n".join(["mediaID,deploymentID,filePath,fileName", *rows]).format(*[web] * 5)
    package = read_package(lay(media=media))
    for place in ("d1/1.jpg", "d2/1.jpg", "elsewhere/2.jpg", "m4.jpg"):
        (tmp_path / "saved" / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "saved" / place).write_bytes(b"")
    assert files_of(package, tmp_path / "saved") == ["d1/1.jpg", "d2/1.jpg", "elsewhere/2.jpg", "m4.jpg", web]


def test_a_name_that_two_cameras_have_is_not_taken_for_either(lay):
    rows = "".join(f"m{n},d{n},https://trap.example/{n},1.jpg\n" for n in (1, 2))
    package = read_package(lay(media="mediaID,deploymentID,filePath,fileName\n" + rows))
    assert files_of(package) == ["https://trap.example/1", "https://trap.example/2"]


def test_the_names_of_versions_before_one_are_understood(lay):
    media = "mediaID,deploymentID,sequenceID,filePath\nm1,d1,s1,A/1.jpg\n"
    observations = "observationID,sequenceID,observationType\no1,s1,animal\n"
    package = read_package(lay(media=media, observations=observations))
    assert package.media["eventID"].tolist() == package.observations["eventID"].tolist() == ["s1"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"deployments": DEPLOYMENTS + "d1,hill,1,2,\n"}, r"deployments\.csv has more than one row.*deploymentID 'd1'"),
        ({"media": MEDIA + "m2,d1,,A/1.jpg,\n"}, r"media\.csv has more than one row.*mediaID 'm2'"),
        ({"media": MEDIA + ",d1,,A/1.jpg,\n"}, r"media\.csv has no mediaID in row '3'"),
        ({"media": "mediaID,deploymentID,timestamp\nm1,d1,\n"}, r"media\.csv has no column 'filePath' but 'mediaID'"),
        ({"media": "mediaID,mediaID\nm1,m1\n"}, r"media\.csv has columns more than once: 'mediaID'"),
        ({"observations": None}, r"has no observations\.csv; restore it"),
        ({"observations": ""}, r"observations\.csv holds no table"),
        ({"descriptor": ["x"]}, r"datapackage\.json is a list"),
        ({"descriptor": {"resources": [{"name": "media", "path": "https://x.example/m"}]}}, r"'media' .* save it as"),
        ({"descriptor": {"resources": [{"name": "media", "path": "../m.csv"}]}}, r"'media' .* save it as"),
    ],
)
def test_what_is_no_whole_package_is_told_in_one_sentence(lay, given, message):
    with pytest.raises(AasError, match=message) as told:
        read_package(lay(**given))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("text", "message"), [("", "is empty"), ('{"resources": [', "ends too early"), ("resources: x", "is no whole JSON")]
)
def test_a_damaged_description_is_told(lay, text, message):
    folder = lay()
    (folder / "datapackage.json").write_text(text)
    with pytest.raises(AasError, match=message):
        read_package(folder)


def test_other_places_are_no_packages(tmp_path):
    assert not is_package(tmp_path)
    with pytest.raises(AasError, match=r"no folder with a datapackage\.json; give the folder"):
        read_package(tmp_path)
    (tmp_path / "all.zip").write_bytes(b"PK")
    with pytest.raises(AasError, match="unpack it, and give the folder"):
        read_package(tmp_path / "all.zip")
