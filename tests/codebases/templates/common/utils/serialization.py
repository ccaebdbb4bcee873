"""Checkpoints."""

import os
import os.path as osp
import shutil

import torch


def save_checkpoint(state, is_best, fpath="checkpoint.pth.tar"):
    """Save the state, and a copy of it when it is the best so far."""
    os.makedirs(osp.dirname(fpath), exist_ok=True)
    torch.save(state, fpath)
    if is_best:
        shutil.copyfile(fpath, osp.join(osp.dirname(fpath), "model_best.pth.tar"))


def load_checkpoint(fpath):
    """Load a state."""
    if not osp.isfile(fpath):
        raise ValueError(f"no checkpoint at {fpath!r}")
    return torch.load(fpath, map_location=torch.device("cpu"))


def copy_state_dict(state_dict, model, strip=None):
    """Copy the weights whose names and sizes fit."""
    own = model.state_dict()
    for name, value in state_dict.items():
        name = name.removeprefix(strip or "")
        if name in own and own[name].shape == value.shape:
            own[name].copy_(value)
    return model
