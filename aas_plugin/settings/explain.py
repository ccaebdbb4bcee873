"""Errors of settings in words: one sentence a wrong key, with its path and the nearest key there is."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from pydantic import BaseModel, ValidationError


def explain(error: ValidationError, model: type[BaseModel], prefix: str = "") -> str:
    """Say in one sentence a wrong key what is wrong, with its path and the nearest key there is."""
    sentences = []
    for item in error.errors():
        parts = [str(part) for part in item["loc"]]
        path = ".".join([prefix, *parts] if prefix else parts)
        if item["type"] == "extra_forbidden":
            names = _fields(model, parts[:-1])
            near = difflib.get_close_matches(parts[-1], names, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names) or 'none'}"
            sentences.append(f"settings: {path}: unknown key; {hint}")
        else:
            message = item["msg"].removeprefix("Value error, ")
            got = f" (got {item['input']!r})" if item["type"] != "value_error" else ""
            sentences.append(f"settings: {path + ': ' if path else ''}{message}{got}")
    return "\n".join(sentences)


def _fields(model: type[BaseModel], parts: Sequence[str]) -> list[str]:
    for part in parts:
        inner = model.model_fields[part].annotation if part in model.model_fields else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        model = inner
    return sorted(model.model_fields)
