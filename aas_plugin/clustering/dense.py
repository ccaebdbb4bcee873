"""Distances that somebody else computed, as a dense matrix, with the interface of a graph."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from aas_plugin.clustering.graph import check_there
from aas_plugin.errors import AasError

_BLOCK = 1 << 22
_ROUNDING = 1e-3


@dataclass(frozen=True, eq=False)
class DenseGraph:
    """The interface of `JaccardGraph` over a dense matrix of distances, such as the official codes compute.

    The distance of two images is the mean of both entries, in single precision, so that it is symmetric where
    the matrix is so up to rounding. That of an image to itself is 0, whatever the diagonal says. The matrix is
    neither copied nor changed, and what is derived from it is computed in blocks when it is first asked for, so
    the matrix must not change before.

    Attributes:
        matrix: real numbers (N, N) in [0, 1]; up to 0.001 above 1 counts as 1.
        radius: largest distance in `distances`, inclusive, in (0, 1].
        k: columns of `neighbours`, at least 1; cut to N.

    Raises:
        AasError: `matrix` is no square matrix of real numbers with at least one row, or holds NaN or a number
            that is out of range.
    """

    matrix: NDArray[np.floating]
    radius: float = 1.0
    k: int = 30

    def __post_init__(self) -> None:
        shape = self.matrix.shape
        if shape != (len(self.matrix),) * 2 or len(self.matrix) == 0:
            raise AasError(f"the distances have the shape {shape}; (N, N) with at least one image is needed")
        if self.matrix.dtype.kind not in "fiu":
            raise AasError(f"the distances are a matrix of {self.matrix.dtype}; real numbers are needed")
        low, high = float(self.matrix.min()), float(self.matrix.max())
        # NaN fails both comparisons.
        if not (low >= 0 and high <= 1 + _ROUNDING):
            raise AasError(
                f"the distances go from {low:.4g} to {high:.4g}; the k-reciprocal Jaccard distance lies in [0, 1]: "
                "look for NaN in the features, or for another distance"
            )

    @cached_property
    def neighbours(self) -> NDArray[np.int64]:
        """The nearest images of each image: int64 (N, k).

        The image itself comes first, then the others by distance, equally near ones by index. Images at
        distance 1 share nothing and are no neighbours. Where fewer than k are left, the image itself fills the row.
        """
        n = len(self.matrix)
        everyone = np.arange(n)
        ranks = np.repeat(everyone[:, None], min(self.k, n), axis=1)
        wanted = ranks.shape[1] - 1
        if wanted == 0:
            return ranks
        for rows in _blocks(everyone, n):
            block = self.between(rows, everyone)
            block[np.arange(len(rows)), rows] = 1
            bound = np.partition(block, wanted - 1, axis=1)[:, wanted - 1]
            for i, near, last in zip(rows, block, bound, strict=True):
                candidates = np.flatnonzero((near <= last) & (near < 1))
                found = candidates[np.argsort(near[candidates], kind="stable")[:wanted]]
                ranks[i, 1 : 1 + len(found)] = found
        return ranks

    @cached_property
    def distances(self) -> csr_array:
        """Every pair of at most `radius` that is closer than 1, and the diagonal: float32 CSR (N, N).

        Symmetric, in [0, 1), sorted indices; zeros are stored.
        """
        return self._within(np.zeros(len(self.matrix), dtype=np.int64), self.radius)

    def among(self, groups: NDArray[np.int64], radius: float = 1.0) -> csr_array:
        """Distances within groups of images, whatever the radius of the graph.

        Args:
            groups: int64 (N,), 0..G-1, -1 for images that are left out.
            radius: largest distance, inclusive, in (0, 1].

        Returns:
            float32 CSR (N, N), symmetric, sorted indices: every pair of a group that is closer than 1 and
            at most `radius`, and the diagonal of the groups.
        """
        return self._within(groups, radius)

    def distance(self, u: NDArray[np.int64], v: NDArray[np.int64]) -> NDArray[np.float32]:
        """Distance of each `u[i]` to `v[i]`, equal to what `distances` holds.

        Args:
            u: int64 (P,), image indices.
            v: int64 (P,), image indices.

        Returns:
            float32 (P,), in [0, 1].

        Raises:
            IndexError: an image that is not there.
            ValueError: `u` and `v` differ in length.
        """
        u, v = np.asarray(u, dtype=np.int64), np.asarray(v, dtype=np.int64)
        if u.shape != v.shape:
            raise ValueError(f"u has the shape {u.shape} and v {v.shape}; each pair needs both")
        check_there(len(self.matrix), u, v)
        found = _mean(self.matrix[u, v], self.matrix[v, u])
        found[u == v] = 0
        return found

    def between(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float32]:
        """Distances of some images to others.

        Args:
            rows: int64 (R,), image indices.
            columns: int64 (C,), image indices.

        Returns:
            float32 (R, C), in [0, 1].

        Raises:
            IndexError: an image that is not there.
        """
        rows, columns = np.asarray(rows, dtype=np.int64), np.asarray(columns, dtype=np.int64)
        check_there(len(self.matrix), rows, columns)
        block = _mean(self.matrix[np.ix_(rows, columns)], self.matrix[np.ix_(columns, rows)].T)
        block[rows[:, None] == columns] = 0
        return block

    def _within(self, groups: NDArray[np.int64], radius: float) -> csr_array:
        """Pairs of a group below 1 and of at most `radius`, with the diagonal of the groups."""
        n = len(self.matrix)
        reach = np.float32(radius)
        us, vs, values = [np.empty(0, np.int32)], [np.empty(0, np.int32)], [np.empty(0, np.float32)]
        for group in np.unique(groups[groups >= 0]):
            own = np.flatnonzero(groups == group)
            for rows in _blocks(own, len(own)):
                block = self.between(rows, own)
                row, column = np.nonzero((block <= reach) & (block < 1))
                us.append(rows[row].astype(np.int32))
                vs.append(own[column].astype(np.int32))
                values.append(block[row, column])
        # Columns ascend in every row already, and the conversion keeps their order.
        matrix = csr_array((np.concatenate(values), (np.concatenate(us), np.concatenate(vs))), shape=(n, n))
        matrix.sort_indices()
        return matrix


def _mean(there: NDArray[np.floating], back: NDArray[np.floating]) -> NDArray[np.float32]:
    """Mean of two arrays in single precision, the same either way round, at most 1."""
    total = there.astype(np.float32) + back.astype(np.float32)
    return np.minimum(total / 2, 1, out=total)


def _blocks(rows: NDArray[np.int64], columns: int) -> list[NDArray[np.int64]]:
    """Rows in portions that are not too many beside `columns` columns."""
    step = max(1, _BLOCK // columns)
    return [rows[start : start + step] for start in range(0, len(rows), step)]
