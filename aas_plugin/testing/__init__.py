"""For the tests of plugins: contracts that every base method, sampler, refiner and oracle passes. Needs pytest."""

import pytest

# This comes before their import, so that a failing assertion says what it compared.
for _contract in ("contract", "sampler_contract", "refiner_contract", "oracle_contract"):
    pytest.register_assert_rewrite(f"aas_plugin.testing.{_contract}")

from aas_plugin.testing.contract import AdapterContract  # noqa: E402
from aas_plugin.testing.oracle_contract import OracleContract  # noqa: E402
from aas_plugin.testing.refiner_contract import RefinerContract  # noqa: E402
from aas_plugin.testing.sampler_contract import SamplerContract  # noqa: E402

__all__ = ["AdapterContract", "OracleContract", "RefinerContract", "SamplerContract"]
