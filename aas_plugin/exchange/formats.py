"""The formats of an export by name, quick to import."""

from typing import Literal

Format = Literal["csv", "folders", "camtrap-dp", "wildbook", "capture-history"]
