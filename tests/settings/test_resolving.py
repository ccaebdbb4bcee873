"""Settings are merged in order of strength, and what is wrong is named by its path."""

import pytest

from aas_plugin.errors import AasError
from aas_plugin.plugins.manager import load_plugins
from aas_plugin.settings.resolving import parse_set, resolve
from aas_plugin.settings.yaml_file import read_mapping


@pytest.fixture(scope="module")
def plugins():
    return load_plugins()


def test_a_data_set_brings_defaults_and_the_user_overrides_them(plugins):
    plain = resolve(plugins, [])
    assert plain.dataset.name == "coats"
    assert plain.backbone.name == "efficientnet_lite0"
    assert plain.training.height == 96
    user = resolve(plugins, [{"training": {"height": 64}}, parse_set("training.height=128")])
    assert (user.training.height, user.training.width) == (128, 96)


def test_another_data_set_does_not_inherit_what_suits_coats(plugins):
    settings = resolve(plugins, [{"dataset": {"name": "folder", "path": "photos"}}])
    assert settings.backbone.name == "resnet50"
    assert settings.training.epochs == 50
    assert settings.active.budget == 0.0002


@pytest.mark.parametrize(
    ("adapter", "batch_size", "instances", "iterations", "eps", "height"),
    [
        ("spcl", 64, 4, 400, 0.6, 224),
        ("cluster-contrast", 256, 16, 200, 0.6, 224),
        ("pplr", 64, 4, 400, 0.5, 240),
    ],
)
def test_the_preset_paper_gives_each_method_its_official_settings_and_params_are_stronger(
    plugins, adapter, batch_size, instances, iterations, eps, height
):
    photos = {"dataset": {"name": "folder", "path": "photos"}, "adapter": adapter, "preset": "paper"}
    plain = resolve(plugins, [photos])
    training = plain.training
    assert (training.batch_size, training.instances, training.iterations) == (batch_size, instances, iterations)
    assert (plain.clustering.eps, training.height) == (eps, height)
    user = resolve(plugins, [photos, {"clustering": {"eps": 0.4}, "training": {"iterations": 7}}])
    assert (user.clustering.eps, user.training.iterations, user.training.batch_size) == (0.4, 7, batch_size)


def test_an_epoch_is_as_long_as_the_set_unless_its_batches_are_given(plugins):
    photos = {"dataset": {"name": "folder", "path": "photos"}}
    training = resolve(plugins, [photos]).training
    assert training.batches(12_936) == 405  # the official 400 of Market-1501's size
    assert training.batches(300) == 10 and training.batches(2) == 1
    assert resolve(plugins, [photos, {"training": {"iterations": 7}}]).training.batches(12_936) == 7
    assert resolve(plugins, [photos, {"preset": "paper"}]).training.batches(300) == 400


@pytest.mark.parametrize("adapter", ["spcl", "cluster-contrast", "pplr"])
def test_a_preset_is_weaker_than_the_data_set_and_than_the_user(plugins, adapter):
    coats = {"dataset": "coats", "adapter": adapter, "preset": "paper"}
    drawn = resolve(plugins, [coats])
    assert (drawn.training.epochs, drawn.training.iterations, drawn.active.cycles) == (16, 20, 4)
    assert drawn.active.rounds == 1 and drawn.preset == "paper"
    user = resolve(plugins, [coats, {"active": {"rounds": 7}, "training": {"erasing": 0.25}}])
    assert (user.active.rounds, user.training.erasing) == (7, 0.25)


def test_the_preset_paper_is_the_official_spcl(plugins):
    official = resolve(plugins, [{"preset": "paper"}]).adapter.options
    assert official == {"temperature": 0.05, "momentum": 0.2, "eps_gap": 0.02, "features": "memory", "noise": "single"}


def test_settings_that_were_saved_give_the_same_ones_again(plugins):
    for preset in ("default", "paper"):
        saved = resolve(plugins, [{"preset": preset}])
        assert resolve(plugins, [saved.model_dump(mode="json")]) == saved


def test_a_preset_that_is_none_is_named(plugins):
    for wrong in ("papers", 3):
        with pytest.raises(AasError, match=r"preset: .* is none of default, paper"):
            resolve(plugins, [{"preset": wrong}])


def test_naming_another_choice_drops_the_options_of_the_weaker_one(plugins):
    layers = [{"sampler": {"name": "aas", "epsilon": 0.1}}, {"sampler": "random"}]
    assert resolve(plugins, layers).sampler.options == {}


def test_options_of_a_choice_are_completed_with_its_defaults(plugins):
    settings = resolve(plugins, [parse_set("sampler.epsilon=0.5")])
    assert settings.sampler.options["epsilon"] == 0.5
    assert settings.sampler.options["k_max"] == 5


def test_resolved_settings_resolve_to_themselves(plugins):
    settings = resolve(plugins, [parse_set("adapter.momentum=0.3"), parse_set("seed=4")])
    assert resolve(plugins, [settings.model_dump(mode="json")]) == settings


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("training.epoch=3", r"training\.epoch: unknown key; did you mean 'epochs'"),
        ("training.epochs=many", r"training\.epochs: .*integer.*'many'"),
        ("sampler.epsilon=2", r"sampler\.epsilon: .*less than or equal to 1"),
        ("adapter.temprature=1", r"adapter\.temprature: unknown key; did you mean 'temperature'"),
        ("nonsense=1", r"nonsense: unknown key"),
        ("active.budget=1.5", "whole number"),
        ("training.batch_size=30", "multiple of"),
        ("adapter=splc", "unknown adapter 'splc'; did you mean 'spcl'"),
        ("sampler=ass", "unknown sampler 'ass'; did you mean 'mass' or 'aas'"),
        ("adapter=3", "adapter"),
        ("device=gpu", "device"),
        ("dataset.level=brutal", r"dataset\.level"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(plugins, assignment, message):
    with pytest.raises(AasError, match=message):
        resolve(plugins, [parse_set(assignment)])


@pytest.mark.parametrize("assignment", ["seed", "=1", "a..b=1", "seed=[1"])
def test_a_set_flag_that_is_none(assignment):
    with pytest.raises(AasError, match="--set"):
        parse_set(assignment)


@pytest.mark.parametrize("text", ["photos # 50% of May", "'a # b'", "a #b"])
def test_a_text_of_a_set_flag_is_taken_whole(text):
    assert parse_set(f"dataset.root={text}") == {"dataset": {"root": text.strip("'")}}


@pytest.mark.parametrize(("text", "message"), [("- 1", "settings by name"), ("a: [", "cannot be read as YAML")])
def test_a_params_file_that_is_none(tmp_path, text, message):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(AasError, match=message):
        read_mapping(path)
    with pytest.raises(AasError, match="no such file"):
        read_mapping(tmp_path / "absent.yaml")
