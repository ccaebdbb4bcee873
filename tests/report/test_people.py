"""People in the report: only where people answered, and with what second looks tell."""

import json

FIELDS = {"hash_a": "", "hash_b": "", "time": "", "cycle": 1, "kind": "over"}


def looks(runs, name, *told):
    """Add answers to a run's log: id, pair, decision, person, and the answer that they repeat."""
    lines = [
        {"record": "answer", "id": key, "a": pair[0], "b": pair[1], "decision": said, "annotator": who, **FIELDS}
        | ({"repeats": again[0]} if again else {})
        for key, pair, said, who, *again in told
    ]
    with (runs.root / "runs" / name / "answers.jsonl").open("a", encoding="utf-8") as file:
        file.write("".join(json.dumps(line) + "\n" for line in lines))


def test_machines_are_no_people(runs):
    runs.add("a")
    looks(runs, "a", ("1", "xy", "same", "oracle:labels"))
    html, text, _ = runs.report()
    assert "Who answered" not in html + text


def test_people_and_how_far_they_agree(runs):
    runs.add("a")
    runs.add("b", "random")
    looks(runs, "a", ("1", "xy", "same", "Ada"), ("2", "xy", "different", "<Bob>", "1"), ("3", "yz", "same", "Ada"))
    looks(runs, "a", ("4", "yz", "same", "<Bob>", "3"), ("5", "uv", "cannot_tell", "Eve"))
    html, text, _ = runs.report()
    assert "Who answered" in html and "&lt;Bob&gt;" in html
    assert "a: 2 pairs were looked at twice; the looks agree on 50%" in text
    rows = [line for line in text.splitlines() if line.startswith("| a | ") and "Ada" in line]
    assert len(rows) == 1 and "| 2 | 0 | 2 |" in rows[0] and " to 50.0" in rows[0]
    assert any(line.startswith("| a | Eve | 1 | 1 | 0 | - | -") for line in text.splitlines())


def test_without_second_looks_nothing_is_said_of_errors(runs):
    folder = runs.add("a")
    looks(runs, "a", ("1", "xy", "same", "Ada"))
    with (folder / "answers.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"record": "answer", "id": 7}\nno record\n')
    text = runs.report()[1]
    assert "| a | Ada | 1 | 0 | 0 | - | - |" in text and "No pair was looked at twice" in text
