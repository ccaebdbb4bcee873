"""Constraints against a brute-force closure."""

import itertools

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aas_plugin.constraints.closure import Constraints, Contradiction, components
from aas_plugin.errors import AasError


def brute_force_closure(n, links):
    """What is known of each ordered pair: apply both rules until nothing new follows."""
    known = {(i, i): True for i in range(n)}
    for u, v, same in links:
        known[u, v] = known[v, u] = same
    while True:
        new = {}
        for (a, b), (c, d) in itertools.product(known, known):
            if b == c and (a, d) not in known and (known[a, b] or known[c, d]):
                new[a, d] = new[d, a] = known[a, b] and known[c, d]
        if not new:
            return known
        known |= new


N = 6
images = st.integers(0, N - 1)
attempts = st.lists(st.tuples(images, images, st.booleans()), max_size=14)


def accept(attempts):
    """Constraints from what is accepted of the attempts, and the accepted attempts."""
    constraints, accepted = Constraints(N), []
    for u, v, same in attempts:
        try:
            constraints.add(u, v, same, tag=f"{u}-{v}")
        except Contradiction:
            continue
        accepted.append((u, v, same))
    return constraints, accepted


@given(attempts)
@settings(max_examples=150)
def test_entails_exactly_what_the_rules_derive(attempts):
    constraints, accepted = accept(attempts)
    known = brute_force_closure(N, accepted)
    pairs = list(itertools.product(range(N), range(N)))
    assert [constraints.entails(u, v) for u, v in pairs] == [known.get(pair) for pair in pairs]
    assert constraints.entailed_mask(np.array(pairs)).tolist() == [pair in known for pair in pairs]


@given(attempts, images, images, st.booleans())
@settings(max_examples=300)
def test_refuses_exactly_what_is_denied_and_shows_the_shortest_proof(attempts, u, v, same):
    constraints, accepted = accept(attempts)
    before = constraints.must_links.tolist(), constraints.cannot_links.tolist()
    if brute_force_closure(N, accepted).get((u, v)) is not (not same):
        constraints.add(u, v, same)
        return
    with pytest.raises(Contradiction) as error:
        constraints.add(u, v, same)
    assert (constraints.must_links.tolist(), constraints.cannot_links.tolist()) == before
    chain = error.value.chain
    given_links = {(min(a, b), max(a, b), s) for a, b, s in accepted if a != b}
    assert {link[:3] for link in chain} <= given_links
    assert sum(not s for _, _, s, _ in chain) == same
    proves = [
        size
        for size in range(len(chain) + 1)
        if any(
            brute_force_closure(N, proof).get((u, v)) is (not same)
            for proof in itertools.combinations(given_links, size)
        )
    ]
    assert proves == [len(chain)]


def test_contradiction_names_the_chain_and_its_tags():
    constraints = Constraints(10)
    for u, v, same, tag in [(3, 1, True, "p"), (3, 5, True, "q"), (8, 5, False, "r"), (8, 9, True, "s")]:
        constraints.add(u, v, same, tag)
    with pytest.raises(AasError) as error:
        constraints.add(9, 1, same=True, tag="t")
    assert error.value.chain == [(8, 9, True, "s"), (5, 8, False, "r"), (3, 5, True, "q"), (1, 3, True, "p")]
    assert "Images 9 and 1 cannot be the same (t): 8 is the same as 9 (s), 5 differs from 8 (r)" in str(error.value)
    with pytest.raises(Contradiction, match=r"different: 3 is the same as 5 \(q\); take"):
        constraints.add(5, 3, same=False)


def test_an_image_does_not_differ_from_itself():
    constraints = Constraints(3)
    constraints.add(1, 1, same=True)
    assert len(constraints.must_links) == 0
    with pytest.raises(Contradiction, match="always the same as itself") as error:
        constraints.add(1, 1, same=False)
    assert error.value.chain == []


def test_links_keep_their_order_with_the_lower_image_first_and_once():
    constraints = Constraints(5)
    for u, v, same in [(4, 3, True), (1, 0, True), (3, 4, True), (2, 0, False), (1, 2, False), (0, 2, False)]:
        constraints.add(u, v, same)
    assert constraints.must_links.tolist() == [[3, 4], [0, 1]]
    assert constraints.cannot_links.tolist() == [[0, 2], [1, 2]]
    assert constraints.must_links.dtype == np.int64


def test_no_constraints_entail_nothing():
    constraints = Constraints(4)
    assert constraints.must_links.shape == constraints.cannot_links.shape == (0, 2)
    assert constraints.must_links.dtype == np.int64
    assert constraints.entailed_mask(np.empty((0, 2), dtype=np.int64)).shape == (0,)
    assert not constraints.entailed_mask(np.array([[0, 1], [2, 3]])).any()
    assert constraints.violations(np.array([-1, 0, 0, 1])) == (0, 0)


def test_violations_count_noise_as_nowhere():
    constraints = Constraints(6)
    for u, v, same in [(0, 1, True), (2, 3, True), (0, 2, False), (4, 5, False), (1, 4, False)]:
        constraints.add(u, v, same)
    assert constraints.violations(np.array([0, 0, 1, 1, 2, 3])) == (0, 0)
    assert constraints.violations(np.array([0, 1, 0, -1, -1, -1])) == (2, 1)
    assert constraints.violations(np.array([-1, -1, -1, -1, 7, 7])) == (2, 1)


@pytest.mark.parametrize("pair", [(0, 3), (-1, 0)])
def test_an_unknown_image_is_an_error(pair):
    with pytest.raises(ValueError, match="none of the 3 images"):
        Constraints(3).add(*pair, same=True)


@given(st.integers(1, 30), st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), max_size=40))
def test_components_are_those_of_networkx_numbered_by_their_lowest_image(n, links):
    links = [(u % n, v % n) for u, v in links]
    graph = nx.Graph(links)
    graph.add_nodes_from(range(n))
    expected = np.empty(n, dtype=np.int64)
    for number, members in enumerate(sorted(nx.connected_components(graph), key=min)):
        expected[list(members)] = number
    assert components(n, np.array(links, dtype=np.int64).reshape(-1, 2)).tolist() == expected.tolist()
