"""`aas constraints`: answers as named sets that are exported, merged, checked and imported."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from aas_plugin.constraints.answers import Answer

constraints_app = typer.Typer(no_args_is_help=True, help="Keep answers as constraint sets, one file each.")

SetFile = Annotated[Path, typer.Argument(metavar="FILE", help="A constraint set, .csv or .parquet.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="The set to write, .csv or .parquet.")]
Force = Annotated[bool, typer.Option("--force", help="Replace a set, also where that loses answers.")]


@constraints_app.command("export")
def export_set(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run under runs/, its folder, or an answers.jsonl.")],
    output: Output,
    force: Force = False,
) -> None:
    """Write the answers of a run, without those taken back, into a constraint set."""
    from aas_plugin.constraints.sets import from_log
    from aas_plugin.runs.folder import find_run

    answers = from_log(Path(run) if Path(run).is_file() else find_run(run))
    _write(output, answers, force)
    typer.echo(f"{output}: {_counted(len(answers), 'answer')}")


@constraints_app.command("import")
def import_set(
    file: SetFile,
    run_name: Annotated[str, typer.Option("--run-name", help="A run under runs/.")],
) -> None:
    """Add the answers of a constraint set to those of a run; those it has, or took back, stay as they are."""
    from aas_plugin.constraints.importing import import_answers
    from aas_plugin.constraints.sets import read_set
    from aas_plugin.errors import AasError
    from aas_plugin.runs.folder import find_run, lock

    folder = find_run(run_name)
    if not any((folder / name).is_file() for name in ("config.yaml", "answers.jsonl")):
        raise AasError(
            f"{folder} holds no run; begin one with these answers by `aas run --constraints {shlex.quote(str(file))}`"
        )
    given = read_set(file)
    with lock(folder):
        done = import_answers(folder, given, file)
    typer.echo(
        f"{folder / 'answers.jsonl'}: {_counted(done.added, 'answer')} added, {done.there} were there"
        + (f", {done.taken_back} were taken back in this run and stay so" if done.taken_back else "")
        + (f"; {done.asked} of them answer what this run asks" if done.asked else "")
    )
    for sentence in done.told:
        typer.echo(sentence)


@constraints_app.command("merge")
def merge_sets(
    files: Annotated[list[Path], typer.Argument(metavar="FILES...", help="Constraint sets, .csv or .parquet.")],
    output: Output,
    keep: Annotated[
        str | None,
        typer.Option("--keep", help="Where answers contradict each other, keep: newest, first or majority."),
    ] = None,
    force: Force = False,
) -> None:
    """Put several sets into one; refuses contradictions unless told which answers to keep."""
    from aas_plugin.constraints.consistency import KEEPS, refuse_contradictions, resolve
    from aas_plugin.constraints.sets import merge, read_set
    from aas_plugin.errors import AasError

    sets = [read_set(file) for file in files]
    answers = merge(sets)
    typer.echo(f"{sum(map(len, sets))} answers in {_counted(len(sets), 'set')}, {len(answers)} of them distinct")
    if keep is None:
        refuse_contradictions(answers, f"the merger of {', '.join(map(str, files))}")
    else:
        choice = next((name for name in KEEPS if name == keep), None)
        if choice is None:
            raise AasError(f"--keep {keep!r}: choose one of {', '.join(KEEPS)}")
        answers, dropped = resolve(answers, choice)
        for conflict in dropped:
            typer.echo(f"dropped: {conflict}")
    _write(output, answers, force)
    typer.echo(f"{output}: {_counted(len(answers), 'answer')}")


@constraints_app.command("check")
def check_set(
    file: SetFile,
    dataset: Annotated[
        str | None, typer.Option("--dataset", help="Also against a data set by name, a folder of photos, or a CSV.")
    ] = None,
    sets: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One setting.")] = None,
    plugin: Annotated[list[str] | None, typer.Option("--plugin", "-p", help="Load a plugin module.")] = None,
) -> None:
    """Look for contradictions, disagreements and unknown images; exit status 1 if the set contradicts itself."""
    from aas_plugin.constraints.consistency import check
    from aas_plugin.constraints.located import located, moves
    from aas_plugin.constraints.matching_images import Images
    from aas_plugin.constraints.sets import read_set

    answers = read_set(file)
    content = None
    if dataset is not None:
        content = _content(dataset, sets, plugin, answers)
        here = located(answers, Images(list(content), list(content.values())))
        answers = here.answers
        for sentence in moves(here, file):
            typer.echo(sentence)
    found = check(answers, content)
    typer.echo(f"{file}: {_counted(found.answers, 'answer')}")
    contradicted = len(found.contradictions)
    _list(f"{_counted(contradicted, 'answer')} contradicting those before", map(str, found.contradictions))
    disagreements = (
        f"{given[0].a} and {given[0].b}: " + ", ".join(f"{one.decision} ({one.annotator}, {one.id})" for one in given)
        for given in found.disagreements
    )
    _list(f"{_counted(len(found.disagreements), 'pair')} with more than one decision", disagreements)
    if content is not None:
        about = f", {_counted(found.about_missing, 'answer')} about them" if found.missing else ""
        _list(f"{_counted(len(found.missing), 'image')} not in {dataset}{about}", found.missing)
    _list(f"{_counted(len(found.changed), 'image')} with another content than when asked about", found.changed)
    if contradicted:
        raise typer.Exit(1)


@constraints_app.command("stats")
def show_stats(
    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="A constraint set, .csv or .parquet; or a run, whose mended errors then count as errors of people.",
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Count answers, images, people, what the answers entail, and how far people agree."""
    from aas_plugin.constraints.agreement import people_report
    from aas_plugin.constraints.answers import AnswerLog
    from aas_plugin.constraints.consistency import stats
    from aas_plugin.constraints.sets import ENDINGS, from_log, read_set, set_hash
    from aas_plugin.runs.folder import find_run

    if Path(source).suffix.lower() in ENDINGS:
        answers = read_set(Path(source))
        people = people_report(answers)
    else:
        place = Path(source) if Path(source).is_file() else find_run(source)
        answers = from_log(place)
        log = AnswerLog(place / "answers.jsonl" if place.is_dir() else place)
        people = people_report(log.answers(), log.given(), log.revocations())
    numbers: dict[str, Any] = {**stats(answers), "constraints_hash": set_hash(answers)}
    if as_json:
        typer.echo(json.dumps({**numbers, "agreement": people}, indent=2, ensure_ascii=False))
        return
    annotators = numbers.pop("annotators")
    for name, value in numbers.items():
        typer.echo(f"{name.replace('_', ' '):<22}{'-' if value is None else value}")
    for name, own in annotators.items():
        counts = ", ".join(f"{own[key]} {key.replace('_', ' ')}" for key in ("same", "different", "cannot_tell"))
        typer.echo(f"by {name}: {_counted(own['answers'], 'answer')} ({counts}), {own['first']} to {own['last']}")
    _show_agreement(people)


