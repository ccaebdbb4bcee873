"""For the tests of plugins: a contract that every base method passes. Needs pytest."""

import pytest

# Before it is imported, so that a failing assertion says what it compared.
pytest.register_assert_rewrite("aas_plugin.testing.contract")

from aas_plugin.testing.contract import AdapterContract  # noqa: E402

__all__ = ["AdapterContract"]
