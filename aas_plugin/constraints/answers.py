"""The answer log: every answer ever given, one JSON record a line, never rewritten."""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any, Literal, get_args

from aas_plugin.errors import AasError
from aas_plugin.files import sync_folder

if sys.platform != "win32":
    import fcntl

Decision = Literal["same", "different", "cannot_tell"]


@dataclass(frozen=True)
class Answer:
    """What an annotator said about two images.

    Attributes:
        id: short and unique in its log.
        a: path of an image, relative to the catalogue, in POSIX form.
        b: path of the other image.
        hash_a: content hash of a.
        hash_b: content hash of b.
        decision: "same", "different" or "cannot_tell".
        annotator: who answered.
        time: ISO 8601, UTC.
        cycle: the cycle that asked, from 1; 0 if the answer was imported.
        kind: why the pair was asked, such as "over" or "under" (segmentation).
        contradicts: ids of the answers it contradicts; by itself such an answer is kept but gives no constraint.
        repeats: id of the first answer to the question that was asked again, of the same or of other photographs;
            blank for a new question.
        linkage: mean similarity, in [0, 1], of the two clusters that the pair stood for when it was asked; None where
            it stood for none.
        crossing: how many pairs of images lay between these two clusters; None where nobody says.
        reason: why it could not be told, such as "blurred", or that the answer was set aside; blank for none.
    """

    id: str
    a: str
    b: str
    hash_a: str
    hash_b: str
    decision: Decision
    annotator: str
    time: str
    cycle: int
    kind: str
    contradicts: tuple[str, ...] = ()
    repeats: str = ""
    linkage: float | None = None
    reason: str = ""
    crossing: int | None = None

    def __post_init__(self) -> None:
        if self.decision not in get_args(Decision):
            raise ValueError(f"answer {self.id} has the unknown decision {self.decision!r}")


ENDING = 256
"""Bytes by which a log is known again."""

SET_ASIDE = "set aside"
"""Reason of an answer that somebody set aside: it is kept, marked, and not asked again."""


@dataclass(frozen=True)
class Revocation:
    """An answer that was taken back.

    Attributes:
        revokes: its id.
        annotator: who took it back.
        time: ISO 8601, UTC.
        reason: why, such as "undo"; blank where nobody said.
    """

    revokes: str
    annotator: str
    time: str
    reason: str = ""


