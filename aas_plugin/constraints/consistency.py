"""Whether a constraint set agrees with itself and with a catalogue, and how to make it agree with itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from aas_plugin.constraints.answers import Answer
from aas_plugin.constraints.closure import Constraints, Contradiction, components
from aas_plugin.constraints.evidence import standing
from aas_plugin.constraints.sets import by_time, images_of
from aas_plugin.errors import AasError

Keep = Literal["newest", "first", "majority"]
KEEPS: tuple[Keep, ...] = get_args(Keep)

VERBS = {"same": "is the same as", "different": "differs from", "cannot_tell": "cannot be told from"}


@dataclass(frozen=True)
class Conflict:
    """An answer, and the answers that together entail the opposite.

    Attributes:
        answer: the one that does not fit; it gives no constraint.
        chain: the others, along the path between its two images; empty if it says that an image differs from
            itself, and where a vote decided against it.
        votes: people of its own opinion, and people of the opposite one; None unless a vote decided.
    """

    answer: Answer
    chain: tuple[Answer, ...]
    votes: tuple[int, int] | None = None

    def __str__(self) -> str:
        if self.votes is not None:
            return f"{_words(self.answer)}, with {self.votes[0]} of its opinion and {self.votes[1]} against"
        why = ", ".join(map(_words, self.chain)) or "an image is always the same as itself"
        return f"{_words(self.answer)}, but {why}"


@dataclass(frozen=True)
class Report:
    """What `check` found.

    Attributes:
        answers: how many there are.
        contradictions: answers that contradict those before them, in the order of `by_time`.
        disagreements: for each pair of images with more than one decision, its answers.
        missing: paths of images that are not in the catalogue, sorted.
        about_missing: how many answers are about one of them.
        changed: paths of images that were asked about with another content than the catalogue's or, without a
            catalogue, than in the first answer, sorted.
    """

    answers: int
    contradictions: list[Conflict]
    disagreements: list[list[Answer]]
    missing: list[str]
    about_missing: int
    changed: list[str]


def check(answers: Iterable[Answer], content: Mapping[str, str] | None = None) -> Report:
    """Check a set against itself and, where `content` is given, against a catalogue.

    An answer that is marked to contradict others gives no constraint and contradicts nothing.

    Args:
        answers: the set, by the paths of the catalogue (see `locate`).
        content: content hash of each image of the catalogue, by path; a blank one is not compared.
    """
    answers = sorted(answers, key=by_time)
    pairs: dict[tuple[str, ...], list[Answer]] = {}
    for answer in answers:
        pairs.setdefault(_pair(answer), []).append(answer)
    asked = [(path, digest) for one in answers for path, digest in ((one.a, one.hash_a), (one.b, one.hash_b))]
    # Of several contents the first stands: later keys of a mapping win.
    known = content if content is not None else dict(sorted(asked[::-1], key=lambda image: image[1] != ""))
    return Report(
        answers=len(answers),
        contradictions=_accept(answers)[1],
        disagreements=[given for given in pairs.values() if len({answer.decision for answer in given}) > 1],
        missing=sorted({path for path, _ in asked if path not in known}),
        about_missing=sum(one.a not in known or one.b not in known for one in answers),
        changed=sorted({path for path, digest in asked if digest and known.get(path) and known[path] != digest}),
    )


def refuse_contradictions(answers: Iterable[Answer], name: str) -> None:
    """Raise `AasError` if a set contradicts itself, with the first chain and the way out; `name` names the set."""
    found = check(answers).contradictions
    if found:
        raise AasError(
            f"{name} contradicts itself in {len(found)} {'place' if len(found) == 1 else 'places'}: {found[0]}; "
            "see all by `aas constraints check FILE`, and choose by "
            f"`aas constraints merge FILES -o FILE --keep {'|'.join(KEEPS)}`"
        )


def resolve(answers: Iterable[Answer], keep: Keep) -> tuple[list[Answer], list[Conflict]]:
    """Drop answers until none contradicts another.

    "newest" and "first" keep answers from that end of time on, and drop each that contradicts those already
    kept. "majority" first counts, for each pair of images, the people who say "same" and those who say
    "different", each by their newest answer: the minority is dropped, both sides where they are as many. Then
    it keeps the answers of most people first, among equals the first. "cannot_tell" and answers that are
    marked to contradict others are always kept.

    Returns:
        The answers kept, in the order of `by_time`, and one conflict for each that was dropped.
    """
    ordered = sorted(answers, key=by_time, reverse=keep == "newest")
    outvoted: list[Conflict] = []
    if keep == "majority":
        people: dict[tuple[str, ...], dict[str, str]] = {}
        for answer in filter(_is_constraint, ordered):
            people.setdefault(_pair(answer), {})[answer.annotator] = answer.decision
        votes = {pair: Counter(opinions.values()) for pair, opinions in people.items()}
        left: list[Answer] = []
        for answer in ordered:
            count = votes.get(_pair(answer), Counter())
            pro = count[answer.decision]
            against = count.total() - pro
            if _is_constraint(answer) and against >= pro:
                outvoted.append(Conflict(answer, (), (pro, against)))
            else:
                left.append(answer)
        ordered = sorted(left, key=lambda answer: -votes.get(_pair(answer), Counter())[answer.decision])
    _, dropped = _accept(ordered)
    gone = {conflict.answer.id for conflict in dropped}
    kept = sorted((answer for answer in ordered if answer.id not in gone), key=by_time)
    return kept, sorted([*outvoted, *dropped], key=lambda conflict: by_time(conflict.answer))


def stats(answers: Iterable[Answer]) -> dict[str, Any]:
    """Numbers of a set.

    Returns:
        `answers`, and of them `same`, `different`, `cannot_tell`; `pairs` and `images` they are about;
        `people`; `first` and `last` time; `must_link_groups` of images that are the same, `must_links_closure`
        and `cannot_links_closure`, pairs of images known to be the same and to differ, given or entailed;
        `contradictions`, answers left out of these; `annotators`, by name, each with `answers`, the three
        decisions, `first` and `last`.
    """
    answers = sorted(answers, key=by_time)
    constraints, conflicts = _accept(answers)
    group = components(constraints.n, constraints.must_links)
    sizes = np.bincount(group, minlength=1)
    apart = np.unique(np.sort(group[constraints.cannot_links], axis=1), axis=0)
    people = sorted({answer.annotator for answer in answers})
    return {
        **_count(answers),
        "pairs": len({_pair(answer) for answer in answers}),
        "images": constraints.n,
        "people": len(people),
        "must_link_groups": int((sizes > 1).sum()),
        "must_links_closure": int((sizes * (sizes - 1) // 2).sum()),
        "cannot_links_closure": int(sizes[apart].prod(axis=1).sum()),
        "contradictions": len(conflicts),
        "annotators": {name: _count([one for one in answers if one.annotator == name]) for name in people},
    }


def _accept(answers: Sequence[Answer]) -> tuple[Constraints, list[Conflict]]:
    """Take answers in order, each that does not contradict those taken, and tell of the others."""
    index = {path: number for number, path in enumerate(images_of(answers))}
    by_id = {answer.id: answer for answer in answers}
    constraints = Constraints(len(index))
    conflicts = []
    for answer in standing(answers):
        if answer.decision == "cannot_tell":
            continue
        try:
            constraints.add(index[answer.a], index[answer.b], answer.decision == "same", answer.id)
        except Contradiction as error:
            conflicts.append(Conflict(answer, tuple(by_id[tag] for *_, tag in error.chain)))
    return constraints, conflicts


def _is_constraint(answer: Answer) -> bool:
    return answer.decision != "cannot_tell" and not answer.contradicts


def _pair(answer: Answer) -> tuple[str, ...]:
    return tuple(sorted((answer.a, answer.b)))


def _words(answer: Answer) -> str:
    return (
        f"{answer.a} {VERBS[answer.decision]} {answer.b} ({answer.annotator}, {answer.time or 'no time'}, {answer.id})"
    )


def _count(answers: Sequence[Answer]) -> dict[str, Any]:
    decisions: Counter[str] = Counter(answer.decision for answer in answers)
    times = [answer.time for answer in answers if answer.time]
    return {
        "answers": len(answers),
        **{name: decisions[name] for name in VERBS},
        "first": times[0] if times else None,
        "last": times[-1] if times else None,
    }
