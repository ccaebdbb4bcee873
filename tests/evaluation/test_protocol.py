"""The protocol of a run: the same for all that share a file, and only for the data it was made for."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from aas_plugin.commands.split import split
from aas_plugin.errors import AasError
from aas_plugin.evaluation.protocol import choose_protocol, evaluate
from aas_plugin.evaluation.protocol_file import read_protocol
from aas_plugin.hookspecs import hookimpl
from aas_plugin.models.backbones import Backbone
from aas_plugin.plugins.manager import load_plugins
from aas_plugin.runs.setting_up import set_up
from aas_plugin.settings.resolving import resolve
from tests.conftest import FrozenMethod


class OtherMethod(FrozenMethod):
    """A method whose features are noise, so that other exemplars are typical to it."""

    @hookimpl
    def aas_embed(self, run, rows):
        features = np.random.default_rng(9).normal(size=(len(self.all), 16)).astype(np.float32)
        return (features / np.linalg.norm(features, axis=1, keepdims=True))[rows]


class Shifted(Backbone):
    """A reference model of its own image size, which says how it sees the images."""

    image_size = (40, 24)

    def __init__(self):
        super().__init__(torch.nn.Identity(), 3, bn_neck=False)
        self.seen = []

    def forward(self, images):
        self.seen.append((tuple(images.shape[2:]), self.training))
        return super().forward(images)


OTHER = ("adapter", "other", OtherMethod)


def chosen(ready, *layers, name="run", components=(OTHER,)):
    """The run of these settings, and its protocol."""
    run = ready.engine(*layers, name=name, components=components).run
    run.plugins.hook.aas_setup(run=run)
    return run, choose_protocol(run, lambda: run.plugins.hook.aas_embed(run=run, rows=run.train))


def judged(folder):
    timed = ("seconds", "asked", "answers")
    found = [json.loads(path.read_text()) for path in sorted((folder / "cycles").glob("*/report.json"))]
    return [{key: value for key, value in report.items() if not key.startswith(timed)} for report in found]


def by_side(protocol):
    return protocol.query.tolist(), protocol.gallery.tolist(), protocol.known.tolist()


@pytest.fixture
def saved(ready):
    """The protocol of a run, which is the file of one, too."""
    run, protocol = chosen(ready, name="first")
    return run.folder / "protocol.json", protocol


def test_methods_and_samplers_with_a_file_are_judged_alike(ready, saved):
    path, protocol = saved
    given = {"evaluation": {"protocol": str(path)}}
    other = {"adapter": {"name": "other"}, "sampler": {"name": "random"}}
    drawn_otherwise = {"evaluation": {"seed": 5}}
    assert by_side(chosen(ready, other, drawn_otherwise, name="without")[1])[1] != protocol.gallery.tolist()
    run, with_file = chosen(ready, other, drawn_otherwise, given, name="with")
    assert by_side(with_file) == by_side(protocol)
    assert (run.folder / "protocol.json").read_bytes() == path.read_bytes()
    assert protocol.known.any() and not protocol.known.all()


def test_runs_of_other_seeds_are_judged_alike(ready, saved):
    assert by_side(chosen(ready, {"seed": 5}, name="fifth")[1]) == by_side(saved[1])


def test_the_split_is_that_of_the_file(ready, saved, tmp_path):
    path, _ = saved
    content = json.loads(path.read_text())
    moved = content["split"]["train"].pop()
    content["split"]["test"].append(moved)
    other = tmp_path / "other.json"
    other.write_text(json.dumps(content))
    with pytest.raises(AasError, match=r"other\.json is not that of .*: the split in the file, the individuals"):
        ready.engine({"evaluation": {"protocol": str(other)}}, name="moved")


def test_a_run_with_the_file_equals_one_without(ready, saved):
    first = ready.engine(name="without")
    first.execute()
    second = ready.engine({"evaluation": {"protocol": str(saved[0])}}, name="with")
    second.execute()
    reports = judged(first.run.folder)
    assert reports and reports == judged(second.run.folder)


def test_a_resumed_run_keeps_its_protocol(ready, saved):
    run, protocol = chosen(ready, name="kept")
    again = choose_protocol(run, lambda: pytest.fail("chosen again"))
    assert by_side(again) == by_side(protocol)


def test_the_reference_chooses_the_exemplars_in_its_own_way_for_every_method(ready):
    model = Shifted()
    components = (OTHER, ("backbone", "shifted", lambda options: model))
    galleries = []
    for name in ("frozen", "other"):
        layers = {"adapter": {"name": name}}, {"evaluation": {"reference": "shifted"}}
        run, protocol = chosen(ready, *layers, name=name, components=components)
        galleries.append(protocol.gallery.tolist())
    assert galleries[0] == galleries[1]
    assert set(model.seen) == {((40, 24), False)}
    assert read_protocol(run.folder / "protocol.json").reference == {"backbone": {"name": "shifted"}}


def test_the_reference_is_checked_with_the_settings():
    with pytest.raises(AasError, match=r"evaluation\.reference\.pretrainde: unknown key; did you mean 'pretrained'"):
        resolve(load_plugins(), [{"evaluation": {"reference": {"name": "resnet50", "pretrainde": False}}}])
    layers = [{"evaluation": {"reference": "resnet50"}}, {"evaluation": {"reference": {"pretrained": False}}}]
    reference = resolve(load_plugins(), layers).evaluation.reference
    assert reference.model_dump() == {"name": "resnet50", "pretrained": False, "bn_neck": True}


@pytest.fixture
def herd(tmp_path):
    """Three animals with four photos each."""
    rng = np.random.default_rng(0)
    for name in "abc":
        (tmp_path / "herd" / name).mkdir(parents=True)
        for number in range(4):
            pixels = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "herd" / name / f"{number}.png")
    return tmp_path / "herd"


SMALL = ["training.height=32", "training.width=32", "backbone=efficientnet_lite0", "device=cpu", "evaluation.seed=3"]


def prepared(herd, name, *sets):
    layers = [{"dataset": {"name": "folder", "path": str(herd)}, "device": "cpu"}, *sets]
    plugins = load_plugins()
    return set_up(plugins, resolve(plugins, layers), herd.parent / name)


def test_the_command_writes_the_file_once(herd, capsys):
    path = herd.parent / "protocols" / "herd.json"
    split(path, str(herd), sets=SMALL)
    assert "9 training images of herd, 3 queries (2 known, 1 unknown), 6 gallery images" in capsys.readouterr().out
    content = read_protocol(path)
    assert (content.dataset, content.seed) == ("herd", 3)
    assert content.reference["adapter"] == "spcl"
    assert content.reference["backbone"]["name"] == "efficientnet_lite0"
    assert len(content.images) == 12
    split(path, str(herd), sets=SMALL)
    with pytest.raises(AasError, match=r"herd\.json is there and says otherwise"):
        split(path, str(herd), sets=[*SMALL, "evaluation.seed=4"])


def test_what_is_wrong_with_a_file_or_its_data_is_named(herd):
    path = herd.parent / "herd.json"
    split(path, str(herd), sets=SMALL)
    given = {"evaluation": {"protocol": str(path)}}
    prepared(herd, "right", given)

    Image.new("RGB", (8, 8)).save(herd / "a" / "new.png")
    with pytest.raises(AasError, match=r"herd\.json does not name images of herd .*'a/new\.png'"):
        prepared(herd, "grown", given)
    (herd / "a" / "new.png").rename(herd / "a" / "1.png")
    with pytest.raises(AasError, match=r"images of herd changed since protocol .*herd\.json was made: 'a/1\.png'"):
        prepared(herd, "changed", given)
    (herd / "a" / "1.png").unlink()
    with pytest.raises(AasError, match=r"herd\.json names images that are not in herd .*'a/1\.png'"):
        prepared(herd, "less", given)
    with pytest.raises(AasError, match=r"none\.json: no such file; write it with `aas data split"):
        prepared(herd, "none", {"evaluation": {"protocol": "none.json"}})
    for text, reason in [("{", "Invalid JSON"), ("{}", "dataset: Field required"), ("[]", "should be an object")]:
        path.write_text(text)
        with pytest.raises(AasError, match=rf"herd\.json is no protocol \(.*{reason}"):
            prepared(herd, "broken", given)


def test_data_on_which_nothing_can_be_judged_are_refused(herd):
    for number, photo in enumerate(sorted(herd.glob("*/*.png"))):
        photo.rename(herd / f"{number}.png")
    for name in "abc":
        (herd / name).rmdir()
    with pytest.raises(AasError, match="herd has 0 queries and 0 gallery images"):
        split(herd.parent / "herd.json", str(herd), sets=SMALL)


def test_a_data_set_with_a_gallery_is_evaluated_on_it_without_images_of_the_same_camera(tmp_path, ready):
    names = {
        "bounding_box_train": ["0002_c1s1_1_1", "0002_c2s1_2_1", "0007_c1s1_3_1"],
        "query": ["0001_c1s1_1_0"],
        "bounding_box_test": ["-1_c2s1_4_1", "0000_c2s1_5_1", "0001_c1s1_6_1", "0001_c2s1_7_1"],
    }
    for folder, images in names.items():
        (tmp_path / "market" / folder).mkdir(parents=True)
        for image in images:
            Image.new("RGB", (8, 16)).save(tmp_path / "market" / folder / f"{image}.jpg")
    dataset = {"dataset": {"name": "market1501", "path": str(tmp_path / "market")}}
    run, protocol = chosen(ready, dataset)
    paths = run.catalogue.table["path"]
    assert paths.iloc[protocol.query].tolist() == ["query/0001_c1s1_1_0.jpg"]
    gallery = [path.removeprefix("bounding_box_test/") for path in paths.iloc[protocol.gallery]]
    assert gallery == ["0000_c2s1_5_1.jpg", "0001_c1s1_6_1.jpg", "0001_c2s1_7_1.jpg"]
    similarity = {"query": [1, 0], "0000": [0.8, 0.6], "c1s1_6": [1, 0], "c2s1_7": [0.6, 0.8]}
    features = np.zeros((len(paths), 2), dtype=np.float32)
    for part, feature in similarity.items():
        features[paths.str.contains(part)] = feature
    adapter = next(plugin for plugin in run.plugins.get_plugins() if isinstance(plugin, FrozenMethod))
    adapter.all = features
    metrics = evaluate(run, protocol)
    # The distractor is before the one match; the image of the query's own camera counts for nothing.
    assert metrics["mAP"] == 0.5
    assert metrics["top1"] == 0
    assert read_protocol(run.folder / "protocol.json").reference is None
