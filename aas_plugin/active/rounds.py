"""Rounds of a cycle: its budget in parts, each chosen after the answers to those before.

A cycle has one table of questions. Its column `round`, from 0, says in which round a pair was chosen; a table without
it was asked at once.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

COLUMN = "round"
COMPLETE = "aas.complete"
"""Attribute of a table: 1 once no further round will be drawn."""


def quota(budget: int, asked: int, drawn: int, rounds: int) -> int:
    """How many pairs the next round may choose.

    What a round leaves over, since answers followed from others, is shared among those that come.

    Args:
        budget: questions of the cycle.
        asked: of it, those with an answer.
        drawn: rounds so far.
        rounds: all rounds of a cycle, at least 1.

    Returns:
        At least 0; 0 after the last round.
    """
    left = max(0, budget - asked)
    return math.ceil(left / (rounds - drawn)) if drawn < rounds else 0


def drawn_rounds(table: pd.DataFrame | None) -> int:
    """Rounds that a cycle's table holds."""
    if table is None:
        return 0
    if COLUMN not in table:
        return 1
    return int(table[COLUMN].max()) + 1 if len(table) else 1


def is_complete(table: pd.DataFrame) -> bool:
    """Whether no further round of the cycle will be drawn."""
    return COLUMN not in table or bool(table.attrs.get(COMPLETE))


def with_round(table: pd.DataFrame | None, chosen: pd.DataFrame, rounds: int) -> pd.DataFrame:
    """Add what a round chose to a cycle's table.

    A round that chose nothing is the last one, and so is that of the last number.

    Args:
        table: of the cycle so far, None before its first round.
        chosen: what the round chose.
        rounds: all rounds of a cycle.

    Returns:
        A table with the `attrs` of the first round, which are of the state before any answer of the cycle.
    """
    drawn = drawn_rounds(table)
    added = chosen.assign(**{COLUMN: np.full(len(chosen), drawn, dtype=np.int64)})
    whole = added
    if table is not None:
        whole = pd.concat([table, added], ignore_index=True) if len(chosen) else table.copy()
    whole.attrs = dict(chosen.attrs if table is None else table.attrs)
    whole.attrs[COMPLETE] = int(not len(chosen) or drawn + 1 >= rounds)
    return whole


def last_round(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table's last round."""
    return table if COLUMN not in table else table[table[COLUMN] == table[COLUMN].max()]
