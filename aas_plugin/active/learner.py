"""The step: ask when it is time, keep the answers, return pseudo-labels that satisfy all of them.

Whoever owns the training loop calls `ActiveLearner.step` once an epoch. The step does not know who called.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from aas_plugin.active import begun, proposals, rounds
from aas_plugin.active.asking import Scribe, ask, keep_pending
from aas_plugin.active.counting import count_asked, questions_a_cycle
from aas_plugin.active.evidence_trial import EvidenceTrial, filled, pair_scores
from aas_plugin.active.gate import Verdict, gate
from aas_plugin.active.knowledge import Knowledge
from aas_plugin.active.questions import Answerer, Question, call_with_needed, hook_or_function
from aas_plugin.active.refining import MakeGraph, PaperRefiner, keeps_satisfied, refined_by
from aas_plugin.active.schedule import Schedule
from aas_plugin.clustering.arrays import dense
from aas_plugin.clustering.graph import Graph
from aas_plugin.clustering.jaccard import JaccardGraph, jaccard_graph
from aas_plugin.constraints.answers import Answer, AnswerLog
from aas_plugin.constraints.closure import Constraints
from aas_plugin.constraints.located import sentences
from aas_plugin.constraints.matching_images import Images
from aas_plugin.data.photo_list import PhotoList, bare_photos
from aas_plugin.data.unidentified import UNKNOWN, is_unknown
from aas_plugin.errors import AasError
from aas_plugin.files import make_folder
from aas_plugin.fusion.pair_evidence import trial_rounds
from aas_plugin.sampling.aas import AasOptions, ambiguity_aware_pairs
from aas_plugin.sampling.proposal import KnownPairs
from aas_plugin.sampling.views import BareViews, Views, cluster_twice
from aas_plugin.settings.models import EPS_MARGIN, ActiveSettings, ClusteringSettings
from aas_plugin.training.seeds import seeded_rng

Selector = Callable[..., pd.DataFrame]
"""Chooses pairs: a function that takes what it needs of `views`, `known`, `budget`, `rng` and `run`, by name."""


@dataclass(frozen=True)
class StepResult:
    """What a step gives back.

    Attributes:
        labels: int64 (N,); every answer holds in them. They are the labels that were given, number by number,
            where these break no answer.
        waiting: questions lie in `pending.jsonl` without an answer. Save your state, end, and call the step of
            this epoch again once they are answered.
        report: what was asked; None in an epoch that asks nothing.
    """

    labels: np.ndarray
    waiting: bool = False
    report: dict[str, Any] | None = None


def select_aas(views: Views, known: KnownPairs, budget: int, rng: np.random.Generator) -> pd.DataFrame:
    """Ambiguity-aware sampling with the paper's settings."""
    return ambiguity_aware_pairs(views, budget, rng, AasOptions(), known)


