"""Photos in the layout of Market-1501."""

import glob
import os.path as osp
import re

PERSON_AND_CAMERA = re.compile(r"(-?\d+)_c(\d)")


class MarketFolder:
    """Lists of (path, pid, camera) for train, query and gallery."""

    dataset_dir = ""

    def __init__(self, root):
        base = osp.join(root, self.dataset_dir)
        if not osp.isdir(osp.join(base, "bounding_box_train")):
            raise RuntimeError(f"no Market-1501 photos in {base!r}")
        train = self._read(osp.join(base, "bounding_box_train"))
        numbers = {pid: number for number, pid in enumerate({pid for _, pid, _ in train})}
        self.train = [(path, numbers[pid], camera) for path, pid, camera in train]
        self.query = self._read(osp.join(base, "query"))
        self.gallery = self._read(osp.join(base, "bounding_box_test"))
        self.images_dir = None

    @staticmethod
    def _read(folder):
        rows = []
        for path in glob.glob(osp.join(folder, "*.jpg")):
            pid, camera = map(int, PERSON_AND_CAMERA.search(osp.basename(path)).groups())
            if pid >= 0:
                rows.append((path, pid, camera - 1))
        return rows
