"""`frictionless validate` with the official profile and schemas of Camtrap DP, without the network."""

from __future__ import annotations

from pathlib import Path

import frictionless
import requests
from frictionless import system, validate
from requests.adapters import BaseAdapter

HERE = Path(__file__).parent / "camtrap_dp_1.0.2"
BUNDLED = Path(frictionless.__file__).parent / "assets" / "profiles" / "geojson.json"
PLACES = {
    "https://raw.githubusercontent.com/tdwg/camtrap-dp/1.0.2/camtrap-dp-profile.json": HERE / "camtrap-dp-profile.json",
    "https://specs.frictionlessdata.io/schemas/data-package.json": HERE / "data-package.json",
    "http://json.schemastore.org/geojson.json": BUNDLED,
    **{
        f"https://raw.githubusercontent.com/tdwg/camtrap-dp/1.0.2/{name}-table-schema.json": HERE
        / f"{name}-table-schema.json"
        for name in ("deployments", "media", "observations")
    },
}


class Offline(BaseAdapter):
    """Gives the file of an address that a package may refer to, and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.read: set[str] = set()

    def send(self, request, **_):
        self.read.add(request.url)
        response = requests.Response()
        response.status_code = 200 if request.url in PLACES else 404
        response.url, response.request = request.url, request
        response.raw = PLACES[request.url].open("rb") if request.url in PLACES else (HERE / "LICENSE").open("rb")
        return response

    def close(self) -> None:
        pass


def errors_of(package: Path) -> list[str]:
    """What `frictionless validate` finds wrong with a package; an error, too, if it did not look at all schemas."""
    offline, session = Offline(), requests.Session()
    session.mount("https://", offline)
    session.mount("http://", offline)
    with system.use_context(http_session=session):
        report = validate(str(package / "datapackage.json"))
    found = [error.message for error in report.errors] + [
        f"{task.name}: {error.message}" for task in report.tasks for error in task.errors
    ]
    unread = set(PLACES) - offline.read
    return found + [f"not looked at: {url}" for url in sorted(unread)]