@dataclass
class ActiveLearner:
    """Active learning over a fixed list of images, by pairwise questions.

    Answers are kept by path in `folder/answers.jsonl`, so that the list may grow between trainings. Images that moved
    are found again by content, or by the end of their paths: see `aas_plugin.constraints.matching_images`. The folder
    remembers images, settings and seed. A training that was broken off goes on where they are the same. Where they
    are not, and where all questions were asked, somebody has to say what is meant: see `resume`.

    Attributes:
        paths: N distinct images, in the order of every array that is passed in.
        answer: a function from a `Question` to "same", "different", "cannot_tell", or None for "not yet"; or a
            plugin object with the hook `aas_answer`. Asked for one pair at a time.
        folder: where answers and questions are kept.
        hashes: content hash of each image, kept with each answer, by which it is found wherever it lies.
        elsewhere: content hashes of further images by path that answers may be about, such as those of a test side.
        select: chooses the pairs: a plugin object with the hook `aas_select_pairs`, or a function, see `Selector`.
        refiner: makes labels in which every answer holds: a plugin object with the hook `aas_refine`, or a function of
            the same arguments; NP3 by default.
        active: when and how much is asked.
        clustering: neighbours, and radius and core size of view A.
        annotator: who answers.
        seed: of the draw of questions.
        device: where nearest neighbours are searched, as torch names it.
        progress: called with (questions done, all questions).
        identities: individual of each image, None where unknown; for an `answer` that knows them.
        unknown: identities that stand for no individual: see `UNKNOWN`.
        machine: whether answers are those of a machine, which are written in batches. Of a plugin object it is its
            attribute `machine`.
        evidence: scores of pairs beside the features: a plugin object with the hook `aas_pair_scores`, scipy's CSR
            (N, N), or scores by name, see `Scores`; None for none. They count once a trial is passed: `PairEvidence`.
        photos: what the hook is told of the images; by default their files and `hashes`.
        cache: folder in which the hook may keep what it computed.
        tasks: from the name of a long task of the hook to what is told how far it is.
        wait: is called when questions are left without an answer. True says that people may have answered them by now,
            and the step goes on; False, and None in its place, that the step is to end.
        enough: is called when questions are still without an answer then. True leaves them unasked, and the step goes
            on without them.
        resume: True goes on with what the folder holds, and asks nothing that was asked. False begins anew there;
            answers stay in force, what was asked before moves into `folder/earlier`.

    Raises:
        AasError: a path stands twice, identities or hashes are of another length, the folder was begun with
            something else or has nothing left to ask and `resume` is not given, or the answer log cannot be read.
        Contradiction: the answers in the log contradict each other.
    """

    paths: Sequence[str]
    answer: Any
    folder: Path | str = Path("active")
    hashes: Sequence[str] | None = None
    select: Any = select_aas
    refiner: Any = field(default_factory=PaperRefiner)
    active: ActiveSettings = field(default_factory=ActiveSettings)
    clustering: ClusteringSettings = field(default_factory=ClusteringSettings)
    annotator: str = "anonymous"
    seed: int = 0
    device: str = "cpu"
    progress: Callable[[int, int], None] | None = None
    identities: Sequence[Any] | np.ndarray | None = None
    unknown: Collection[str] = UNKNOWN
    machine: bool = False
    evidence: Any = None
    photos: PhotoList | None = None
    cache: Path | None = None
    tasks: Callable[[str], Callable[[int, int], None]] = lambda task: lambda done, total: None
    resume: bool | None = None
    elsewhere: Mapping[str, str] | None = None
    wait: Callable[[], bool] | None = None
    enough: Callable[[], bool] | None = None

    def __post_init__(self) -> None:
        self.folder = Path(self.folder)
        self.paths = [str(path) for path in self.paths]
        self._index = {path: position for position, path in enumerate(self.paths)}
        if len(self._index) < len(self.paths):
            twice = next(path for position, path in enumerate(self.paths) if self._index[path] != position)
            raise AasError(f"image {twice!r} stands twice in the list of paths; answers are kept by path")
        for name, given in (("identities", self.identities), ("hashes", self.hashes)):
            if given is not None and len(given) != len(self.paths):
                raise AasError(f"there are {len(given)} {name} for {len(self.paths)} images; each image needs one")
        if self.identities is not None:
            nobody = is_unknown(self.identities, self.unknown)
            self.identities = [None if no else name for name, no in zip(self.identities, nobody, strict=True)]
        self.schedule = Schedule(self.active.every, self.active.cycles)
        settings = self.active.model_dump(mode="json", exclude={"constraints"})
        make_folder(self.folder)
        self._images = Images(self.paths, self.hashes, self.elsewhere)
        begun.enter(self.folder, begun.fingerprint(self.paths, settings, self.seed), self.resume, self._images)
        self.log = AnswerLog(self.folder / "answers.jsonl")
        self._knowledge = Knowledge(self.log, self._images)
        self.about_unknown_images = self._knowledge.unknown
        for sentence in sentences(self._knowledge.located(), self.log.path):
            warnings.warn(sentence, stacklevel=3)
        self._trial = None
        if self.evidence is not None:
            scores = partial(pair_scores, self.evidence, self._photos, self.cache, self.tasks)
            self._trial = EvidenceTrial(scores, self._knowledge, self._proposed)
        if self.resume is None and self._nothing_left():
            raise begun.nothing_left(self.folder)

    @property
    def budget(self) -> int:
        """Questions allowed a cycle: see `questions_a_cycle`."""
        return questions_a_cycle(self.active.budget, self.all_pairs)

    @property
    def all_pairs(self) -> int:
        """Number of pairs of images."""
        return len(self.paths) * (len(self.paths) - 1) // 2

    @property
    def constraints(self) -> Constraints:
        """Must-links and cannot-links of the answers that are in force."""
        return self._knowledge.constraints

    def answers(self) -> list[Answer]:
        """The answers that are not revoked, in their order, by the paths of this list; see `Located`."""
        return self._knowledge.answers()

    def known(self, pairs: np.ndarray) -> np.ndarray:
        """Whether each pair, int64 (P, 2), is not to be asked: see `Knowledge.covers`."""
        return self._knowledge.covers(pairs)

    def graph(
        self,
        features: np.ndarray,
        progress: Callable[[int, int], None] | None = None,
        clustering: ClusteringSettings | None = None,
    ) -> JaccardGraph:
        """Distances between images, as far as view A and methods that cluster more loosely need them.

        Args:
            features: float32 (N, D), rows of unit length.
            progress: called with (blocks done, all blocks).
            clustering: neighbours and radius; the learner's own by default.

        Returns:
            Distances up to `EPS_MARGIN` beyond the radius of view A.
        """
        own = clustering or self.clustering
        radius = min(own.eps + EPS_MARGIN, 1.0)
        return jaccard_graph(features, own.k1, own.k2, radius=radius, device=self.device, progress=progress)

    def step(
        self,
        features: np.ndarray,
        labels: np.ndarray,
        *,
        epoch: int,
        graph: Graph | MakeGraph | None = None,
        clustering: ClusteringSettings | None = None,
    ) -> StepResult:
        """Ask, if this epoch begins a cycle, and repair labels so that every answer holds.

        May be called again for the same epoch: what was answered is not asked again.

        Args:
            features: float32 (N, D), rows of unit length; (N, 0) where only a graph is known. Tensors are taken, too,
                as they are on any device, without their gradients.
            labels: int64 (N,), -1 for un-clustered.
            epoch: counted from 0.
            graph: distances between the images, or a function that makes them when they are needed; without, they
                are computed from the features.
            clustering: how the caller clusters in this epoch, for view A; the learner's own by default.

        Returns:
            Labels in which every answer holds, and what was asked.

        Raises:
            AasError: an array does not fit the list of images, or the sampler or whoever answers breaks the rules.
        """
        features = np.asarray(dense(features, "features"), dtype=np.float32)
        labels = np.asarray(dense(labels, "labels"), dtype=np.int64)
        for name, array, shape in (("features", features, "(N, D)"), ("labels", labels, "(N,)")):
            if array.ndim != shape.count(",") + (shape == "(N, D)") or len(array) != len(self.paths):
                raise AasError(
                    f"{name} have the shape {array.shape}; {shape} with N = {len(self.paths)} images is needed"
                )
        own = clustering or self.clustering
        report = None
        self._knowledge.follow()
        if self.schedule.asks(epoch):
            graph = self._made(graph, features, own)
            report = self._ask(epoch, features, labels, graph, own)
        started = time.perf_counter()
        made = partial(self._made, graph, features, own)
        evidence, aside = self._knowledge.weigh(self.refiner, self._for_refiner(made))
        refined = self.refine(labels, made)
        if report is not None:
            report["seconds"]["refine"] = time.perf_counter() - started
            report["set_aside"] = int(aside.sum())
            report["set_aside_answers"] = [evidence.ids[place] for place in np.flatnonzero(aside)]
        if report is not None and report["cycle"] == 1 and not report["pending"]:
            report |= self._judged(labels, made).report()
        return StepResult(refined, report is not None and report["pending"] > 0, report)

    def _judged(self, labels: np.ndarray, graph: MakeGraph) -> Verdict:
        """What the answers so far say of the features; a warning where they say nothing good."""
        told = self._knowledge.evidence()
        similarity = 1 - graph().distance(told.pairs[:, 0], told.pairs[:, 1]).astype(np.float64)
        verdict = gate(similarity, told.same, told.pairs, labels)
        if verdict.grade in ("hopeless", "weak"):
            warnings.warn(verdict.warning, stacklevel=3)
        return verdict

    def _made(self, graph: Graph | MakeGraph | None, features: np.ndarray, clustering: ClusteringSettings) -> Graph:
        if graph is None:
            return self.graph(features, clustering=clustering)
        return graph() if callable(graph) else graph

    def refine(
        self, labels: np.ndarray, graph: Graph | MakeGraph, constraints: Constraints | None = None
    ) -> np.ndarray:
        """Labels in which every answer holds, as the refiner makes them.

        Args:
            labels: int64 (N,), -1 for un-clustered.
            graph: distances between the images, or a function that makes them when they are needed.
            constraints: that have to hold; all answers by default.

        Returns:
            int64 (N,): the labels as they are where the refiner keeps such ones and they break no answer, else 0..K-1
            and -1.
        """
        links = self.constraints if constraints is None else constraints
        evidence = self._knowledge.evidence() if constraints is None else None
        return refined_by(self.refiner, links, labels, self._for_refiner(graph), evidence)

    def judged_by(self, graph: Graph) -> Graph:
        """The distances that the refiner works on: those given, or 1 - P(same) where evidence counts."""
        found = self._for_refiner(graph)
        return found() if callable(found) else found

    def _photos(self) -> PhotoList:
        return bare_photos(self.paths, self.hashes) if self.photos is None else self.photos

    @property
    def _by_likelihood(self) -> bool:
        """Whether the refiner works on 1 - P(same) where evidence counts."""
        return bool(getattr(self.refiner, "by_likelihood", False))

    def _for_refiner(
        self, graph: Graph | MakeGraph, without: frozenset[frozenset[str]] = frozenset()
    ) -> Graph | MakeGraph:
        """The distances that the refiner works on, as of the answers but those about some pairs."""
        trial = self._trial
        if trial is None or not self._by_likelihood:
            return graph

        def made() -> Graph:
            of_features = graph() if callable(graph) else graph
            return trial.scored(of_features, without) or of_features

        return made

    def _ask(
        self, epoch: int, features: np.ndarray, labels: np.ndarray, graph: Graph, clustering: ClusteringSettings
    ) -> dict[str, Any]:
        """Ask the questions of the cycle that begins, and tell of it."""
        cycle = self.schedule.cycle_of(epoch)
        seconds: dict[str, float] = {}
        path = begun.proposal_path(Path(self.folder), cycle)
        proposal = proposals.read_again(path, self._images)
        bare: BareViews | None = None
        pending: list[Question] = []
        unasked = 0
        if proposal is not None:
            self._go_back(proposal, cycle, graph)
        # A refiner that makes labels of its own would make one view of both.
        of_views = self.refiner if keeps_satisfied(self.refiner) else PaperRefiner()
        while True:
            if proposal is not None:
                pending = self._ask_round(rounds.last_round(proposal), cycle, seconds)
                enough = False
                while pending and not enough and self.wait is not None:
                    if not self.wait() and not (enough := self.enough is not None and self.enough()):
                        break
                    self._knowledge.follow()
                    self._go_back(proposal, cycle, graph)
                    pending = self._ask_round(rounds.last_round(proposal), cycle, seconds)
                if enough:
                    unasked, pending = len(pending), []
                    keep_pending(Path(self.folder), pending, self._knowledge)
                    break
                if pending or rounds.is_complete(proposal):
                    break
            started = time.perf_counter()
            bare = bare or self._cluster_twice(features, graph, clustering)
            self._knowledge.weigh(self.refiner, self._for_refiner(graph))
            views = bare.refined(
                lambda view: refined_by(of_views, self.constraints, view, graph),
                None if self._trial is None else self._trial.scored(graph),
                self._by_likelihood,
            )
            seconds["views"] = seconds.get("views", 0.0) + time.perf_counter() - started
            proposal = self._draw(epoch, views, labels, proposal, seconds)
            proposals.keep(path, proposal)
        return {
            "cycle": cycle,
            "epoch": epoch,
            "budget": self.budget,
            "all_pairs": self.all_pairs,
            **count_asked(
                self._proposed(before=cycle), self.answers(), proposal, len(pending), self.all_pairs, unasked
            ),
            "rounds": rounds.drawn_rounds(proposal),
            "must_links": len(self.constraints.must_links),
            "cannot_links": len(self.constraints.cannot_links),
            "cannot_tell": len(self._knowledge.cannot_tell),
            **self._knowledge.located().report,
            **proposals.numbers_of(proposal),
            **({} if self._trial is None else self._trial.report()),
            "seconds": seconds,
        }

    def _go_back(self, proposal: pd.DataFrame, cycle: int, graph: Graph) -> None:
        """Know what was known when the last round was drawn, and the answers to it: see `Knowledge.go_back`."""
        drawn = proposals.questions_of(rounds.last_round(proposal), cycle, self._index)
        of_round = frozenset(frozenset(question.paths) for question in drawn)
        self._knowledge.go_back(drawn, self.refiner, self._for_refiner(graph, of_round))

    def _ask_round(self, proposal: pd.DataFrame, cycle: int, seconds: dict[str, float]) -> list[Question]:
        """Ask the pairs of one round; gives those that are left without an answer."""
        started = time.perf_counter()
        questions = proposals.questions_of(proposal, cycle, self._index)
        told = self.progress
        done = None if told is None else lambda count: told(count, len(questions))
        scribe = Scribe(self.log, self.annotator, self.hashes, getattr(self.answer, "machine", self.machine))
        pending = ask(questions, self._answerer(), self._knowledge, scribe, done)
        keep_pending(Path(self.folder), pending, self._knowledge)
        seconds["answer"] = seconds.get("answer", 0.0) + time.perf_counter() - started
        return pending

    def _cluster_twice(self, features: np.ndarray, graph: Graph, clustering: ClusteringSettings) -> BareViews:
        partition = self.active.finch_partition
        return cluster_twice(features, graph, clustering.eps, clustering.min_samples, partition)

    def _draw(
        self,
        epoch: int,
        views: Views,
        labels: np.ndarray,
        proposal: pd.DataFrame | None,
        seconds: dict[str, float],
    ) -> pd.DataFrame:
        """Choose the pairs of the next round of a cycle; gives its table with them."""
        started = time.perf_counter()
        drawn = rounds.drawn_rounds(proposal)
        of = self.active.rounds + (0 if proposal is None else trial_rounds(proposal))
        allowed = rounds.quota(self.budget, self._answered_of(proposal), drawn, of)
        evidence = self._knowledge.evidence()
        table = None if self._trial is None else self._trial.draw(views.graph, self.budget)
        if table is not None:
            # A round of its own, so that those of the sampler are as many as without.
            allowed, of = self.budget, of + 1
        else:
            table = call_with_needed(
                hook_or_function(self.select, "aas_select_pairs"),
                views=views,
                labels=labels,
                evidence=evidence,
                known=self.known,
                budget=allowed,
                rng=seeded_rng(self.seed, epoch, f"select {drawn}" if drawn else "select"),
                run=None,
            )
            stops = getattr(self.select, "stops", False) and not self._by_likelihood
            table = filled(table, views, allowed, self.known, stops)
        chosen = proposals.checked(table, len(self.paths), allowed, self.known, evidence)
        chosen = proposals.name_images(chosen, self._images)
        seconds["select"] = seconds.get("select", 0.0) + time.perf_counter() - started
        return rounds.with_round(proposal, chosen, of)

    def _answered_of(self, proposal: pd.DataFrame | None) -> int:
        """How many pairs of a proposal have an answer of their own."""
        if proposal is None:
            return 0
        ends = (map(self._index.__getitem__, proposal[name]) for name in proposals.OURS)
        return len({(min(pair), max(pair)) for pair in zip(*ends, strict=True)} & self._knowledge.answered)

    def _proposed(self, before: int | None = None) -> list[pd.DataFrame]:
        """The tables of questions on the disk, of all cycles or of those before one."""
        found = [path for cycle, path in begun.proposals(Path(self.folder)).items() if before is None or cycle < before]
        tables = [proposals.read_again(path, self._images) for path in found]
        return [table for table in tables if table is not None]

    def _answerer(self) -> Answerer:
        hook = getattr(self.answer, "aas_answer", None)
        if hook is None:
            function: Answerer = self.answer
            return function
        known = {"identities": self.identities, "seed": self.seed, "run": None}
        return lambda question: call_with_needed(hook, question=question, **known)

    def _nothing_left(self) -> bool:
        """Whether every cycle asked its questions, some of them, and all are answered."""
        found = begun.proposals(Path(self.folder))
        tables = self._proposed()
        if not found or set(found) < set(range(1, self.active.cycles + 1)) or not all(map(rounds.is_complete, tables)):
            return False
        questions = [one for table in tables for one in proposals.questions_of(table, 0, self._index)]
        return bool(questions) and all(self._knowledge.settles(one) for one in questions)
