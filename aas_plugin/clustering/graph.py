"""What clustering, sampling and NP3 need to know of distances."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array


class Graph(Protocol):
    """Distances between N images, in [0, 1], symmetric and 0 on the diagonal."""

    @property
    def neighbours(self) -> NDArray[np.int64]:
        """The nearest images of each image, itself first: int64 (N, k)."""

    @property
    def distances(self) -> csr_array:
        """Every pair below 1 of at most `radius`, and the diagonal: float32 CSR (N, N), sorted indices."""

    @property
    def radius(self) -> float:
        """Largest distance in `distances`, inclusive, in (0, 1]."""

    def among(self, groups: NDArray[np.int64], radius: float = 1.0) -> csr_array:
        """Distances within groups of images, whatever the radius of the graph.

        Args:
            groups: int64 (N,), 0..G-1, -1 for images that are left out.
            radius: largest distance, inclusive, in (0, 1].

        Returns:
            float32 CSR (N, N), sorted indices: every pair of a group that is closer than 1 and at most `radius`,
            and the diagonal of the groups.
        """

    def distance(self, u: NDArray[np.int64], v: NDArray[np.int64]) -> NDArray[np.float32]:
        """Distance of each `u[i]` to `v[i]`.

        Args:
            u: int64 (P,), image indices.
            v: int64 (P,), image indices.

        Returns:
            float32 (P,), in [0, 1].
        """

    def between(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float32]:
        """Distances of some images to others, as `distance` gives them.

        Args:
            rows: int64 (R,), image indices.
            columns: int64 (C,), image indices, none twice.

        Returns:
            float32 (R, C), in [0, 1].
        """


def check_there(n: int, *images: NDArray[np.int64]) -> None:
    """Refuse images that a graph of n images does not have.

    Raises:
        IndexError: an image below 0, or from n on.
    """
    for ends in images:
        if ends.min(initial=0) < 0 or ends.max(initial=-1) >= n:
            raise IndexError(f"images go from 0 to {n - 1}; {ends.min()} to {ends.max()} were asked for")
