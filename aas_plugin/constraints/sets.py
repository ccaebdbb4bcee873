"""Constraint sets: answers as a table in a file, to be versioned, merged and begun from."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aas_plugin.constraints.answers import Answer, AnswerLog
from aas_plugin.constraints.located import located
from aas_plugin.constraints.matching_images import Images
from aas_plugin.data.tables import folded, read_rows
from aas_plugin.errors import AasError
from aas_plugin.files import write_atomically

OPTIONAL = ("contradicts", "repeats", "linkage", "reason", "crossing")
COLUMNS = tuple(field.name for field in fields(Answer) if field.name not in OPTIONAL)
"""Columns of a set, one row an answer: text, but for the whole number `cycle`.

The list of ids `contradicts` follows them and, where a question was asked again, `repeats`, where a sampler told them,
the numbers `linkage` and `crossing`, and where somebody gave one, a `reason`.
"""

ENDINGS = (".csv", ".parquet")


def by_time(answer: Answer) -> tuple[datetime, str]:
    """Key that sorts answers from the first to the newest, by id within a second; without a time they come first."""
    try:
        time = datetime.fromisoformat(answer.time)
    except ValueError:
        time = datetime.min
    return time if time.tzinfo else time.replace(tzinfo=UTC), answer.id


def read_set(path: Path) -> list[Answer]:
    """Read a set from CSV or parquet, as the file ends in, in the order of `by_time`.

    Columns that are not those of an answer are left out; only those of `OPTIONAL` may be absent.

    Raises:
        AasError: the file is missing, cannot be read or ends otherwise, a column is missing, or a row is no answer.
    """
    _check_ending(path)
    if not path.is_file():
        raise AasError(f"{path}: no such file; `aas constraints export RUN -o {shlex.quote(str(path))}` writes a set")
    rows = _csv_rows(path) if path.suffix.lower() == ".csv" else _parquet_rows(path)
    return merge([[_answer(row, f"{path}, {place}") for place, row in rows]])


def write_set(path: Path, answers: Iterable[Answer]) -> None:
    """Write a set as CSV (UTF-8) or parquet, as the file ends in; the same answers give the same bytes.

    Raises:
        AasError: the file ends otherwise or cannot be written, or a text is not Unicode.
    """
    _check_ending(path)
    answers = sorted(answers, key=by_time)
    try:
        data = _to_csv(answers) if path.suffix.lower() == ".csv" else _to_parquet(answers)
        write_atomically(path, lambda file: file.write(data))
    except UnicodeEncodeError as error:
        raise AasError(f"{path} cannot hold {error.object!r}, which is not Unicode; rename that image") from error
    except (AasError, OSError) as error:
        reason = getattr(error.__cause__ or error, "strerror", error)
        raise AasError(f"{path} cannot be written ({reason}); mend this, or write the set to another place") from error


def from_log(path: Path) -> list[Answer]:
    """The answers of a run's folder or of an `answers.jsonl`, without those taken back, in the order of `by_time`.

    Raises:
        AasError: there is no log, or it cannot be read.
    """
    log = path / "answers.jsonl" if path.is_dir() else path
    if not log.is_file():
        raise AasError(f"{path} has no answers (no {log}); name a run under runs/, its folder, or an answers.jsonl")
    return sorted(AnswerLog(log).answers(), key=by_time)


def set_hash(answers: Iterable[Answer]) -> str:
    """Hash a set, whatever kind of file it lies in: the first 16 hexadecimal digits of a SHA-256."""
    return hashlib.sha256(_to_csv(sorted(answers, key=by_time))).hexdigest()[:16]


def merge(sets: Iterable[Iterable[Answer]]) -> list[Answer]:
    """All answers of several sets, each once, in the order of `by_time`; the order of the sets does not matter.

    An answer is known by its id. A run that began from a set keeps its ids and may know the images by other
    paths, so two copies may differ in cycle, and in a path where the content hash is the same; the copy that
    says in which cycle it was asked is kept.

    Raises:
        AasError: two answers of the same id say different things.
    """
    found: dict[str, Answer] = {}
    for answer in (answer for answers in sets for answer in answers):
        other = found.setdefault(answer.id, answer)
        if _content(other) != _content(answer):
            raise AasError(
                f"two answers have the id {answer.id}: {_words(other)}, and {_words(answer)}; take one of them out "
                "or give it another id"
            )
        found[answer.id] = max(other, answer, key=lambda copy: (copy.cycle, copy.a, copy.b))
    return sorted(found.values(), key=by_time)


def images_of(answers: Iterable[Answer]) -> list[str]:
    """The paths of all images that the answers are about, sorted."""
    return sorted({path for answer in answers for path in (answer.a, answer.b)})


def locate(answers: Iterable[Answer], content: Mapping[str, str]) -> list[Answer]:
    """Answers by the paths of a catalogue: see `located`.

    Args:
        answers: a set.
        content: content hash of each image of the catalogue, by path; blank where it is not known.
    """
    return located(answers, Images(list(content), list(content.values()))).answers


def _content(answer: Answer) -> tuple[object, ...]:
    images = ((answer.hash_a or answer.a), (answer.hash_b or answer.b))
    return (images, answer.decision, answer.annotator, answer.time, answer.kind, answer.contradicts, answer.repeats)


def _words(answer: Answer) -> str:
    return f"{answer.annotator} says {answer.decision!r} of {answer.a} and {answer.b} ({answer.time})"


def _check_ending(path: Path) -> None:
    if path.suffix.lower() not in ENDINGS:
        raise AasError(f"{path}: a constraint set is a file that ends in {' or '.join(ENDINGS)}; name it so")


def _csv_rows(path: Path) -> Iterable[tuple[str, dict[str, Any]]]:
    header, rows = read_rows(path)
    # A spreadsheet may have changed the case of headers, or put empty columns behind them.
    known = {folded(name): name for name in (*COLUMNS, *OPTIONAL)}
    names = [known.get(folded(cell), cell.strip()) for cell in header]
    _check_columns(path, names)
    for line, row in rows:
        if len(row) < len(names) or any(row[len(names) :]):
            raise AasError(f"{path}, line {line}: {len(row)} cells under {len(names)} columns; mend that line")
        yield f"line {line}", dict(zip(names, row, strict=False))


def _parquet_rows(path: Path) -> Iterable[tuple[str, dict[str, Any]]]:
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(path, page_checksum_verification=True).read()
        rows = table.to_pylist()
    except Exception as error:  # Whatever reads a damaged file raises errors of its own.
        raise AasError(f"{path} cannot be read as parquet ({error}); restore it, or export it anew") from error
    _check_columns(path, table.column_names)
    return [(f"row {number}", row) for number, row in enumerate(rows, start=1)]


def _check_columns(path: Path, found: Sequence[str]) -> None:
    missing = [name for name in COLUMNS if name not in found]
    if missing:
        raise AasError(
            f"{path} lacks the column {', '.join(map(repr, missing))} of a constraint set; "
            "write sets by `aas constraints export`"
        )


def _answer(row: Mapping[str, Any], place: str) -> Answer:
    try:
        text = {name: "" if row.get(name) is None else str(row[name]) for name in (*COLUMNS, "repeats", "reason")}
        blank = [name for name in ("id", "a", "b") if not text[name]]
        if blank:
            raise ValueError(f"{blank[0]!r} is blank")
        others = row.get("contradicts") or []
        others = json.loads(others) if isinstance(others, str) else others
        if not isinstance(others, list) or not all(isinstance(name, str) for name in others):
            raise ValueError(f"'contradicts' must be a list of ids, such as [\"a1\"], and is {others!r}")
        if not re.fullmatch(r"\d+", text["cycle"]):
            raise ValueError(f"the cycle must be a whole number, and is {text['cycle']!r}")
        alike = row.get("linkage")
        given = {"linkage": None if alike is None or alike == "" else float(alike), "contradicts": tuple(others)}
        crossing = row.get("crossing")
        given["crossing"] = None if crossing is None or crossing == "" else int(crossing)
        return Answer(**text | {"cycle": int(text["cycle"])} | given)  # type: ignore[arg-type]
    except ValueError as error:
        raise AasError(f"{place} is no answer: {error}; mend it or take it out") from error


def _columns(answers: Sequence[Answer]) -> tuple[str, ...]:
    """Columns to write: what may be absent only where it is used, so that sets without keep their bytes and hash."""
    used = {"contradicts": True, "repeats": any(answer.repeats for answer in answers)}
    used["reason"] = any(answer.reason for answer in answers)
    used["linkage"] = any(answer.linkage is not None for answer in answers)
    used["crossing"] = any(answer.crossing is not None for answer in answers)
    return (*COLUMNS, *(name for name in OPTIONAL if used[name]))


def _cell(value: str | int | float | tuple[str, ...] | None) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return json.dumps(value) if value else ""
    return value


def _to_csv(answers: Sequence[Answer]) -> bytes:
    columns = _columns(answers)
    rows = [[_cell(getattr(answer, name)) for name in columns] for answer in answers]
    # The writer by itself quotes only the line break that it ends lines with.
    returns = any("\r" in str(cell) for row in rows for cell in row)
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL if returns else csv.QUOTE_MINIMAL)
    writer.writerows([columns, *rows])
    return file.getvalue().encode()


def _to_parquet(answers: Sequence[Answer]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"cycle": pa.int64(), "contradicts": pa.list_(pa.string()), "linkage": pa.float64()}
    kinds["crossing"] = pa.int64()
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in _columns(answers)])
    file = io.BytesIO()
    table = pa.Table.from_pylist([asdict(answer) for answer in answers], schema=schema)
    pq.write_table(table, file, write_page_checksum=True)
    return file.getvalue()
