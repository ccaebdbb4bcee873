"""Frozen backbones: loaded from a checkpoint of the published form, fed their own size and normalisation."""

from dataclasses import replace

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

from aas_plugin.errors import AasError
from aas_plugin.models.foundation import FOUNDATIONS, foundation
from aas_plugin.models.head import HeadedModel
from aas_plugin.models.options import FoundationOptions
from aas_plugin.plugins.manager import load_plugins
from aas_plugin.settings.resolving import parse_set, resolve
from aas_plugin.testing.tiny import tiny_engine

NARROW = {"embed_dim": 8, "depths": (1, 1, 1, 1), "num_heads": (1, 1, 1, 1), "img_size": 56}
MEGA = replace(FOUNDATIONS["megadescriptor-t-224"], size=56, arguments=NARROW)
MIEW = replace(FOUNDATIONS["miewid"], architecture="efficientnetv2_rw_t", size=64)


class PublishedMiewId(nn.Module):
    """The form of the published checkpoint, built from its own names."""

    def __init__(self):
        super().__init__()
        self.backbone = timm.create_model("efficientnetv2_rw_t", num_classes=0, global_pool="")
        self.backbone.global_pool = nn.ParameterDict({"p": nn.Parameter(torch.tensor([2.5]))})
        self.bn = nn.BatchNorm1d(self.backbone.num_features)
        self.final = nn.Linear(self.backbone.num_features, 10)
        with torch.no_grad():
            self.bn.bias.normal_()
            self.bn.running_mean.uniform_(0, 0.1)

    def forward(self, images):
        maps = self.backbone.forward_features(images).clamp(min=1e-6)
        return self.bn(maps.pow(2.5).mean((2, 3)).pow(1 / 2.5))


@pytest.fixture(scope="module")
def swin(tmp_path_factory):
    torch.manual_seed(0)
    network = timm.create_model("swin_tiny_patch4_window7_224", num_classes=0, **NARROW).eval()
    path = tmp_path_factory.mktemp("weights") / "pytorch_model.bin"
    # Checkpoints of that time keep a buffer that timm no longer has.
    torch.save({**network.state_dict(), "layers.0.blocks.0.attn.relative_position_index": torch.zeros(49, 49)}, path)
    return path, network


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("photos") / "one.png"
    pixels = np.random.default_rng(0).integers(0, 256, (90, 130, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def embedded(model, photo):
    from aas_plugin.data.images import ImageStore
    from aas_plugin.training.embed import embed

    images = ImageStore(photo.parent, [photo.name], 32, 48)
    return torch.from_numpy(embed(model, images, np.array([0]), torch.device("cpu")))


@pytest.mark.parametrize(
    ("normalisation", "mean", "std"),
    [("imagenet", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)), ("half", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))],
)
def test_a_swin_sees_photos_of_its_size_with_its_normalisation(swin, photo, normalisation, mean, std):
    path, network = swin
    model = foundation(MEGA, FoundationOptions(weights=path, normalisation=normalisation))
    assert (model.image_size, model.mean, model.std) == ((56, 56), mean, std)
    resized = Image.open(photo).resize((56, 56), Image.Resampling.BICUBIC)
    pixels = torch.tensor(np.asarray(resized)).permute(2, 0, 1)[None] / 255
    with torch.inference_mode():
        wanted = network((pixels - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None])
    torch.testing.assert_close(embedded(model, photo), functional.normalize(wanted), atol=1e-5, rtol=0)


@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
@pytest.mark.parametrize("power", ["backbone.global_pool.p", "pooling.p"])
def test_miewid_pools_and_normalises_as_published(tmp_path, photo, suffix, power):
    torch.manual_seed(1)
    published = PublishedMiewId().eval()
    state = {name.replace("backbone.global_pool.p", power): value for name, value in published.state_dict().items()}
    path = tmp_path / f"model.{suffix}"
    save_file(state, path) if suffix == "safetensors" else torch.save(state, path)
    model = foundation(MIEW, FoundationOptions(weights=path))
    images = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(model(images), functional.normalize(published(images)), atol=1e-5, rtol=0)
    assert embedded(model, photo).shape == (1, published.backbone.num_features)


def test_nothing_in_it_changes(swin):
    model = foundation(MEGA, FoundationOptions(weights=swin[0]))
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert not any(module.training for module in model.train().modules())


def test_each_backbone_brings_its_size_and_the_user_is_stronger():
    plugins = load_plugins()
    for name, size in (("megadescriptor-l-384", 384), ("megadescriptor-t-224", 224), ("miewid", 440)):
        settings = resolve(plugins, [{"backbone": name}])
        assert (settings.training.height, settings.training.width) == (size, size)
        assert FOUNDATIONS[name].size == size
        assert settings.training.epochs == 16  # what suits the data set is kept
    user = resolve(plugins, [{"backbone": "miewid"}, parse_set("training.height=300")])
    assert (user.training.height, user.training.width) == (300, 440)


