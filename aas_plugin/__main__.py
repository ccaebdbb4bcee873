"""`python -m aas_plugin` is `aas`."""

from aas_plugin.cli import main

main()
