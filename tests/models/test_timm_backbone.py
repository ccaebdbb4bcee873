"""Models of timm: by name, from a folder of the hub's form, with weights from a file; no network."""

import json

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch.nn import functional

from aas_plugin.errors import AasError
from aas_plugin.models import make_backbone
from aas_plugin.models.options import TimmOptions
from aas_plugin.models.timm_backbone import timm_backbone
from aas_plugin.plugins.manager import load_plugins
from aas_plugin.settings.resolving import parse_set, resolve

SWIN = {"embed_dim": 8, "depths": [1, 1, 1, 1], "num_heads": [1, 1, 1, 1], "img_size": 56}


@pytest.fixture(scope="module")
def resnet(tmp_path_factory):
    """A ResNet-10 with a classifier of seven individuals, and its checkpoint."""
    torch.manual_seed(0)
    network = timm.create_model("resnet10t", num_classes=7).eval()
    path = tmp_path_factory.mktemp("weights") / "trained.pth"
    torch.save({"state_dict": network.state_dict()}, path)
    return network, path


@pytest.fixture
def offline(monkeypatch, tmp_path):
    def no_network(*_, **__):
        raise OSError("name or service not known")

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("aas_plugin.models.weights.urlopen", no_network)


def drawn(model, **options):
    torch.manual_seed(0)
    return timm_backbone(TimmOptions(model=model, pretrained=False, bn_neck=False, **options)).eval()


def saved_folder(folder, network, arguments):
    config = {**network.pretrained_cfg, "num_classes": 0, "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}
    config = {key: value for key, value in config.items() if key not in ("hf_hub_id", "url", "source", "file")}
    folder.mkdir()
    described = {"architecture": config["architecture"], "model_args": arguments, "pretrained_cfg": config}
    (folder / "config.json").write_text(json.dumps(described))
    save_file(network.state_dict(), folder / "model.safetensors")
    return folder


@pytest.mark.parametrize(
    ("name", "has_maps", "size"),
    [
        ("resnet10t", True, None),
        ("swin_tiny_patch4_window7_224", True, (224, 224)),
        ("convnext_atto", False, None),
        ("vit_tiny_patch16_224", False, (224, 224)),
    ],
)
def test_it_embeds_as_timm_does_whatever_its_layout(name, has_maps, size):
    model = drawn(name)
    assert (model.has_maps, model.image_size) == (has_maps, size)
    network = model.body.network if has_maps else model.body
    config = network.pretrained_cfg
    assert (model.mean, model.std) == (config["mean"], config["std"])
    images = torch.randn(2, 3, *(size or (96, 64)))
    with torch.inference_mode():
        features = model(images)
        torch.testing.assert_close(features, functional.normalize(network(images)), atol=1e-5, rtol=0)
        if has_maps:
            assert model.body(images).shape[:2] == features.shape
    assert features.shape == (2, model.feature_dim)


def test_weights_come_from_a_file_whatever_its_classifier(resnet):
    network, path = resnet
    model = timm_backbone(TimmOptions(model="resnet10t", weights=path, bn_neck=False)).eval()
    images = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        wanted = functional.normalize(network.forward_features(images).mean((2, 3)))
        torch.testing.assert_close(model(images), wanted, atol=1e-5, rtol=0)
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_a_file_of_another_model_is_one_sentence(resnet, tmp_path):
    with pytest.raises(
        AasError, match=r"trained\.pth does not hold the weights of resnet18.*backbone\.pretrained=false"
    ):
        timm_backbone(TimmOptions(model="resnet18", weights=resnet[1]))
    (tmp_path / "broken.pth").write_bytes(b"no weights")
    for file, message in (("absent.pth", "there is no file"), ("broken.pth", "is no readable checkpoint")):
        with pytest.raises(AasError, match=message):
            timm_backbone(TimmOptions(model="resnet10t", weights=tmp_path / file))


def test_a_folder_of_the_hubs_form_brings_size_normalisation_and_weights(tmp_path):
    torch.manual_seed(1)
    network = timm.create_model("swin_tiny_patch4_window7_224", num_classes=0, **SWIN).eval()
    folder = saved_folder(tmp_path / "mega", network, SWIN)
    model = timm_backbone(TimmOptions(model=f"local-dir:{folder}")).eval()
    assert (model.image_size, model.mean, model.std) == ((56, 56), (0.5,) * 3, (0.25,) * 3)
    images = torch.randn(2, 3, 56, 56)
    with torch.inference_mode():
        torch.testing.assert_close(model(images), functional.normalize(network(images)), atol=1e-5, rtol=0)


def test_what_the_hub_gave_before_needs_no_network(tmp_path, monkeypatch, offline):
    torch.manual_seed(1)
    network = timm.create_model("resnet10t", num_classes=0).eval()
    place = tmp_path / "hub" / "models--somebody--otters"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text("c0ffee")
    (place / "snapshots").mkdir()
    saved_folder(place / "snapshots" / "c0ffee", network, {})
    model = timm_backbone(TimmOptions(model="hf-hub:somebody/otters", bn_neck=False)).eval()
    images = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(model(images), functional.normalize(network(images)), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("resnet10t.c3_in1k", r"not cached and could not be fetched.*--set backbone\.weights=PATH"),
        ("hf-hub:somebody/otters", r"config\.json of somebody/otters is not cached.*timm:local-dir:FOLDER"),
    ],
)
def test_without_a_network_the_way_out_is_told(offline, model, message):
    with pytest.raises(AasError, match=message):
        timm_backbone(TimmOptions(model=model))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("resnet5", "timm has no model 'resnet5'; near names: resnet50"),
        ("somebody/otters", "timm has no model 'somebody/otters'.*hf-hub:OWNER/NAME"),
        ("resnet10t.no_such", r"timm has no weights 'resnet10t.no_such'; of resnet10t there are: resnet10t.c3_in1k"),
        ("local-dir:/nowhere", "timm has no model 'local-dir:/nowhere'"),
    ],
)
def test_what_timm_does_not_have_is_one_sentence(model, message):
    with pytest.raises(AasError, match=message):
        timm_backbone(TimmOptions(model=model))


