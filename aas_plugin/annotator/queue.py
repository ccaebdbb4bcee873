"""The queue: what is asked of whom, and what becomes of each answer."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from typing import Any

from aas_plugin.annotator.audits import Audit, disagree, wants
from aas_plugin.annotator.book import Book, images_in, name_of
from aas_plugin.annotator.groups import between, must_link_groups
from aas_plugin.annotator.leases import FILE as LEASES
from aas_plugin.annotator.leases import Holder, Leases
from aas_plugin.annotator.mending import change, taken_out
from aas_plugin.annotator.progress import folder_key, run_status, to_come
from aas_plugin.annotator.refused import Refused
from aas_plugin.constraints.answer_state import Place
from aas_plugin.constraints.answers import Answer, Decision
from aas_plugin.constraints.matching_images import Images
from aas_plugin.constraints.pending import Pending
from aas_plugin.runs.outlook import outlook_in_words, read_outlook

__all__ = ["QuestionQueue", "Refused", "images_in"]

REASONS = ("other flank", "blurred", "wrong animal", "too far")
WORDS = {"same": "same", "different": "different", "cannot_tell": "cannot tell"}
ACTIVE = 900.0
"""Seconds for which somebody who took a pair counts as being at work."""


class QuestionQueue:
    """The questions in a folder, for several people at a time. What it returns can be written as JSON.

    A pair of images is named "12-57", by their positions in the folder's list. Every answer is on the disk when the
    call returns; one that is sent again under its id is not written again. Several threads may call it.

    Args:
        folder: of a run or of an `ActiveLearner`, with the questions in `pending.jsonl`.
        root: folder that the paths of images are relative to.
        blind: whether nothing is said of a pair before a person has answered it.
        audit: share of the answered pairs that are looked at twice, in [0, 1].
        referee: who looks at pairs on which two people disagree; None for any third person.
        seed: of the draw of pairs that are looked at twice.
        go_on: what to do when all is answered, a sentence.
        finish: whether people may end the run.
        clock: seconds since 1970.

    Attributes:
        folder: the folder.
        root: the folder of the photos.
        photo_problem: says of an image, by its position, why it cannot be judged, or None.
        finishing: whether somebody said that the run is to end; then nothing more is handed out.

    Raises:
        AasError: questions, images or answers cannot be read. So do all methods.
    """

    def __init__(
        self,
        folder: Path,
        *,
        root: Path = Path(),
        blind: bool = False,
        audit: float = 0.0,
        referee: str | None = None,
        seed: int = 0,
        go_on: str | None = None,
        finish: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.folder, self.root = folder, root
        self.photo_problem: Callable[[int], str | None] = lambda image: None
        self.finishing = False
        self._blind, self._go_on, self._finish, self._clock = blind, go_on, finish, clock
        self._audit = Audit(audit, referee, seed)
        self._lock = RLock()
        self._book = Book(folder, root)
        self._leases = Leases(folder / LEASES, clock)
        self._later: dict[str, dict[Place, None]] = {}

    @property
    def images(self) -> Images:
        """The list of images that the folder is about."""
        return self._book.images

    def id_path(self, image: int) -> tuple[str, str]:
        """The path of an image and its content hash, blank where unknown.

        Raises:
            Refused: there is no such image.
        """
        if not 0 <= image < len(self.images.paths):
            raise Refused(f"there is no photo {image}; reload the page", 404)
        return self.images.paths[image], self.images.hashes[image]

    def asked_paths(self) -> list[str]:
        """The paths of all images that are asked about now."""
        with self._lock:
            return list(dict.fromkeys(path for one in self._followed().open().values() for path in (one.a, one.b)))

    def session(self) -> dict[str, Any]:
        """What the page has to know once."""
        name, key = self.folder.resolve().name, folder_key(self.folder)
        return {"run": name, "key": key, "blind": self._blind, "reasons": list(REASONS), "finish": self._finish}

    def state(self, person: str | None) -> dict[str, Any]:
        """How far it is, for everybody and for one person."""
        with self._lock:
            book = self._followed()
            state, left = book.state, {} if self.finishing else book.open()
            asked = [one for one in state.answers.values() if one.cycle > 0]
            checks = 0 if person is None or self.finishing else len(self._checks(person))
            run, outlook = run_status(self.folder), read_outlook(self.folder)
            return {
                "state": "asking" if left or checks else "empty",
                "run": run,
                "answered": len(asked),
                "mine": sum(one.annotator == person for one in asked),
                "left": len(left) + checks,
                "to_come": 0 if run == "finished" or self.finishing else self._to_come(len(left), outlook),
                "outlook": outlook_in_words(outlook) if outlook else "",
                "finishing": self.finishing,
                "contradictions": len(state.contradictions()),
                "disagreements": sum(disagree(looks) for looks in state.looks.values()),
                "go_on": self._after(run) if not left else None,
            }

    def _after(self, run: str) -> str | None:
        """What to do when all is answered, a sentence."""
        if run != "finished":
            return self._go_on
        name = shlex.quote(self.folder.resolve().name)
        return f"Write a table of names by: aas export {name} -o names.csv" if self._finish else None

    def finish(self, person: str) -> dict[str, Any]:
        """End the run with the answers so far; what is left of the questions is asked no more.

        Raises:
            Refused: it is not for the page to end.
        """
        with self._lock:
            if not self._finish:
                raise Refused("this run ends by itself, or by Ctrl-C in its terminal", 409)
            self.finishing = True
            return {"kept": True, "state": self.state(person)}

    def _to_come(self, left: int, outlook: Mapping[str, Any]) -> int | None:
        if outlook:
            remaining = outlook.get("remaining")
            return None if remaining is None else max(0, round(float(remaining["value"])) - left)
        book = self._book
        return to_come(self.folder, len(book.images), sum(map(_asked, book.state.looks.values())), left)

    def left(self) -> int:
        """How many questions have no answer, those that people put off among them."""
        with self._lock:
            return len(self._followed().open())

    def claim(self, person: str, tab: str, held: Sequence[str], want: int) -> dict[str, Any]:
        """Hand out pairs: those that are held and still asked, then new ones, `want` in all.

        Args:
            person: who answers.
            tab: of their browser.
            held: pairs that it has.
            want: how many it wants.
        """
        with self._lock:
            book = self._followed()
            holder, asked = Holder(person, tab), {} if self.finishing else self._asked_of(person)
            free = {name_of(place): place for place in asked if self._leases.free_for(name_of(place), holder)}
            kept = [pair for pair in dict.fromkeys(held) if pair in free]
            kept += [pair for pair in free if pair not in set(kept)][: max(0, want - len(kept))]
            self._leases.hold(kept, holder)
            return {
                "pairs": [book.pair(free[pair], asked[free[pair]]) for pair in kept],
                "gone": [pair for pair in held if pair not in free],
                "state": self.state(person),
            }

    def answer(
        self,
        *,
        id: str,
        person: str,
        tab: str,
        pair: str,
        decision: Decision,
        reason: str = "",
        replaces: str | None = None,
        key: str | None = None,
    ) -> dict[str, Any]:
        """Write an answer down; one that denies others is marked, has no effect, and is given back with them.

        Args:
            id: of the answer, chosen by the page.
            person: who answers.
            tab: of their browser.
            pair: the two images.
            decision: "same", "different" or "cannot_tell".
            reason: why it cannot be told.
            replaces: id of an answer of the same person to the same pair that it takes the place of.
            key: of the pair, as it was handed out; None to take what has this name by now.

        Raises:
            Refused: the pair is not asked, has an answer, or is another one by now; nothing is kept.
            AasError: the log cannot be written; nothing is kept.
        """
        with self._lock:
            book = self._followed()
            if id not in book.log.ids():
                place = book.place(pair)
                if key is not None and key != book.key(place):
                    raise Refused("the list of photos changed meanwhile, so this was not kept; reload the page", 409)
                was = None if replaces is None else self._own(replaces, person, place)
                asked = was or self._asked_of(person).get(place) or self._overtaken(place)
                if asked is None:
                    raise self._not_asked(place, person)
                self._refuse_unseen(place, decision)
                made = self._made(id, person, asked, decision, reason)
                gone = [] if was is None else [was.id]
                book.write([book.marked(made, without=gone)], gone, person, "changed")
                self._leases.release(pair)
                for put_off in self._later.values():
                    put_off.pop(place, None)
            return self._kept(id, person, tab)

    def later(self, person: str, tab: str, pair: str) -> dict[str, Any]:
        """Put a pair behind all others for one person."""
        with self._lock:
            place = self._followed().place(pair)
            put_off = self._later.setdefault(person, {})
            put_off.pop(place, None)
            put_off[place] = None
            if self._leases.free_for(pair, Holder(person, tab)):
                self._leases.release(pair)
            return {"state": self.state(person)}

    def undo(self, person: str, tab: str, answer: str | None = None) -> dict[str, Any]:
        """Take an answer of one's own back, the last one or the named one; its pair is asked again, of this tab first.

        Raises:
            Refused: there is no such answer of this person.
            AasError: the log cannot be written.
        """
        with self._lock:
            book = self._followed()
            own = self._by(person)
            if answer is None and not own:
                return {"answer": None, "pair": None, "state": self.state(person)}
            again = answer in book.log.revocations()
            back = [one for one in book.given() if one.id == answer and one.annotator == person] if again else []
            if back and book.state.knows(back[0]):
                found = back[0]
            else:
                found = own[-1] if answer is None else self._own(answer, person, None)
                book.write([], [found.id], person, "undo")
            place, holder = book.state.place(found), Holder(person, tab)
            self._later.get(person, {}).pop(place, None)
            asked = self._asked_of(person).get(place)
            if asked is not None and self._leases.free_for(name_of(place), holder):
                self._leases.hold([name_of(place), *self._leases.of(holder)], holder)
            return {
                "answer": book.told(found),
                "pair": None if asked is None else book.pair(place, asked),
                "state": self.state(person),
            }

    def history(self, person: str, before: str | None = None, limit: int = 20) -> dict[str, Any]:
        """A person's answers in force, the newest first, those before one of them."""
        with self._lock:
            book = self._followed()
            own = self._by(person)[::-1]
            ids = [one.id for one in own]
            start = ids.index(before) + 1 if before in ids else 0
            return {"answers": [book.told(one) for one in own[start : start + limit]]}

    def contradictions(self) -> dict[str, Any]:
        """Answers that deny others, each with those that say the opposite."""
        with self._lock:
            book = self._followed()
            return {"contradictions": [found for one in book.state.refused if (found := book.contradiction(one))]}

    def resolve(
        self, *, id: str, person: str, tab: str, answer: str, changes: Sequence[Mapping[str, Any]]
    ) -> dict[str, Any]:
        """Change answers of a contradiction, or set some aside; what denies nothing then has an effect.

        Args:
            id: of this change, chosen by the page.
            person: who changes.
            tab: of their browser.
            answer: id of the answer that denies others.
            changes: each the id of an `answer` and its new `decision`, None to set it aside.

        Raises:
            Refused: one of them is not in force any more; nothing is changed.
            AasError: the log cannot be written; nothing is changed.
        """
        with self._lock:
            book, names = self._followed(), [answer, id]
            if id not in book.log.ids():
                found = change(book, id, person, answer, changes, self._now())
                for old, new in found:
                    if new.decision != old.decision:
                        self._refuse_unseen(book.state.place(old), new.decision)
                book.write([new for _, new in found], [old.id for old, _ in found], person, "contradiction")
                names += [new.id for _, new in found]
            still = next((told for name in names if (told := book.contradiction(name))), None)
            return {"kept": True, "contradiction": still, "state": self.state(person)}

    def may_look(self, pair: str, person: str) -> bool:
        """Whether a person may be told why a pair is asked, and what else is known of it."""
        with self._lock:
            book = self._followed()
            place = book.place(pair)
            if place in self._checks(person):
                return False
            looks = book.state.looks.get(place, [])
            return not self._blind or any(one.annotator == person for one in looks)

    def why(self, pair: str, person: str) -> dict[str, Any]:
        """Why a pair is asked, and other photos of the groups of both.

        Raises:
            Refused: nothing is to be said of it before this person has answered, or it is not asked.
        """
        from aas_plugin.annotator.explaining import explained, groups_beside

        with self._lock:
            if not self.may_look(pair, person):
                raise Refused("why a pair is asked is told once you have answered it", 403)
            book = self._book
            place = book.place(pair)
            look = next(iter(book.state.looks.get(place, [])), None)
            known = look or book.pending.get(place) or book.taken_back.get(place)
            if known is None:
                raise Refused("this pair is not asked any more", 404)
            beside = groups_beside(self.folder, place, book.state.constraints, book.images)
            return {**explained(self.folder, known), "groups": beside, "matches": True}

    def groups(self) -> dict[str, Any]:
        """Groups of images that answers put together, the largest first."""
        with self._lock:
            return {"groups": must_link_groups(self._followed().state)}

    def unmerge_preview(self, photos: Sequence[int]) -> dict[str, Any]:
        """The answers that taking these images out of their group would take back."""
        with self._lock:
            book = self._followed()
            return {"answers": [book.told(one) for one in between(book.state, photos)]}

    def unmerge(
        self, *, id: str, person: str, tab: str, photos: Sequence[int], answers: Sequence[str]
    ) -> dict[str, Any]:
        """Take images out of their group, by taking back what put them there; these pairs are asked again.

        Raises:
            Refused: other answers than those of the preview would be taken back by now.
            AasError: the log cannot be written.
        """
        with self._lock:
            book = self._followed()
            book.write([], taken_out(book, photos, answers), person, "unmerge")
            return {"kept": True, "state": self.state(person)}

    def people(self) -> dict[str, Any]:
        """How far people agree: see `people_report`."""
        from aas_plugin.constraints.agreement import people_report

        with self._lock:
            book = self._followed()
            answers, given, back = list(book.state.answers.values()), book.given(), book.log.revocations()
        # It takes seconds where many pairs were looked at twice, in which others answer.
        return people_report(answers, given, back)

    def _followed(self) -> Book:
        self._book.follow()
        return self._book

    def _now(self) -> str:
        return datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="seconds")

    def _by(self, person: str) -> list[Answer]:
        """A person's answers in force, in their order."""
        return [one for one in self._book.state.answers.values() if one.annotator == person and one.cycle > 0]

    def _checks(self, person: str) -> dict[Place, Pending]:
        """Answered pairs that a person should look at once more, as questions."""
        looked = self._book.state.looks
        if not self._audit.share and all(len(looks) < 2 for looks in looked.values()):
            return {}
        own = {one.id: number for number, one in enumerate(self._by(person))}
        others, now = self._leases.active(person, ACTIVE), self._clock()
        found = {}
        for place, looks in looked.items():
            last = max((own[look.id] for look in looks if look.id in own), default=-1)
            if wants(self._audit, looks, person, others, len(own) - 1 - last, now):
                one = looks[0]
                first = one.repeats or one.id
                found[place] = Pending(one.a, one.b, one.kind, one.cycle, first, one.linkage, one.crossing)
        return found

    def _asked_of(self, person: str) -> dict[Place, Pending]:
        """What a person may be asked, in order: checks, then new questions, then what they put off."""
        found = {**self._checks(person), **self._book.open()}
        put_off = [place for place in self._later.get(person, {}) if place in found]
        return {place: found[place] for place in [*(one for one in found if one not in put_off), *put_off]}

    def _overtaken(self, place: Place) -> Pending | None:
        """A question without an answer of its own that was on the screen when its answer began to follow."""
        if place in self._book.state.looks:
            return None
        return self._book.pending.get(place) or self._book.taken_back.get(place)

    def _own(self, answer: str, person: str, place: Place | None) -> Answer:
        """An answer in force of this person, to this pair."""
        state = self._book.state
        found = state.answers.get(answer)
        if found is None or found.annotator != person or (place is not None and state.place(found) != place):
            raise Refused("this answer is not one of yours that counts now; look at your answers again", 409)
        return found

    def _not_asked(self, place: Place, person: str) -> Refused:
        looks = self._book.state.looks.get(place, [])
        if looks and looks[-1].annotator == person:
            said = WORDS[looks[-1].decision]
            return Refused(
                f"you answered this pair already ({said}), so this was not kept; look back to change it", 409
            )
        if looks:
            return Refused(f"{looks[-1].annotator} answered this pair meanwhile, so your answer was not kept", 409)
        return Refused("this pair is not asked any more, so your answer was not kept", 409)

    def _refuse_unseen(self, place: Place, decision: Decision) -> None:
        if decision != "cannot_tell":
            problem = next(filter(None, map(self.photo_problem, place)), None)
            if problem is not None:
                raise Refused(f"{problem.rstrip('.')}, so this answer was not kept", 409)

    def _made(self, id: str, person: str, asked: Pending | Answer, decision: Decision, reason: str) -> Answer:
        """The record of an answer."""
        return Answer(
            id=id,
            a=asked.a,
            b=asked.b,
            hash_a=self._book.hash_of(asked.a),
            hash_b=self._book.hash_of(asked.b),
            decision=decision,
            annotator=person,
            time=self._now(),
            cycle=asked.cycle,
            kind=asked.kind,
            repeats=asked.repeats,
            linkage=asked.linkage,
            crossing=asked.crossing,
            reason=reason if decision == "cannot_tell" else "",
        )

    def _kept(self, id: str, person: str, tab: str) -> dict[str, Any]:
        """What is said of an answer that is in the log."""
        book = self._book
        answer = book.state.answers.get(id) or next(one for one in book.given() if one.id == id)
        if not book.state.knows(answer):
            raise Refused("its photos are not in the list any more, where it was kept before; reload the page", 409)
        asked = {name_of(place) for place in self._asked_of(person)}
        return {
            "kept": True,
            "answer": book.told(answer),
            "contradiction": book.contradiction(id),
            "gone": sorted(self._leases.of(Holder(person, tab)) - asked),
            "state": self.state(person),
        }


def _asked(looks: Sequence[Answer]) -> bool:
    """Whether one of the answers to a pair is to a question of the run, and not imported."""
    return any(look.cycle > 0 for look in looks)
