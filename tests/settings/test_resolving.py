"""Settings are merged in order of strength, and what is wrong is named by its path."""

import pytest

from aas_plugin.errors import AasError
from aas_plugin.plugins.manager import load_plugins
from aas_plugin.settings.resolving import parse_set, read_params, resolve


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
        ("spcl", 64, 4, 400, "auto", 224),
        ("cluster-contrast", 256, 16, 200, "auto", 224),
        ("pplr", 64, 4, 400, 0.5, 240),
    ],
)
def test_each_method_brings_its_official_settings_and_params_are_stronger(
    plugins, adapter, batch_size, instances, iterations, eps, height
):
    photos = {"dataset": {"name": "folder", "path": "photos"}, "adapter": adapter}
    plain = resolve(plugins, [photos])
    training = plain.training
    assert (training.batch_size, training.instances, training.iterations) == (batch_size, instances, iterations)
    assert (plain.clustering.eps, training.height) == (eps, height)
    user = resolve(plugins, [photos, {"clustering": {"eps": 0.4}, "training": {"iterations": 7}}])
    assert (user.clustering.eps, user.training.iterations, user.training.batch_size) == (0.4, 7, batch_size)


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
        ("sampler=ass", "unknown sampler 'ass'; did you mean 'aas'"),
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


@pytest.mark.parametrize(("text", "message"), [("- 1", "settings by name"), ("a: [", "cannot be read as YAML")])
def test_a_params_file_that_is_none(tmp_path, text, message):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(AasError, match=message):
        read_params(path)
    with pytest.raises(AasError, match="no such file"):
        read_params(tmp_path / "absent.yaml")