def test_a_model_of_one_size_can_be_made_for_another():
    assert drawn("vit_tiny_patch16_224", image_size=64).image_size == (64, 64)
    with pytest.raises(AasError, match=r"resnet10t takes images of any size.*leave out backbone\.image_size"):
        drawn("resnet10t", image_size=64)


def test_one_setting_chooses_it():
    plugins = load_plugins()
    chosen = resolve(plugins, [parse_set("backbone=timm:resnet50.a1_in1k"), parse_set("backbone.weights=a.pth")])
    assert chosen.backbone.name == "timm"
    assert {"model": "resnet50.a1_in1k", "weights": "a.pth"}.items() <= chosen.backbone.options.items()
    hub = resolve(plugins, [parse_set("backbone=hf-hub:BVRA/MegaDescriptor-T-224")])
    assert hub.backbone.options["model"] == "hf-hub:BVRA/MegaDescriptor-T-224"
    local = resolve(plugins, [{"backbone": {"name": "timm:local-dir:models/otters"}}])
    assert local.backbone.options["model"] == "local-dir:models/otters"
    other = resolve(plugins, [chosen.model_dump(), parse_set("backbone=timm:resnet18")])
    assert other.backbone.options["weights"] is None
    with pytest.raises(AasError, match=r"backbone\.model: Field required"):
        resolve(plugins, [parse_set("backbone=timm")])


VIT = {"name": "timm", "model": "vit_tiny_patch16_224", "pretrained": False, "image_size": 32}


def test_a_model_of_one_size_is_trained_on_that_size_or_refused(ready):
    with pytest.raises(AasError, match=r"32 x 32 pixels only.*--set training\.height=32 --set training\.width=32"):
        make_backbone(ready.engine({"backbone": VIT}).run)
    fits = {"training": {"height": 32, "width": 32, "epochs": 1, "iterations": 1}, "active": {"every": 1, "cycles": 1}}
    assert ready.engine({"adapter": "cluster-contrast", "backbone": VIT}, fits, name="fits").execute() == "finished"


@pytest.mark.nightly
def test_a_head_on_it_takes_photos_of_its_own_size(ready):
    layers = ({"adapter": "spcl", "backbone": VIT}, {"training": {"freeze": "backbone", "epochs": 2}})
    engine = ready.engine(*layers, {"active": {"every": 1}})
    assert engine.execute() == "finished"
    run = engine.run
    model = run.plugins.hook.aas_model(run=run)
    assert (run.images.size, model.image_size, model.mean) == ((48, 48), (32, 32), (0.5, 0.5, 0.5))


def test_stripes_need_feature_maps(ready):
    engine = ready.engine({"adapter": "pplr", "backbone": VIT}, {"training": {"freeze": "backbone"}})
    with pytest.raises(AasError, match="pplr cuts feature maps into stripes, and the backbone gives none"):
        engine.execute()
