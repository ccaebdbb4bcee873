"""Loaders with the usual augmentations."""

from torch.utils.data import DataLoader

from . import IterLoader
from . import transforms as T
from .preprocessor import Preprocessor

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def plain(height, width):
    """Give the transform of test photos."""
    return T.Compose([T.Resize((height, width), interpolation=3), T.ToTensor(), T.Normalize(mean=MEAN, std=STD)])


def augmented(height, width):
    """Give the transform of training photos."""
    return T.Compose(
        [
            T.Resize((height, width), interpolation=3),
            T.RandomHorizontalFlip(p=0.5),
            T.Pad(2),
            T.RandomCrop((height, width)),
            T.ToTensor(),
            T.Normalize(mean=MEAN, std=STD),
            T.RandomErasing(probability=0.5, mean=MEAN),
        ]
    )


def training_batches(photos, sampler, batch_size, workers, iters):
    """Load for training; without a sampler in random order."""
    loader = DataLoader(
        photos,
        batch_size=batch_size,
        num_workers=workers,
        sampler=sampler,
        shuffle=sampler is None,
        pin_memory=True,
        drop_last=True,
    )
    return IterLoader(loader, length=iters)


def test_batches(rows, root, height, width, batch_size, workers):
    """Load for features, in the order of the rows."""
    photos = Preprocessor(rows, root=root, transform=plain(height, width))
    return DataLoader(photos, batch_size=batch_size, num_workers=workers, shuffle=False, pin_memory=True)
