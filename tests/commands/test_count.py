"""`aas count` on a labelling run, and what the report and the export say of it."""

import json

import pytest
from typer.testing import CliRunner

from aas_plugin.cli import app
from aas_plugin.errors import AasError
from aas_plugin.files import write_json
from aas_plugin.runs.outlook import count_in_words


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """A rehearsal on a few drawn photos."""
    folder = tmp_path_factory.mktemp("labelled")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        sets = ["dataset.individuals=10", "dataset.photos=8", "dataset.level=easy"]
        flags = [flag for one in sets for flag in ("--set", one)]
        done = invoke(
            "label",
            "coats",
            "--oracle",
            "labels",
            "--batch",
            "15",
            "--until",
            "questions <= 60",
            "--run-name",
            "mine",
            *flags,
        )
        assert done.exit_code == 0, done.output
    return folder


def invoke(*arguments):
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False)


def test_it_says_how_many_and_on_what_that_rests(labelled, monkeypatch):
    monkeypatch.chdir(labelled)
    told = json.loads((labelled / "runs" / "mine" / "outlook.json").read_text())
    said = invoke("count", "mine").output
    assert said.splitlines() == count_in_words(told)
    assert f"60 answers, {told['audits']} of them random checks" in said
    low, high = told["individuals"]["low"], told["individuals"]["high"]
    assert low <= told["individuals"]["value"] <= high
    assert said.splitlines()[0] in invoke("export", "mine", "-o", "names.csv").output


def test_the_report_has_the_number_and_how_right_probabilities_were(labelled, monkeypatch):
    monkeypatch.chdir(labelled)
    assert invoke("report", "mine", "-o", "page.html").exit_code == 0
    page = (labelled / "page.md").read_text()
    assert "## Individuals" in page and "| mine |" in page
    assert "pairs whose probability was said before they were answered" in page


def test_a_run_that_cannot_say_it_says_why(labelled, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    other = tmp_path / "runs" / "trained"
    other.mkdir(parents=True)
    (other / "config.yaml").write_text("adapter: {name: spcl}\n")
    with pytest.raises(AasError, match=r"is no run of `aas label`.*aas constraints export trained"):
        invoke("count", "trained")
    (other / "config.yaml").write_text("adapter: {name: label}\n")
    with pytest.raises(AasError, match=r"has no outlook\.json; go on: aas label --resume --run-name trained"):
        invoke("count", "trained")
    write_json(other / "outlook.json", {"groups": 3, "single": 2, "individuals": None, "reason": "poor"})
    said = invoke("count", "trained").output
    assert said.startswith(
        "5 individuals by the groups as they are (2 of them single photos); how many there are cannot be said: poor."
    )


def test_what_is_in_doubt_is_said_beside_the_number():
    told = {"groups": 3, "single": 1, "individuals": {"value": 4.4, "low": 2.6, "high": 7.2}, "answers": 30}
    said = count_in_words({**told, "audits": 1, "error": 0.02, "reason": "1 random check so far, and it takes 10"})
    assert said[0] == "About 4 individuals, between 2 and 8 (95 %)."
    assert said[2] == "This rests on 30 answers, 1 of them a random check; about 2.0 % are taken to be wrong."
    assert said[3] == "Take it with care: 1 random check so far, and it takes 10."
