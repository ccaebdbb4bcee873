"""Tables as people save them: whatever the delimiter, the encoding and the writing of the headers."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

import pandas as pd

from aas_plugin.errors import AasError

DELIMITERS = (",", ";", "\t", "|")
_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


def read_cells(path: Path, encoding: str | None = None) -> pd.DataFrame:
    """Read a table whose cells all are text, the empty ones too; rows and columns without any text are left out.

    The delimiter is the comma, semicolon, tab or bar that cuts most of the header, or what a first line `sep=;` says.
    The encoding is that of a byte order mark, else UTF-8, else Windows-1252, with a warning.

    Args:
        path: a text file with a header.
        encoding: as Python names it; without, it is found out.

    Raises:
        AasError: the file cannot be read, or holds no table.
    """
    header, body = read_rows(path, encoding)
    width = len(header)
    long = next((line for line, row in body if any(cell.strip() for cell in row[width:])), None)
    if long is not None:
        raise AasError(
            f"{path} is no readable table (line {long} has more cells than the header, which has {width}); "
            "put cells with delimiters in them in quotes"
        )
    filled = [row[:width] + [""] * (width - len(row)) for _, row in body]
    kept = [place for place, name in enumerate(header) if name.strip() or any(row[place].strip() for row in filled)]
    names = [header[place] for place in kept]
    return pd.DataFrame([[row[place] for place in kept] for row in filled], columns=names, dtype=str)


def read_rows(path: Path, encoding: str | None = None) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header of a table, and its rows with the line each ends on, but for those without any text: see `read_cells`.

    Raises:
        AasError: the file cannot be read, or holds no table.
    """
    try:
        text = _decoded(path, path.read_bytes(), encoding)
        first, _, rest = text.partition("\n")
        told = first.strip().strip('"').lower()
        delimiter, skipped = None, 0
        if told.startswith("sep=") and len(told) <= 5:
            # The tab itself was stripped.
            delimiter, text, skipped = told[4:] or "\t", rest, 1
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter or _delimiter(text), strict=True)
        rows = [(reader.line_num + skipped, row) for row in reader if any(cell.strip() for cell in row)]
    except OSError as error:
        raise AasError(f"{path} cannot be opened ({error.strerror}); give a table that can be") from error
    except (UnicodeDecodeError, LookupError, csv.Error) as error:
        raise AasError(f"{path} is no readable table ({error}); save it as CSV in UTF-8, with a header") from error
    if not rows or not text.strip("".join(DELIMITERS) + '\r\n" '):
        raise AasError(f"{path} holds no table; save it as CSV in UTF-8, with a header")
    return rows[0][1], rows[1:]


def named_columns(
    table: pd.DataFrame, wanted: Sequence[str], given: Mapping[str, str], path: Path, lenient: bool = False
) -> tuple[pd.DataFrame, list[str]]:
    """Columns under the names that are wanted, whatever the case, blanks and underscores of their headers.

    Args:
        table: as it was read.
        wanted: names, in the order of the result; those that the table lacks are left out.
        given: header of some of them, by name.
        path: of the table, for errors.
        lenient: whether a given header may be absent; then the name itself is looked for.

    Returns:
        The columns, and the headers of those that were not wanted.

    Raises:
        AasError: a given header is not there, or two headers are alike.
    """
    headers = [str(header) for header in table.columns]
    found: dict[str, int] = {}
    for name in wanted:
        header = given.get(name, name)
        alike = _alike(headers, header)
        if not alike and lenient:
            alike = _alike(headers, name)
        if len(alike) > 1:
            raise AasError(
                f"{path} has the column {name!r} {len(alike)} times "
                f"({', '.join(repr(headers[place]) for place in alike)}); keep one, or name another "
                f"by --set dataset.columns.{name}=HEADER"
            )
        if not alike and name in given and not lenient:
            raise AasError(f"{path} has no column {header!r} but {', '.join(map(repr, headers))}; see dataset.columns")
        if alike:
            found[name] = alike[0]
    rest = [header for place, header in enumerate(headers) if place not in found.values()]
    return pd.DataFrame({name: table.iloc[:, place] for name, place in found.items()}), rest


def _alike(headers: Sequence[str], header: str) -> list[int]:
    exact = [place for place, other in enumerate(headers) if other.strip() == header.strip()]
    return exact or [place for place, other in enumerate(headers) if folded(other) == folded(header)]


def folded(header: str) -> str:
    """A header without case, blanks, hyphens and underscores."""
    return "".join(header.replace("_", " ").replace("-", " ").split()).casefold()


def _decoded(path: Path, content: bytes, encoding: str | None) -> str:
    if content[:4] in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
        raise AasError(f"{path} is a workbook; save its sheet as CSV in UTF-8, and give that file")
    marked = next((name for mark, name in _MARKS.items() if content.startswith(mark)), None)
    if encoding or marked:
        return content.decode(encoding or str(marked)).removeprefix("\ufeff")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("cp1252")
        warnings.warn(
            f"{path} is not UTF-8 and is read as Windows-1252; if letters are wrong, say --set dataset.encoding=NAME",
            stacklevel=4,
        )
    if "\0" in text.partition("\n")[0]:
        raise csv.Error("it holds NUL bytes, as UTF-16 without a mark or no text does")
    return text


def _delimiter(text: str) -> str:
    """The delimiter that cuts the header into most named cells, and of those the one that most rows agree to."""
    return max(DELIMITERS, key=lambda mark: _cut(text, mark))


def _cut(text: str, delimiter: str) -> tuple[int, float]:
    """Named cells of the header, and the share of the first rows that are as wide."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        first = [row for row in islice(rows, 100) if any(cell.strip() for cell in row)]
    except csv.Error:
        return 0, 0.0
    if not first:
        return 0, 0.0
    header = first[0]
    return sum(bool(cell.strip()) for cell in header), sum(len(row) == len(header) for row in first) / len(first)
