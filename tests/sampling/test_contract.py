"""The built-in samplers pass the contract that other people's inherit."""

from aas_plugin.testing import SamplerContract


class TestAas(SamplerContract):
    sampler = "aas"


class TestRandom(SamplerContract):
    sampler = "random"


class TestNone(SamplerContract):
    sampler = "none"
    asks = False
