"""Learning from answers: must-linked images more alike than cannot-linked ones."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from aas_plugin.constraints.closure import Constraints, Contradiction
from aas_plugin.training.pairs import AnsweredPairs, pair_ranking_loss


@given(
    same=st.lists(st.floats(-1, 1, width=32), max_size=5),
    different=st.lists(st.floats(-1, 1, width=32), max_size=5),
    temperature=st.floats(0.05, 2),
)
def test_the_loss_is_the_mean_over_all_pairs_of_a_must_link_and_a_cannot_link(same, different, temperature):
    terms = [math.log1p(math.exp((d - s) / temperature)) for s in same for d in different]
    loss = pair_ranking_loss(torch.tensor(same), torch.tensor(different), temperature)
    assert loss.item() == pytest.approx(sum(terms) / len(terms) if terms else 0.0, rel=1e-4, abs=1e-5)


def test_its_gradient_pulls_must_links_together_and_pushes_cannot_links_apart():
    same, different = (torch.tensor(values, requires_grad=True) for values in ([0.2, 0.8], [0.5, 0.1]))
    pair_ranking_loss(same, different, 0.1).backward()
    assert (same.grad < 0).all() and (different.grad > 0).all()
    assert same.grad[0] < same.grad[1], "the must-link that is less alike is pulled harder"


def test_a_batch_without_one_kind_has_a_loss_that_can_be_trained_on():
    same = torch.tensor([0.3], requires_grad=True)
    loss = pair_ranking_loss(same, torch.empty(0), 0.1)
    loss.backward()
    assert loss.item() == 0 and same.grad.tolist() == [0.0]


@settings(max_examples=40)
@given(data=st.data(), n=st.integers(2, 8))
def test_pairs_of_a_batch_are_those_that_the_answers_entail(data, n):
    constraints = Constraints(n)
    images = st.integers(0, n - 1)
    for u, v, same in data.draw(st.lists(st.tuples(images, images, st.booleans()), max_size=10)):
        try:
            constraints.add(u, v, same)
        except Contradiction:
            continue
    batch = np.array(data.draw(st.lists(images, max_size=9)), dtype=np.int64)
    same, different = AnsweredPairs(constraints).among(batch)
    positions = [(i, j) for i in range(len(batch)) for j in range(i + 1, len(batch)) if batch[i] != batch[j]]
    known = {pair: constraints.entails(batch[pair[0]], batch[pair[1]]) for pair in positions}
    assert set(map(tuple, same.tolist())) == {pair for pair, answer in known.items() if answer is True}
    assert set(map(tuple, different.tolist())) == {pair for pair, answer in known.items() if answer is False}


def test_half_of_the_pairs_drawn_are_must_links_as_far_as_there_are_any():
    constraints = Constraints(20)
    for u, v, same in ((0, 1, True), (2, 3, True), *((4, v, False) for v in range(5, 15))):
        constraints.add(u, v, same)
    answers = AnsweredPairs(constraints)
    drawn = answers.draw(8, np.random.default_rng(0)).reshape(-1, 2).tolist()
    assert len(drawn) == 6 and {tuple(pair) for pair in drawn[:2]} == {(0, 1), (2, 3)}
    assert all(pair in answers.cannot_links.tolist() for pair in drawn[2:])
    assert len(AnsweredPairs(Constraints(3)).draw(8, np.random.default_rng(0))) == 0
