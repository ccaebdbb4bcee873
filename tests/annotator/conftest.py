"""The page's server at work on a folder of questions."""

import pytest
from page_server import Page, ask


@pytest.fixture
def page(tmp_path):
    """Makes servers, and ends them."""
    made = []

    def make(pairs=((0, 1), (1, 2), (2, 3)), **options):
        folder, photos = tmp_path / "run", tmp_path / "photos"
        ask(folder, photos, pairs)
        made.append(Page(folder, photos, **options))
        return made[-1]

    yield make
    for one in made:
        one.serving.stop()
