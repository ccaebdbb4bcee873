"""A document as Markdown: its tables and text; curves and photos are told in words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from aas_plugin.report.document import (
    BELOW,
    Block,
    Bullets,
    Card,
    Cards,
    Cell,
    Code,
    Curves,
    Heading,
    Paragraph,
    Settings,
    Table,
)


def markdown(blocks: Sequence[Block]) -> str:
    """The whole text; every character that means something to Markdown or HTML is escaped."""
    return "\n\n".join(filter(None, map(_block, blocks))) + "\n"


def _block(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {_plain(text)}"
        case Paragraph(text):
            return _plain(text)
        case Bullets(items):
            return "\n".join(f"- {_plain(item)}" for item in items)
        case Table():
            return _table(block)
        case Curves(drawings):
            return "\n".join(f"- {_plain(words)}" for _, words in drawings)
        case Cards(cards):
            return "\n".join(map(_card, cards))
        case Code(text):
            fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
            return f"{fence}sh\n{text}\n{fence}"
        case Settings(pairs):
            return "\n".join(f"- {_plain(key)}: {_plain(value)}" for key, value in pairs)


def _table(table: Table) -> str:
    rules = [":--" if place < table.labels else "--:" for place in range(len(table.columns))]
    lines = [
        [_plain(column) for column in table.columns],
        rules,
        *([_cell(cell) for cell in row] for row in table.rows),
    ]
    caption = f"**{_plain(table.caption)}**\n\n" if table.caption else ""
    return caption + "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(cell: Cell) -> str:
    text = f"**{_plain(cell.text)}**" if cell.best else _plain(cell.text)
    return f"{BELOW if cell.below else ''}{text} {_plain(cell.aside)}".strip()


def _card(card: Card) -> str:
    paths = " and ".join(_plain(path) for _, path in card.photos)
    lines = " ".join(_plain(line) for line in card.lines if line)
    facts = f" ({_plain(card.facts)})" if card.facts else ""
    return f"- {paths}: **{_plain(card.title)}**. {lines}{facts}"


def _plain(text: str) -> str:
    text = re.sub(r"[\r\n]+", " ", text)
    return re.sub(r"([\\`*<>|\[\]#])", r"\\\1", text.replace("&", "&amp;"))
