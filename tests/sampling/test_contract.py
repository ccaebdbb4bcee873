"""The built-in samplers pass the contract that other people's inherit."""

from typing import ClassVar

from aas_plugin.plugins.manager import load_plugins
from aas_plugin.testing import SamplerContract


class TestAas(SamplerContract):
    sampler = "aas"


class TestRandom(SamplerContract):
    sampler = "random"


class TestNone(SamplerContract):
    sampler = "none"
    asks = False


class TestTopK(SamplerContract):
    sampler = "topk"


class TestMargin(SamplerContract):
    sampler = "margin"


class TestGbas(SamplerContract):
    sampler = "gbas"


class TestLbas(SamplerContract):
    sampler = "lbas"


class TestNis(SamplerContract):
    sampler = "nis"


class TestNisAsReleased(SamplerContract):
    sampler = "nis"
    options: ClassVar = {"vertices": "uniform"}


class TestMass(SamplerContract):
    sampler = "mass"


class TestSpal(SamplerContract):
    sampler = "spal"


class TestFull(SamplerContract):
    sampler = "full"


class TestCal(SamplerContract):
    sampler = "cal"


def test_every_built_in_sampler_passes_it():
    tested = {one.sampler for one in SamplerContract.__subclasses__() if one.__module__ == __name__}
    assert tested == set(load_plugins().registry.names("sampler"))
