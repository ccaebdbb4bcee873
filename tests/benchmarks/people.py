"""People who err, at the page's own HTTP interface, on features that stay as they are.

    OMP_NUM_THREADS=1 python tests/benchmarks/people.py [--features synthetic:2.0] [--refiners np3,cal] [--seeds 1] ...

An `ActiveLearner` leaves its questions open; the page is served on its folder; three people in threads of their own
claim pairs, look for a moment, answer, and err as often as they are told to. Who is shown a contradiction looks at
each of its pairs again, and may err again. Prints a row for each way to err, share of second looks and refiner:
questions and second looks; the ARI at the end and that of a machine that errs as often (`aas simulate`); contradictions
shown, and those after which every pair of them is answered rightly; wrong looks among the decided ones, and wrong
answers that count at the end; and for each person the estimated error rate with its interval beside the true share.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

from PIL import Image

from aas_plugin.active.learner import ActiveLearner
from aas_plugin.annotator.photos import Photos
from aas_plugin.annotator.queue import QuestionQueue
from aas_plugin.annotator.serving import serve
from aas_plugin.clustering.dbscan import dbscan
from aas_plugin.data.catalogue import content_hash
from aas_plugin.plugins.manager import load_plugins
from aas_plugin.settings.models import ActiveSettings, FittingClustering
from aas_plugin.simulation.loop import quality, simulate
from aas_plugin.simulation.reading import read_features
from aas_plugin.simulation.scenes import scene_of
from aas_plugin.simulation.synthetic import synthetic_features

PEOPLE = ("Ada", "Bob", "Eve")
LOOKS_AGAIN = 3
"""Times that a person looks at a contradiction before its last answer is set aside."""
PATIENCE = 300.0


@dataclass
class Person:
    """Somebody at the page.

    Attributes:
        name: as typed there.
        error: probability that a decided look is wrong.
        unsure: probability of "cannot tell".
        seed: of what is drawn.
        think: mean seconds of a look.
        hold: pairs that are claimed at a time, and all answered before the page hears which of them are settled.
        looks: whether each decided look at a question was right.
        shown: contradictions that were shown.
        repaired: those after which each of its pairs that counts is answered rightly.
        aside: those that ended with an answer set aside.
    """

    name: str
    error: float
    unsure: float
    seed: str
    think: float
    hold: int
    looks: list[bool] = field(default_factory=list)
    shown: int = 0
    repaired: int = 0
    aside: int = 0

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.tab = f"{self.random.getrandbits(64):016x}"

    def sit_down(self, url: str, individual: list[str]) -> None:
        """Answer until nothing is left for anybody."""
        self._page = http.client.HTTPConnection(urlsplit(url).netloc)
        self._individual = individual
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            status, found = self._post("claim", held=[], want=self.hold)
            assert status == 200, found
            for pair in found["pairs"]:
                self._answer(pair)
            if found["pairs"]:
                continue
            if found["state"]["left"] == 0:
                if not self._mend_what_is_left():
                    return
            else:
                time.sleep(0.05)
        raise TimeoutError(f"{self.name} still has {found['state']}")

    def _look(self, a: int, b: int, again: bool = False) -> str:
        time.sleep(self.random.expovariate(1 / self.think))
        if self.random.random() < self.unsure:
            return "cannot_tell"
        right = self.random.random() >= self.error
        if not again:
            self.looks.append(right)
        return "same" if (self._individual[a] == self._individual[b]) == right else "different"

    def _answer(self, pair: dict) -> None:
        decision = self._look(pair["a"], pair["b"])
        status, reply = self._post("answers", id=self._id(), pair=pair["pair"], decision=decision)
        if status == 409:  # somebody else's answer made it follow, or answered it
            if decision != "cannot_tell":
                self.looks.pop()
            return
        assert status == 200, reply
        if reply["contradiction"] is not None:
            self._mend(reply["contradiction"])

    def _mend_what_is_left(self) -> bool:
        """Whether a contradiction was left, which is looked at."""
        _, found = self._get("contradictions")
        if found["contradictions"] and self.name == PEOPLE[0]:
            self._mend(found["contradictions"][0])
        return bool(found["contradictions"])

    def _mend(self, found: dict) -> None:
        self.shown += 1
        pairs = {one["pair"] for one in (found["answer"], *found["chain"])}
        for attempt in range(LOOKS_AGAIN + 1):
            every = [found["answer"], *found["chain"]]
            pairs |= {one["pair"] for one in every}
            if attempt < LOOKS_AGAIN:
                changes = [{"answer": one["id"], "decision": self._look(one["a"], one["b"], True)} for one in every]
            else:
                changes = [{"answer": found["answer"]["id"], "decision": None}]
                self.aside += 1
            status, reply = self._post("resolve", id=self._id(), answer=found["answer"]["id"], changes=changes)
            if status == 409:
                return
            assert status == 200, reply
            if reply["contradiction"] is None:
                break
            found = reply["contradiction"]
        self.repaired += self._all_right(pairs)

    def _all_right(self, pairs: set[str]) -> bool:
        """Whether what counts of these pairs is right, by all people's answers."""
        wrong = False
        for name in PEOPLE:
            before = ""
            while True:
                _, found = self._get(f"history?person={name}&limit=200{before}")
                wrong |= any(one["pair"] in pairs and self._is_wrong(one) for one in found["answers"])
                if len(found["answers"]) < 200:
                    break
                before = "&before=" + quote(found["answers"][-1]["id"])
        return not wrong

    def _is_wrong(self, answer: dict) -> bool:
        same = self._individual[answer["a"]] == self._individual[answer["b"]]
        return answer["in_effect"] and answer["decision"] == ("different" if same else "same")

    def _id(self) -> str:
        return f"{self.random.getrandbits(64):016x}"

    def _get(self, path: str) -> tuple[int, dict]:
        return self._request("GET", path, None)

    def _post(self, path: str, **body: object) -> tuple[int, dict]:
        return self._request("POST", path, json.dumps({"person": self.name, "tab": self.tab, **body}))

    def _request(self, method: str, path: str, body: str | None) -> tuple[int, dict]:
        self._page.request(method, f"/api/{path}", body, {"content-type": "application/json"})
        reply = self._page.getresponse()
        return reply.status, json.loads(reply.read())


