"""Pairs that were asked: which to show, and in words why each was asked and what its answer did."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

from aas_plugin.active.reasons import facts_of, proposed_pairs, why_asked
from aas_plugin.report.document import Card
from aas_plugin.report.keypoints import Matches
from aas_plugin.report.photos import Photos
from aas_plugin.report.read import FinishedRun, answer_records

SHOWN = 6
FIELDS = frozenset({"id", "a", "b", "decision", "cycle", "kind"})

ANSWERS = {"same": "Same individual", "different": "Different individuals", "cannot_tell": "Could not be told"}

EFFECTS = {
    ("over", "same"): "The two photos, and with them their groups, belong together from now on.",
    ("over", "different"): "The two groups hold different individuals: these photos are kept apart.",
    ("under", "same"): "The photos are one individual: they stay together.",
    ("under", "different"): "The group mixed individuals: these photos are kept apart.",
}
OTHER_EFFECTS = {
    "same": "The photos are kept together.",
    "different": "The photos are kept apart.",
    "cannot_tell": "Nothing changes, and the pair is not asked again.",
}


@dataclass(frozen=True)
class Asked:
    """An answered question: the record of the answer log, and the row of the proposal, empty if there is none."""

    answer: dict[str, Any]
    proposed: dict[str, Any]
    place: int

    @property
    def cycle(self) -> int:
        """The cycle that asked."""
        return int(self.answer["cycle"])

    @property
    def probability(self) -> float:
        """In the draw of its cycle; NaN if unknown."""
        return float(self.proposed.get("probability", math.nan))


def asked_pairs(run: FinishedRun) -> list[Asked]:
    """The answers that a run asked for and that stand, in their order; lines that are no records are skipped."""
    records = answer_records(run.folder)
    revoked = {record.get("revokes") for record in records if record.get("record") == "revocation"}
    proposals: dict[int, dict[frozenset[str], dict[str, Any]]] = {}
    found: list[Asked] = []
    places: Counter[int] = Counter()
    for record in records:
        if record.get("record") != "answer" or not record.keys() >= FIELDS or record["id"] in revoked:
            continue
        cycle = int(record["cycle"])
        if cycle < 1:  # it was imported
            continue
        if cycle not in proposals:
            proposals[cycle] = proposed_pairs(run.folder, cycle)
        row = proposals[cycle].get(frozenset((record["a"], record["b"])), {})
        places[cycle] += 1
        found.append(Asked(record, row, places[cycle]))
    return found


def chosen(pairs: list[Asked], most: int = SHOWN) -> list[Asked]:
    """A few pairs of all kinds, answers and cycles in turn, and among those the likeliest to be drawn."""
    kinds = sorted({(pair.answer["kind"], pair.answer["decision"]) for pair in pairs})
    left = {kind: [pair for pair in pairs if (pair.answer["kind"], pair.answer["decision"]) == kind] for kind in kinds}
    kept: list[Asked] = []
    while len(kept) < most and any(left.values()):
        for kind in kinds:
            if left[kind] and len(kept) < most:
                shown = [pair.cycle for pair in kept]
                best = min(left[kind], key=lambda pair: (shown.count(pair.cycle), pair.cycle, _unlikely(pair)))
                left[kind].remove(best)
                kept.append(best)
    return sorted(kept, key=lambda pair: (pair.cycle, pair.place))


def cards(run: FinishedRun) -> list[Card]:
    """Cards of a few pairs; empty for a run that asked nothing."""
    pairs = asked_pairs(run)
    photos = Photos(run)
    matches = Matches(run, photos)
    in_cycle = Counter(pair.cycle for pair in pairs)
    sampler = run.settings["sampler"]["name"]
    return [_card(pair, photos, matches, in_cycle[pair.cycle], sampler) for pair in chosen(pairs)]


def _card(pair: Asked, photos: Photos, matches: Matches, questions: int, sampler: str) -> Card:
    answer = pair.answer
    kind, decision = str(answer["kind"]), str(answer["decision"])
    effect = EFFECTS.get((kind, decision), OTHER_EFFECTS.get(decision, ""))
    return Card(
        photos=[
            (photos.thumbnail(answer[side], answer.get(f"hash_{side}", "")), str(answer[side])) for side in ("a", "b")
        ],
        tone=decision,
        title=ANSWERS.get(decision, decision),
        lines=[f"Cycle {pair.cycle}, question {pair.place} of {questions}.", why_asked(kind, sampler), effect],
        facts="; ".join(" ".join(fact) for fact in facts_of(pair.proposed)),
        matched=matches.picture(answer),
    )


def _unlikely(pair: Asked) -> tuple[float, int]:
    return (-pair.probability if not math.isnan(pair.probability) else 0.0), pair.place
