"""Miniature checkouts of training code, a tiny data set for them, and the flags of a small run.

The same data, flags and weights also fit the real checkouts, on the CPU.
"""

import contextlib
import importlib.util
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

TEMPLATES = Path(__file__).parent / "templates"
MARKET = "Market-1501-v15.09.15"
PARTS = ("bounding_box_train", "query", "bounding_box_test")
PRETRAINED = "resnet50-0676ba61.pth"
PRETRAINED_OLD = "resnet50-19c8e357.pth"
TEACHER = "teacher.pth.tar"


@dataclass(frozen=True)
class Shape:
    """What tells one checkout from another."""

    template: str
    package: str
    script: str
    extras: tuple[str, ...]
    flags: tuple[str, ...]


SHAPES = {
    "spcl": Shape(
        "spcl",
        "spcl",
        "examples/spcl_train_usl.py",
        ("old_faiss",),
        ("-d", "market1501", "--eps", "0.5", "--eps-gap", "0.05", "--k2", "3"),
    ),
    "cluster-contrast": Shape(
        "cluster-contrast",
        "clustercontrast",
        "examples/cluster_contrast_train_usl.py",
        ("old_sampler",),
        ("-d", "market1501", "--eps", "0.5", "--k2", "3", "--use-hard", "--no-cam"),
    ),
    "pplr": Shape(
        "pplr",
        "pplr",
        "examples/train_pplr.py",
        ("old_faiss",),
        ("-d", "market1501", "--eps", "0.5", "--part", "3", "--k", "8", "--aals-epoch", "1"),
    ),
    "pplr-cam": Shape(
        "pplr",
        "pplr",
        "examples/train_pplr_cam.py",
        ("old_faiss",),
        ("-d", "market1501", "--eps", "0.5", "--part", "3", "--k", "8", "--aals-epoch", "1"),
    ),
    "ice": Shape(
        "ice",
        "ice",
        "examples/unsupervised_train.py",
        ("old_faiss",),
        ("-dt", "market1501", "--eps", "0.5", "--min-samples", "4"),
    ),
    "rtmem": Shape(
        "rtmem",
        "RTMem",
        "examples/RTMem_train_usl.py",
        ("old_sampler",),
        ("-d", "market1501", "--eps", "0.5", "--k2", "3"),
    ),
    "purification": Shape(
        "purification",
        "Purification",
        "examples/Purification_train_usl.py",
        ("old_sampler",),
        ("-d", "market1501", "--eps", "0.5", "--k2", "3", "--lambda1", "0.15", "--lambda2", "0.2", "--mu", "0.1"),
    ),
}
COMMON_FLAGS = (
    *("-b", "16", "-j", "0", "--height", "64", "--width", "32", "--num-instances", "4", "--k1", "8"),
    *("--iters", "3", "--print-freq", "1", "--eval-step", "2", "--seed", "1", "--lr", "0.00035"),
)


def write_checkout(name: str, folder: Path) -> Path:
    """Write the miniature of this name into the folder, and give the folder."""
    shape = SHAPES[name]
    for part in ("common", *shape.extras):
        shutil.copytree(TEMPLATES / part, folder / shape.package, dirs_exist_ok=True)
    shutil.copytree(TEMPLATES / shape.template, folder, dirs_exist_ok=True)
    for cache in list(folder.rglob("__pycache__")):
        shutil.rmtree(cache)
    return folder


def arguments(name: str, data_dir: Path, logs_dir: Path, epochs: int = 4) -> list[str]:
    """Give the flags of a small run; the teacher, where there is one, lies beside the data."""
    flags = [*SHAPES[name].flags, *COMMON_FLAGS, "--epochs", str(epochs)]
    flags += ["--data-dir", str(data_dir), "--logs-dir", str(logs_dir)]
    if name == "purification":
        flags += ["--teacher-path", str(Path(data_dir) / TEACHER)]
    return flags


