"""Warnings of every command are one line each on stderr."""

import sys

import numpy as np
import pytest
from PIL import Image

from aas_plugin.cli import main
from aas_plugin.constraints.answers import Answer
from aas_plugin.constraints.sets import write_set

BROKEN = {
    "gone": None,
    "raising": "raise RuntimeError('two\\nlines')\n",
    "leaving": "import sys\nsys.exit(3)\n",
    "wanting": "import no_such_library\n",
}


@pytest.fixture
def here(tmp_path, aas, monkeypatch):
    """A folder with photos, and installed plugins that cannot be loaded."""
    site = tmp_path / "site"
    for name, text in BROKEN.items():
        info = site / f"aas_{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: aas-{name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[aas_plugin]\n{name} = stale_{name}\n")
        if text is not None:
            (site / f"stale_{name}.py").write_text(text)
    monkeypatch.syspath_prepend(site)
    for i in range(3):
        (tmp_path / "herd" / f"a{i}").mkdir(parents=True)
        for j in range(2):
            pixels = np.random.default_rng(9 * i + j).integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).resize((40, 40)).save(tmp_path / "herd" / f"a{i}" / f"{j}.png")
    answer = Answer("1", "a0/0.png", "a0/1.png", "", "", "same", "Ada", "2025-01-01T10:00:00+00:00", 1, "over")
    write_set(tmp_path / "set.csv", [answer])


@pytest.mark.parametrize(
    "arguments",
    [
        "plugins",
        "run --dataset absent",
        "drive absent",
        "simulate --features absent.npy",
        "compare --adapters absent",
        "evaluate --dataset absent.csv",
        "embed absent herd",
        "match absent herd herd",
        "data show herd",
        "data check absent.csv",
        "data pack herd -o herd.tar",
        "data split absent.csv -o split.json",
        "constraints check set.csv --dataset herd",
    ],
)
def test_a_broken_plugin_is_one_line_on_stderr_in_every_command(here, capsys, monkeypatch, arguments):
    monkeypatch.setattr(sys, "argv", ["aas", *arguments.split()])
    with pytest.raises(SystemExit):
        main()
    shown = capsys.readouterr()
    lines = [line for line in shown.err.splitlines() if not line.startswith("error: ")]
    for name in BROKEN:
        assert sum(f"plugin '{name}'" in line for line in lines) == 1, shown.err
    assert all(line.startswith("warning: plugin ") for line in lines), shown.err
    assert "warning" not in shown.out and "warn(" not in shown.out
