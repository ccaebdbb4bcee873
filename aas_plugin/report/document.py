"""What a page is made of, before it is HTML or Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

BELOW = "▼"
"""Stands before a number that the untrained model beats."""


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is the page's title."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Paragraph:
    """Plain text; `muted` is for what explains, not tells."""

    text: str
    muted: bool = False


@dataclass(frozen=True)
class Bullets:
    """A list of plain sentences."""

    items: Sequence[str]


@dataclass(frozen=True)
class Cell:
    """A cell.

    Attributes:
        text: what it says.
        aside: what is said behind it in a lighter tone.
        best: whether it is the best of its column.
        below: whether the untrained model is better.
    """

    text: str
    aside: str = ""
    best: bool = False
    below: bool = False


@dataclass(frozen=True)
class Table:
    """A table; the first `labels` columns are words, the others numbers."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    labels: int
    caption: str = ""


@dataclass(frozen=True)
class Curves:
    """Small drawings side by side: SVG and what it shows, in words."""

    drawings: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Card:
    """A pair that was asked.

    Attributes:
        photos: two JPEG files and their paths; a photo that is gone is None.
        tone: the decision, "same", "different" or "cannot_tell".
        title: the answer in words.
        lines: when and why it was asked, and what the answer did.
        facts: numbers, in small print.
        matched: a JPEG of both with the keypoints that match, and that in words; None where none were compared.
    """

    photos: Sequence[tuple[bytes | None, str]]
    tone: str
    title: str
    lines: Sequence[str]
    facts: str
    matched: tuple[bytes, str] | None = None


@dataclass(frozen=True)
class Cards:
    """Pairs side by side."""

    cards: Sequence[Card]


@dataclass(frozen=True)
class Code:
    """Commands, one a line."""

    text: str


@dataclass(frozen=True)
class Settings:
    """Many short `key: value` pairs, set small in columns."""

    pairs: Sequence[tuple[str, str]]


Block = Heading | Paragraph | Bullets | Table | Curves | Cards | Code | Settings
