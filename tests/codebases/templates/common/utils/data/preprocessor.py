"""From a row of the data set to a tensor."""

import os.path as osp

from PIL import Image
from torch.utils.data import Dataset


class Preprocessor(Dataset):
    """Gives (image, path, pid, camera, position)."""

    def __init__(self, dataset, root=None, transform=None):
        self.dataset = dataset
        self.root = root
        self.transform = transform

    def __len__(self):
        return len(self.dataset)

    def open(self, position):
        """Give the photo and its row."""
        path, pid, camera = self.dataset[position]
        with Image.open(path if self.root is None else osp.join(self.root, path)) as photo:
            return photo.convert("RGB"), path, pid, camera

    def __getitem__(self, position):
        photo, path, pid, camera = self.open(position)
        return self.transform(photo), path, pid, camera, position
