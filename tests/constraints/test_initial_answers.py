"""A new run begins with the answers of an old set: they hold, are not asked again, and come in once."""

import hashlib
import itertools
import json
import shutil
import warnings
from dataclasses import replace

import numpy as np
import pytest
from checkouts import arguments, write_checkout, write_market, write_teacher
from PIL import Image
from suite import TrainSets, broken, make_driver

from aas_plugin.constraints.answers import Answer, AnswerLog
from aas_plugin.constraints.sets import from_log, read_set, set_hash, write_set
from aas_plugin.errors import AasError
from aas_plugin.hookspecs import hookimpl


def draw(folder, individuals, photos):
    rng = np.random.default_rng(len(list(folder.rglob("*.jpg"))))
    for i, j in np.ndindex(individuals, photos):
        path = folder / f"animal {i}" / f"é, {i} {j}.jpg"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 256, (48, 48, 3), dtype=np.uint8)).save(path)


@pytest.fixture
def herd(tmp_path):
    draw(tmp_path / "herd", 8, 5)
    return tmp_path / "herd"


def photos(folder, **more):
    # All are trained on: a split of its own would change as the folder grows.
    active = {"budget": 15, **more}
    return {"dataset": {"name": "folder", "path": str(folder)}, "active": active, "evaluation": {"test_share": 0.001}}


@pytest.fixture
def old(ready, herd, tmp_path):
    """A set of the answers of a run on the herd."""
    ready.engine(photos(herd), {"sampler": "random"}, name="old").execute()
    path = tmp_path / "sets" / "old.csv"
    write_set(path, from_log(tmp_path / "old"))
    return path


def begin(ready, folder, constraints, *layers, **more):
    return ready.engine(photos(folder, constraints=str(constraints)), *layers, **more)


def holds(answers, engine, labels):
    position = {path: index for index, path in enumerate(engine.run.active.paths)}
    for one in answers:
        u, v = position[one.a], position[one.b]
        yield (labels[u] == labels[v] and labels[u] >= 0) == (one.decision == "same")


def test_old_answers_hold_in_a_data_set_that_grew_and_are_not_asked_again(ready, herd, old, tmp_path):
    answers = read_set(old)
    assert {one.decision for one in answers} == {"same", "different"}
    draw(herd, 10, 7)
    engine = begin(ready, herd, old, {"seed": 3, "sampler": "random"}, name="grown")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        engine.execute()
    assert len(engine.run.active.paths) == 70
    trained_on = engine.run.plugins.get_plugin("frozen (adapter)").trained_on
    assert len(trained_on) == 4
    assert all(all(holds(answers, engine, labels)) for labels in trained_on)

    log = AnswerLog(tmp_path / "grown" / "answers.jsonl").answers()
    imported = [one for one in log if one.cycle == 0]
    assert [(one.id, one.annotator, one.time, one.a, one.b) for one in imported] == [
        (one.id, one.annotator, one.time, one.a, one.b) for one in answers
    ]
    pairs = [frozenset((one.a, one.b)) for one in log]
    assert len(set(pairs)) == len(pairs)
    report = json.loads((tmp_path / "grown" / "metrics.json").read_text())
    assert report["imported"] == len(answers)
    assert 0 < report["asked_total"] == len(log) - len(answers) <= 30
    assert report["asked_share"] == report["asked_total"] / report["all_pairs"]
    first = json.loads((tmp_path / "grown" / "cycles" / "01" / "report.json").read_text())
    assert first["asked"] == first["asked_total"] <= 15


def test_it_is_imported_once_also_after_a_kill_and_without_the_file(ready, herd, old, tmp_path):
    class Stops:
        @hookimpl
        def aas_epoch_finished(self, run, report):
            if report["epoch"] == 1:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        begin(ready, herd, old, observers=(Stops(),)).execute()
    digest = set_hash(read_set(old))
    assert json.loads((tmp_path / "run" / "run.json").read_text())["constraints_hash"] == digest
    log = AnswerLog(tmp_path / "run" / "answers.jsonl")
    count = len(log.answers())

    saved = old.read_bytes()
    write_set(old, read_set(old)[1:])
    with pytest.raises(AasError, match=r"old\.csv changed since"):
        begin(ready, herd, old, resume=True)
    old.unlink()
    begin(ready, herd, old, resume=True)
    assert len(log.answers()) == count
    assert json.loads((tmp_path / "run" / "run.json").read_text())["constraints_hash"] == digest

    # Killed after the folder was laid out and before the answers were in.
    (tmp_path / "run" / "answers.jsonl").unlink()
    with pytest.raises(AasError, match="no such file"):
        begin(ready, herd, old, resume=True)
    old.write_bytes(saved)
    engine = begin(ready, herd, old, resume=True)
    assert {one.id for one in engine.run.active.log.answers()} == {one.id for one in read_set(old)}
    with pytest.raises(AasError, match=r"active\.constraints"):
        ready.engine(photos(herd, constraints="another.csv"), resume=True)


def test_images_that_are_gone_are_listed_and_their_answers_kept(ready, herd, old):
    answers = read_set(old)
    gone = answers[0].a
    about = sum(gone in (one.a, one.b) for one in answers)
    (herd / gone).unlink()
    with pytest.warns(UserWarning, match=rf"{about} of {len(answers)} answers .* 1 in all \('{gone}'\)"):
        engine = begin(ready, herd, old)
    assert len(engine.run.active.log.answers()) == len(answers)
    assert engine.run.active.about_unknown_images == about


