import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import os, sys
import aas_plugin.clustering.compiled as compiled
@compiled.compiled
def triple(x):
    return 3 * x
print(triple(14), type(triple).__name__)
"""


def test_it_works_where_no_code_can_be_kept(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    nowhere = tmp_path / "a file, not a folder"
    nowhere.write_text("")
    # numba would keep code beside the script, then in the home folder.
    (tmp_path / "__pycache__").write_text("")
    environment = os.environ | {"HOME": str(nowhere), "XDG_CACHE_HOME": str(nowhere), "NUMBA_CACHE_DIR": ""}
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    done = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True)
    assert done.stdout == "42 CPUDispatcher\n", done.stderr
