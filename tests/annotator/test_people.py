"""What the queue says of the people who answer it."""

from test_queue import IDS, asked, offered, say


def test_an_error_that_a_contradiction_brought_to_light_counts_where_the_pair_is_looked_at_twice(tmp_path):
    queue = asked(tmp_path, "ab", "bc", "ac", audit=1.0)
    wrong = say(queue, "ab", "same")["answer"]["id"]
    say(queue, "bc", "same")
    told = say(queue, "ac", "different")
    assert told["contradiction"] is not None
    change = {"id": next(IDS), "person": "Ada", "tab": "1", "answer": told["answer"]["id"]}
    queue.resolve(**change, changes=[{"answer": wrong, "decision": "different"}])
    assert sorted(offered(queue, "Bob", "2")) == ["ab", "ac", "bc"]
    for pair, decision in (("ab", "different"), ("bc", "same"), ("ac", "different")):
        say(queue, pair, decision, "Bob", "2")
    found = queue.people()
    assert (found["checked_pairs"], found["agreement"]) == (3, 2 / 3)
    assert [(one["person"], one["answers"], one["checked"]) for one in found["people"]] == [
        ("Ada", 3, 3),
        ("Bob", 3, 3),
    ]