def test_changed_images_and_images_that_are_not_trained_on_are_told(ready, herd, old):
    answers = read_set(old)
    shutil.copy(herd / "animal 7" / "é, 7 4.jpg", herd / answers[0].a)
    with pytest.warns(UserWarning) as told:
        begin(ready, herd, old, {"evaluation": {"test_share": 0.4}})
    text = " ".join(str(warning.message) for warning in told)
    assert f"1 changed since ('{answers[0].a}')" in text
    assert "not trained on" in text


def test_images_are_found_when_the_data_are_seen_from_another_folder(ready, herd, old, tmp_path):
    rows = "".join(f'"herd/{path.relative_to(herd).as_posix()}",{path.parent.name}\n' for path in herd.rglob("*.jpg"))
    (tmp_path / "list.csv").write_text("path,identity\n" + rows)
    listed = {"dataset": {"name": "csv", "path": str(tmp_path / "list.csv")}}
    engine = begin(ready, herd, old, listed)
    links = engine.run.active.constraints
    assert len(links.must_links) + len(links.cannot_links) == len(read_set(old))
    assert engine.run.active.about_unknown_images == 0


@pytest.mark.parametrize("way", ["hash", "suffix"])
def test_a_cycle_tells_how_images_of_answers_were_found(ready, herd, old, tmp_path, way):
    answers = read_set(old)
    blank = {} if way == "hash" else {"hash_a": "", "hash_b": ""}
    write_set(old, [replace(one, a=f"C:\\Herd\\{one.a}", b=f"C:\\Herd\\{one.b}", **blank) for one in answers])
    with pytest.warns(UserWarning, match=rf"other paths by now .*of {len(answers)} answers"):
        engine = begin(ready, herd, old)
    assert engine.execute() == "finished"
    report = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert report[f"answers_by_{way}"] == len(answers) + (report["asked_total"] if way == "hash" else 0)
    assert report["answers_by_path"] == report["answers_unmatched"] == 0
    assert report["imported"] == len(answers)
    # The set's own words stay in the log.
    assert {one.a for one in engine.run.active.log.answers() if one.cycle == 0} == {one.a for one in read_set(old)}


def test_answers_about_the_test_side_never_fall_on_a_photo_that_is_trained_on(ready, herd, old, tmp_path):
    answers = [replace(one, hash_a="", hash_b="") for one in read_set(old)]
    write_set(old, answers)
    rows = ["path,identity,split"]
    for number, path in enumerate(sorted(herd.rglob("*.jpg"))):
        side = "test" if number < 20 else "train"
        target = tmp_path / "split" / side / f"{number % 20}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
        rows.append(f"{side}/{number % 20}.jpg,{path.parent.name},{side}")
    (tmp_path / "split" / "list.csv").write_text("\n".join(rows))
    write_set(
        old,
        [
            replace(answers[0], a="test/0.jpg", b="test/1.jpg"),
            replace(answers[1], a="job/test/2.jpg", b="a/test/3.jpg"),
        ],
    )
    listed = {"dataset": {"name": "csv", "path": str(tmp_path / "split" / "list.csv")}}
    with pytest.warns(UserWarning, match="2 of 2 answers are about images that are not trained on, 4 in all"):
        engine = begin(ready, herd, old, listed)
    links = engine.run.active.constraints
    assert len(links.must_links) == len(links.cannot_links) == 0


def test_a_set_that_contradicts_itself_is_refused_and_the_name_stays_free(ready, herd, old, tmp_path):
    answers = read_set(old)
    denial = {"same": "different", "different": "same"}[answers[0].decision]
    write_set(old, [*answers, Answer("no", answers[0].a, answers[0].b, "", "", denial, "Bob", "2100-01-01", 1, "over")])
    with pytest.raises(AasError, match=rf"contradicts itself.*Bob.*{answers[0].id}.*--keep"):
        begin(ready, herd, old)
    write_set(old, answers)
    begin(ready, herd, old)
    with pytest.raises(AasError, match="holds a run already"):
        begin(ready, herd, old)


def test_a_log_that_has_answers_is_not_begun_anew(ready, herd, old, tmp_path):
    AnswerLog(tmp_path / "run" / "answers.jsonl").append(read_set(old)[:1])
    with pytest.raises(AasError, match=r"has answers already.*aas constraints import"):
        begin(ready, herd, old)


def test_a_run_that_drives_a_checkout_begins_with_answers_about_the_same_photos(tmp_path, monkeypatch):
    market = write_market(tmp_path / "market")
    checkout = write_checkout("cluster-contrast", tmp_path / "checkout")
    write_teacher("cluster-contrast", market, checkout)
    train = next(market.rglob("bounding_box_train"))
    rng = np.random.default_rng(0)
    files = sorted(train.glob("*.jpg"))
    pairs = [(a, b) for a, b in rng.choice(files, (60, 2)) if a != b]
    pairs += [(a, b) for a, b in itertools.pairwise(files) if a.name[:4] == b.name[:4]][:10]

    def side(path):
        return path.relative_to(market).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()[:16]

    answers = []
    for number, (a, b) in enumerate(pairs):
        (path_a, hash_a), (path_b, hash_b) = side(a), side(b)
        decision = "same" if a.name[:4] == b.name[:4] else "different"
        answers.append(Answer(f"{number}", path_a, path_b, hash_a, hash_b, decision, "Ada", "", 1, "over"))
    write_set(tmp_path / "set.parquet", answers)

    train_sets = TrainSets(monkeypatch)
    begins = {"active": {"constraints": str(tmp_path / "set.parquet"), "budget": 0}}
    flags = arguments("cluster-contrast", market, tmp_path / "logs", 2)
    driver = make_driver("cluster-contrast", checkout, flags, tmp_path / "run", begins)
    assert driver.execute() == "finished"
    assert driver.run.active.about_unknown_images == 0
    assert [broken(rows, answers, 1) for rows in train_sets.found] == [0, 0]
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["asked_total"] == 0
