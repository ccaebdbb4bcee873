"""Which epochs ask, and to which cycle each belongs."""

from hypothesis import given
from hypothesis import strategies as st

from aas_plugin.active.schedule import Schedule


def test_the_papers_schedule():
    schedule = Schedule(every=10, cycles=5)
    assert [epoch for epoch in range(100) if schedule.asks(epoch)] == [0, 10, 20, 30, 40]
    assert [schedule.cycle_of(epoch) for epoch in (0, 9, 10, 49, 50, 99)] == [1, 1, 2, 5, 5, 5]


def test_a_training_that_never_asks_is_one_cycle():
    schedule = Schedule(every=3, cycles=0)
    assert not any(schedule.asks(epoch) for epoch in range(20))
    assert [epoch for epoch in range(20) if schedule.begins(epoch)] == [0]
    assert {schedule.cycle_of(epoch) for epoch in range(20)} == {1}


@given(st.integers(1, 12), st.integers(0, 6))
def test_a_cycle_is_the_epochs_from_one_beginning_to_the_next(every, cycles):
    schedule, cycle = Schedule(every, cycles), 0
    for epoch in range(100):
        cycle += schedule.begins(epoch)
        assert schedule.cycle_of(epoch) == cycle
    assert cycle == max(cycles, 1)