class AnswerLog:
    """An append-only log of answers and revocations.

    On disk before `append` and `revoke` return. Several processes may share a log: a lock on the file keeps
    them apart (not on Windows, where a log is for one process), and each call first reads what is new.

    Opening a log, or using it again, mends what a killed process may have left: a last line that is cut off
    moves to a file beside the log, whose name ends in ".damaged".

    Attributes:
        path: the log; it need not exist yet.
        damaged: a sentence about the last line set aside, None if there was none.

    Raises:
        AasError: the log cannot be read, or a line other than the last is not a record.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.damaged: str | None = None
        self._answers: list[Answer] = []
        self._ids: set[str] = set()
        self._revoked: dict[str, Revocation] = {}
        self._size = 0  # bytes and lines read so far
        self._lines = 0
        self._end = b""  # the last of these bytes
        self._refresh()

    def answers(self) -> list[Answer]:
        """The answers that are not revoked, in the order they were given."""
        self._refresh()
        return [answer for answer in self._answers if answer.id not in self._revoked]

    @property
    def version(self) -> tuple[int, int]:
        """How many answers and revocations there are; it changes whenever `answers` does."""
        self._refresh()
        return len(self._answers), len(self._revoked)

    def ids(self) -> set[str]:
        """The ids that are taken: those of all answers, also of revoked ones."""
        self._refresh()
        return set(self._ids)

    def given(self) -> list[Answer]:
        """All answers that were ever given, revoked ones among them, in their order."""
        self._refresh()
        return list(self._answers)

    def revocations(self) -> dict[str, Revocation]:
        """What was taken back, by the ids of the answers, in the order in which it was."""
        self._refresh()
        return dict(self._revoked)

    def append(
        self, answers: Iterable[Answer], revokes: Iterable[str] = (), annotator: str = "", reason: str = ""
    ) -> None:
        """Write answers down, all or none.

        Args:
            answers: new ones.
            revokes: ids of answers that they take the place of, which are taken back in the same breath.
            annotator: who takes them back.
            reason: why.

        Raises:
            AasError: the log cannot be written (nothing was kept), an id is taken, or one to take back is not there.
        """
        answers = list(answers)
        with self._open() as file:
            back = [self._revocation(one, annotator, reason) for one in revokes if one not in self._revoked]
            new: set[str] = set()
            for answer in answers:
                if answer.id in self._ids or answer.id in new:
                    raise AasError(f"Answer {answer.id} is already in {self.path}; give it another id.")
                new.add(answer.id)
            self._write(file, [*back, *({"record": "answer", **vars(answer)} for answer in answers)])

    def revoke(self, answer_id: str, annotator: str, reason: str = "") -> None:
        """Take an answer back; one that is already taken back stays so.

        Raises:
            AasError: there is no such answer, or the log cannot be written.
        """
        self.append([], [answer_id], annotator, reason)

    def _revocation(self, answer_id: str, annotator: str, reason: str) -> dict[str, object]:
        if answer_id not in self._ids:
            raise AasError(f"Answer {answer_id} is not in {self.path}, so it cannot be revoked; check its id.")
        who = {"annotator": annotator, "time": datetime.now(UTC).isoformat(timespec="seconds")}
        return {"record": "revocation", "revokes": answer_id, **who, **({"reason": reason} if reason else {})}

    @contextmanager
    def _open(self) -> Iterator[FileIO]:
        """The locked log, mended and read to its end; unbuffered, so that no write is ever pending."""
        self._refuse_lost()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(self.path, "a+b", buffering=0) as file:
                if sys.platform != "win32":
                    fcntl.flock(file, fcntl.LOCK_EX)
                self._read(file)
                yield file
        except OSError as error:
            raise AasError(
                f"The answer log {self.path} cannot be used ({error.strerror}); mend this and try again, "
                "what was written before is kept and nothing of the new."
            ) from error

    def _refresh(self) -> None:
        if self.path.exists():
            with self._open():
                pass
        else:
            self._refuse_lost()

    def _refuse_lost(self) -> None:
        """Raise where answers that were read are in no file any more: what is added would be all that is left."""
        if self._size and not self.path.exists():
            raise AasError(
                f"The answer log {self.path} vanished while it was in use, with {len(self._answers)} answers; put it "
                "back, from a copy if need be, and go on."
            )

    def _read(self, file: FileIO) -> None:
        """Take in what lies after the first `_size` bytes, and mend the last line."""
        if file.seek(0, os.SEEK_END) < self._size:
            raise AasError(f"The answer log {self.path} was cut while it was in use; start again to read it anew.")
        file.seek(self._size - len(self._end))
        data = file.readall()
        if not data.startswith(self._end):
            raise AasError(f"The answer log {self.path} was edited while it was in use; start again to read it anew.")
        data = data[len(self._end) :]
        start = data.rstrip().rfind(b"\n") + 1
        last = data[start:].strip()
        if last and not _is_json(last):
            self._set_aside(file, start + self._size, last)
            data = data[:start]
        elif data and not data.endswith(b"\n"):
            data += b"\n"
            file.write(b"\n")
            os.fsync(file.fileno())
        lines = data.split(b"\n")[:-1]
        numbered = enumerate(lines, self._lines + 1)
        records = [self._parse(line, number) for number, line in numbered if line.strip()]
        for record in records:
            if isinstance(record, Answer):
                self._answers.append(record)
                self._ids.add(record.id)
            else:
                self._revoked.setdefault(record.revokes, record)
        self._size += len(data)
        self._lines += len(lines)
        self._end = (self._end + data)[-ENDING:]

    def _parse(self, line: bytes, number: int) -> Answer | Revocation:
        """An answer or a revocation. Fields that a newer version added are left out."""
        try:
            record = json.loads(line.decode())
            if record["record"] == "revocation":
                told = {name: str(record.get(name, "")) for name in ("annotator", "time", "reason")}
                return Revocation(str(record["revokes"]), **told)
            if record["record"] != "answer":
                raise ValueError(f"unknown kind of record {record['record']!r}")
            known = {field.name: record[field.name] for field in fields(Answer) if field.name in record}
            _check_types(known)
            return Answer(**known | {"contradicts": tuple(known.get("contradicts", ()))})
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise AasError(
                f"Line {number} of {self.path} is not a record of this log ({error!r}); "
                "restore that line from a copy, or remove it."
            ) from error

    def _set_aside(self, file: FileIO, start: int, line: bytes) -> None:
        """Move the last line, which begins at `start`, out of the log."""
        beside = self.path.with_name(self.path.name + ".damaged")
        with open(beside, "ab") as other:
            other.write(line + b"\n")
            other.flush()
            os.fsync(other.fileno())
        sync_folder(self.path.parent)
        file.truncate(start)
        os.fsync(file.fileno())
        self.damaged = f"The last line of {self.path} was cut off and counts no more: it was moved to {beside}."

    def _write(self, file: FileIO, records: list[dict[str, object]]) -> None:
        """Put the records on disk, or none of them."""
        rest = memoryview("".join(json.dumps(record) + "\n" for record in records).encode())
        if not rest:
            return
        size = self._size
        try:
            while rest:
                rest = rest[file.write(rest) :]
            os.fsync(file.fileno())
            if size == 0:
                sync_folder(self.path.parent)
        except BaseException:
            with suppress(OSError):  # what cannot be cut off now is set aside when the log is next read
                file.truncate(size)
            raise
        self._read(file)


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line.decode())
    except (ValueError, RecursionError):
        return False
    return True


def _check_types(record: dict[str, Any]) -> None:
    """Refuse fields of an answer that have another type, which would be found out far from here."""
    for name, value in record.items():
        if name == "contradicts":
            fits = isinstance(value, list) and all(isinstance(one, str) for one in value)
        elif name == "linkage":
            fits = value is None or (isinstance(value, int | float) and 0 <= value <= 1)
        elif name == "crossing":
            fits = value is None or (type(value) is int and value > 0)
        elif name == "cycle":
            fits = type(value) is int and 0 <= value < 2**31
        else:
            fits = isinstance(value, str)
        if not fits:
            raise ValueError(f"{name!r} cannot be {value!r}")
