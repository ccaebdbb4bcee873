"""The driver on miniature checkouts of every shape."""

import pytest
from suite import Suite


class TestMiniatures(Suite):
    @pytest.fixture
    def checkout(self, miniature):
        return miniature
