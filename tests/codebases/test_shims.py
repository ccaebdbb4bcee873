"""Each shim mends what it says, only where it is needed, and leaves nothing behind."""

import json
import subprocess
import sys

import faiss
import numpy as np
import pytest
import torch

from aas_plugin.codebases.script import Script
from aas_plugin.codebases.shims import SHIMS, shims_of

BY_NAME = {shim.name: shim for shim in SHIMS}
SCRIPTS = {"spcl": "examples/spcl_train_usl.py", "cluster-contrast": "examples/cluster_contrast_train_usl.py"}


@pytest.fixture
def script(miniature):
    def load(name):
        script = Script(miniature(name), SCRIPTS[name])
        with script.importable():
            script.load()
        return script

    return load


def needed(script, gpu):
    return {shim.name for shim in SHIMS if shim.needed(script, gpu)}


def test_a_run_gets_only_what_it_needs(script, monkeypatch):
    modern = {"console-stays-open", "plain-map"}
    cpu = {"cpu-search", "cpu-tensors"}
    assert needed(script("spcl"), gpu=False) == modern | cpu
    assert needed(script("cluster-contrast"), gpu=False) == modern | cpu | {"sampler-argument"}
    monkeypatch.setattr("aas_plugin.codebases.shims._faiss_finds_the_gpu", lambda: True)
    assert needed(script("spcl"), gpu=True) == modern | {"faiss-long-pointer"}


def test_on_a_gpu_that_faiss_cannot_use_it_searches_on_the_cpu(script, monkeypatch):
    monkeypatch.setattr("aas_plugin.codebases.shims._faiss_finds_the_gpu", lambda: False)
    assert "cpu-search" in needed(script("spcl"), gpu=True)
    assert "cpu-tensors" not in needed(script("spcl"), gpu=True)


def test_samplers_may_pass_their_data_source(script):
    class Old(torch.utils.data.Sampler):
        def __init__(self, data_source):
            super().__init__(data_source)

    before = torch.utils.data.Sampler.__init__
    with pytest.raises(TypeError):
        Old([1])
    with BY_NAME["sampler-argument"].apply(script("cluster-contrast")):
        Old([1])
    assert torch.utils.data.Sampler.__init__ is before
    assert "__init__" not in vars(torch.utils.data.Sampler)


def test_faiss_has_its_old_name_for_a_while(script):
    assert not hasattr(faiss, "cast_integer_to_long_ptr")
    with BY_NAME["faiss-long-pointer"].apply(script("spcl")):
        assert faiss.cast_integer_to_long_ptr is faiss.cast_integer_to_idx_t_ptr
    assert not hasattr(faiss, "cast_integer_to_long_ptr")


def test_a_logger_closes_its_file_at_the_end_and_never_the_console(script, tmp_path):
    loaded = script("spcl")
    original = loaded.names["Logger"]
    with BY_NAME["console-stays-open"].apply(loaded):
        early = loaded.names["Logger"](str(tmp_path / "early.txt"))
        early.close()
        logger = loaded.names["Logger"](str(tmp_path / "log.txt"))
        logger.write("kept\n")
    assert early.file is None and logger.file is None and not sys.stdout.closed
    assert (tmp_path / "log.txt").read_text() == "kept\n"
    assert loaded.names["Logger"] is original


def test_a_best_map_that_was_saved_can_be_loaded_again(script, tmp_path):
    loaded = script("spcl")

    class Evaluator:
        def evaluate(self, cmc):
            return (np.array([0.25]), np.float64(0.5)) if cmc else np.float64(0.5)

    loaded.names["Evaluator"] = Evaluator
    torch.save({"best": Evaluator().evaluate(False)}, tmp_path / "old.pt")
    with pytest.raises(Exception, match="weights_only"):
        torch.load(tmp_path / "old.pt")
    with BY_NAME["plain-map"].apply(loaded):
        judge = loaded.names["Evaluator"]()
        torch.save({"best": judge.evaluate(False), "other": judge.evaluate(True)[1]}, tmp_path / "new.pt")
        assert judge.evaluate(True)[0].tolist() == [0.25]
    assert torch.load(tmp_path / "new.pt") == {"best": 0.5, "other": 0.5}
    assert loaded.names["Evaluator"] is Evaluator


@pytest.mark.skipif(torch.cuda.is_available(), reason="with a GPU these go there")
def test_without_a_gpu_tensors_and_models_stay_where_they_are(script):
    with BY_NAME["cpu-tensors"].apply(script("spcl")):
        model = torch.nn.Linear(2, 2).cuda()
        moved = [torch.ones(2).cuda(), torch.ones(2).to("cuda"), torch.ones(2).to(torch.device("cuda:0"))]
        made = [torch.zeros(2, device="cuda"), torch.ones(2).to(device="cuda", dtype=torch.float64)]
        model(moved[0]).sum().backward()
    assert {tensor.device.type for tensor in [*moved, *made, *model.parameters()]} == {"cpu"}
    assert made[1].dtype == torch.float64
    with pytest.raises((AssertionError, RuntimeError)):
        torch.ones(2).cuda()


def test_the_search_takes_the_cpu_path_whatever_the_script_says(script):
    loaded = script("spcl")
    features = torch.nn.functional.normalize(torch.randn(20, 4, generator=torch.manual_seed(0)), dim=1)
    with pytest.raises(Exception, match=r"GPU|gpu"):
        loaded.names["compute_jaccard_distance"](features, k1=5, k2=2)
    with shims_of(loaded, gpu=False, moment="after") as names:
        distance = loaded.names["compute_jaccard_distance"](features, k1=5, k2=2)
    assert "cpu-search" in names
    assert distance.shape == (20, 20)


def test_they_are_listed_with_what_they_are_for():
    shown = subprocess.run(
        [sys.executable, "-m", "aas_plugin", "plugins", "--shims", "--json"], capture_output=True, text=True, check=True
    )
    rows = json.loads(shown.stdout)
    assert [row["name"] for row in rows] == list(BY_NAME)
    assert all(row["why"] for row in rows)
