"""The step: ask when it is time, keep the answers, return pseudo-labels that satisfy all of them.

Whoever owns the training loop calls `ActiveLearner.step` once an epoch. The step does not know who called.
"""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, cast, get_args

import numpy as np
import pandas as pd

from aas_plugin.active.questions import Question
from aas_plugin.clustering.graph import Graph
from aas_plugin.clustering.jaccard import JaccardGraph, jaccard_graph
from aas_plugin.constraints.answers import Answer, AnswerLog
from aas_plugin.constraints.closure import Constraints
from aas_plugin.constraints.np3 import np3
from aas_plugin.constraints.replay import replay
from aas_plugin.errors import AasError
from aas_plugin.files import read_table, write_json_lines, write_table
from aas_plugin.sampling.aas import AasOptions, ambiguity_aware_pairs
from aas_plugin.sampling.views import Views, make_views
from aas_plugin.settings.models import EPS_MARGIN, ActiveSettings, ClusteringSettings
from aas_plugin.training.seeds import seeded_rng

Decision = Literal["same", "different", "cannot_tell"]
DECISIONS = get_args(Decision)

Answerer = Callable[[Question], str | None]
Selector = Callable[["ActiveLearner", Views, int, np.random.Generator], pd.DataFrame]


@dataclass(frozen=True)
class StepResult:
    """What a step gives back.

    `labels` int64 `(N,)` satisfy every answer. `waiting` is True when questions lie in `pending.jsonl` without
    an answer: save your state, end, and call the step of this epoch again once they are answered. `report`
    tells what was asked, None in an epoch that asks nothing.
    """

    labels: np.ndarray
    waiting: bool = False
    report: dict[str, Any] | None = None


def select_aas(learner: ActiveLearner, views: Views, budget: int, rng: np.random.Generator) -> pd.DataFrame:
    """Ambiguity-aware sampling with the paper's settings."""
    return ambiguity_aware_pairs(views, budget, rng, AasOptions(), learner.known)


