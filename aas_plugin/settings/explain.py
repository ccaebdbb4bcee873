"""Errors of settings in words: one sentence a wrong key, with its origin, its path and the nearest key there is."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence

from pydantic import BaseModel, ValidationError


def explain(
    error: ValidationError,
    model: type[BaseModel],
    prefix: str = "",
    where: Callable[[Sequence[str], str], str] = lambda path, message: "settings",
) -> str:
    """Say in one sentence a wrong key what is wrong, with its path and the nearest key there is.

    Args:
        error: what pydantic found.
        model: what was validated.
        prefix: dotted path to it.
        where: from the path of a setting and what is wrong with it to who gave it.
    """
    sentences = []
    for item in error.errors():
        parts = [*filter(None, prefix.split(".")), *(str(part) for part in item["loc"])]
        path = ".".join(parts)
        if item["type"] == "extra_forbidden":
            names = _fields(model, [str(part) for part in item["loc"][:-1]])
            text = f"{path}: unknown key; {hint(parts[-1], names, model)}"
        else:
            message = item["msg"].removeprefix("Value error, ")
            got = f" (got {item['input']!r})" if item["type"] != "value_error" else ""
            text = f"{path + ': ' if path else ''}{message}{got}"
        sentences.append(f"{where(parts, text)}: {text}")
    return "\n".join(sentences)


def hint(key: str, names: Sequence[str], model: type[BaseModel]) -> str:
    """What somebody who wrote an unknown key may have meant: a key like it there, or one of its name in a section."""
    if near := difflib.get_close_matches(key, names, n=1):
        return f"did you mean {near[0]!r}?"
    if elsewhere := [f"{section}.{key}" for section in model.model_fields if key in _fields(model, [section])]:
        return f"did you mean {elsewhere[0]!r}?"
    return f"there are: {', '.join(names) or 'none'}"


def _fields(model: type[BaseModel], parts: Sequence[str]) -> list[str]:
    for part in parts:
        inner = model.model_fields[part].annotation if part in model.model_fields else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        model = inner
    return sorted(model.model_fields)
