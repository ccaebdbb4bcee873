"""How far people agree, from pairs of images that were looked at more than once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from aas_plugin.constraints.answers import Answer, Decision, Revocation
from aas_plugin.constraints.error_rates import error_rates

MACHINE = "oracle:"
"""The names of annotators that are no people begin with this."""

DENIED = ("contradiction", "unmerge")
"""Reasons for which an answer is taken back since others deny it: it was a look all the same."""


def looks(given: Sequence[Answer], revocations: Mapping[str, Revocation] | None = None) -> list[list[Answer]]:
    """The independent looks at each pair of images, in their order.

    A look is an answer to a question, or to the same question once more, whose `repeats` then names an answer to the
    same pair. An answer that its giver took back or changed unasked is none, but the one that replaces it; one that
    was taken back since others deny it remains one, and what was said instead, in sight of these, is none.

    Args:
        given: all answers in their order, also those that were taken back.
        revocations: why they were, by their ids.
    """
    back = revocations or {}
    asked: dict[tuple[frozenset[str], str], list[Answer]] = {}
    closed: set[tuple[frozenset[str], str]] = set()
    for answer in given:
        pair = frozenset((answer.a, answer.b))
        question = (pair, answer.repeats)
        if question in closed:
            continue
        taken = back.get(answer.id)
        denied = taken is not None and bool(taken.reason in DENIED or answer.contradicts)
        if taken is None or denied:
            told = asked.setdefault(question, [])
            if not answer.repeats:
                # Of answers of one person to one question the newest counts.
                told[:] = [one for one in told if one.annotator != answer.annotator]
            told.append(answer)
        if denied:
            closed.add(question)
    found: dict[frozenset[str], list[Answer]] = {}
    for (pair, _), told in asked.items():
        found.setdefault(pair, []).extend(told)
    place = {answer.id: number for number, answer in enumerate(given)}
    return [sorted(told, key=lambda one: place[one.id]) for told in found.values()]


def agreement(pairs: Sequence[Sequence[Answer]]) -> float | None:
    """Share of the pairs whose looks all say the same, "cannot tell" being a word of its own; None without pairs.

    Args:
        pairs: the looks at each pair, at least two.
    """
    return sum(len({look.decision for look in pair}) == 1 for pair in pairs) / len(pairs) if pairs else None


def kappa(pairs: Sequence[Sequence[Answer]]) -> float | None:
    """Cohen's kappa between people: how far their agreement is beyond chance, 1 for wholly, 0 for not at all.

    Of each pair the first looks of the first two people count. By chance two people agree as often as the shares of
    their three decisions, each person's among all their own looks that count, make likely; so the order of the two does
    not matter, and between two people it is Cohen's kappa as usual.

    Args:
        pairs: the looks at each pair.

    Returns:
        None where no pair was looked at by two people, or where chance alone explains all agreement.
    """
    couples = [couple for pair in pairs if (couple := _first_of_two(pair))]
    said: dict[str, Counter[Decision]] = {}
    for couple in couples:
        for person, decision in couple.items():
            said.setdefault(person, Counter())[decision] += 1
    disagree = expected = 0.0
    for couple in couples:
        (one, other), decisions = (said[person] for person in couple), set(couple.values())
        chance = sum(one[decision] * other[decision] for decision in one) / (one.total() * other.total())
        disagree += len(decisions) > 1
        expected += 1 - chance
    return 1 - disagree / expected if expected > 0 else None


def people_report(
    answers: Sequence[Answer],
    given: Sequence[Answer] | None = None,
    revocations: Mapping[str, Revocation] | None = None,
) -> dict[str, Any]:
    """What answers tell of the people who gave them.

    Args:
        answers: those that are not revoked, in their order.
        given: all that were ever given; without them errors that were found and mended are not counted.
        revocations: of these, by the ids of the answers.

    Returns:
        `people`, by name, each with `person`, their `answers` and how many of them say `cannot_tell`, `checked`, how
        many pairs they looked at that were looked at more than once, `error_rate` and `interval`, see `error_rates`,
        both None for whom no other look checks; `checked_pairs`; their `agreement`; `kappa`. Answers of machines are
        left out.
    """
    checked = [pair for pair in looks(_of_people(answers if given is None else given), revocations) if len(pair) > 1]
    decided = [[look for look in pair if look.decision != "cannot_tell"] for pair in checked]
    rates = error_rates([[(look.annotator, look.decision == "same") for look in pair] for pair in decided])
    own = Counter(answer.annotator for answer in _of_people(answers))
    unclear = Counter(answer.annotator for answer in answers if answer.decision == "cannot_tell")
    seen = Counter(person for pair in checked for person in {look.annotator for look in pair})
    people = []
    for person in sorted(own | seen):
        rate = rates.get(person)
        people.append(
            {
                "person": person,
                "answers": own[person],
                "cannot_tell": unclear[person],
                "checked": seen[person],
                "error_rate": None if rate is None else rate.rate,
                "interval": None if rate is None else [rate.low, rate.high],
            }
        )
    return {"people": people, "checked_pairs": len(checked), "agreement": agreement(checked), "kappa": kappa(checked)}


def agreement_in_words(found: dict[str, Any]) -> str:
    """How far people agree, in words.

    Args:
        found: of `people_report`, with pairs that were looked at twice.
    """
    pairs = found["checked_pairs"]
    kappa = "" if found["kappa"] is None else f", Cohen's kappa between people {found['kappa']:.2f}"
    count = "1 pair was" if pairs == 1 else f"{pairs} pairs were"
    return f"{count} looked at twice; the looks agree on {found['agreement']:.0%}{kappa}"


def _of_people(answers: Sequence[Answer]) -> list[Answer]:
    return [answer for answer in answers if not answer.annotator.startswith(MACHINE)]


def _first_of_two(pair: Sequence[Answer]) -> dict[str, Decision] | None:
    """What the first two people say of a pair at their first looks; None where there is one person only."""
    first: dict[str, Decision] = {}
    for look in pair:
        first.setdefault(look.annotator, look.decision)
    return dict(list(first.items())[:2]) if len(first) > 1 else None
