"""What a page may send, field by field; anything else is refused."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from aas_plugin.annotator.refused import Refused
from aas_plugin.constraints.agreement import MACHINE
from aas_plugin.constraints.answers import SET_ASIDE, Decision

T = TypeVar("T", bound=BaseModel)


def person_name(text: str) -> str:
    """A person's name as it is kept.

    Raises:
        ValueError: it is blank, too long, holds what cannot be printed, or is that of a machine.
    """
    # The same name from two keyboards is one person.
    name = unicodedata.normalize("NFC", text).strip()
    if not 0 < len(name) <= 60 or not name.isprintable():
        raise ValueError("a name has 1 to 60 characters that can be printed")
    if name.startswith(MACHINE):
        raise ValueError(f"names that begin with {MACHINE!r} are those of machines")
    name.encode()  # lone surrogates cannot be written
    return name


def reason_given(text: str) -> str:
    """Why somebody cannot tell, as it is kept.

    Raises:
        ValueError: it holds what cannot be printed, or means something else in the answer log.
    """
    if not text.isprintable():
        raise ValueError("a reason has characters that can be printed")
    if text.strip() == SET_ASIDE:
        raise ValueError(f"{SET_ASIDE!r} is no reason of a person")
    return text.strip()


Person = Annotated[str, Field(max_length=200), AfterValidator(person_name)]
Id = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
AnswerId = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,64}$")]
Pair = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,8})-(0|[1-9][0-9]{0,8})$")]
Image = Annotated[int, Field(ge=0, lt=10**9)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    person: Person
    tab: Id


class Claim(_Body):
    """Pairs to hand out."""

    held: Annotated[list[Pair], Field(max_length=100)] = []
    want: Annotated[int, Field(ge=1, le=30)] = 10
    size: Literal["800", "1600"] = "1600"


class Given(_Body):
    """An answer."""

    id: Id
    pair: Pair
    decision: Decision
    reason: Annotated[str, Field(max_length=100), AfterValidator(reason_given)] = ""
    replaces: AnswerId | None = None
    key: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")] | None = None


class Later(_Body):
    """A pair to put off."""

    pair: Pair


class Finish(_Body):
    """The run is to end."""


class Undo(_Body):
    """An answer to take back."""

    answer: AnswerId | None = None


class Change(BaseModel):
    """An answer that changes; None sets it aside."""

    model_config = ConfigDict(extra="forbid", strict=True)
    answer: AnswerId
    decision: Decision | None


class Resolve(_Body):
    """Answers of a contradiction that change."""

    id: Id
    answer: AnswerId
    changes: Annotated[list[Change], Field(max_length=200)]


class Preview(BaseModel):
    """Images that might be taken out of their group."""

    model_config = ConfigDict(extra="forbid", strict=True)
    photos: Annotated[list[Image], Field(min_length=1, max_length=5000)]


class Unmerge(_Body):
    """Images that are taken out of their group."""

    id: Id
    photos: Annotated[list[Image], Field(min_length=1, max_length=5000)]
    answers: Annotated[list[AnswerId], Field(max_length=5000)]


class Asking(BaseModel):
    """What stands behind the question mark of an address."""

    model_config = ConfigDict(extra="forbid")
    person: Person | None = None
    pair: Pair | None = None
    before: AnswerId | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 20
    v: Annotated[str, Field(max_length=64)] = ""


def checked(kind: type[T], given: Any) -> T:
    """What was sent, where it is as it must be.

    Raises:
        Refused: it is not.
    """
    try:
        return kind.model_validate(given)
    except (ValidationError, UnicodeEncodeError, RecursionError) as error:
        told = "it is not as this server expects"
        if isinstance(error, ValidationError):
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            where = ".".join(map(str, first["loc"]))[:60]
            told = f"{where}: {first['msg'].removeprefix('Value error, ')}" if where else first["msg"]
        raise Refused(f"this cannot be taken ({told}); reload the page", 400) from error
