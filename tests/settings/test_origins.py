"""Every error of settings says who gave what is wrong."""

import re

import pytest

from aas_plugin.errors import AasError
from aas_plugin.plugins.manager import load_plugins
from aas_plugin.settings.resolving import parse_set, resolve
from aas_plugin.settings.yaml_file import read_settings


@pytest.fixture(scope="module")
def plugins():
    return load_plugins()


@pytest.mark.parametrize(
    ("file", "sets", "message"),
    [
        ("seed: 1\ntraining:\n  epoch: 3\n", [], "params.yaml, line 3: training.epoch: unknown key; did you mean"),
        ("run:\n  training:\n    epochs: many\n", [], "params.yaml, line 3: training.epochs: "),
        ("adapter: splc\n", [], "params.yaml, line 1: unknown adapter 'splc'; did you mean 'spcl'"),
        ("adapter:\n  name: spcl\n  temprature: 1\n", [], "params.yaml, line 3: adapter.temprature: unknown key"),
        ("dataset: coats\n", ["dataset.level=brutal"], "--set dataset.level=brutal: dataset.level: "),
        ("dataset:\n  name: folder\n", [], "params.yaml, line 1: dataset.path: Field required"),
        ("seed: -1\n", ["seed=2", "seed=x"], "--set seed=x: seed: "),
        ("seed: -1\n", [], "params.yaml, line 1: seed: "),
        ("preset: papers\n", [], "params.yaml, line 1: preset: 'papers' is none of"),
        ("device: cpu\n", ["device=gpu"], "--set device=gpu: device: "),
        ("device: gpu\n", ["seed=1"], "params.yaml, line 1: device: "),
        ("backbone: 3\n", [], "params.yaml, line 1: backbone: 3 is not a name"),
        (
            "training:\n  batch_size: 30\n",
            ["training.instances=4"],
            "params.yaml, line 2 and --set training.instances=4: training.batch_size (30) must be a multiple",
        ),
        ("active:\n  budget: 1.5\n", ["active.cycles=2"], "params.yaml, line 2: active: budget must be a share"),
        ("evaluation:\n  reference: nope\n", [], "params.yaml, line 2: unknown backbone 'nope'"),
        ("seed: 1\n", ["epochs=3"], "--set epochs=3: epochs: unknown key; did you mean 'training.epochs'?"),
    ],
)  # fmt: skip
def test_an_error_names_the_file_with_its_line_or_the_flag(plugins, tmp_path, monkeypatch, file, sets, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(file)
    layers = [read_settings(tmp_path / "params.yaml"), *map(parse_set, sets)]
    with pytest.raises(AasError, match=re.escape(message)):
        resolve(plugins, layers)


def test_what_a_script_gives_is_named_as_such(plugins):
    with pytest.raises(AasError, match=r"^settings given in Python: training\.epoch: unknown key"):
        resolve(plugins, [{"training": {"epoch": 3}}])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"- 1\n- 2\n", "must hold settings by name"),
        (b"just text", "must hold settings by name"),
        (b"a: [", "line 1 cannot be read as YAML"),
        (b"seed: 1\ntraining:\n\tepochs: 3\n", "line 3 cannot be read as YAML: a tab"),
        (b"seed: 1\ndataset: caf\xe9\n", "line 2 cannot be read as YAML: it is not UTF-8 (byte 0xe9)"),
        (b"seed: 1\nsampler: aas\nseed: 2\n", "line 3: seed is there already, on line 1"),
        (b"training: {epochs: 1, epochs: 2}\n", "line 1: training.epochs is there already, on line 1"),
        (b"seed: 1\n---\nseed: 2\n", "line 2 cannot be read as YAML"),
        (b"seed: !!python/object:os.system 1\n", "line 1 cannot be read as YAML"),
        (b"seed: &a {b: *a}\n", "it contains itself"),
        (b"seed: 1\x00\n", "cannot be read as YAML"),
        (b"a: " + b"[" * 3000, "cannot be read as YAML"),
        (b"run: 5\n", "line 1: run: must hold settings by name"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path, content, message):
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(AasError, match=re.escape(message)) as caught:
        read_settings(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfseed: 3\n",
        "seed: 3\n".encode("utf-16"),
        b"seed: 3\r\n",
        b"base: &b {lr: 1}\nother: {<<: *b, lr: 2}\nrun: {seed: 3}\n",
        b"run:\n  seed: 3\ntrain: {epochs: 5}\nclasses: {0: cat}\n",
    ],
)
def test_what_editors_and_pipelines_write_is_read(tmp_path, content):
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    assert read_settings(path) == {"seed": 3}