def run(scene, refiner: str, error: float, unsure: float, audit: float, seed: int, active, given) -> dict:
    """One active learning, its questions answered by people on a page."""
    plugins = load_plugins()
    individual = [str(one) for one in scene.individual]
    labels = dbscan(scene.graph, scene.clustering.eps, scene.clustering.min_samples)
    sampler = "cal" if refiner == "cal" else "aas"
    with tempfile.TemporaryDirectory() as temporary:
        folder, root = Path(temporary) / "run", Path(temporary) / "photos"
        root.mkdir()
        paths = [f"{image:04d}.jpg" for image in range(len(labels))]
        for image, path in enumerate(paths):
            Image.new("RGB", (8, 6), (image % 256, image // 256, 0)).save(root / path)
        learner = ActiveLearner(
            paths,
            lambda question: None,
            folder,
            hashes=[content_hash(root / path) for path in paths],
            select=plugins.component("sampler", sampler).make({}),
            refiner=plugins.component("refiner", refiner).make({}),
            active=active,
            clustering=scene.clustering,
            seed=seed,
        )
        people = [
            Person(name, error, unsure, f"{seed} {name} {error} {unsure}", given.think, given.hold) for name in PEOPLE
        ]
        serving = None
        for epoch in range(active.cycles):
            while (result := learner.step(scene.features, labels, epoch=epoch, graph=scene.graph)).waiting:
                if serving is None:
                    queue = QuestionQueue(folder, root=root, audit=audit, seed=seed)
                    serving = serve(queue, Photos(queue, root), port=0)
                sit_down(people, serving.url, individual)
        assert serving is not None and result.report is not None
        status, told = people[0]._get("people")
        assert status == 200, told
        serving.stop()
        in_force = learner.constraints
        wrong = sum(individual[u] != individual[v] for u, v in in_force.must_links.tolist())
        wrong += sum(individual[u] == individual[v] for u, v in in_force.cannot_links.tolist())
        return {
            "asked": result.report["asked_total"],
            "ARI": quality(result.labels, scene.individual)["ARI"],
            "wrong": wrong,
            "told": told,
            "people": people,
        }


def sit_down(people: list[Person], url: str, individual: list[str]) -> None:
    """All people at once, until the queue is empty."""
    failed: list[BaseException] = []

    def one(person: Person) -> None:
        try:
            person.sit_down(url, individual)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=one, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def by_machine(scene, refiner: str, error: float, unsure: float, seed: int, active) -> float:
    """The ARI at the end where a machine errs as often."""
    plugins = load_plugins()
    oracle = plugins.component("oracle", "labels").make({"error_rate": error, "cannot_tell_rate": unsure})
    sampler = plugins.component("sampler", "cal" if refiner == "cal" else "aas").make({})
    rows = simulate(scene, sampler, plugins.component("refiner", refiner).make({}), oracle, active, seed)
    return rows[-1]["ARI"]


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--features", default="synthetic:2.0")
    parser.add_argument("--refiners", default="np3,cal")
    parser.add_argument("--errors", default="0,0.02,0.05,0.1,0u,0.05u", help="a rate; u adds 10 %% cannot tell")
    parser.add_argument("--audits", default="0,0.1")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--cycles", type=int, default=5)
    parser.add_argument("--budget", type=float, default=100)
    parser.add_argument("--think", type=float, default=0.01, help="mean seconds of a look")
    parser.add_argument("--hold", type=int, default=1, help="pairs answered without news, as by a page off line")
    given = parser.parse_args()
    active = ActiveSettings(every=1, cycles=given.cycles, budget=given.budget)
    clustering = FittingClustering()
    print(
        "refiner  wrong unsure audit seed | asked  looks twice |  ARI  (machine) | shown repaired aside | wrong looks",
        end="",
    )
    print(", that count at the end | agreement kappa | estimated (interval) true, of each person", flush=True)
    for seed in range(given.seeds):
        name, _, noise = given.features.partition(":")
        matrix, individual = synthetic_features(float(noise), seed) if noise else read_features(Path(name))
        assert individual is not None, f"{name} says nothing of individuals"
        scene = scene_of(matrix, individual, clustering, seed)
        for refiner in given.refiners.split(","):
            for rate in given.errors.split(","):
                error, unsure = float(rate.rstrip("u")), 0.1 if rate.endswith("u") else 0.0
                machine = by_machine(scene, refiner, error, unsure, seed, active)
                for audit in map(float, given.audits.split(",")):
                    found = run(scene, refiner, error, unsure, audit, seed, active, given)
                    show(refiner, error, unsure, audit, seed, machine, found)


def show(refiner: str, error: float, unsure: float, audit: float, seed: int, machine: float, found: dict) -> None:
    """Print a row."""
    people, told = found["people"], found["told"]
    decided = [right for person in people for right in person.looks]
    shown, repaired, aside = (sum(getattr(one, key) for one in people) for key in ("shown", "repaired", "aside"))
    rates = []
    for person in people:
        own = next(one for one in told["people"] if one["person"] == person.name)
        true = 1 - sum(person.looks) / len(person.looks)
        if own["error_rate"] is None:
            rates.append(f"- {true:.1%}")
        else:
            low, high = own["interval"]
            miss = "" if low <= true <= high else " MISSED"
            rates.append(f"{own['error_rate']:.1%} ({low:.1%} to {high:.1%}) {true:.1%}{miss}")
    agree, kappa = ("-" if told[key] is None else f"{told[key]:.2f}" for key in ("agreement", "kappa"))
    asked, twice = found["asked"], told["checked_pairs"]
    print(
        f"{refiner:<7} {error:6.0%} {unsure:6.0%} {audit:5.0%} {seed:4} | {asked:5} {twice:12} | {found['ARI']:.3f}"
        f" ({machine:.3f}) | {shown:5} {repaired:8} {aside:5} | {decided.count(False):4} of "
        f"{len(decided)}, {found['wrong']} | {agree} {kappa} | " + "; ".join(rates),
        flush=True,
    )


if __name__ == "__main__":
    main()
