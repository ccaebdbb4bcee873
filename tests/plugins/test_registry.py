"""Components are found by kind and name, and go with the plugin that registered them."""

import pytest

from aas_plugin.errors import AasError
from aas_plugin.plugins.registry import Registry


def test_what_a_plugin_registered_is_withdrawn_and_nothing_else():
    registry = Registry()
    for plugin, name in (("one", "a"), ("two", "b"), ("one", "c")):
        registry.current_plugin = plugin
        registry.register("sampler", name, None)
    registry.register("oracle", "b", None)
    assert [found.name for found in registry.by_plugin("one")] == ["a", "c", "b"]
    registry.withdraw("one")
    assert registry.by_plugin("one") == []
    assert registry.names("sampler") == ["b"]
    assert registry.names("oracle") == []
    with pytest.raises(AasError, match="unknown sampler 'a'"):
        registry.get("sampler", "a")
    registry.withdraw("nobody")
    registry.register("sampler", "a", None)
    assert registry.names("sampler") == ["a", "b"]
