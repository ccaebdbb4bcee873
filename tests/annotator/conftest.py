"""The page's server at work on a folder of questions, and people who have the page open."""

import pytest
from browsing import Visitor, chromium
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


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture
def visit(browser):
    """Opens the page as somebody, and looks afterwards that it was at rest: no errors, no other address."""
    made = []

    def open_page(url, name="Ada", calm=True, **options):
        made.append((Visitor(browser, url, name, **options), calm))
        return made[-1][0]

    yield open_page
    for visitor, calm in made:
        own = visitor.url.split("?")[0]
        assert [address for address in visitor.asked if not address.startswith(own)] == []
        assert not calm or visitor.trouble == []
        visitor.context.close()
