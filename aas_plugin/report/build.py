"""The report: its sections in order, and both files."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from aas_plugin.errors import AasError
from aas_plugin.report.compare import Comparison, compare
from aas_plugin.report.document import (
    BELOW,
    Block,
    Bullets,
    Cards,
    Cell,
    Code,
    Curves,
    Heading,
    Paragraph,
    Settings,
    Table,
)
from aas_plugin.report.equal import equal_questions, equal_table
from aas_plugin.report.figures import curves
from aas_plugin.report.individuals import individuals
from aas_plugin.report.label_figures import label_curves
from aas_plugin.report.markdown import markdown
from aas_plugin.report.page import html
from aas_plugin.report.pairs import cards
from aas_plugin.report.paper import paper_table
from aas_plugin.report.people import people
from aas_plugin.report.read import FinishedRun, LeftOut, find_runs, flat, read_runs
from aas_plugin.report.settings import AXES, some
from aas_plugin.report.statistics import LEVEL, SignedRank, signed_ranks
from aas_plugin.report.tables import over_datasets, questions_table, results, results_table, significance_table
from aas_plugin.runs.outcome import outcome_in_words

WORDS = (
    "mAP: a photo is searched for in the gallery of known individuals; how high up the right photos stand, on "
    "average. 100 is perfect.",
    "mINP: how far down the last right photo stands; it tells of the hardest match.",
    "top-1: share of photos whose nearest gallery photo is of the right individual.",
    "BAKS: the same, every individual counting alike, however often it was photographed.",
    "AUC-ROC: how well individuals that are not in the gallery are told from those that are; 50 is chance.",
    "Questions: pairs of photos that were answered, and their share of all pairs of training photos.",
)


def write_report(names: Sequence[str], output: Path) -> tuple[int, list[LeftOut]]:
    """Compare runs on one page, and beside it in Markdown.

    Args:
        names: run folders, or names of runs.
        output: the HTML file.

    Returns:
        The number of runs on the page, and what is left out.

    Raises:
        AasError: a name is nothing, no run is finished, or a file cannot be written.
    """
    if output.suffix.lower() not in (".html", ".htm"):
        raise AasError(f"-o {output}: give the name of an HTML file, such as report.html")
    runs, left_out = read_runs(find_runs(names))
    if not runs:
        reasons = "; ".join(f"{run.name} {run.reason}" for run in left_out)
        raise AasError(f"there is no finished run to report on: {reasons}; let one finish")
    comparison = compare(runs)
    left_out += comparison.repeats
    blocks = document(runs, comparison, left_out)
    for path, text in ((output, html(blocks)), (output.with_suffix(".md"), markdown(blocks))):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise AasError(f"{path} cannot be written ({error.strerror}); give another place with -o") from error
    return len(runs) - len(comparison.repeats), left_out


def document(runs: Sequence[FinishedRun], comparison: Comparison, left_out: Sequence[LeftOut]) -> list[Block]:
    """All sections."""
    counts = (
        _counted(len(runs) - len(comparison.repeats), "run"),
        _counted(len(comparison.datasets()), "data set"),
        _counted(len({group.method for group in comparison.groups}), "method"),
        _counted(len({group.sampler for group in comparison.groups}), "sampler"),
        _counted(len({run.seed for run in runs}), "seed"),
    )
    return [
        Heading("Active learning for re-identification: a report", 1),
        Paragraph(f"{', '.join(counts)}."),
        *_left_out(left_out),
        *_results(comparison),
        *(_paper(comparison) if any(run.settings.get("preset") == "paper" for run in runs) else []),
        *_curves(comparison),
        *_labels(comparison),
        Heading("Questions in each cycle"),
        questions_table(comparison.groups),
        *individuals(comparison.groups),
        *people(comparison.groups),
        *_equal(comparison),
        *_tests(signed_ranks(comparison.groups)),
        *_pairs(comparison),
        *_what_was_run(runs),
    ]


def _left_out(left_out: Sequence[LeftOut]) -> list[Block]:
    if not left_out:
        return []
    return [
        Paragraph(f"{_counted(len(left_out), 'run')} left out of all numbers:"),
        Bullets([f"{run.name}: {run.reason}" for run in left_out]),
    ]


def _results(comparison: Comparison) -> list[Block]:
    datasets = comparison.datasets()
    blocks: list[Block] = [
        Heading("Results"),
        Paragraph(
            "Numbers after the last cycle, mean ± standard deviation over seeds (- with one seed), in percent but for "
            f"the questions. Untrained is the model before any training; {BELOW} marks numbers below those of the same "
            "method's untrained model. The best of each column is marked."
        ),
    ]
    rows = over_datasets(comparison)
    if rows:
        blocks.append(results_table(rows, "Mean over data sets", covered=True))
        if len({row.datasets for row in rows}) > 1:
            blocks.append(Paragraph("Of these rows, only those over the same data sets compare."))
    blocks += [results_table(results(comparison.of(dataset)), dataset) for dataset in datasets]
    if comparison.notes:
        blocks += [Paragraph("Kept apart, as these runs cannot be compared:"), Bullets(comparison.notes)]
    told = {run.name: outcome_in_words(run.final) for group in comparison.groups for run in group.runs}
    told = {name: words for name, words in told.items() if words}
    if told:
        blocks.append(Heading("Where training did not help", 3))
        blocks.append(Bullets([f"{name}: {words}" for name, words in told.items()]))
    return [*blocks, Heading("What the columns mean", 3), Bullets(WORDS)]


def _paper(comparison: Comparison) -> list[Block]:
    table = paper_table([row for dataset in comparison.datasets() for row in results(comparison.of(dataset))])
    if table is None:
        return []
    told = (
        "Figures of the paper are means of its 13 wildlife data sets. They compare with those here only where these "
        "are of the same data. Foundation models and methods without an adapter here have no row. GBAS and LBAS are "
        "after descriptions, and the schedule of the skyline is ours, as the paper gives none."
    )
    return [Heading("Beside the paper"), Paragraph(told), table]


def _curves(comparison: Comparison) -> list[Block]:
    blocks: list[Block] = [
        Heading("Quality against questions"),
        Paragraph("A point a cycle, a line a sampler; the band is a standard deviation over seeds to either side."),
    ]
    for dataset in comparison.datasets():
        for method in dict.fromkeys(group.method for group in comparison.of(dataset)):
            drawn = curves([group for group in comparison.of(dataset) if group.method == method])
            blocks.append(Heading(f"{dataset}, {method}", 3))
            blocks.append(Curves(drawn) if drawn else Paragraph("Nothing was evaluated."))
    return blocks


def _labels(comparison: Comparison) -> list[Block]:
    blocks: list[Block] = []
    for dataset in comparison.datasets():
        for method in dict.fromkeys(group.method for group in comparison.of(dataset)):
            drawn = label_curves([group for group in comparison.of(dataset) if group.method == method])
            blocks += [Heading(f"Labels of {dataset}, {method}", 3), Curves(drawn)] if drawn else []
    told = (
        "The ARI says how well labels agree with the individuals; 100 is perfect, 0 is chance. Between an empty and a "
        "full dot are the answers of one cycle, on the same features; between two cycles are the epochs. Bands are a "
        "standard deviation over seeds to either side."
    )
    return [Heading("What answers and epochs do to the labels"), Paragraph(told), *blocks] if blocks else []


def _equal(comparison: Comparison) -> list[Block]:
    found = equal_questions(comparison.groups)
    table = equal_table(comparison.groups, found)
    if table is None:
        return []
    told = (
        "mAP at shares of the questions of whoever asked most with the same data, method and seed, on straight lines "
        "between cycles; who asks no more keeps its last mAP, and who asks nothing its final one. The area is the mean "
        "over all these questions. At equal questions one sampler may be in a later cycle, and so trained for longer."
    )
    areas = signed_ranks(comparison.groups, lambda run: found[run].area if run in found else None)
    blocks: list[Block] = [Heading("At equal questions"), Paragraph(told), table]
    if areas:
        blocks += [Paragraph("Wilcoxon's signed-rank test on the areas, paired as below:"), significance_table(areas)]
    return blocks


def _tests(tests: Sequence[SignedRank]) -> list[Block]:
    blocks: list[Block] = [Heading("Do the samplers differ?")]
    if not tests:
        return [*blocks, Paragraph("There is one sampler only, and so nothing to test.")]
    blocks += [
        Paragraph(
            "Wilcoxon's signed-rank test on the final mAP, two-sided, paired over method, data set and seed; pairs "
            "are equal in all other settings. The mAP difference is the first sampler's less the second's, in "
            "percentage points. p is not corrected for the number of tests."
        ),
        significance_table(tests),
    ]
    few = max((test.n - test.equal for test in tests if test.p is None), default=None)
    if few is not None:
        blocks.append(
            Paragraph(
                f"Too few pairs for a test: n pairs cannot give a two-sided p below 2^(1-n), so with {few} pairs or "
                f"fewer (equal ones not counted) no difference, however large, is significant at {LEVEL}. Six are "
                "the fewest that can be."
            )
        )
    return blocks


def _pairs(comparison: Comparison) -> list[Block]:
    blocks: list[Block] = []
    for group in comparison.groups:
        run = group.runs[0]
        shown = cards(run)
        if not shown:
            continue
        blocks += [Heading(f"{group.dataset}, {group.method}, {group.label}", 3)]
        if all(photo is None for card in shown for photo, _ in card.photos):
            where = run.settings["codebase"]["path"] if run.driven else run.settings["dataset"].get("path")
            blocks.append(
                Paragraph(
                    f"The photos of {run.name} are not to be found, or changed since ({where}); run aas report in the "
                    "folder in which the run was started."
                )
            )
        blocks += [Paragraph(f"From {run.name}.", muted=True), Cards(shown)]
    told = "A few of the pairs, from the first run of each kind: what was asked, why, and what the answer did."
    return [Heading("Pairs asked, and why"), Paragraph(told if blocks else "Nothing was asked."), *blocks]


def _what_was_run(runs: Sequence[FinishedRun]) -> list[Block]:
    values: dict[str, dict[str, list[str]]] = {}
    for run in runs:
        for key, value in flat(run.settings):
            if key == "codebase.arguments":  # its flags tell the same, by name
                continue
            values.setdefault(key, {}).setdefault(str(value), []).append(run.name)
    provenance = list(dict.fromkeys(key for run in runs for key, value in run.state.items() if isinstance(value, str)))
    commits = any(run.driven for run in runs)
    lines = []
    for run in runs:
        words = [run.name, run.method, str(run.settings["sampler"]["name"]), run.seed]
        words += [str(run.state.get(key, "not recorded")) for key in provenance]
        words += [str(run.settings["codebase"].get("commit") or "-")[:12] if run.driven else "-"] if commits else []
        lines.append([Cell(word) for word in words])
    names = [key.replace("_", " ") for key in provenance] + (["checkout's commit"] if commits else [])
    columns = ["run", "method", "sampler", "seed", *names]
    blocks: list[Block] = [Heading("What was run"), Table(columns, lines, labels=len(columns))]
    differ = {key: of for key, of in values.items() if len(of) > 1 and key not in AXES}
    blocks.append(Heading("Settings that differ", 3))
    if differ:
        rows = [
            [Cell(key), Cell("; ".join(f"{value} ({some(names, 2)})" for value, names in of.items()))]
            for key, of in differ.items()
        ]
        blocks.append(Table(["setting", "values, and whose they are"], rows, labels=2))
    else:
        blocks.append(Paragraph("None but method, data set, sampler and seed."))
    shared = [(key, next(iter(of))) for key, of in values.items() if len(of) == 1 and key not in AXES]
    commands = "\n".join(map(_command, runs))
    return [
        *blocks,
        Heading("To repeat these runs", 3),
        Paragraph(
            "In the folder in which they were started; runs with the same code give the same numbers.", muted=True
        ),
        Code(commands),
        Heading("Settings that are equal", 3),
        Settings(shared),
    ]


def _command(run: FinishedRun) -> str:
    """The command that makes the run anew, beside the old one."""
    words = ["aas", "run", "--params", f"{run.folder.as_posix()}/config.yaml", "--run-name", f"{run.folder.name}-again"]
    if run.driven:
        codebase = run.settings["codebase"]
        words += ["--codebase", str(codebase["path"]), *(["--fast-jaccard"] if codebase.get("fast_jaccard") else [])]
        words += ["--", *_without_own_folder(run, codebase.get("arguments") or [])]
    return shlex.join(words)


def _without_own_folder(run: FinishedRun, arguments: Sequence[str]) -> list[str]:
    """The script's flags without the one that names a folder inside the run, which a new run gives anew."""
    own = {place for place, word in enumerate(arguments) if Path(word).parts[-2:] == (run.folder.name, "script")}
    return [word for place, word in enumerate(arguments) if place not in own and place + 1 not in own]


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
