"""Names that users choose never become a way out of the folder that they belong to."""

import re
import shlex

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from aas_plugin.commands.common import valid_name
from aas_plugin.comparing.plan import Dataset, Way, plan
from aas_plugin.errors import AasError
from aas_plugin.files import as_file_name, is_file_name
from aas_plugin.runs.folder import default_name, find_run
from aas_plugin.settings.models import RunSettings

NASTY = (
    "../../x", "/etc/x", "..", ".", "", " ", ".hidden", "-rf", "a/b", "a\\b", "a:b", "end.", "end ", " front", "con",
    "NUL.txt", "lpt1", "a\0b", "a\nb", "a\x1b[31m", "x" * 300, "ä" * 120, 'a"b', "a*b?", "<a>|b", "\u202eabc", "\ud800",
)  # fmt: skip
FINE = ("leopards", "Leopard 2024", "a.b-c_d", "naïve köttbullar", "豹", "spcl-coats-aas-0", "console")


@pytest.mark.parametrize("name", NASTY)
def test_a_name_that_some_system_refuses_is_refused_for_a_run_in_one_sentence(name):
    for option in ("--run-name", "--name"):
        with pytest.raises(AasError, match=f"^{option} ") as told:
            valid_name(name, option)
        assert str(told.value).isprintable()


@pytest.mark.parametrize("name", FINE)
def test_names_of_the_worlds_languages_are_taken(name):
    assert valid_name(name) == as_file_name(name) == name


@pytest.mark.parametrize("name", NASTY)
def test_what_is_kept_under_any_name_lies_inside_under_a_name_of_its_own(tmp_path, name):
    made = as_file_name(name)
    assert is_file_name(made) and (tmp_path / made).resolve().parent == tmp_path.resolve()
    (tmp_path / made).mkdir()
    assert len({as_file_name(other) for other in NASTY}) == len(NASTY)


@given(st.text(st.characters(), max_size=200))
def test_any_text_has_a_file_name(name):
    assert is_file_name(as_file_name(name))


@pytest.mark.parametrize("name", NASTY)
def test_subsets_and_what_plugins_register_give_a_run_a_name_inside(tmp_path, name):
    for settings in (
        RunSettings(dataset={"name": "wildlife10k", "subset": name}),
        RunSettings(adapter={"name": name}),
        RunSettings(sampler={"name": name}, dataset={"name": name}),
    ):
        assert valid_name(default_name(settings, tmp_path))


@pytest.mark.parametrize("name", NASTY)
def test_a_comparison_of_any_data_set_and_method_has_folders_inside(name):
    for run in plan("compare", [Dataset(name, ("--dataset", name))], [Way(name, "aas", "np3")], [0]):
        assert valid_name(run.name)


@pytest.mark.parametrize("name", ["../../x", "/etc/x", ".", "", "a/b", "-rf", "x" * 300, "a\nb"])
@pytest.mark.parametrize("command", [("run",), ("run", "--resume"), ("compare",)])
def test_the_command_line_refuses_them_and_makes_nothing(aas, tmp_path, command, name):
    flag = "--name" if command == ("compare",) else "--run-name"
    before = sorted(tmp_path.parent.rglob("*"))
    told = aas(*command, f"{flag}={name}", "--set", "tracking.mlflow=false", status=2)
    assert flag in told and told.count("\n") <= 1 + name.count("\n")
    assert sorted(tmp_path.parent.rglob("*")) == before


@pytest.mark.parametrize("name", ["nope", "../nope", "x" * 300, "/nope/y"])
@pytest.mark.parametrize(
    "command",
    [
        ("evaluate",),
        ("log",),
        ("answer",),
        ("report",),
        ("constraints", "export", "-o", "x.csv"),
    ],
)
def test_a_command_that_names_a_run_which_is_not_there_says_what_is_meant(aas, command, name):
    told = aas(*command, name, status=2)
    assert told.startswith("error: ") and "--resume" not in told and told.count("\n") == 1


@pytest.mark.parametrize("name", [".", "..", "runs/one/.."])
def test_the_folder_of_a_run_by_an_odd_path_has_its_own_name(tmp_path, monkeypatch, name):
    (tmp_path / "runs" / "one").mkdir(parents=True)
    (tmp_path / "config.yaml").write_text("seed: 0\n")
    inside = tmp_path / "below"
    inside.mkdir()
    monkeypatch.chdir(inside if name == ".." else tmp_path)
    if name == "runs/one/..":
        (tmp_path / "runs" / "config.yaml").write_text("seed: 0\n")
    assert find_run(name).resolve().name in (tmp_path.name, "runs")


def test_commands_that_are_printed_can_be_typed_where_paths_have_blanks(aas, tmp_path):
    odd = "my protocol; x.json"
    told = aas("run", "--set", f"evaluation.protocol={odd}", "--set", "tracking.mlflow=false", status=2)
    assert shlex.split(re.search(r"`(.*)`", told)[1]) == ["aas", "data", "split", "-o", odd]
    told = aas("constraints", "check", "my set.csv", status=2)
    assert shlex.split(re.search(r"`(.*)`", told)[1])[-1] == "my set.csv"
    (tmp_path / "my data.tar").write_text("nothing")
    told = aas("run", "--data", "my data.tar", "--set", "tracking.mlflow=false", status=2)
    assert shlex.split(re.search(r"`(.*)`", told)[1])[-1] == "my data.tar"


@pytest.mark.parametrize("path", ["../x.jpg", "/etc/hostname", "a/../../x.jpg"])
def test_paths_in_a_list_of_photos_stay_inside(aas, tmp_path, path):
    Image.fromarray(np.zeros((8, 8, 3), dtype=np.uint8)).save(tmp_path / "x.jpg")
    pd.DataFrame({"path": [path], "identity": ["a"]}).to_csv(tmp_path / "photos.csv", index=False)
    assert "relative to" in aas("data", "show", "photos.csv", status=2)
