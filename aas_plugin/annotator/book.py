"""A folder's questions and answers as they are now, whoever writes them, and what is said of them in JSON."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from aas_plugin.annotator.questions import images_of_folder, is_open, pending_of, taken_back
from aas_plugin.annotator.refused import Refused
from aas_plugin.constraints.answer_state import AnswerState, Place, marked_anew, state_of
from aas_plugin.constraints.answers import Answer, AnswerLog
from aas_plugin.constraints.listed import FILE as IMAGES
from aas_plugin.constraints.located import located
from aas_plugin.constraints.matching_images import Images
from aas_plugin.constraints.pending import FILE as PENDING
from aas_plugin.constraints.pending import Pending
from aas_plugin.data.catalogue import content_hash
from aas_plugin.errors import AasError


class Book:
    """Questions and answers of a folder; it follows what the run, and others, write there.

    Args:
        folder: with the questions in `pending.jsonl`.
        root: folder that the paths of images are relative to.

    Attributes:
        log: the answers.
        images: the list of images.
        index: position of each by its path.
        state: what the answers amount to.
        pending: the questions that the run left, by the positions of their images.
        taken_back: questions that are open again.

    Raises:
        AasError: questions, images or answers cannot be read.
    """

    images: Images
    index: dict[str, int]
    state: AnswerState
    pending: dict[Place, Pending]
    taken_back: dict[Place, Pending]

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder, self.root = folder, root
        self.log = AnswerLog(folder / "answers.jsonl")
        self._read: dict[str, Any] = {}
        self.follow()

    def follow(self) -> None:
        """Read what is new in the folder."""
        try:
            version = self.log.version
        except AasError:
            if not self.log.path.exists():
                raise
            # Cut or mended by hand: what is there now counts.
            self.log = AnswerLog(self.log.path)
            version = self.log.version
            self._read.pop("log", None)
        seen: dict[str, Any] = {name: _stamp(self.folder / name) for name in (PENDING, IMAGES)} | {"log": version}
        if seen == self._read:
            return
        if seen[IMAGES] is None or seen[IMAGES] != self._read.get(IMAGES):
            self.images = images_of_folder(self.folder, self.log.given())
            self.index = {path: place for place, path in enumerate(self.images.paths)}
        self.state = state_of(located(self.log.answers(), self.images).answers, self.index)
        self.pending = pending_of(self.folder, self.index)
        self.taken_back = taken_back(self.given(), self.state)
        self._read = seen

    def given(self) -> list[Answer]:
        """All answers that ever were, by the paths of the list."""
        return located(self.log.given(), self.images).answers

    def open(self) -> dict[Place, Pending]:
        """Questions that nobody answered, in the order in which they are asked."""
        asked = {**self.taken_back, **self.pending}
        return {place: one for place, one in asked.items() if is_open(one, place, self.state)}

    def place(self, pair: str) -> Place:
        """The images of a pair by its name.

        Raises:
            Refused: there is none of this name.
        """
        first, _, second = pair.partition("-")
        if not (first.isascii() and first.isdigit() and second.isascii() and second.isdigit()):
            raise Refused("a pair is named by two numbers, such as 12-57; reload the page", 400)
        u, v = sorted((int(first[:12]), int(second[:12])))
        if u == v or v >= len(self.images.paths):
            raise Refused(f"there is no pair {pair[:30]}; reload the page", 404)
        return u, v

    def marked(self, answer: Answer, without: Sequence[str] = ()) -> Answer:
        """An answer, marked where it denies others than those that it takes the place of.

        One of several looks at the same photos never is, as votes decide there.
        """
        state, pair = self.state, {answer.a, answer.b}
        if answer.repeats and any(one.id == answer.repeats and {one.a, one.b} == pair for one in self.given()):
            return answer
        if without:
            state = state_of((one for one in state.answers.values() if one.id not in without), self.index)
        if any(look.repeats for look in state.looks.get(state.place(answer), [])):
            return answer
        chain = state.chain(answer)
        return replace(answer, contradicts=tuple(one.id for one in chain)) if chain else answer

    def hash_of(self, path: str) -> str:
        """The content hash of an image, as listed or else as it is now; blank for a lost one."""
        listed = self.images.hashes[self.index[path]]
        if listed:
            return listed
        with suppress(OSError):
            return content_hash(self.root / path)
        return ""

    def write(self, new: Sequence[Answer], gone: Sequence[str], person: str, reason: str) -> None:
        """Write answers, take others back, and mark which answers deny others by then, and which do not any more.

        Args:
            new: answers.
            gone: ids of those that are taken back.
            person: who takes them back.
            reason: why.

        Raises:
            AasError: the log cannot be written; nothing is changed.
        """
        records, back = list(new), list(gone)
        if gone:
            after = [one for one in self.state.answers.values() if one.id not in gone]
            fresh = {one.id: position for position, one in enumerate(new)}
            for old, other in marked_anew([*after, *new], self.index):
                if old in fresh:
                    records[fresh[old]] = replace(other, id=old)
                else:
                    records.append(other)
                    back.append(old)
        self.log.append(records, back, person, reason)
        answers, taken = self._read["log"]
        alone = self.log.version == (answers + len(records), taken)
        if back or not alone or any(one.repeats for one in records):
            self.follow()
        else:
            for one in records:
                self.state.add(one)
            self._read["log"] = self.log.version

    def pair(self, place: Place, question: Pending) -> dict[str, Any]:
        """A question in JSON."""
        ends = {"a": self.index[question.a], "b": self.index[question.b]}
        return {"pair": name_of(place), **ends, "key": self.key(place), "cycle": question.cycle}

    def key(self, place: Place) -> str:
        """What tells the pair of images at two places from the one that another list of images has there."""
        paths = sorted(self.images.paths[image] for image in place)
        return hashlib.sha256("\0".join(paths).encode(errors="surrogatepass")).hexdigest()[:12]

    def told(self, answer: Answer) -> dict[str, Any]:
        """An answer in JSON."""
        place = self.state.place(answer)
        return {
            "id": answer.id,
            "pair": name_of(place),
            "key": self.key(place),
            "a": self.index[answer.a],
            "b": self.index[answer.b],
            "decision": answer.decision,
            "reason": answer.reason,
            "person": answer.annotator,
            "time": answer.time,
            "cycle": answer.cycle,
            "in_effect": answer.id in self.state.in_effect,
        }

    def contradiction(self, answer: str) -> dict[str, Any] | None:
        """An answer that is refused, and those that say the opposite, in JSON; None where it denies nothing."""
        found = self.state.refused.get(answer)
        chain = [] if found is None else self.state.chain(found)
        if found is None or not chain:
            return None
        return {"answer": self.told(found), "chain": [self.told(one) for one in chain]}


def name_of(place: Place) -> str:
    """The name of a pair."""
    return f"{place[0]}-{place[1]}"


def images_in(result: Any) -> set[int]:
    """The positions of all images that a result of the queue names."""
    if isinstance(result, Mapping):
        own = {result[end] for end in ("a", "b") if isinstance(result.get(end), int)}
        own |= set(result["photos"]) if isinstance(result.get("photos"), list) else set()
        if isinstance(result.get("groups"), list):
            own |= {image for one in result["groups"] if isinstance(one, list) for image in one}
        return own.union(*map(images_in, result.values()))
    return set().union(*map(images_in, result)) if isinstance(result, (list, tuple)) else set()


def _stamp(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
