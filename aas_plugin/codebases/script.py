"""Loading a training script as a module, with the block under `if __name__ == "__main__"` held back."""

from __future__ import annotations

import ast
import os
import sys
import types
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aas_plugin.errors import AasError

MODULE = "aas_driven_script"


class Script:
    """One training script of a checkout. Use `importable` around everything else.

    Attributes:
        checkout: the checkout's folder, absolute.
        path: the script's path, absolute.
        names: the script's globals once it is loaded; what is replaced there, the script uses.

    Raises:
        AasError: the script has no block under `if __name__ == "__main__"` that calls `main()`.
    """

    def __init__(self, checkout: Path, script: str) -> None:
        self.checkout = checkout.resolve()
        self.path = self.checkout / script
        self.names: dict[str, Any] = {}
        tree = ast.parse(self.path.read_text(encoding="utf-8"), filename=str(self.path))
        blocks = [node for node in tree.body if isinstance(node, ast.If) and _asks_for_main(node.test)]
        body = blocks[0].body if blocks else []
        calls = [position for position, node in enumerate(body) if _calls_main(node)]
        if not calls:
            raise AasError(
                f"{self.path} is no training script that can be driven: no block under "
                'if __name__ == "__main__" that calls main() was found'
            )
        self._definitions = [node for node in tree.body if node not in blocks]
        self._before, self._after = body[: calls[0]], body[calls[0] + 1 :]

    @contextmanager
    def importable(self) -> Iterator[None]:
        """Let the checkout's modules be imported inside the block.

        Nothing of them is left afterwards, and no bytecode is written. The import path, arguments, working folder and
        console are then as they were.
        """
        paths, argv, modules, stdout = list(sys.path), list(sys.argv), set(sys.modules), sys.stdout
        # Some scripts change the working folder when they are imported.
        folder = os.getcwd()
        writes_bytecode = sys.dont_write_bytecode
        sys.path[:0] = [str(self.path.parent), str(self.checkout)]
        sys.dont_write_bytecode = True
        if sys.stdout is None or sys.stdout.closed:
            # The script writes to the console without looking whether there is one.
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
        try:
            yield
        finally:
            sys.path[:], sys.argv[:], sys.stdout = paths, argv, stdout
            sys.dont_write_bytecode = writes_bytecode
            os.chdir(folder)
            for name in set(sys.modules) - modules:
                file = getattr(sys.modules[name], "__file__", None)
                if name == MODULE or (file and self.checkout in Path(file).parents):
                    del sys.modules[name]

    def load(self) -> None:
        """Execute all but the block that is held back; what the script's imports raise is raised."""
        module = types.ModuleType(MODULE)
        module.__file__ = str(self.path)
        sys.modules[MODULE] = module
        self.names = vars(module)
        self._execute(self._definitions)

    def parse(self, arguments: Sequence[str]) -> Namespace:
        """Execute the block that is held back up to `main()`, and let the script parse its flags.

        Args:
            arguments: the script's flags and their values, as a shell gives them.

        Returns:
            What the script's parser makes of them.

        Raises:
            AasError: the script makes no parser.
            SystemExit: the script does not take these flags, and has told its usage.
        """
        sys.argv[:] = [str(self.path), *arguments]
        self._execute(self._before)
        parser = self.names.get("parser")
        if not isinstance(parser, ArgumentParser):
            raise AasError(f"{self.path} makes no argparse parser named 'parser' before it calls main()")
        return parser.parse_args()

    def main(self) -> None:
        """Call the script's `main()`, and execute what follows it."""
        self.names["main"]()
        self._execute(self._after)

    def _execute(self, body: list[Any]) -> None:
        code = compile(ast.Module(body=body, type_ignores=[]), str(self.path), "exec")
        exec(code, self.names)


def _asks_for_main(test: ast.expr) -> bool:
    return "__name__" in ast.unparse(test) and "__main__" in ast.unparse(test)


def _calls_main(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "main"
