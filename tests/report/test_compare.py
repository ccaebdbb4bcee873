"""What is averaged, what is kept apart, what is left out."""

import pytest

from aas_plugin.errors import AasError


def test_another_number_of_epochs_is_another_row(runs, read_tables):
    for seed in (0, 1):
        runs.add(f"short{seed}", seed=seed)
        runs.add(f"long{seed}", seed=seed, training__epochs=8)
    _, text, _ = runs.report()
    rows = [row for row in read_tables(text)["photos"] if row["sampler"].startswith("aas")]
    assert sorted((row["sampler"], row["seeds"]) for row in rows) == [
        ("aas, training.epochs 4", "2"),
        ("aas, training.epochs 8", "2"),
    ]
    assert "training.epochs is 8 in long0, long1 and 4 in short0, short1" in text


def test_other_data_is_another_table(runs, read_tables):
    runs.add("before", "random", data_hash="aa")
    runs.add("after", "aas", data_hash="bb")
    _, text, _ = runs.report()
    tables = read_tables(text)
    assert len([title for title in tables if title.startswith("photos")]) == 2
    assert "bb in after and aa in before" in text
    assert "Mean over data sets" not in tables


def test_another_gallery_is_another_table(runs, read_tables):
    runs.add("one", "random")
    runs.add("two", "aas", protocol={"query": {"known": ["q.png"], "unknown": []}, "gallery": ["other.png"]})
    _, text, _ = runs.report()
    assert "query and gallery images (protocol.json) differ, one and two" in text


def test_a_split_drawn_by_the_seed_is_averaged_if_it_is_of_the_same_images(runs, read_tables):
    images = {"q.png": "1", "g.png": "2"}
    for seed, (query, gallery) in enumerate([("q.png", "g.png"), ("g.png", "q.png")]):
        protocol = {"query": {"known": [query], "unknown": []}, "gallery": [gallery], "images": images}
        runs.add(f"r{seed}", seed=seed, data_hash=f"hash{seed}", protocol=protocol | {"dataset": "lynx"})
    tables = read_tables(runs.report()[1])
    assert tables["lynx"][1]["seeds"] == "2"


def test_a_run_that_asks_nothing_compares_with_any_budget(runs, read_tables):
    runs.add("none", "none", asked=(0, 0), active__budget=0.5)
    runs.add("aas", "aas")
    tables = read_tables(runs.report()[1])
    [test] = next(table for title, table in tables.items() if title.startswith("Wilcoxon"))
    assert (test["samplers"], test["pairs n"]) == ("aas against none", "1")


def test_options_of_a_sampler_are_told_where_they_differ(runs, read_tables):
    runs.add("low", sampler__epsilon=0.1)
    runs.add("high", sampler__epsilon=0.9)
    rows = read_tables(runs.report()[1])["photos"]
    assert {row["sampler"] for row in rows} == {"untrained", "aas, epsilon 0.1", "aas, epsilon 0.9"}


def test_a_repeated_seed_counts_once(runs, read_tables):
    runs.add("a", mAP=0.5)
    runs.add("b", mAP=0.5)
    _, text, left_out = runs.report()
    assert left_out == {"b": "repeats seed 0 of a, with the same mAP; the first one counts"}
    assert read_tables(text)["photos"][1]["seeds"] == "1"


def test_unfinished_and_broken_runs_are_listed_with_the_reason(runs):
    runs.add("good")
    (runs.add("stopped") / "metrics.json").unlink()
    waiting = runs.add("waiting")
    (waiting / "metrics.json").unlink()
    (waiting / "pending.jsonl").write_text('{"a": "x"}\n{"a": "y"}\n')
    failed = runs.add("failed")
    (failed / "metrics.json").unlink()
    (failed / "traceback.txt").write_text("Error")
    (runs.add("cut") / "cycles/01/report.json").write_text('{"cycle": 1,')
    (runs.add("yaml") / "config.yaml").write_text("a: [")
    runs.write(runs.add("old") / "metrics.json", {"cycle": 1})
    html, text, left_out = runs.report()
    assert left_out == {
        "stopped": "unfinished: at work or stopped after cycle 2 of 2",
        "waiting": "waits for 2 answers",
        "failed": "failed, see its traceback.txt",
        "cut": "cycles/01/report.json cannot be read (JSONDecodeError)",
        "yaml": "config.yaml cannot be read (ParserError)",
        "old": "metrics.json is of cycle 1, its last report of 2",
    }
    for name, reason in left_out.items():
        assert f"{name}: {reason}" in text and f"<li>{name}: {reason}</li>" in html
    assert text.startswith("# Active learning for re-identification: a report\n\n1 run,")


def test_names_folders_and_nothing(runs, tmp_path):
    runs.add("a")
    runs.add("b", "random")
    (tmp_path / "notes.txt").write_text("no run")
    assert runs.report("a", "runs/b", str(tmp_path / "runs" / "a"))[1].count("-again") == 2
    assert runs.report("runs", "notes.txt")[2] == {"notes.txt": "is not a folder"}
    with pytest.raises(AasError, match="'c' is neither a folder nor a run in"):
        runs.report("c")
    with pytest.raises(AasError, match=r"no finished run to report on: notes.txt is not a folder"):
        runs.report("notes.txt")
