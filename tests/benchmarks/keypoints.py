"""How long keypoints and their matching take: `python tests/benchmarks/keypoints.py PHOTOS [COUNT]`.

Photos are those of a CSV file or folder; where more are wanted, the same ones are cut, turned and lit otherwise. Set
OMP_NUM_THREADS for the threads of matching.
"""

import resource
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

from aas_plugin.commands.embed import read_photos
from aas_plugin.data.photo_list import bare_photos
from aas_plugin.local.plugin import LocalEvidence, LocalOptions


def varied(source, seed):
    """Another photo of the same: cut, turned and lit a little otherwise."""
    rng = np.random.default_rng(seed)
    photo = Image.open(source).convert("RGB").rotate(rng.uniform(-8, 8), expand=False)
    width, height = photo.size
    left, top, right, bottom = rng.uniform(0, 0.08, 4)
    photo = photo.crop((int(left * width), int(top * height), int((1 - right) * width), int((1 - bottom) * height)))
    return ImageEnhance.Brightness(photo).enhance(rng.uniform(0.7, 1.3))


def main():
    catalogue = read_photos(Path(sys.argv[1]))
    paths = [catalogue.root / path for path in catalogue.table["path"]]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else len(paths)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(len(paths), count):
            paths.append(Path(folder) / f"{number}.jpg")
            varied(paths[number % len(catalogue)], number).save(paths[number], quality=90)
        photos = bare_photos([str(path) for path in paths[:count]], None)
        started, told = time.perf_counter(), {}

        def progress(task):
            def tell(done, total):
                told[task] = time.perf_counter() - started

            return tell

        warnings.simplefilter("ignore")
        options = LocalOptions(crop=(0.17, 0.17, 0.83, 0.83))
        sources = LocalEvidence(options).aas_pair_scores(photos, Path(folder) / "cache", progress)
        before = 0.0
        for task, seconds in told.items():
            print(f"{task}: {seconds - before:.0f} s")
            before = seconds
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"{count} photos, {sources[0].scores.nnz} scores, {before:.0f} s in all, {memory:.1f} GB at most")


if __name__ == "__main__":
    main()
