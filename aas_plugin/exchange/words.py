"""Numbers of things in sentences."""

import pandas as pd


def count(number: int, noun: str) -> str:
    """A number of things, such as "1 photo" or "2 photos"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def names_counted(individuals: pd.Series) -> str:
    """How many photos have a name, and of how many individuals; NA stands for none."""
    named = int(individuals.notna().sum())
    blank = len(individuals) - named
    told = f"{count(named, 'photo')} of {count(int(individuals.nunique()), 'individual')}"
    return told + (f", {blank} without a name" if blank else "")
