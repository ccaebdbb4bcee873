"""A document as one HTML file: no script, nothing loaded from elsewhere, for a screen, a phone and paper."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from html import escape

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

STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 72rem; background: #fff; color: #1d2329;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.35rem; margin: 2.6rem 0 .6rem; padding-top: .8rem; border-top: 1px solid #d9dee3; }
h3 { font-size: 1.05rem; margin: 1.6rem 0 .4rem; }
h1, h2, h3, p, li, td, th, figcaption { overflow-wrap: anywhere; }
p { margin: .5rem 0; max-width: 48rem; }
ul { margin: .5rem 0; padding-left: 1.3rem; max-width: 48rem; }
.muted { color: #515b66; font-size: .92rem; }
nav { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; margin: 1rem 0; font-size: .95rem; }
a { color: #00558c; }
.scroll { overflow-x: auto; margin: .8rem 0 1.2rem; }
table { border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding-bottom: .4rem; }
th, td { padding: .35rem .7rem; text-align: right; white-space: nowrap; border-bottom: 1px solid #e3e7eb; }
th { border-bottom: 2px solid #8a949e; font-weight: 600; vertical-align: bottom; }
.word { text-align: left; white-space: normal; min-width: 5rem; overflow-wrap: break-word; }
tbody tr:nth-child(even) { background: #f6f8fa; }
.aside { color: #515b66; font-size: .85em; }
.best { font-weight: 700; background: #dcefdc; border-radius: 3px; padding: .05em .3em; }
.below { color: #a33c00; padding-right: .25em; }
.curves { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1rem; }
.curves img { width: 100%; max-width: 36rem; height: auto; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)); gap: 1rem;
  margin: .8rem 0 1.4rem; }
.card { border: 1px solid #d9dee3; border-top: 5px solid #8a949e; border-radius: 6px; padding: .7rem .8rem;
  break-inside: avoid; }
.card h4 { margin: 0 0 .5rem; font-size: 1rem; }
.card p { margin: .35rem 0; font-size: .92rem; }
.same { border-top-color: #009e73; }
.different { border-top-color: #d55e00; }
.photos { display: grid; grid-template-columns: 1fr 1fr; gap: .5rem; }
figure { margin: 0; }
.photos img, .gone { width: 100%; aspect-ratio: 1; object-fit: contain; background: #eef1f4; border-radius: 4px;
  display: block; }
.matched img { width: 100%; border-radius: 4px; margin-top: .5rem; display: block; }
.gone { display: flex; align-items: center; justify-content: center; color: #515b66; font-size: .85rem; }
figcaption { font-size: .75rem; line-height: 1.3; color: #515b66; }
pre { background: #f6f8fa; border: 1px solid #e3e7eb; border-radius: 6px; padding: .7rem .9rem; font-size: .85rem;
  white-space: pre-wrap; overflow-wrap: anywhere; }
.settings { columns: 17rem; column-gap: 2rem; font-size: .82rem; padding: 0; list-style: none; max-width: none; }
.settings li { break-inside: avoid; }
@media print {
  body { font-size: 10pt; max-width: none; padding: 0; }
  nav { display: none; }
  .scroll { overflow: visible; }
  .curves { grid-template-columns: 1fr 1fr; }
  .cards { grid-template-columns: 1fr 1fr 1fr; gap: .6rem; }
  .card p { font-size: 8pt; line-height: 1.35; }
  table { font-size: 7.5pt; }
  th, td { padding: .2rem .35rem; }
  tr, img { break-inside: avoid; }
  h2, h3, .muted:has(+ .cards) { break-after: avoid; }
  .best, .card, tbody tr { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
"""


def html(blocks: Sequence[Block]) -> str:
    """The whole page; every text is escaped."""
    headings = [block for block in blocks if isinstance(block, Heading)]
    name = escape(headings[0].text) if headings else ""
    links = [f'<a href="#{_anchor(heading)}">{escape(heading.text)}</a>' for heading in headings if heading.level == 2]
    body = [_block(block) for block in blocks]
    first = next((place for place, block in enumerate(blocks) if isinstance(block, Heading) and block.level == 2), 0)
    body.insert(first, f"<nav>{''.join(links)}</nav>")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{name}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n" + "\n".join(body) + "\n</body>\n</html>\n"
    )


def _block(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f'<h{level} id="{_anchor(block)}">{escape(text)}</h{level}>'
        case Paragraph(text, muted):
            return f"<p{' class=muted' if muted else ''}>{escape(text)}</p>"
        case Bullets(items):
            return f"<ul>{''.join(f'<li>{escape(item)}</li>' for item in items)}</ul>"
        case Table():
            return _table(block)
        case Curves(drawings):
            return f'<div class="curves">{"".join(_drawing(svg, words) for svg, words in drawings)}</div>'
        case Cards(cards):
            return f'<div class="cards">{"".join(map(_card, cards))}</div>'
        case Code(text):
            return f"<pre><code>{escape(text)}</code></pre>"
        case Settings(pairs):
            return f'<ul class="settings">{"".join(f"<li>{escape(k)}: {escape(v)}</li>" for k, v in pairs)}</ul>'


def _anchor(heading: Heading) -> str:
    return re.sub(r"[^a-z0-9]+", "-", heading.text.lower()).strip("-")


def _table(table: Table) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        kind = ["word" if place < table.labels else "" for place in range(len(cells))]
        inner = (f"<{tag}{' class=word' if k else ''}>{cell}</{tag}>" for cell, k in zip(cells, kind, strict=True))
        return f"<tr>{''.join(inner)}</tr>"

    caption = f"<caption>{escape(table.caption)}</caption>" if table.caption else ""
    head = line([escape(column) for column in table.columns], "th")
    rows = "\n".join(line([_cell(cell) for cell in row], "td") for row in table.rows)
    return f'<div class="scroll"><table>{caption}<thead>{head}</thead><tbody>\n{rows}\n</tbody></table></div>'


def _cell(cell: Cell) -> str:
    text = escape(cell.text)
    text = f'<span class="best">{text}</span>' if cell.best else text
    text = f'<span class="below" title="below the untrained model">{BELOW}</span>{text}' if cell.below else text
    return text + (f' <span class="aside">{escape(cell.aside)}</span>' if cell.aside else "")


def _drawing(svg: str, words: str) -> str:
    return f'<img alt="{escape(words)}" src="{_data("image/svg+xml", svg.encode())}">'


def _card(card: Card) -> str:
    photos = "".join(_photo(photo, path) for photo, path in card.photos)
    lines = "".join(f"<p>{escape(line)}</p>" for line in card.lines if line)
    facts = f'<p class="muted">{escape(card.facts)}</p>' if card.facts else ""
    head = f"<h4>{escape(card.title)}</h4>"
    matched = ""
    if card.matched is not None:
        picture, words = card.matched
        shown = f'<img alt="{escape(words)}" src="{_data("image/jpeg", picture)}">'
        matched = f'<figure class="matched">{shown}<figcaption>{escape(words)}</figcaption></figure>'
    both = f'<div class="photos">{photos}</div>{matched}'
    return f'<div class="card {escape(card.tone)}">{head}{both}{lines}{facts}</div>'


def _photo(photo: bytes | None, path: str) -> str:
    image = f'<img alt="" src="{_data("image/jpeg", photo)}">' if photo else '<div class="gone">photo not found</div>'
    return f"<figure>{image}<figcaption>{escape(path)}</figcaption></figure>"


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
