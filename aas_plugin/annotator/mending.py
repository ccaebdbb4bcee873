"""Mending answers: what contradicts, and groups that do not belong together."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from aas_plugin.annotator.book import Book
from aas_plugin.annotator.groups import between
from aas_plugin.annotator.refused import Refused
from aas_plugin.constraints.answers import SET_ASIDE, Answer


def change(
    book: Book, id: str, person: str, answer: str, changes: Sequence[Mapping[str, Any]], now: str
) -> list[tuple[Answer, Answer]]:
    """The answers that change, each with what takes its place.

    Args:
        book: of the folder.
        id: of the first new answer; the others get ids of their own.
        person: who changes them.
        answer: id of the answer that denies others.
        changes: each the id of an `answer` and its new `decision`, None to set it aside.
        now: ISO 8601, UTC.

    Raises:
        Refused: one of them is not in force any more.
    """
    found: list[tuple[Answer, Answer]] = []
    for one in changes:
        old = book.state.answers.get(str(one["answer"]))
        if old is None:
            raise Refused("an answer of this contradiction was changed meanwhile; look at it again", 409)
        decision = one["decision"]
        if decision == old.decision and old.reason != SET_ASIDE:
            continue
        name = uuid.uuid4().hex[:12] if found else id
        if decision is None:
            # Said by whom it was said, only without any effect from now on.
            against = sorted(({str(other["answer"]) for other in changes} | {answer}) - {old.id})
            new = replace(old, id=name, contradicts=old.contradicts or tuple(against), reason=SET_ASIDE)
        else:
            new = replace(old, id=name, decision=decision, annotator=person, time=now, contradicts=(), reason="")
            new = book.marked(new, without=[*(before.id for before, _ in found), old.id])
        found.append((old, new))
    return found


def taken_out(book: Book, images: Sequence[int], previewed: Sequence[str]) -> list[str]:
    """Ids of the answers that taking images out of their group takes back; none where that is done.

    Raises:
        Refused: they are others than those that were shown.
    """
    found = [one.id for one in between(book.state, images)]
    if not found and set(previewed) <= set(book.log.revocations()):
        return []
    if set(found) != set(previewed):
        raise Refused("other answers were given meanwhile; look again at what would be taken back", 409)
    return found