def _pattern(source: np.random.Generator) -> np.ndarray:
    """Give 4 x 2 patches of random colour."""
    return source.uniform(20, 235, size=(4, 2, 3))


def _photo(pattern: np.ndarray, tint: np.ndarray, blur: float, source: np.random.Generator) -> Image.Image:
    """Give a 128 x 64 photo of a pattern, mixed with another pattern where it is blurred."""
    mixed = (1 - blur) * (pattern + source.normal(0, 20, size=pattern.shape)) + blur * _pattern(source)
    pixels = np.kron(mixed, np.ones((32, 32, 1))) * source.uniform(0.9, 1.1) + tint
    pixels = pixels + source.normal(0, 8, size=pixels.shape)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def write_market(folder: Path, individuals: int = 8, photos: int = 10, seed: int = 0) -> Path:
    """Write a tiny Market-1501 that every checkout finds with this folder as its data directory.

    Every second individual looks much like the one before, and a fifth of the training photos shows little of its
    own. Half as many others are in query and gallery.
    """
    source = np.random.default_rng(seed)
    base = folder / "market1501" / MARKET
    tints = source.normal(0, 8, size=(3, 3))
    planned = []
    pattern = _pattern(source)
    for number in range(individuals + max(2, individuals // 2)):
        pid, training = 2 + 5 * number, number < individuals
        likeness = 0.5 if number % 2 else 0.0
        pattern = likeness * pattern + (1 - likeness) * _pattern(source)
        for shot in range(photos):
            camera = shot % 3
            blur = 0.8 if training and shot % 5 == 4 else source.uniform(0, 0.4)
            part = PARTS[0] if training else PARTS[1] if shot < 2 else PARTS[2]
            name = f"{pid:04d}_c{camera + 1}s1_{25 * shot + 1:06d}_{shot:02d}.jpg"
            planned.append((base / part / name, _photo(pattern, tints[camera], blur, source)))
    for part in PARTS:
        (base / part).mkdir(parents=True)
    for place in source.permutation(len(planned)):
        path, photo = planned[place]
        photo.save(path, quality=92)
    (folder / MARKET).symlink_to(base.absolute(), target_is_directory=True)
    for part in PARTS:
        (folder / "market1501" / part).symlink_to((base / part).absolute(), target_is_directory=True)
    return folder


def write_pretrained(folder: Path, checkout: Path | None = None) -> Path:
    """Write random weights where torch looks for those of a ResNet-50 with TORCH_HOME set to this folder.

    A real checkout of the purification shape reads them from a folder beside its script instead: name it for that.
    """
    from torchvision.models import resnet50

    weights = folder / "hub" / "checkpoints" / PRETRAINED
    weights.parent.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        torch.save(resnet50(weights=None, zero_init_residual=True).state_dict(), weights)
    if checkout is not None:
        beside = checkout / "examples" / "pretrained"
        beside.mkdir(exist_ok=True)
        shutil.copyfile(weights, beside / PRETRAINED_OLD)
    return folder


def write_teacher(name: str, folder: Path, checkout: Path) -> Path | None:
    """Write the teacher that the purification shape starts from, an untrained network of that checkout."""
    if name != "purification":
        return None
    root = (checkout / SHAPES[name].package / "models").absolute()
    alias = "_models_of_the_teacher"
    spec = importlib.util.spec_from_file_location(alias, root / "__init__.py", submodule_search_locations=[str(root)])
    assert spec is not None and spec.loader is not None
    models = importlib.util.module_from_spec(spec)
    target = folder.absolute() / TEACHER
    sys.modules[alias] = models
    try:
        with contextlib.chdir(checkout / "examples"), torch.random.fork_rng(devices=[]):
            spec.loader.exec_module(models)
            network = models.create("resnet50", pretrained=False, num_features=0, num_classes=0, pooling_type="gem")
    finally:
        for module in [module for module in sys.modules if module == alias or module.startswith(alias + ".")]:
            del sys.modules[module]
    torch.save({"state_dict": network.state_dict()}, target)
    return target