def test_a_frozen_backbone_is_not_trained(ready):
    for layers in ([{"adapter": "spcl"}], [{"adapter": "cluster-contrast"}], [{"adapter": "pplr"}]):
        engine = ready.engine(*layers, {"backbone": {"name": "megadescriptor-t-224"}}, name=layers[0]["adapter"])
        with pytest.raises(
            AasError, match=r"nothing to train; .*--set training\.freeze=backbone, measure it with `aas evaluate"
        ):
            engine.execute()


def test_zero_shot_is_measured_and_not_run(ready, swin):
    component = ("backbone", "tiny-mega", lambda options: foundation(MEGA, options), FoundationOptions)
    zero_shot = {"adapter": "zero-shot", "backbone": {"name": "tiny-mega", "weights": str(swin[0])}}
    engine = ready.engine(zero_shot, components=(component,))
    assert engine.hook.aas_setup(run=engine.run) is True
    features = engine.hook.aas_embed(run=engine.run, rows=engine.run.train)
    assert features.shape == (len(engine.run.train), 64)
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1, atol=1e-5)
    again = ready.engine(zero_shot, components=(component,), name="again")
    again.hook.aas_setup(run=again.run)
    again.run.plugins.get_plugin("zero-shot (adapter)").model.register_forward_hook(lambda *_: pytest.fail("computed"))
    np.testing.assert_array_equal(again.hook.aas_embed(run=again.run, rows=again.run.train), features)
    with pytest.raises(AasError, match="zero-shot trains nothing"):
        engine.execute()


def test_the_licence_is_shown_and_offline_says_what_to_put_where(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", "/nowhere")
    what = FOUNDATIONS["megadescriptor-t-224"]
    with (
        pytest.warns(UserWarning, match=r"BVRA/MegaDescriptor-T-224; their licence: CC BY-NC 4\.0"),
        pytest.raises(AasError, match=r"download pytorch_model\.bin from https.*--set backbone\.weights=PATH"),
    ):
        foundation(what, FoundationOptions())


def test_bad_weights_are_one_sentence(tmp_path, swin):
    broken, other = tmp_path / "broken.bin", tmp_path / "other.bin"
    broken.write_bytes(b"no weights")
    torch.save({"layer.weight": torch.zeros(2)}, other)
    for path, message in ((tmp_path / "absent.bin", "no file"), (broken, "no readable"), (other, "does not hold")):
        with pytest.raises(AasError, match=message) as told:
            foundation(MEGA, FoundationOptions(weights=path))
        assert "pytorch_model.bin" in str(told.value) and str(path) in str(told.value)
    with pytest.raises(AasError, match="does not hold the weights of miewid"):
        foundation(MIEW, FoundationOptions(weights=swin[0]))


def test_cached_weights_need_no_network(tmp_path, monkeypatch, swin):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("aas_plugin.models.weights.urlopen", lambda *_, **__: pytest.fail("asked the network"))
    place = tmp_path / "models--BVRA--MegaDescriptor-T-224"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text("c0ffee")
    (place / "snapshots" / "c0ffee").mkdir(parents=True)
    (place / "snapshots" / "c0ffee" / "pytorch_model.bin").write_bytes(swin[0].read_bytes())
    with pytest.warns(UserWarning, match="licence"):
        cached = foundation(MEGA, FoundationOptions())
    for name, value in swin[1].state_dict().items():
        assert torch.equal(cached.body.network.state_dict()[name], value)


def test_without_a_network_the_hub_is_not_waited_for(monkeypatch, tmp_path):
    def offline(*_, **__):
        raise OSError("name or service not known")

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("aas_plugin.models.weights.urlopen", offline)
    with pytest.warns(UserWarning, match="licence"), pytest.raises(AasError, match="not cached"):
        foundation(MEGA, FoundationOptions())


@pytest.mark.parametrize(
    "adapter",
    [{"name": "spcl"}, {"name": "cluster-contrast"}, {"name": "pplr", "parts": 2}],
    ids=lambda one: one["name"],
)
def test_a_head_is_trained_on_a_frozen_backbone(ready, swin, adapter):
    plugins = ready.plugins()
    plugins.registry.register(
        "backbone", "tiny-mega", lambda options: foundation(MEGA, options), FoundationOptions, frozen=True
    )
    layers = (
        {"adapter": adapter, "backbone": {"name": "tiny-mega", "weights": str(swin[0])}},
        {"training": {"freeze": "backbone"}},
    )
    engine = tiny_engine(plugins, ready.folder / "run", ready.drawn, *layers)
    assert engine.execute() == "finished"
    run = engine.run
    (model,) = (part for part in run.plugins.hook.aas_model(run=run).modules() if isinstance(part, HeadedModel))
    kept = {name.rpartition("network.")[2]: value for name, value in model.body.state_dict().items()}
    for name, value in swin[1].state_dict().items():
        assert torch.equal(kept[name], value)
    assert not torch.allclose(model.head.weight, torch.eye(64), atol=1e-5)
