"""Which code a run was made by."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def code_hash() -> str:
    """Hash of this package's code and that of its adapters: 16 hexadecimal digits."""
    import hashlib

    import aas_adapters

    import aas_plugin

    digest = hashlib.sha256()
    for package in (aas_plugin, aas_adapters):
        root = Path(str(package.__file__)).parent
        for path in sorted(root.rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
