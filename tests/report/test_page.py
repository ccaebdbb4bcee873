"""The files themselves: self-contained, escaped, with photos or without; the command."""

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from typer.testing import CliRunner

from aas_plugin.cli import app
from aas_plugin.errors import AasError
from aas_plugin.report.build import write_report


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.targets, self.tags = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.targets += [value for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]


def parsed(html):
    links = Links()
    links.feed(html)
    return links


def test_the_page_loads_nothing(runs):
    runs.photos()
    runs.add("a")
    runs.add("b", "random")
    html = runs.report(drawn=True)[0]
    links = parsed(html)
    assert all(target.startswith(("data:image/", "#")) for target in links.targets)
    assert not {"script", "link", "iframe", "object"} & set(links.tags)
    assert "url(" not in html and "@import" not in html
    anchors = [target[1:] for target in links.targets if target.startswith("#")]
    assert anchors and all(f'id="{anchor}"' in html for anchor in anchors)


def test_names_are_escaped(runs):
    runs.add("<b>x", dataset__title="<script>alert(1)</script> | `y`", seed=0)
    html, text, _ = runs.report()
    assert "<b>x" not in html and "&lt;b&gt;x" in html
    assert "script" not in parsed(html).tags
    assert "\\<b\\>x" in text and "\\<script\\>" in text and "\\| \\`y\\`" in text


def test_photos_are_shown_where_they_are(runs, monkeypatch, tmp_path):
    runs.photos()
    runs.add("a")
    assert runs.report()[0].count("data:image/jpeg") == 12
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    # The runs lie beside the photos, which is enough.
    assert runs.report()[0].count("data:image/jpeg") == 12


@pytest.mark.parametrize("way", ["gone", "changed", "broken"])
def test_missing_photos_are_told_and_all_else_is_there(runs, way, read_tables):
    runs.photos()
    folder = runs.add("a")
    if way == "gone":
        shutil.rmtree(runs.root / "photos")
    elif way == "changed":
        log = folder / "answers.jsonl"
        log.write_text(log.read_text().replace('"hash_a": ""', '"hash_a": "0123"').replace('_b": ""', '_b": "4567"'))
    else:
        for path in (runs.root / "photos").iterdir():
            path.write_bytes(b"no image")
    html, text, _ = runs.report()
    assert "The photos of a are not to be found" in html and "The photos of a are not to be found" in text
    assert html.count("photo not found") == 12 and re.search(r"Cycle 1, question \d of 6\.", html)
    assert read_tables(text)["photos"]


def test_pairs_are_of_all_kinds_answers_and_cycles_and_say_why(runs):
    runs.add("a", asked=(6, 6))
    html = runs.report()[0]
    assert html.count('<div class="card ') == 6
    for words in ("Same individual", "Different individuals", "Could not be told", "over-segmentation", "Cycle 2"):
        assert words in html
    assert "similarity 0.40" in html and "DBSCAN had neither photo in a cluster" in html


def test_revoked_imported_and_damaged_answers_are_not_shown(runs):
    folder = runs.add("a", asked=(1, 1))
    log = folder / "answers.jsonl"
    imported = log.read_text().splitlines()[0].replace('"cycle": 1', '"cycle": 0').replace("1-0", "0-0")
    log.write_text(log.read_text() + imported + '\n{"record": "revocation", "revokes": "2-0"}\n{"record": "ans')
    before = log.read_bytes()
    html = runs.report()[0]
    assert html.count('<div class="card ') == 1 and "Cycle 1, question 1 of 1." in html
    assert log.read_bytes() == before


def test_a_run_without_proposals_still_shows_its_pairs(runs):
    folder = runs.add("a")
    for path in folder.glob("cycles/*/proposal.parquet"):
        path.write_bytes(b"broken")
    html = runs.report()[0]
    assert html.count('<div class="card ') == 6 and "similarity" not in html


def test_the_same_runs_give_the_same_bytes(runs):
    runs.add("a")
    assert runs.report(drawn=True)[:2] == runs.report(drawn=True)[:2]


def test_settings_that_differ_are_listed(runs, read_tables):
    runs.add("a", "random")
    runs.add("b", training__epochs=8)
    rows = read_tables(runs.report()[1])["Settings that differ"]
    assert {"setting": "training.epochs", "values, and whose they are": "4 (a); 8 (b)"} in rows


def test_the_command(runs):
    runs.add("a")
    (runs.add("b") / "metrics.json").unlink()
    done = CliRunner().invoke(app, ["report", "a", "runs/b", "-o", "out/page.html"], catch_exceptions=False)
    assert done.exit_code == 0 and done.output.startswith("1 run in out/page.html and out/page.md\nleft out: b: ")
    assert (runs.root / "out/page.html").exists() and (runs.root / "out/page.md").exists()


def test_a_bad_place_is_one_sentence(runs):
    runs.add("a")
    with pytest.raises(AasError, match=r"-o report.pdf: give the name of an HTML file"):
        write_report(["a"], runs.root.relative_to(runs.root) / "report.pdf")
    (runs.root / "report.html").mkdir()
    with pytest.raises(AasError, match=r"report.html cannot be written \(Is a directory\)"):
        write_report(["a"], runs.root / "report.html")


def test_a_report_needs_neither_torch_nor_mlflow(runs):
    runs.add("a")
    code = (
        "import sys; from pathlib import Path; from aas_plugin.report.build import write_report; "
        "write_report(['a'], Path('r.html')); print([m for m in ('torch', 'mlflow', 'faiss') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_real_runs(ready, runs, read_tables):
    import json

    for sampler in ("random", "aas"):
        ready.engine({"sampler": sampler}, name=f"runs/{sampler}").execute()
    html, text, left_out = runs.report(drawn=True)
    assert left_out == {}
    table = next(rows for rows in read_tables(text).values() if rows[0].get("sampler") == "untrained")
    for row in table[1:]:
        metrics = json.loads((runs.root / "runs" / row["sampler"] / "metrics.json").read_text())
        assert row["mAP %"].translate(str.maketrans("", "", "*▼")) == f"{100 * metrics['mAP']:.1f} ± -"
        assert row["questions"] == f"{metrics['asked_total']} ± -"
    # Four panels by question and cycle, and one of labels for each sampler.
    assert len(re.findall("data:image/svg", html)) == 6
    assert "data:image/jpeg" in html and "photo not found" not in html
