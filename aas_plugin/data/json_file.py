"""JSON as tools and people save it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from aas_plugin.errors import AasError


def read_json(path: Path) -> Any:
    """Read a JSON file in UTF-8 or UTF-16, with a byte order mark or without.

    Raises:
        AasError: it cannot be opened, or is no JSON, or ends early.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise AasError(f"{path} cannot be opened ({error.strerror}); give a JSON file that can be") from error
    if not content.strip():
        raise AasError(f"{path} is empty; save the JSON anew")
    try:
        # The marks of UTF-8 and UTF-16 are found out.
        return json.loads(content.decode(json.detect_encoding(content)))
    except UnicodeDecodeError as error:
        raise AasError(f"{path} is no text in UTF-8 ({error}); save the JSON anew") from error
    except json.JSONDecodeError as error:
        ended = not error.doc[error.pos :].strip() or error.msg.startswith("Unterminated")
        why = "it ends too early" if ended else error.msg
        raise AasError(
            f"{path} is no whole JSON ({why}: line {error.lineno}, column {error.colno}); save or copy it anew"
        ) from error
    except RecursionError:
        raise AasError(f"{path} is no JSON of photos (it is nested too deep); give another file") from None


def found_instead(content: object) -> str:
    """What a JSON file holds that is not what was looked for, in a few words."""
    if isinstance(content, dict):
        keys = [repr(str(key)) for key in content]
        more = f" and {len(keys) - 5} more" if len(keys) > 5 else ""
        return f"an object with {', '.join(keys[:5])}{more}" if keys else "an empty object"
    if not isinstance(content, list):
        return f"a single {type(content).__name__}"
    if not content:
        return "an empty list"
    return f"a list whose first entry is {found_instead(content[0])}"
