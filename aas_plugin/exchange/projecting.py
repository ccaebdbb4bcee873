"""Degrees as metres on a plane, which mark-recapture software counts distances in."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_A, _F = 6378137.0, 1 / 298.257223563
_N = _F / (2 - _F)
_RADIUS = _A / (1 + _N) * (1 + _N**2 / 4 + _N**4 / 64)
_ALPHA = (
    _N / 2 - 2 * _N**2 / 3 + 5 * _N**3 / 16,
    13 * _N**2 / 48 - 3 * _N**3 / 5,
    61 * _N**3 / 240,
)


def utm(
    latitude: npt.NDArray[np.float64], longitude: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], str]:
    """Project WGS 84 into the UTM zone of the mean longitude, by Krüger's series to the third order.

    It errs by less than a centimetre within a zone.

    Args:
        latitude: (n,), degrees.
        longitude: (n,), degrees.

    Returns:
        Easting (n,) and northing (n,) in metres, and the zone, such as "33N"; of the southern hemisphere with its
        false northing, by the mean latitude.
    """
    # The mean on the circle, so that places on both sides of the date line have one zone.
    turned = np.exp(1j * np.radians(longitude)).mean()
    zone = int((np.degrees(np.angle(turned)) + 180) // 6) % 60 + 1
    south = bool(np.mean(latitude) < 0)
    away = np.radians((longitude - (6 * zone - 183) + 180) % 360 - 180)
    sine = np.sin(np.radians(latitude))
    root = 2 * np.sqrt(_N) / (1 + _N)
    t = np.sinh(np.arctanh(sine) - root * np.arctanh(root * sine))
    xi, eta = np.arctan2(t, np.cos(away)), np.arctanh(np.sin(away) / np.sqrt(1 + t**2))
    orders = [(2 * (order + 1), alpha) for order, alpha in enumerate(_ALPHA)]
    east = eta + sum(alpha * np.cos(order * xi) * np.sinh(order * eta) for order, alpha in orders)
    north = xi + sum(alpha * np.sin(order * xi) * np.cosh(order * eta) for order, alpha in orders)
    scale = 0.9996 * _RADIUS
    return 500000 + scale * east, scale * north + (1e7 if south else 0), f"{zone}{'S' if south else 'N'}"
