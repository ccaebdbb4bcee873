"""What every oracle does, as tests to inherit."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from aas_plugin import hookspecs
from aas_plugin.active.asking import DECISIONS
from aas_plugin.active.learner import ActiveLearner
from aas_plugin.active.questions import Question, call_with_needed
from aas_plugin.plugins.manager import load_plugins
from aas_plugin.settings.models import ActiveSettings

INDIVIDUALS = np.array([f"individual {n // 4}" for n in range(24)], dtype=object)
PATHS = [f"photos/{n:02d}.jpg" for n in range(24)]


class OracleContract:
    """Inherit this with the name of an oracle, and pytest runs what every oracle has to pass.

    Example:
        >>> class TestMine(OracleContract):
        ...     oracle = "mine"
        ...     modules = ("my_plugin",)

    Attributes:
        oracle: the name it is registered under.
        modules: plugin modules to load, for an oracle that no installed package registers.
        options: options of the oracle.
        is_right: whether each of its decisions is the truth, with these options.
    """

    oracle: ClassVar[str]
    modules: ClassVar[Sequence[str]] = ()
    options: ClassVar[Mapping[str, Any]] = {}
    is_right: ClassVar[bool] = False

    def make(self) -> Any:
        """Make a fresh oracle, as a run makes it."""
        component = load_plugins(self.modules).component("oracle", self.oracle)
        return component.make(self.options)

    def answers(self, questions: Sequence[Question], seed: int = 0) -> dict[tuple[str, str], str | None]:
        """Ask a fresh oracle.

        Args:
            questions: pairs to ask, in this order.
            seed: of the run.

        Returns:
            Its decisions by the paths of both images, None for "not yet".
        """
        hook = self.make().aas_answer
        known = {"identities": INDIVIDUALS, "seed": seed, "run": None}
        return {one.paths: call_with_needed(hook, question=one, **known) for one in questions}

    @staticmethod
    def questions() -> list[Question]:
        """Every pair of the images."""
        pairs = combinations(range(len(PATHS)), 2)
        return [Question(u, v, (PATHS[u], PATHS[v]), "over", 1) for u, v in pairs]

    def test_it_takes_what_the_hook_offers(self) -> None:
        """Its arguments are some of those of `aas_answer`."""
        offered = set(inspect.signature(hookspecs.aas_answer).parameters)
        taken = set(inspect.signature(self.make().aas_answer).parameters)
        assert taken <= offered, f"{self.oracle} takes {sorted(taken - offered)}, which the hook does not give"

    def test_it_says_a_decision_or_not_yet(self) -> None:
        """Anything else would end a run."""
        assert set(self.answers(self.questions()).values()) <= {*DECISIONS, None}

    def test_it_is_right_where_it_says_so(self) -> None:
        """Decisions are the truth, for an oracle that never errs."""
        if not self.is_right:
            pytest.skip(f"{self.oracle} may err")
        for question in self.questions():
            decision = self.answers([question])[question.paths]
            truth = "same" if INDIVIDUALS[question.u] == INDIVIDUALS[question.v] else "different"
            assert decision in (truth, "cannot_tell", None)

    def test_a_machine_answers_alike_whenever_it_is_asked(self) -> None:
        """A batch that a kill took away is asked again: order and history must not matter."""
        if not getattr(self.make(), "machine", False):
            pytest.skip(f"{self.oracle} is no machine")
        questions = self.questions()
        forwards = self.answers(questions)
        assert self.answers(questions[::-1]) == forwards
        assert self.answers(questions[100:130]) == {one.paths: forwards[one.paths] for one in questions[100:130]}
        assert None not in forwards.values(), "a machine answers at once, so that a run never waits for it"

    def test_it_works_in_somebody_elses_loop(self, tmp_path: Path) -> None:
        """The plugin object is handed to `ActiveLearner` as it is, without a run; what it leaves open is pending."""
        learner = ActiveLearner(
            PATHS,
            self.make(),
            tmp_path,
            select=load_plugins().component("sampler", "random").make({}),
            identities=INDIVIDUALS,
            active=ActiveSettings(budget=30, cycles=1, rounds=1),
        )
        result = learner.step(np.eye(len(PATHS), dtype=np.float32), np.zeros(len(PATHS)), epoch=0)
        assert result.report is not None
        left = (tmp_path / "pending.jsonl").read_text().splitlines() if result.waiting else []
        assert result.report["asked"] + result.report["superfluous"] + len(left) == result.report["proposed"] == 30
