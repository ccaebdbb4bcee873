"""The people who answered: how much each did, how far they agree, and how often each errs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

from aas_plugin.constraints.agreement import agreement_in_words, people_report
from aas_plugin.constraints.answers import Answer, Revocation
from aas_plugin.report.compare import Group
from aas_plugin.report.document import Block, Bullets, Cell, Heading, Paragraph, Table
from aas_plugin.report.read import answer_records

COLUMNS = ["run", "person", "answers", "cannot tell", "looked at twice", "wrong %", "95 % interval"]


def people(groups: Sequence[Group]) -> list[Block]:
    """A row for each person of each run; nothing where only machines answered."""
    told = {run.name: _people_of(run.folder) for group in groups for run in group.runs}
    told = {name: found for name, found in told.items() if found["people"]}
    if not told:
        return []
    rows = [[Cell(cell) for cell in (name, *_row(one))] for name, found in told.items() for one in found["people"]]
    blocks: list[Block] = [Heading("Who answered"), Table(COLUMNS, rows, labels=2)]
    twice = [f"{name}: {agreement_in_words(found)}" for name, found in told.items() if found["checked_pairs"]]
    if not twice:
        return [*blocks, Paragraph("No pair was looked at twice, so nothing is known of how often people err.")]
    explained = (
        "Wrong is estimated from the pairs that were looked at twice, as if all pairs were equally hard: what all "
        "mistake alike is not seen. Two people who check only each other tell how often both err together, so the "
        "interval of each begins at 0."
    )
    return [*blocks, Bullets(twice), Paragraph(explained, muted=True)]


def _row(one: dict[str, Any]) -> list[str]:
    numbers = [str(one[key]) for key in ("answers", "cannot_tell", "checked")]
    if one["error_rate"] is None:
        return [one["person"], *numbers, "-", "-"]
    low, high = one["interval"]
    return [one["person"], *numbers, f"{100 * one['error_rate']:.1f}", f"{100 * low:.1f} to {100 * high:.1f}"]


def _people_of(folder: Path) -> dict[str, Any]:
    names = {field.name for field in fields(Answer)}
    given, revocations = [], {}
    for record in answer_records(folder):
        # Logs of earlier versions, and damaged ones, have lines that say less.
        with suppress(TypeError, ValueError, KeyError):
            if record.get("record") == "answer" and record["annotator"]:
                own = {key: value for key, value in record.items() if key in names}
                given.append(Answer(**own | {"contradicts": tuple(own.get("contradicts", ()))}))
            elif record.get("record") == "revocation":
                told = (str(record.get(key, "")) for key in ("annotator", "time", "reason"))
                revocations[str(record["revokes"])] = Revocation(str(record["revokes"]), *told)
    return people_report([one for one in given if one.id not in revocations], given, revocations)
