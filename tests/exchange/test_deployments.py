"""Tables of deployments, and which photo is of which."""

import pandas as pd
import pytest

from aas_plugin.errors import AasError
from aas_plugin.exchange.deployments import deployment_of, read_deployments

HEADER = "deploymentID,latitude,longitude,deploymentStart,deploymentEnd,cameraID\n"


@pytest.fixture
def read(tmp_path):
    def of(text):
        (tmp_path / "d.csv").write_text(text)
        return read_deployments(tmp_path / "d.csv")

    return of


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("a,1,2,,,\na,1,2,,,\n", "more than one row of the deployment 'a'"),
        (",1,2,,,\n", "no deploymentID in row '1'"),
        ("a,91,2,,,\n", "the latitude '91' of deployment 'a' is none"),
        ('a,"25° S",2,,,\n', "the latitude '25° S' of deployment 'a' is none"),
        ("a,1,2,2024-05-02,2024-05-01,\n", "deployment 'a' ends before it starts"),
        ("a,1,2,01/05/2024,,\n", "the deploymentStart '01/05/2024' of deployment 'a' is no time"),
    ],
)
def test_what_is_wrong_is_one_sentence(read, rows, told):
    with pytest.raises(AasError, match=r"d\.csv") as error:
        read(HEADER + rows)
    assert told in str(error.value)


def test_headers_as_people_write_them_and_a_column_that_is_not_used(read):
    with pytest.warns(UserWarning, match="'Weather' is no column of Camtrap DP's"):
        table = read("Deployment ID;Latitude;longitude;Weather\nnorth; -25.0 ;31.5;sun\n")
    assert table.loc[0, ["deploymentID", "latitude", "locationID"]].to_list() == ["north", "-25.0", ""]
    with pytest.raises(AasError, match="no column deploymentID"):
        read("camera,latitude\na,1\n")


def photos(*rows):
    table = pd.DataFrame(rows, columns=["camera", "taken", "deployment"], dtype="string")
    return table.assign(photo=[f"{row}.jpg" for row in range(len(rows))])


def test_of_several_deployments_of_a_camera_the_one_that_stood(read):
    table = read(HEADER + "spring,1,2,2024-03-01,2024-05-31,c1\nautumn,1,2,2024-09-01,2024-11-30,c1\n")
    of, told = deployment_of(
        photos(
            ("c1", "2024-05-31 23:00:00", pd.NA),
            ("c1", "2024-09-01", pd.NA),
            ("c1", "2024-07-01", pd.NA),
            ("c1", pd.NA, pd.NA),
            ("c9", "2024-09-01", pd.NA),
            ("c9", pd.NA, "spring"),
            ("autumn", pd.NA, pd.NA),
        ),
        table,
    )
    assert of.fillna("").to_list() == ["spring", "autumn", "", "", "", "spring", "autumn"]
    assert told == [
        "2 photos from when no deployment of the camera stood: '2.jpg', '3.jpg'",
        "1 photo of no deployment, as none is called 'c9'",
    ]


def test_one_deployment_is_that_of_photos_without_a_camera(read):
    table = read(HEADER + "only,1,2,,,\n")
    of, told = deployment_of(photos((pd.NA, pd.NA, pd.NA), (pd.NA, pd.NA, pd.NA)), table)
    assert of.to_list() == ["only", "only"]
    assert told == []
