"""The portable model: from pixels to the features of the run, in one file."""

import numpy as np
import pytest
import torch
from torch import nn

from aas_plugin.errors import AasError
from aas_plugin.hookspecs import hookimpl
from aas_plugin.models.portable import PortableModel, open_model, save_model

QUICK = {
    "backbone": {"name": "efficientnet_lite0", "pretrained": False},
    "training": {"epochs": 1, "iterations": 1, "batch_size": 4, "instances": 2, "height": 96, "width": 48},
    "active": {"every": 1, "cycles": 1},
}


class Mean(nn.Module):
    mean = (0.5, 0.5, 0.5)
    std = (0.5, 0.25, 0.5)

    def forward(self, images):
        return nn.functional.normalize(images.mean((2, 3)))


def test_pixels_of_0_to_255_are_normalised_by_the_models_own_values():
    model = PortableModel(Mean(), 2, 2)
    pixels = torch.tensor([255.0, 127.5, 0.0])[None, :, None, None].expand(1, 3, 2, 2)
    wanted = torch.tensor([[1.0, 0.0, -1.0]]) / 2**0.5
    torch.testing.assert_close(model(pixels), wanted)
    torch.testing.assert_close(model(pixels.round().to(torch.uint8)), wanted, atol=0.02, rtol=0)


def test_images_of_another_size_are_resized():
    seen = []

    class Sees(nn.Module):
        def forward(self, images):
            seen.append(images.shape)
            return images.mean((2, 3))

    PortableModel(Sees(), 4, 6)(torch.zeros(2, 3, 9, 9, dtype=torch.uint8))
    assert seen == [(2, 3, 4, 6)]


def test_it_stays_in_evaluation_mode():
    model = PortableModel(nn.Sequential(nn.Dropout()), 2, 2)
    assert not model.train().training and not model.embedder[0].training


@pytest.mark.parametrize("adapter", ["spcl", "cluster-contrast", "pplr"])
def test_a_run_leaves_its_model_which_embeds_as_the_method_does(ready, adapter):
    engine = ready.engine(QUICK, {"adapter": adapter})
    engine.execute()
    run = engine.run
    model = open_model("run", run.folder.parent, "")
    assert (model.height, model.width) == (96, 48)
    pixels = torch.from_numpy(run.images.batch(run.train[:4])).permute(0, 3, 1, 2)
    with torch.inference_mode():
        found = model(pixels).numpy()
    np.testing.assert_allclose(found, run.plugins.hook.aas_embed(run=run, rows=run.train[:4]), atol=1e-6)


def test_a_model_that_cannot_be_written_is_a_warning(ready):
    class Local(nn.Module):
        pass

    class Gives:
        @hookimpl
        def aas_model(self, run):
            return Local()

    engine = ready.engine(observers=(Gives(),))
    with pytest.warns(UserWarning, match="the model cannot be written"):
        save_model(engine.run)
    assert not list(engine.run.folder.glob("model*"))


def test_what_is_no_model_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "young").mkdir(parents=True)
    (tmp_path / "text.pt").write_text("no model")
    torch.save({"a": 1}, tmp_path / "weights.pt")
    for name, message in (
        ("absent", "there is no model 'absent'; give a run under"),
        ("young", "has no model.pt; let the run come to its end"),
        ("text.pt", "text.pt is no model"),
        ("weights.pt", "holds a dict, no model of a run"),
    ):
        with pytest.raises(AasError, match=message):
            open_model(name, tmp_path / "runs", "")


def test_a_uri_of_no_model_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(AasError, match="gives no model models:/none/1"):
        open_model("models:/none/1", tmp_path, f"sqlite:///{tmp_path / 'mlflow.db'}")
