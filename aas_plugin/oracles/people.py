"""The oracle that leaves every question to people, who answer on a page."""

from __future__ import annotations

import unicodedata

from pydantic import BaseModel, ConfigDict, Field, field_validator

from aas_plugin.active.questions import Question
from aas_plugin.hookspecs import hookimpl


class PeopleOptions(BaseModel):
    """Options of the oracle `people`."""

    model_config = ConfigDict(extra="forbid")
    blind: bool = Field(False, description="say nothing of a pair, such as its similarity, before it is answered")
    audit: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of answered pairs looked at twice, blind; 0.05 tells how often people err",
    )
    referee: str | None = Field(
        None, min_length=1, description="who looks at pairs on which two people disagree; without, any third person"
    )

    @field_validator("referee")
    @classmethod
    def _as_on_the_page(cls, name: str | None) -> str | None:
        """The referee's name as the page keeps names."""
        if name is None:
            return None
        kept = unicodedata.normalize("NFC", name).strip()
        if not kept:
            raise ValueError("a referee has a name")
        return kept


class PeopleOracle:
    """Leaves every question open, so that people answer it: see `aas annotate`.

    Args:
        options: of the page.
    """

    def __init__(self, options: PeopleOptions) -> None:
        self.options = options

    @hookimpl
    def aas_answer(self, question: Question) -> None:
        """Answer nothing: not yet."""