@dataclass
class ActiveLearner:
    """Active learning over a fixed list of images, by pairwise questions.

    `paths` name the images in the order of every array that is passed in; answers are kept by path in
    `folder/answers.jsonl`, so that the list may grow between runs. `answer` is asked for one pair at a time
    and returns "same", "different", "cannot_tell", or None for "not yet". `select` chooses the pairs,
    ambiguity-aware sampling by default. `hashes` are content hashes, kept with each answer. Nearest neighbours
    are searched on `device`, as torch names it.

    Raises `AasError` when a path stands twice, and what reading the answer log raises.
    """

    paths: Sequence[str]
    answer: Answerer
    folder: Path | str = Path("active")
    hashes: Sequence[str] | None = None
    select: Selector = select_aas
    active: ActiveSettings = field(default_factory=ActiveSettings)
    clustering: ClusteringSettings = field(default_factory=ClusteringSettings)
    annotator: str = "anonymous"
    seed: int = 0
    device: str = "cpu"
    progress: Callable[[int, int], None] | None = None

    def __post_init__(self) -> None:
        self.folder = Path(self.folder)
        self.paths = [str(path) for path in self.paths]
        self._index = {path: position for position, path in enumerate(self.paths)}
        if len(self._index) < len(self.paths):
            twice = next(path for position, path in enumerate(self.paths) if self._index[path] != position)
            raise AasError(f"image {twice!r} stands twice in the list of paths; answers are kept by path")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = AnswerLog(self.folder / "answers.jsonl")
        self.constraints = Constraints(len(self.paths))
        replayed = replay(self.log.answers(), self._index, self.constraints, self.log.path)
        self.about_unknown_images = replayed.unknown
        self._cannot_tell = replayed.cannot_tell

    @property
    def budget(self) -> int:
        """Questions allowed a cycle (paper: a share of all pairs; rounding up, and at least one, are ours)."""
        budget = self.active.budget
        if budget >= 1 or budget == 0:
            return min(int(budget), self.all_pairs)
        return max(1, math.ceil(budget * self.all_pairs - 1e-9))

    @property
    def all_pairs(self) -> int:
        """Number of pairs of images."""
        return len(self.paths) * (len(self.paths) - 1) // 2

    def known(self, pairs: np.ndarray) -> np.ndarray:
        """Whether each pair, int64 `(P, 2)`, is not to be asked: bool `(P,)`.

        True where the answer follows from those given, and where a person could not tell.
        """
        follows = self.constraints.entailed_mask(pairs)
        if self._cannot_tell:
            follows |= np.fromiter(((u, v) in self._cannot_tell for u, v in pairs.tolist()), bool, len(pairs))
        return np.asarray(follows, dtype=bool)

    def graph(self, features: np.ndarray, progress: Callable[[int, int], None] | None = None) -> JaccardGraph:
        """Distances between the images of `features`, float32 `(N, D)` with L2-normalised rows.

        They reach `EPS_MARGIN` beyond the radius of view A, for methods that also cluster more loosely.
        """
        clustering = self.clustering
        radius = min(clustering.eps + EPS_MARGIN, 1.0)
        return jaccard_graph(
            features, clustering.k1, clustering.k2, radius=radius, device=self.device, progress=progress
        )

    def cycle_at(self, epoch: int) -> int | None:
        """The cycle, counted from 1, that begins with this epoch, or None."""
        cycle, rest = divmod(epoch, self.active.every)
        return cycle + 1 if rest == 0 and cycle < self.active.cycles else None

    def step(
        self,
        features: np.ndarray,
        labels: np.ndarray,
        *,
        epoch: int,
        graph: Graph | None = None,
    ) -> StepResult:
        """Ask, if this epoch begins a cycle, and repair `labels` so that every answer holds.

        `features` float32 `(N, D)` with L2-normalised rows, `(N, 0)` where only a graph is known; `labels` int64
        `(N,)`, -1 for un-clustered; `graph` is computed from the features when it is not given. Labels are
        repaired by NP3. May be called again for the same epoch: what was answered is not asked again.

        Raises `AasError` when an array does not fit the list of images.
        """
        features = np.asarray(features, dtype=np.float32)
        labels = np.asarray(labels, dtype=np.int64)
        for name, array, shape in (("features", features, "(N, D)"), ("labels", labels, "(N,)")):
            if array.ndim != shape.count(",") + (shape == "(N, D)") or len(array) != len(self.paths):
                raise AasError(
                    f"{name} have the shape {array.shape}; {shape} with N = {len(self.paths)} images is needed"
                )
        graph = graph or self.graph(features)
        cycle = self.cycle_at(epoch)
        report = None
        waiting = False
        if cycle is not None:
            report = self._ask(cycle, epoch, features, graph)
            waiting = report["pending"] > 0
        started = time.perf_counter()
        refined = self.refine(labels, graph)
        if report is not None:
            report["seconds"]["np3"] = time.perf_counter() - started
        return StepResult(refined, waiting, report)

    def refine(self, labels: np.ndarray, graph: Graph) -> np.ndarray:
        """Labels, int64 `(N,)`, changed by NP3 as little as it takes for every answer to hold."""
        links = self.constraints
        refined = np3(labels, links.must_links, links.cannot_links, graph.distance)
        broken = links.violations(refined)
        if any(broken):
            raise AssertionError(f"{broken[0]} must-links and {broken[1]} cannot-links do not hold after NP3")
        return refined

    def _ask(self, cycle: int, epoch: int, features: np.ndarray, graph: Graph) -> dict[str, Any]:
        seconds: dict[str, float] = {}
        path = Path(self.folder) / "cycles" / f"{cycle:02d}" / "proposal.parquet"
        started = time.perf_counter()
        if path.exists():
            # Killed, or waiting, since it was drawn: the features may be gone, the questions must not change.
            proposal = read_table(path)
        else:
            views = make_views(
                features,
                graph,
                lambda view: self.refine(view, graph),
                self.clustering.eps,
                self.clustering.min_samples,
                self.active.finch_partition,
            )
            seconds["views"] = time.perf_counter() - started
            started = time.perf_counter()
            proposal = self.select(self, views, self.budget, seeded_rng(self.seed, epoch, "select"))
            self._check(proposal)
            proposal.insert(0, "path_u", [self.paths[u] for u in proposal["u"]])
            proposal.insert(1, "path_v", [self.paths[v] for v in proposal["v"]])
            seconds["select"] = time.perf_counter() - started
            write_table(path, proposal)
        started = time.perf_counter()
        pending = self._collect(proposal, cycle)
        seconds["answer"] = time.perf_counter() - started
        return self._report(cycle, epoch, proposal, pending, seconds)

    def _check(self, proposal: pd.DataFrame) -> None:
        pairs = proposal[["u", "v"]].to_numpy(dtype=np.int64).reshape(-1, 2)
        if len(pairs) > self.budget:
            raise AasError(f"the sampler chose {len(pairs)} pairs, {self.budget} are allowed a cycle")
        if len(pairs) and (pairs.min() < 0 or pairs.max() >= len(self.paths) or (pairs[:, 0] >= pairs[:, 1]).any()):
            raise AasError(f"the sampler must give pairs u < v below {len(self.paths)}")
        if proposal.duplicated(["u", "v"]).any() or self.known(pairs).any():
            raise AasError("the sampler chose a pair twice, or one whose answer is known")

    def _collect(self, proposal: pd.DataFrame, cycle: int) -> int:
        pending = []
        rows = list(zip(proposal["path_u"], proposal["path_v"], proposal["kind"], strict=True))
        for done, (a, b, kind) in enumerate(rows, start=1):
            if self.progress is not None:
                self.progress(done, len(rows))
            if a not in self._index or b not in self._index:
                continue
            u, v = sorted((self._index[a], self._index[b]))
            if self.known(np.array([[u, v]]))[0]:
                continue
            question = Question(u, v, (self.paths[u], self.paths[v]), str(kind), cycle)
            decision = self.answer(question)
            if decision is None:
                pending.append(question)
            elif decision in DECISIONS:
                self._keep(question, decision)
            else:
                raise AasError(f"the oracle answered {decision!r}; answers are {', '.join(DECISIONS)} or None")
        pending = [q for q in pending if not self.known(np.array([[q.u, q.v]]))[0]]
        waiting_list = Path(self.folder) / "pending.jsonl"
        if pending:
            rows_left = [{"a": q.paths[0], "b": q.paths[1], "kind": q.kind, "cycle": cycle} for q in pending]
            write_json_lines(waiting_list, rows_left)
        else:
            waiting_list.unlink(missing_ok=True)
        return len(pending)

    def _keep(self, question: Question, decision: str) -> None:
        answer_id = uuid.uuid4().hex[:12]
        hashes = self.hashes
        self.log.append(
            [
                Answer(
                    id=answer_id,
                    a=question.paths[0],
                    b=question.paths[1],
                    hash_a=hashes[question.u] if hashes is not None else "",
                    hash_b=hashes[question.v] if hashes is not None else "",
                    decision=cast(Decision, decision),
                    annotator=self.annotator,
                    time=datetime.now(UTC).isoformat(timespec="seconds"),
                    cycle=question.cycle,
                    kind=question.kind,
                )
            ]
        )
        if decision == "cannot_tell":
            self._cannot_tell.add((question.u, question.v))
        else:
            self.constraints.add(question.u, question.v, decision == "same", answer_id)

    def _report(
        self, cycle: int, epoch: int, proposal: pd.DataFrame, pending: int, seconds: dict[str, float]
    ) -> dict[str, Any]:
        answers = self.log.answers()
        asked = sum(answer.cycle == cycle for answer in answers)
        # Cycle 0 asks nothing: those answers were imported.
        asked_total = sum(answer.cycle > 0 for answer in answers)
        return {
            "cycle": cycle,
            "epoch": epoch,
            "asked": asked,
            "budget": self.budget,
            "proposed": len(proposal),
            "superfluous": len(proposal) - asked - pending,
            "pending": pending,
            "asked_total": asked_total,
            "imported": len(answers) - asked_total,
            "all_pairs": self.all_pairs,
            "asked_share": asked_total / self.all_pairs if self.all_pairs else 0.0,
            "must_links": len(self.constraints.must_links),
            "cannot_links": len(self.constraints.cannot_links),
            "cannot_tell": len(self._cannot_tell),
            **{key: int(value) for key, value in proposal.attrs.items()},
            "seconds": seconds,
        }
