"""Folders of runs, written in a moment."""

import copy
import json
import random

import numpy as np
import pytest
import yaml
from PIL import Image

from aas_plugin.files import write_table
from aas_plugin.report import build
from aas_plugin.sampling.proposal import proposal

METRICS = ("mAP", "mINP", "top1", "BAKS", "AUC_ROC")
SETTINGS = {
    "adapter": {"name": "spcl", "temperature": 0.05},
    "dataset": {"name": "folder", "path": "photos", "title": None},
    "sampler": {"name": "aas", "epsilon": 0.6},
    "refiner": {"name": "np3"},
    "oracle": {"name": "labels", "error_rate": 0.0},
    "backbone": {"name": "resnet50"},
    "seed": 0,
    "device": "cpu",
    "active": {"every": 2, "cycles": 2, "budget": 10.0},
    "training": {"epochs": 4, "height": 48, "width": 48},
    "evaluation": {"exemplars": 5},
    "tracking": {"mlflow": False},
}


class Runs:
    """Writes runs below a folder, and reports on them."""

    def __init__(self, root):
        self.root = root

    def add(self, name, sampler="aas", seed=0, mAP=None, data_hash="aa", asked=(6, 3), protocol=None, **settings):
        config = copy.deepcopy(SETTINGS) | {"seed": seed}
        config["sampler"] = {"name": sampler, "epsilon": 0.6} if sampler == "aas" else {"name": sampler}
        for path, value in settings.items():
            section, key = path.split("__")
            config[section][key] = value
        folder = self.root / "runs" / name
        rng = random.Random(name)
        answers, total = [], 0
        (folder / "cycles").mkdir(parents=True)
        for cycle, number in enumerate((0, *asked)):
            total += number
            values = {key: rng.random() for key in METRICS}
            report = {"cycle": cycle, "epoch": 2 * cycle - 1, "asked": number, "budget": 10 if cycle else 0}
            report |= {"asked_total": total, "asked_share": total / 300, **values}
            if mAP is not None and cycle == len(asked):
                report["mAP"] = mAP
            self.write(folder / f"cycles/{cycle:02d}/report.json", report)
            pairs = [(f"x{i}.png", f"x{i + 1}.png") for i in range(total - number, total)]
            kinds = ["over" if i % 2 else "under" for i in range(number)] if sampler == "aas" else [sampler] * number
            answers += [
                {
                    "record": "answer",
                    "id": f"{cycle}-{i}",
                    "a": a,
                    "b": b,
                    "hash_a": "",
                    "hash_b": "",
                    "decision": ("same", "different", "cannot_tell")[i % 3],
                    "cycle": cycle,
                    "kind": kinds[i],
                }
                for i, (a, b) in enumerate(pairs)
            ]
            if number:
                write_table(folder / f"cycles/{cycle:02d}/proposal.parquet", self.proposed(pairs, kinds))
        self.write(folder / "metrics.json", report)
        self.write(folder / "run.json", {"data_hash": data_hash})
        self.write(folder / "protocol.json", protocol or {"query": ["q.png"], "gallery": ["g.png"]})
        (folder / "config.yaml").write_text(yaml.safe_dump(config))
        (folder / "answers.jsonl").write_text("".join(json.dumps(answer) + "\n" for answer in answers))
        return folder

    def labels(self, folder, epochs, before_after):
        """Give a run the ARI of its labels by epoch, (raw, repaired), and of each asking, (before, after)."""
        lines = [f"{epoch},0.5,{raw},{repaired}" for epoch, (raw, repaired) in enumerate(epochs)]
        (folder / "plots").mkdir()
        (folder / "plots/epochs.csv").write_text("\n".join(["epoch,loss,ARI_raw,ARI", *lines]) + "\n")
        for cycle, (before, after) in enumerate(before_after, 1):
            path = folder / f"cycles/{cycle:02d}/report.json"
            self.write(path, json.loads(path.read_text()) | {"ARI_before": before, "ARI_after": after})

    def proposed(self, pairs, kinds):
        n = len(pairs)
        index = np.array([(i, i + 1) for i in range(n)])
        table = proposal(
            index, np.array(kinds), np.linspace(0.1, 0.2, n), np.full(n, 0.4, np.float32), np.arange(n) % 3, index
        )
        table.insert(0, "path_u", [a for a, _ in pairs])
        table.insert(1, "path_v", [b for _, b in pairs])
        return table

    def photos(self, folder="photos"):
        (self.root / folder).mkdir()
        for i in range(12):
            Image.new("RGB", (40, 20 + i), (20 * i, 90, 60)).save(self.root / folder / f"x{i}.png")

    def write(self, path, value):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value))

    def report(self, *names, drawn=False):
        """Write the report on runs, all without names; its HTML, its Markdown, and what was left out."""
        output = self.root / "out" / "report.html"
        with pytest.MonkeyPatch.context() as patch:
            if not drawn:  # most of the time goes there
                patch.setattr(build, "curves", lambda groups: [("<svg/>", "curves")])
                patch.setattr(build, "label_curves", lambda groups: [("<svg/>", "labels")])
            left_out = build.write_report(names or [str(self.root / "runs")], output)[1]
        return output.read_text(), output.with_suffix(".md").read_text(), {run.name: run.reason for run in left_out}


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Runs(tmp_path)


def tables_of(markdown):
    """The tables of a Markdown text by the bold line or heading above: lists of rows, each a dict of cells."""
    found, title, head = {}, "", None
    for line in markdown.splitlines():
        if line.startswith("|"):
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            if head is None:
                head = cells
                rows = found.setdefault(title, [])
            elif not set(line) <= set("|:- "):
                rows.append(dict(zip(head, cells, strict=True)))
        elif line.strip():
            title, head = line.strip("*# "), None
    return found


@pytest.fixture
def read_tables():
    return tables_of
