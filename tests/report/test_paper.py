"""The paper's figures stand beside runs with its settings, and only there."""

import yaml


def test_the_papers_table_stands_beside_runs_with_its_preset(runs, read_tables):
    for sampler in ("none", "aas"):
        runs.add(sampler, sampler, mAP=0.5)
    assert "Beside the paper" not in runs.report()[1]
    for sampler in ("none", "aas"):
        path = runs.root / "runs" / sampler / "config.yaml"
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"preset": "paper"}))
    rows = {row[""]: row for row in read_tables(runs.report()[1])["Here, and in the paper's Table 1 (in brackets)"]}
    assert list(rows) == ["ResNet-50, untrained", "SpCL", "SpCL + AAS"]
    assert rows["SpCL + AAS"]["mAP %"] == "50.0 (56.1)"
    assert rows["SpCL"]["AUC-ROC %"].endswith(" (67.0)") and rows["SpCL + AAS"]["pairs asked %"].endswith(" (0.033)")
