"""Which runs may be averaged, and which may be set beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aas_plugin.report.read import FinishedRun, LeftOut
from aas_plugin.report.settings import Settings, differing, facts_of, sampler_labels, spelled, title

FIRST_SAMPLERS = ("none", "random")


@dataclass(frozen=True, eq=False)
class Group:
    """Runs that differ in their seed alone.

    Attributes:
        dataset: the data set's label.
        method: the base method's name.
        sampler: the sampler's label.
        variant: the settings that tell this group from others of the same three, "" where there are none.
        settings: all that must be equal between groups that are compared, without the sampler's.
        runs: one a seed, by seed.
    """

    dataset: str
    method: str
    sampler: str
    variant: str
    settings: Settings
    runs: list[FinishedRun]

    @property
    def label(self) -> str:
        """Sampler and variant."""
        return f"{self.sampler}, {self.variant}" if self.variant else self.sampler


@dataclass
class Comparison:
    """What belongs together.

    Attributes:
        groups: in the order of the tables.
        titles: the data set's title by its label; labels of one title are versions that differ.
        notes: sentences on what was kept apart.
        repeats: runs that repeat others.
    """

    groups: list[Group]
    titles: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    repeats: list[LeftOut] = field(default_factory=list)

    def datasets(self) -> list[str]:
        """Labels of the data sets."""
        return list(dict.fromkeys(group.dataset for group in self.groups))

    def of(self, dataset: str) -> list[Group]:
        """Groups of a data set."""
        return [group for group in self.groups if group.dataset == dataset]


def compare(runs: Sequence[FinishedRun]) -> Comparison:
    """Put runs into groups of equal settings, data and protocol.

    Runs of one seed must agree in the data hash and in the query and gallery. Those of another seed may have
    another split, where it is drawn by the seed, but must be about the same images.
    """
    result = Comparison([])
    samplers = sampler_labels(runs)
    blocks: dict[str, list[tuple[Settings, list[FinishedRun]]]] = {}
    for run in runs:
        known = blocks.setdefault(title(run), [])
        facts = facts_of(run)
        settings = {key: value for key, value in facts.items() if key.startswith(("dataset.", "evaluation."))}
        for other, members in known:
            if other == settings and all(_same_data(run, member) for member in members):
                members.append(run)
                break
        else:
            known.append((settings, [run]))
    for name in sorted(blocks):
        labels = _block_labels(name, blocks[name])
        if len(labels) > 1:
            result.notes.append(f"{name} is shown as {len(labels)} data sets: {_why_apart(blocks[name])}.")
        for label, (_, members) in zip(labels, blocks[name], strict=True):
            result.titles[label] = name
            _add_groups(result, label, members, samplers)
    result.groups.sort(key=_order)
    return result


def _same_data(run: FinishedRun, other: FinishedRun) -> bool:
    same_hash = run.state.get("data_hash") == other.state.get("data_hash")
    if run.seed == other.seed:
        return same_hash and run.judged_on == other.judged_on
    return same_hash or run.images == other.images


def _block_labels(name: str, blocks: Sequence[tuple[Settings, list[FinishedRun]]]) -> list[str]:
    if len(blocks) == 1:
        return [name]
    keys = differing([settings for settings, _ in blocks])
    labels = []
    for number, (settings, members) in enumerate(blocks, 1):
        told = [f"{key} {settings.get(key, '-')}" for key in keys]
        labels.append(f"{name} ({', '.join(told or [f'{number}, as for {members[0].name}'])})")
    # Where settings do not tell blocks apart, a number does.
    return [label if labels.count(label) == 1 else f"{label} no. {i}" for i, label in enumerate(labels, 1)]


def _why_apart(blocks: Sequence[tuple[Settings, list[FinishedRun]]]) -> str:
    keys = differing([settings for settings, _ in blocks])
    if keys:
        return spelled(keys, [(settings, members) for settings, members in blocks])
    firsts = [members[0] for _, members in blocks]
    hashes = {str(run.state.get("data_hash")) for run in firsts}
    what = "data hashes" if len(hashes) > 1 else "query and gallery images (protocol.json)"
    told = [f"{run.state.get('data_hash')} in {run.name}" if len(hashes) > 1 else run.name for run in firsts]
    return f"their {what} differ, {' and '.join(told)}"


def _add_groups(
    result: Comparison, dataset: str, runs: Sequence[FinishedRun], samplers: Mapping[FinishedRun, str]
) -> None:
    rows: dict[tuple[str, str], list[tuple[Settings, list[FinishedRun]]]] = {}
    for run in runs:
        apart = ("dataset.", "evaluation.", "sampler.", *(() if run.asks else ("active.", "oracle.", "refiner.")))
        settings = {key: value for key, value in facts_of(run).items() if not key.startswith(apart)}
        variants = rows.setdefault((run.method, samplers[run]), [])
        members = next((members for other, members in variants if other == settings), None)
        if members is None:
            variants.append((settings, [run]))
        else:
            members.append(run)
    for (method, sampler), variants in rows.items():
        keys = differing([settings for settings, _ in variants])
        if keys:
            where = f"{dataset}, {method}, {sampler}"
            result.notes.append(f"{where}: not averaged together, as {spelled(keys, variants)}.")
        for settings, members in variants:
            label = ", ".join(f"{key} {settings.get(key, 'not set')}" for key in keys)
            once = _one_a_seed(result, members)
            result.groups.append(Group(dataset, method, sampler, label, settings, once))


def _one_a_seed(result: Comparison, runs: Sequence[FinishedRun]) -> list[FinishedRun]:
    first: dict[str, FinishedRun] = {}
    for run in runs:
        kept = first.setdefault(run.seed, run)
        if kept is not run:
            mAP: tuple[Any, Any] = (kept.final.get("mAP"), run.final.get("mAP"))
            same = "the same" if mAP[0] == mAP[1] else "another"
            reason = f"repeats seed {run.seed} of {kept.name}, with {same} mAP; the first one counts"
            result.repeats.append(LeftOut(run.name, reason))
    return sorted(first.values(), key=lambda run: (len(run.seed), run.seed))


def _order(group: Group) -> tuple[Any, ...]:
    # The baselines first, so that what is compared with them stands below, as in the paper's table.
    name = group.sampler.split(",")[0]
    rank = FIRST_SAMPLERS.index(name) if name in FIRST_SAMPLERS else len(FIRST_SAMPLERS) + (name == "aas")
    return group.dataset, group.method, rank, group.sampler, group.variant
