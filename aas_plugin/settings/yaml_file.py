"""Files of settings: what a YAML file holds, on which lines, and what of it is meant for a run."""

from __future__ import annotations

import codecs
import difflib
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml
from pydantic import BaseModel

from aas_plugin.errors import AasError
from aas_plugin.settings.explain import hint
from aas_plugin.settings.layers import Layer
from aas_plugin.settings.models import CHOICES, DrivenSettings, RunSettings

SECTION = "run"
"""Key of a parameter file that holds the settings of a run, beside those of a pipeline's other stages."""

FIELDS = {**RunSettings.model_fields, **DrivenSettings.model_fields}
WAY_OUT = f"put the settings of aas under `{SECTION}:` in it, or give another file by --params FILE"


def read_mapping(path: Path) -> Layer:
    """Read a YAML file that holds a mapping, or nothing.

    Raises:
        AasError: it cannot be read, or is none; in one sentence with the file and, where there is one, the line.
    """
    text = _text(path)
    lines: dict[tuple[str, ...], int] = {}
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None or node.tag == "tag:yaml.org,2002:null":
            return Layer({}, str(path))
        if not isinstance(node, yaml.MappingNode):
            kind = "list" if isinstance(node, yaml.SequenceNode) else "single value"
            raise AasError(f"{path} must hold settings by name, such as `seed: 1`, but holds a {kind}")
        for keys, line in _keys(path, node):
            lines[keys] = line
        tree = loader.construct_document(node)
    except (yaml.YAMLError, ValueError) as error:
        raise AasError(f"{path}{in_words(error)}") from None
    except RecursionError:
        raise AasError(f"{path} cannot be read as YAML: it is nested too deeply") from None
    return Layer(tree, str(path), lines)


def read_settings(path: Path) -> Layer:
    """The settings of a run in a parameter file: its section `run`, or else all of it.

    Without a section `run`, those of a pipeline's other stages beside our settings are left out, with a warning.

    Raises:
        AasError: the file cannot be read, holds no setting, or holds a key that is none and looks like one.
    """
    found = read_mapping(path)
    if SECTION in found:
        section = {} if found[SECTION] is None else found[SECTION]
        if not isinstance(section, Mapping):
            raise AasError(f"{found.place((SECTION,))}: {SECTION}: must hold settings by name, such as `seed: 1`")
        return Layer(section, str(path), {keys[1:]: line for keys, line in found.lines.items() if keys[0] == SECTION})
    if not found:
        warnings.warn(f"{path} holds no settings; all that no flag sets are the defaults", stacklevel=2)
        return found
    unknown = {str(key): value for key, value in found.items() if key not in FIELDS}
    near = {key: name for key, value in unknown.items() if (name := _meant(key, value)) is not None}
    for key, name in near.items():
        raise AasError(
            f"{found.place((key,))}: {key}: unknown key; did you mean {name!r}? If it is another program's, {WAY_OUT}"
        )
    if len(unknown) == len(found):
        raise AasError(f"{path} holds no settings of aas but {', '.join(map(repr, unknown))}; {WAY_OUT}")
    for key, value in unknown.items():
        if not isinstance(value, Mapping):
            raise AasError(
                f"{found.place((key,))}: {key}: unknown key; {hint(key, sorted(FIELDS), RunSettings)} If it is another "
                f"program's, {WAY_OUT}"
            )
    if unknown:
        names = ", ".join(map(repr, unknown))
        warnings.warn(f"{path}: {names} left out, no sections of a run; {WAY_OUT}, to be sure", stacklevel=2)
    return Layer({key: value for key, value in found.items() if key in FIELDS}, str(path), found.lines)


def in_words(error: Exception) -> str:
    """What is wrong with a text that is no YAML, and on which line, to follow the name of the text."""
    mark = getattr(error, "problem_mark", None)
    place = "" if mark is None else f", line {mark.line + 1}"
    problem = " ".join(str(getattr(error, "problem", None) or error).split())
    if "'\\t'" in problem:
        problem = "a tab where YAML wants spaces"
    return f"{place} cannot be read as YAML: {problem}"


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise AasError(f"{path}: no such file; give --params a YAML file of settings") from None
    except IsADirectoryError:
        raise AasError(f"{path} is a folder; give --params a YAML file of settings") from None
    except OSError as error:
        raise AasError(f"{path} cannot be read: {error.strerror}; give --params another file") from None
    is_wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if is_wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise AasError(
            f"{path}, line {line} cannot be read as YAML: it is not UTF-8 (byte {data[error.start]:#04x}); save the "
            "file as UTF-8"
        ) from None


def _keys(
    path: Path, node: yaml.Node, above: tuple[str, ...] = (), within: tuple[yaml.Node, ...] = ()
) -> Iterator[tuple[tuple[str, ...], int]]:
    """All keys of a node with their lines; refuses one that is there twice, and what contains itself."""
    if any(node is other for other in within):
        raise AasError(f"{path}, line {node.start_mark.line + 1} cannot be read as YAML: it contains itself")
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _keys(path, item, (*above, "-"), (*within, node))
    if not isinstance(node, yaml.MappingNode):
        return
    seen: dict[str, int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
            if key.value in seen:
                name, first = ".".join((*above, key.value)), seen[key.value]
                raise AasError(f"{path}, line {line}: {name} is there already, on line {first}; remove one of them")
            seen[key.value] = line
            yield (*above, key.value), line
            yield from _keys(path, value, (*above, key.value), (*within, node))


def _meant(key: str, value: object) -> str | None:
    """The setting that an unknown key at the top of a file probably means, None for what is somebody else's."""
    names = difflib.get_close_matches(key, [*FIELDS, SECTION], n=1)
    if not isinstance(value, Mapping):
        return names[0] if names else None
    # A section of a name like ours, such as `train`, is another stage's unless it holds what ours does.
    return next((name for name in names if _inside(name) & {str(inner) for inner in value}), None)


def _inside(name: str) -> set[str]:
    if name == SECTION:
        return set(FIELDS)
    if name in CHOICES:
        return {"name", "path"}
    model = FIELDS[name].annotation
    return set(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else set()
