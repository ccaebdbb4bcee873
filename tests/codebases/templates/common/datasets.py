"""The data sets by name."""

from .utils.data.base_dataset import MarketFolder


class Market1501(MarketFolder):
    """Market-1501 in a folder of its own below the root."""

    dataset_dir = "Market-1501-v15.09.15"


KNOWN = {"market1501": Market1501}


def names():
    """Give the names that `create` takes."""
    return sorted(KNOWN)


def create(name, root):
    """Read the data set of this name."""
    return KNOWN[name](root)
