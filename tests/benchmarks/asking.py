"""What asking costs beside the one who answers: 13,000 images, 50,000 answers known, 2,000 questions more.

Prints milliseconds a question: looking up whether its answer follows, by all links and by the closure; and a cycle of
questions asked of a machine, written in batches and one by one.

    OMP_NUM_THREADS=1 python tests/benchmarks/asking.py
"""

import tempfile
import time
from pathlib import Path

import numpy as np

from aas_plugin.active.asking import Scribe, ask
from aas_plugin.active.knowledge import Knowledge
from aas_plugin.active.questions import Question
from aas_plugin.constraints.answers import AnswerLog
from aas_plugin.constraints.closure import Constraints
from aas_plugin.constraints.matching_images import Images

IMAGES, KNOWN, QUESTIONS = 13_000, 50_000, 2_000


def main():
    rng = np.random.default_rng(0)
    individual = rng.integers(0, 1500, IMAGES)
    constraints = Constraints(IMAGES)
    for u, v in rng.integers(0, IMAGES, (KNOWN, 2)):
        if u != v:
            constraints.add(u, v, same=bool(individual[u] == individual[v]))
    pairs = np.sort(rng.integers(0, IMAGES, (QUESTIONS, 2)), axis=1)
    pairs = pairs[pairs[:, 0] < pairs[:, 1]]
    started = time.perf_counter()
    for pair in pairs[:100]:
        constraints.entailed_mask(pair[None])
    by_links = (time.perf_counter() - started) / 100
    started = time.perf_counter()
    for u, v in pairs.tolist():
        constraints.entails(u, v)
    by_closure = (time.perf_counter() - started) / len(pairs)
    print(f"known: {by_links * 1e3:.3f} ms by all links, {by_closure * 1e3:.5f} ms by closure")

    questions = [Question(u, v, (f"{u}.jpg", f"{v}.jpg"), "over", 1) for u, v in pairs.tolist()]
    seconds = {}
    for machine in (True, False):
        with tempfile.TemporaryDirectory() as folder:
            log = AnswerLog(Path(folder) / "answers.jsonl")
            started = time.perf_counter()
            ask(
                questions,
                lambda _: "different",
                Knowledge(log, Images([f"{image}.jpg" for image in range(IMAGES)])),
                Scribe(log, "benchmark", None, machine),
            )
            seconds[machine] = (time.perf_counter() - started) / len(questions)
    print(f"answers: {seconds[True] * 1e3:.3f} ms in batches, {seconds[False] * 1e3:.3f} ms one by one")


if __name__ == "__main__":
    main()
