"""What is said of evidence beside features."""

from aas_plugin.evaluation.pair_quality import evidence_in_words


def test_evidence_that_is_better_is_told_and_other_is_not():
    better = {"features": {"mAP": 0.2}, "local": {"mAP": 0.6}, "together": {"mAP": 0.7}}
    assert "precision of 0.700 in the place of 0.200" in evidence_in_words(better, "local")
    assert evidence_in_words({"features": {"mAP": 0.2}, "local": {"mAP": 0.1}}, "local") == ""
    assert evidence_in_words({}, "local") == ""
