"""Answers by the paths that their images have in a list, and what is to be told of the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from aas_plugin.constraints.answers import Answer
from aas_plugin.constraints.matching_images import Images, Match, Named, Way, match_pairs
from aas_plugin.data.catalogue import some_of

WAYS: tuple[Way, ...] = ("suffix", "path", "hash")
"""From the weakest to the surest."""


@dataclass(frozen=True)
class Located:
    """Answers, located in a list of images.

    Attributes:
        answers: all of them, in their order, an image that is in the list by its path there. The other images have
            no path of the list.
        by: how many answers are about two images of the list, by the weaker of the two ways in which these were found.
        moved: by the same, an image that has another path in the list, as it was named and as it is called there.
        elsewhere: paths of images that are known and are not of the list.
        about_elsewhere: how many answers are about one of them, and about none that is missing.
        missing: paths of images of which nothing is known.
        about_missing: how many answers are about one of them.
        ambiguous: how many of these could be about several images.
        changed: paths of images whose content is another by now.
    """

    answers: list[Answer]
    by: Counter[Way]
    moved: dict[Way, tuple[str, str]]
    elsewhere: list[str]
    about_elsewhere: int
    missing: list[str]
    about_missing: int
    ambiguous: int
    changed: list[str]

    @property
    def report(self) -> dict[str, int]:
        """Numbers for a cycle's report: answers by the way in which their images were found, and those without any."""
        found = {f"answers_by_{way}": self.by[way] for way in reversed(WAYS)}
        return {**found, "answers_unmatched": self.about_missing + self.about_elsewhere}


def located(answers: Iterable[Answer], images: Images) -> Located:
    """Locate answers in a list of images: see `match_pairs`.

    Args:
        answers: in the order they were given.
        images: the list.
    """
    given = list(answers)
    pairs = [((one.a, one.hash_a), (one.b, one.hash_b)) for one in given]
    by: Counter[Way] = Counter()
    moved: dict[Way, tuple[str, str]] = {}
    missing, elsewhere, changed = set(), set(), set()
    about_missing = about_elsewhere = ambiguous = 0
    found = []
    for answer, named, matches in zip(given, pairs, match_pairs(pairs, images), strict=True):
        a, b = (_path(image, match, images) for image, match in zip(named, matches, strict=True))
        found.append(answer if (a, b) == (answer.a, answer.b) else replace(answer, a=a, b=b))
        changed |= {image[0] for image, match in zip(named, matches, strict=True) if match.changed}
        nowhere = [image[0] for image, match in zip(named, matches, strict=True) if match.place < 0]
        outside = [images.paths[match.place] for match in matches if match.place >= len(images)]
        missing.update(nowhere)
        elsewhere.update(outside)
        about_missing += bool(nowhere)
        about_elsewhere += bool(outside and not nowhere)
        ambiguous += any(match.ambiguous for match in matches)
        if not nowhere and not outside:
            way = min((match.way for match in matches), key=WAYS.index)
            by[way] += 1
            other = next(((old[0], new) for old, new in zip(named, (a, b), strict=True) if old[0] != new), None)
            if other is not None:
                moved.setdefault(way, other)
    return Located(
        found, by, moved, sorted(elsewhere), about_elsewhere, sorted(missing), about_missing, ambiguous, sorted(changed)
    )


def _path(named: Named, match: Match, images: Images) -> str:
    """The path of an image in the list; a path that none has where it is not in it."""
    if match.place >= 0:
        return images.paths[match.place]
    path, digest = named
    while path in images.index:
        path = f"{path} [{digest}]"
    return path


def sentences(found: Located, source: Path) -> list[str]:
    """What is to be told of answers, a sentence each; none where all are about images of the list and nothing moved.

    Args:
        found: the answers.
        source: where they lie.
    """
    told, n = moves(found, source), len(found.answers)
    if found.missing:
        could = f", {found.ambiguous} of them about one of several" if found.ambiguous else ""
        told.append(
            f"{source}: {found.about_missing} of {n} answers are about images that are not in this list{could}, "
            f"{len(found.missing)} in all ({some_of(found.missing)}); they are kept and have no effect here: list "
            "these images again, with their content hashes or by paths that end as these do, if they should have one"
        )
    if found.about_elsewhere:
        told.append(
            f"{source}: {found.about_elsewhere} of {n} answers are about images that are not trained on, "
            f"{len(found.elsewhere)} in all ({some_of(found.elsewhere)}); they are kept and have no effect here"
        )
    if found.changed:
        told.append(
            f"{source}: of the images asked about, {len(found.changed)} changed since ({some_of(found.changed)}); the "
            "answers about them are used all the same"
        )
    return told


def moves(found: Located, source: Path) -> list[str]:
    """A sentence about answers whose images have other paths by now; none where there are none."""
    if not found.moved:
        return []
    examples = ", ".join(f"{old!r} is {new!r}" for old, new in found.moved.values())
    return [
        f"{source}: images of answers have other paths by now ({examples}); of {len(found.answers)} answers "
        f"{found.by['hash']} were found by content, {found.by['path']} by path and {found.by['suffix']} by the end "
        "of a path"
    ]


def one_to_one(named: Sequence[Named], images: Images) -> bool:
    """Whether a list of images is this one, each image found and none twice, wherever they lie."""
    if len(named) != len(images):
        return False
    places = {images.find(one).place for one in named}
    return len(places) == len(images) and all(0 <= place < len(images) for place in places)
