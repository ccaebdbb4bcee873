"""What the README shows works as it stands there."""

import re
from pathlib import Path

import numpy as np
import pytest

from aas_plugin import ActiveLearner

README = Path(__file__).parent.parent / "README.md"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_step_in_somebody_elses_loop(tmp_path, monkeypatch):
    (code,) = [block for block in blocks("python") if "ActiveLearner" in block]
    assert len([line for line in code.splitlines() if line.strip() and not line.startswith("from ")]) <= 10
    monkeypatch.chdir(tmp_path)
    individuals = np.repeat(np.arange(8), 6)
    rng = np.random.default_rng(0)
    features = rng.normal(size=(8, 16))[individuals] + 0.9 * rng.normal(size=(48, 16))
    features = (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)
    trained = []
    names = {
        "image_paths": [f"{i}.jpg" for i in range(48)],
        "ask_somebody": lambda q: "same" if individuals[q.u] == individuals[q.v] else "different",
        "model": None,
        "extract": lambda model: features,
        "cluster": lambda features: np.zeros(48, dtype=np.int64),
        "train": lambda model, labels: trained.append(labels),
    }
    exec(code, names)
    assert len(trained) == 50
    answers = names["learner"].log.answers()
    assert answers
    for answer in answers:
        u, v = int(answer.a[:-4]), int(answer.b[:-4])
        assert (trained[-1][u] == trained[-1][v]) == (answer.decision == "same")


def test_the_clustering_alone():
    (code,) = [block for block in blocks("python") if "JaccardDBSCAN" in block]
    individuals = np.repeat(np.arange(8), 6)
    rng = np.random.default_rng(0)
    names = {"features": rng.normal(size=(8, 16))[individuals] + 0.1 * rng.normal(size=(48, 16))}
    exec(code, names)
    assert [names[radius].shape for radius in ("tight", "normal", "loose")] == [(48,)] * 3
    assert names["normal"].max() >= 0


def test_the_plugin_observes_a_run(ready, capsys):
    (code,) = [block for block in blocks("python") if "aas_cycle_finished" in block]
    names = {}
    exec(code, names)
    plugin = type("Plugin", (), {"aas_cycle_finished": staticmethod(names["aas_cycle_finished"])})
    ready.engine(observers=(plugin,)).execute()
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["0", "1", "2"]


def test_the_sampler_chooses_in_a_run_and_without_one(ready, tmp_path):
    (code,) = [block for block in blocks("python") if "aas_select_pairs" in block]
    names = {}
    exec(code, names)
    engine = ready.engine({"sampler": "mine"}, components=[("sampler", "mine", names["Mine"])])
    assert engine.execute() == "finished"
    assert {answer.kind for answer in engine.run.active.log.answers()} == {"random"}
    learner = ActiveLearner(["a.jpg", "b.jpg"], lambda question: "same", tmp_path / "own", select=names["Mine"](None))
    assert learner.step(np.eye(2), np.array([-1, -1]), epoch=0).labels.tolist() == [0, 0]


MORE = (
    ".readme/labelling.md",
    ".readme/pipeline.md",
    ".readme/keypoints.md",
    ".readme/matching.md",
    "adapters/README.md",
    "aas_plugin/codebases/README.md",
)
PAGES = [README, *(README.parent / name for name in MORE)]
LINKS = [
    (page, link) for page in PAGES for link in re.findall(r"\]\((?!http)(.*?)\)", page.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize(("page", "link"), LINKS)
def test_pictures_and_pages_are_there(page, link):
    assert (page.parent / link).is_file()