def _show_agreement(people: dict[str, Any]) -> None:
    """A table of people, where pairs were looked at twice."""
    from aas_plugin.constraints.agreement import agreement_in_words

    if not people["checked_pairs"]:
        return
    typer.echo(agreement_in_words(people))
    width = max(len(one["person"]) for one in people["people"])
    typer.echo(f"{'':<{width}}  looked at twice   wrong  95 % interval")
    for one in people["people"]:
        rate = "    -  -"
        if one["error_rate"] is not None:
            low, high = one["interval"]
            rate = f"{one['error_rate']:>5.1%}  {low:.1%} to {high:.1%}"
        typer.echo(f"{one['person']:<{width}}  {one['checked']:>15}   {rate}")


def _write(output: Path, answers: list[Answer], force: bool) -> None:
    """Write a set; one that is there is not replaced if it has answers that the new one lacks."""
    from aas_plugin.constraints.sets import read_set, write_set
    from aas_plugin.errors import AasError

    if output.exists() and not force:
        lost = {answer.id for answer in read_set(output)} - {answer.id for answer in answers}
        if lost:
            raise AasError(
                f"{output} holds {_counted(len(lost), 'answer')} that would be lost; write to another file, or give "
                "--force"
            )
    write_set(output, answers)


def _content(dataset: str, sets: list[str] | None, modules: list[str] | None, answers: list[Answer]) -> dict[str, str]:
    """Content hash of each image of a data set, by path; blank where it is not needed."""
    from aas_plugin.commands.common import given_settings
    from aas_plugin.data.catalogue import content_hashes
    from aas_plugin.plugins.manager import load_plugins
    from aas_plugin.runs.data import read_data
    from aas_plugin.settings.resolving import resolve

    plugins = load_plugins(modules or [])
    catalogue = read_data(plugins, resolve(plugins, given_settings(None, dataset=dataset, sets=sets))).catalogue
    images = {image for one in answers for image in ((one.a, one.hash_a), (one.b, one.hash_b))}
    paths = catalogue.table["path"].to_list()
    part = replace(catalogue, table=catalogue.table[catalogue.table["path"].isin({path for path, _ in images})])
    content = dict(zip(part.table["path"], content_hashes(part), strict=True))
    if all(path in content and digest in ("", content[path]) for path, digest in images):
        return dict.fromkeys(paths, "") | content
    # The others may be there under another path.
    return dict(zip(paths, content_hashes(catalogue), strict=True))


def _list(title: str, lines: Iterable[str]) -> None:
    typer.echo(title)
    for line in lines:
        typer.echo(f"    {line}")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
