"""The numbers of the tables, against a slow reading of the same files."""

import json
import statistics

import pytest
import yaml

COLUMNS = {"mAP": "mAP %", "mINP": "mINP %", "top1": "top-1 %", "BAKS": "BAKS %", "AUC_ROC": "AUC-ROC %"}
MARKS = str.maketrans("", "", "*▼")


def final(runs, name):
    return json.loads((runs.root / "runs" / name / "metrics.json").read_text())


def told(values, factor=100, digits=1):
    deviation = f"{factor * statistics.stdev(values):.{digits}f}" if len(values) > 1 else "-"
    return f"{factor * statistics.mean(values):.{digits}f} ± {deviation}"


def test_means_and_deviations_are_those_of_the_files(runs, read_tables):
    samplers, seeds = ("none", "random", "aas"), (0, 1, 2)
    for sampler in samplers:
        for seed in seeds:
            asked = (0, 0) if sampler == "none" else (6 + seed, 3)
            runs.add(f"{sampler}{seed}", sampler, seed, asked=asked)
    table = read_tables(runs.report()[1])["photos"]
    assert [row["sampler"] for row in table] == ["untrained", *samplers]
    for row, sampler in zip(table[1:], samplers, strict=True):
        files = [final(runs, f"{sampler}{seed}") for seed in seeds]
        assert row["seeds"] == "3"
        for key, column in COLUMNS.items():
            assert row[column].translate(MARKS) == told([file[key] for file in files])
        assert row["questions"] == told([file["asked_total"] for file in files], 1, 0)
        shares = [file["asked_share"] for file in files]
        assert row["% of all pairs"] == (told(shares, digits=2) if any(shares) else "0 ± 0")
    first = {
        seed: [json.loads((runs.root / f"runs/{s}{seed}/cycles/00/report.json").read_text())["mAP"] for s in samplers]
        for seed in seeds
    }
    assert table[0]["mAP %"].translate(MARKS) == told([statistics.mean(values) for values in first.values()])


def test_the_best_of_each_metric_is_marked_and_no_other(runs, read_tables):
    for sampler in ("random", "aas"):
        runs.add(sampler, sampler)
    html, text, _ = runs.report()
    table = read_tables(text)["photos"]
    for column in COLUMNS.values():
        values = [float(row[column].translate(MARKS).split(" ± ")[0]) for row in table]
        marked = [value for value, row in zip(values, table, strict=True) if "**" in row[column]]
        assert marked == [max(values)]
    assert html.split(">Quality against questions</h2>")[0].count('class="best"') == len(COLUMNS)


def test_one_run_has_no_deviation_and_nothing_to_compare_with(runs, read_tables):
    runs.add("only", asked=(6, 3))
    html, text, _ = runs.report()
    row = read_tables(text)["photos"][1]
    assert row["mAP %"].endswith("± -") and row["questions"] == "9 ± -" and row["seeds"] == "1"
    assert "There is one sampler only" in text and "There is one sampler only" in html


def test_questions_of_each_cycle(runs, read_tables):
    for seed, asked in enumerate([(6, 3), (8, 2)]):
        runs.add(f"r{seed}", seed=seed, asked=asked)
    row = read_tables(runs.report()[1])["Questions in each cycle"][0]
    assert (row["cycle 1"], row["cycle 2"], row["all"]) == (told([6, 8], 1, 0), told([3, 2], 1, 0), told([9, 10], 1, 0))
    assert row["allowed a cycle"] == "10"


def test_mean_over_data_sets_is_of_means_with_the_deviation_over_seeds(runs, read_tables):
    for dataset in ("lynx", "seal"):
        for seed in (0, 1):
            runs.add(f"{dataset}{seed}", seed=seed, data_hash=dataset, dataset__path=f"photos/{dataset}")
    runs.add("elsewhere", "random", data_hash="lynx", dataset__path="photos/lynx")
    tables = read_tables(runs.report()[1])
    row = next(row for row in tables["Mean over data sets"] if row["sampler"] == "aas")
    by_seed = [statistics.mean(final(runs, f"{d}{seed}")["mAP"] for d in ("lynx", "seal")) for seed in (0, 1)]
    assert row["mAP %"].translate(MARKS) == told(by_seed) and row["data sets"] == "2"
    assert [row["sampler"] for row in tables["Mean over data sets"]] == ["untrained", "aas"]
    assert {"lynx", "seal"} <= tables.keys()


def test_metrics_that_a_driven_run_lacks_are_dashes(runs, read_tables):
    folder = runs.add("driven")
    config = yaml.safe_load((folder / "config.yaml").read_text())
    for section in ("dataset", "backbone", "training", "evaluation"):
        del config[section]
    flags = {"dataset": "market1501", "epochs": 4, "seed": 1, "logs_dir": f"{folder}/script", "data_dir": "d"}
    arguments = ["-d", "market1501", "--logs-dir", f"{folder}/script", "--epochs", "4"]
    config["codebase"] = {"path": "/there/SpCL", "arguments": arguments, "flags": flags, "commit": "abc", "fast": False}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    (folder / "protocol.json").unlink()
    for path in (*folder.glob("cycles/*/report.json"), folder / "metrics.json"):
        report = json.loads(path.read_text())
        kept = {key: value for key, value in report.items() if key not in COLUMNS}
        runs.write(path, kept | ({"mAP": 0.5} if report["cycle"] else {}))
    _, text, _ = runs.report()
    [row] = read_tables(text)["market1501"]
    assert (row["method"], row["mAP %"], row["mINP %"]) == ("spcl (checkout)", "50.0 ± -", "-")
    assert "--codebase /there/SpCL -- -d market1501 --epochs 4" in text


@pytest.mark.parametrize("count", [1, 2])
def test_unknown_values_leave_the_mean_and_are_told(runs, read_tables, count):
    for seed in range(3):
        folder = runs.add(f"r{seed}", seed=seed, mAP=0.5)
        if seed < count:
            runs.write(folder / "metrics.json", final(runs, f"r{seed}") | {"AUC_ROC": None})
    row = read_tables(runs.report()[1])["photos"][1]
    assert f"(n = {3 - count})" in row["AUC-ROC %"] and "nan" not in row["AUC-ROC %"]


def test_numbers_below_the_untrained_model_are_marked_and_told(runs, read_tables):
    for seed in (0, 1):
        folder = runs.add(f"r{seed}", seed=seed, mAP=0.361)
        first = json.loads((folder / "cycles/00/report.json").read_text())
        runs.write(folder / "cycles/00/report.json", first | {"mAP": 0.532, "BAKS": 0.0})
    html, text, _ = runs.report()
    row = read_tables(text)["photos"][1]
    assert row["mAP %"].startswith("▼36.1") and not row["BAKS %"].startswith("▼")
    assert "▼" not in "".join(read_tables(text)["photos"][0].values())
    assert 'class="below"' in html
    # Such a run was made before the check on answers was, and says no more than it knows.
    assert "r0: Training did not help: the untrained model had mAP 0.532, this one has 0.361. What to try" in text


def test_a_run_that_kept_the_untrained_model_says_why(runs):
    folder = runs.add("r", mAP=0.9)
    kept = {"kept": "untrained", "kept_because": "on the answers it was trained on, it is no better"}
    kept["trained_model"] = "model-trained.pt"
    runs.write(folder / "metrics.json", final(runs, "r") | kept)
    words = (
        "r: Training did not help: on the answers it was trained on, it is no better. model.pt is the untrained model"
    )
    assert words in runs.report()[1] and words in runs.report()[0]