@pytest.mark.parametrize("content", ["", "# nothing\n", "---\n"])
def test_an_empty_file_is_told(tmp_path, content):
    (tmp_path / "params.yaml").write_text(content)
    with pytest.warns(UserWarning, match="holds no settings"):
        assert read_settings(tmp_path / "params.yaml") == {}


def test_an_empty_section_is_no_settings(tmp_path):
    (tmp_path / "params.yaml").write_text("run:\nbase: {lr: 1}\n")
    assert read_settings(tmp_path / "params.yaml") == {}


@pytest.mark.parametrize(
    "others", ["prepare: {split: 0.2}", "train: {lr: 0.1}", "featurize: {n: 1}\nmodel: {depth: 3}"]
)
def test_sections_of_other_stages_beside_ours_are_left_out_and_told(tmp_path, others):
    (tmp_path / "params.yaml").write_text(f"{others}\nseed: 3\n")
    with pytest.warns(UserWarning, match=r"params\.yaml: .* left out.*`run:`"):
        assert read_settings(tmp_path / "params.yaml") == {"seed": 3}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trainig: {epochs: 3}", "line 2: trainig: unknown key; did you mean 'training'?"),
        ("datset: {name: folder, path: photos}", "did you mean 'dataset'?"),
        ("datset: photos", "did you mean 'dataset'?"),
        ("rum: {adapter: spcl}", "did you mean 'run'?"),
        ("clustring: {eps: 0.5}", "did you mean 'clustering'?"),
        ("epochs: 20", "did you mean 'training.epochs'?"),
        ("lr: 0.1", "unknown key"),
    ],
)
def test_a_setting_that_is_misspelt_is_told(tmp_path, text, message):
    (tmp_path / "params.yaml").write_text(f"seed: 3\n{text}\n")
    with pytest.raises(AasError, match=re.escape(message)) as caught:
        read_settings(tmp_path / "params.yaml")
    assert "`run:`" in str(caught.value) and "--params" in str(caught.value)


@pytest.mark.parametrize(
    "text", ["base: {lr: 1}\ndata: {root: x}\ntrain: {steps: 5}\n", "base:\n  data:\n    train: 1\n", "lr: 0.1\n"]
)
def test_a_file_of_somebody_else_is_refused_with_two_ways_out(tmp_path, aas, text):
    (tmp_path / "params.yaml").write_text(text)
    for command in (("run",), ("data", "show", "coats"), ("evaluate",)):
        shown = aas(*command, status=2)
        assert "params.yaml holds no settings of aas but" in shown and "`run:`" in shown and "--params FILE" in shown
    (tmp_path / "ours.yaml").write_text("dataset: {name: coats, individuals: 0}\n")
    assert "error: ours.yaml, line 1: dataset.individuals" in aas("data", "show", "--params", "ours.yaml", status=2)


def test_a_params_yaml_that_is_no_file_is_told(tmp_path, aas):
    (tmp_path / "params.yaml").symlink_to(tmp_path / "absent")
    assert "params.yaml: no such file" in aas("data", "show", status=2)
    (tmp_path / "params.yaml").unlink()
    (tmp_path / "params.yaml").mkdir()
    assert "params.yaml is a folder" in aas("data", "show", status=2)


def test_flags_are_named_as_they_stand_on_the_command_line(tmp_path, aas):
    (tmp_path / "runs" / "old").mkdir(parents=True)
    (tmp_path / "runs" / "old" / "config.yaml").write_text("seed: 0\ntraining:\n  epoch: 3\n")
    for arguments, message in [
        ("run --adapter splc", "--adapter splc: unknown adapter"),
        ("run --sampler ass", "--sampler ass: unknown sampler"),
        ("run --refiner nq3", "--refiner nq3: unknown refiner"),
        ("run --preset papers", "--preset papers: preset: "),
        ("run --device gpu", "--device gpu: device: "),
        ("data check coats --device gpu", "--device gpu: device: "),
        ("evaluate --backbone nope", "--backbone nope: unknown backbone"),
        ("run --resume --run-name old", "runs/old/config.yaml, line 3: training.epoch: unknown key"),
        ("simulate --features synthetic:1 --budget 1.5", "--budget: budget must be a share"),
        ("simulate --features synthetic:1 --error-rate 2", "--error-rate: error_rate: "),
        ("simulate --features synthetic:1 --samplers aas:pool=x", "--samplers aas:pool=x: sampler.pool: unknown key"),
        ("match model.pt a b --set evidence=locl", "--set evidence=locl: unknown evidence"),
        ("match model.pt a b --set evidence=local --set evidence.nope=1", "--set evidence.nope=1: evidence.nope: "),
    ]:
        shown = aas(*arguments.split(), status=2)
        assert f"error: {message}" in shown, shown
