"""What a folder asks of people: its pending questions, and those whose answer was taken back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aas_plugin.constraints.answer_state import AnswerState, Place
from aas_plugin.constraints.answers import Answer
from aas_plugin.constraints.listed import listed_images
from aas_plugin.constraints.matching_images import Images
from aas_plugin.constraints.pending import FILE, Pending, read_pending
from aas_plugin.data.catalogue import some_of
from aas_plugin.errors import AasError


def images_of_folder(folder: Path, answers: list[Answer]) -> Images:
    """The list of images that a folder is about; without one, those of its questions and answers.

    Raises:
        AasError: the list or the questions cannot be read.
    """
    listed = listed_images(folder)
    if listed is not None:
        return listed
    pairs = [*((one.a, one.b) for one in read_pending(folder)), *((one.a, one.b) for one in answers)]
    return Images(list(dict.fromkeys(path for pair in pairs for path in pair)))


def pending_of(folder: Path, index: Mapping[str, int]) -> dict[Place, Pending]:
    """The questions of a folder by the positions of their images, in the order in which they are asked.

    Raises:
        AasError: they cannot be read, or are about images that the folder does not know.
    """
    questions = read_pending(folder)
    strange = [path for one in questions for path in (one.a, one.b) if path not in index]
    if strange:
        raise AasError(
            f"{folder / FILE} asks about images that are not in the list of its folder ({some_of(strange)}): it is the "
            "queue of another data set; put back its own, or remove it and go on with the run, which then asks anew"
        )
    found: dict[Place, Pending] = {}
    for one in questions:
        u, v = sorted((index[one.a], index[one.b]))
        if u != v:
            found.setdefault((u, v), one)
    return found


def taken_back(given: list[Answer], state: AnswerState) -> dict[Place, Pending]:
    """Questions of a run of which every answer was taken back, so that they are open again.

    Args:
        given: all answers that ever were, by the paths of the index.
        state: of those in force.
    """
    found: dict[Place, Pending] = {}
    pair_of = {answer.id: {answer.a, answer.b} for answer in given}
    for answer in given:
        if answer.cycle > 0 and state.knows(answer):
            place = state.place(answer)
            if place not in state.looks:
                # A second look at the same photos becomes the first; a question about others stays one asked again.
                second = pair_of.get(answer.repeats) == {answer.a, answer.b}
                again = "" if second else answer.repeats
                found[place] = Pending(
                    answer.a, answer.b, answer.kind, answer.cycle, again, answer.linkage, answer.crossing
                )
    return found


def is_open(question: Pending, place: Place, state: AnswerState) -> bool:
    """Whether a question has no answer, and none that follows from others, or is one that needs its own."""
    if place in state.looks:
        return False
    return bool(question.repeats) or question.doubted or state.constraints.entails(*place) is None
